"""subscriptions: who is told of events by webhook. Its secret is made here and shown once; it signs what is sent."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from shared.app.keys import access_of
from shared.app.trail import enter
from shared.core import limits
from shared.core.access import Caller
from shared.core.errors import Fenced, Refused
from shared.core.push import SubscriptionRow, check_subscription
from shared.ports import Ports


@dataclass(frozen=True, slots=True)
class NewSubscription:
    row: SubscriptionRow
    secret: str
    """`whsec_…`, shown this once."""


def put_subscription(
    ports: Ports, caller: Caller, *, name: str, url: str, types: tuple[str, ...], entry_id: str
) -> NewSubscription:
    """Makes it, or replaces it with a new secret. Raises Refused that names the field, Fenced when two do it at once.

    Whether its address may be pushed to is decided at each push, on the address that the name has then.
    """
    check_subscription(name, url, types)
    access = access_of(ports)
    secret = bytes.fromhex("".join(ports.ids.new_id() for _ in range(4)))
    sealed = access.sealer.seal(secret, purpose=f"subscription:{name}")
    enter(ports, caller, "subscriptions.write", entry_id=entry_id, subject=name)
    stored = access.subscriptions.read_subscription(name)
    if stored is None and len(access.subscriptions.subscriptions()) >= limits.HOOKS_MAX:
        raise Refused(
            f"there are {limits.HOOKS_MAX} subscriptions, and there can be no more",
            code="TooManySubscriptions",
            field="name",
        )
    row = SubscriptionRow(
        name=name,
        url=url,
        types=types,
        sealed_secret=sealed,
        created_ms=ports.clock.now_ms(),
        created_by=caller.name,
        version=1 if stored is None else stored.version + 1,
    )
    if not access.subscriptions.put_subscription(row):
        raise Fenced(f"the subscription {name} was changed by somebody else at the same moment; look, and try again")
    ports.log("subscription.put", name=name, types=list(types), by=caller.name)
    return NewSubscription(row, "whsec_" + base64.b64encode(secret).decode())


def delete_subscription(ports: Ports, caller: Caller, name: str, *, entry_id: str) -> None:
    """One that is not there is fine."""
    enter(ports, caller, "subscriptions.write", entry_id=entry_id, subject=name)
    access_of(ports).subscriptions.delete_subscription(name)
    ports.log("subscription.deleted", name=name, by=caller.name)
