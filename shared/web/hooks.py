"""/v1/hooks and /v1/subscriptions: webhooks in and out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from shared.app.hooks import delete_hook, put_hook, take_hook
from shared.app.keys import access_of
from shared.app.subscriptions import delete_subscription, put_subscription
from shared.core.access import Grant
from shared.core.days import iso
from shared.core.hooks import HookRow, HookSpec
from shared.core.push import SubscriptionRow
from shared.web.bodies import read
from shared.web.messages import Answer, Call


class HookBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A hook; its name stands in the path."""

    scheme: Literal["standard", "github"]
    secrets: Annotated[tuple[str, ...], Meta(min_length=1, max_length=2)]
    """`whsec_<Base64>`, or GitHub's text; two while one is being replaced."""
    request: dict[str, Any]
    """The mapping: an invoke request in which {"from": "<JMESPath>"} stands for a value of the sender's JSON."""
    when: str = ""
    """A JMESPath that must find something true; empty: always."""
    grant: Grant | None = None


class SenderMessage(msgspec.Struct, frozen=True):
    """Whatever the sender says, as a JSON object."""


class HookView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    name: str
    scheme: str
    secrets: int
    """How many."""
    request: dict[str, Any]
    when: str
    grant: Grant
    created_at: str
    created_by: str


class HookList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    hooks: list[HookView]


class TakenView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    result: Literal["accepted", "repeated", "ignored"]
    run_id: str
    request_id: str


class SubscriptionBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Who wants to be told; its name stands in the path."""

    url: Annotated[str, Meta(min_length=1, max_length=2_048)]
    types: Annotated[tuple[str, ...], Meta(max_length=20)] = ()
    """Such as "run.finished"; empty: all."""


class SubscriptionView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    name: str
    url: str
    types: tuple[str, ...]
    status: str
    """Active, or Gone: the receiver answered 410."""
    created_at: str
    created_by: str


class NewSubscriptionView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    secret: str
    """whsec_…, shown this once: what verifies the pushes."""
    subscription: SubscriptionView


class SubscriptionList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    subscriptions: list[SubscriptionView]


def take(call: Call) -> Answer:
    """202 also for what is ignored or comes again: a sender that gets anything else sends it again."""
    taken = take_hook(
        call.scope.ports,
        call.scope.policy,
        call.names["hookName"],
        headers=call.headers,
        body=call.body,
        address=call.caller.address,
        entry_id=call.call_id,
    )
    view = TakenView(
        result=taken.result,  # type: ignore[arg-type]
        run_id=taken.run_id,
        request_id=taken.request_id,
    )
    return Answer(view, 202, {"Location": f"../runs/{taken.run_id}"} if taken.run_id else {})


def put(call: Call) -> Answer:
    body = read(call.body, HookBody)
    spec = HookSpec(
        name=call.names["hookName"],
        scheme=body.scheme,
        secrets=body.secrets,
        request=body.request,
        when=body.when,
        grant=body.grant,
    )
    return Answer(_hook(put_hook(call.scope.ports, call.caller, spec, entry_id=call.call_id)))


def list_hooks(call: Call) -> Answer:
    return Answer(HookList(hooks=[_hook(row) for row in access_of(call.scope.ports).hooks.hooks()]))


def delete(call: Call) -> Answer:
    delete_hook(call.scope.ports, call.caller, call.names["hookName"], entry_id=call.call_id)
    return Answer(b"", 204)


def put_subscriber(call: Call) -> Answer:
    body = read(call.body, SubscriptionBody)
    made = put_subscription(
        call.scope.ports,
        call.caller,
        name=call.names["subscriptionName"],
        url=body.url,
        types=body.types,
        entry_id=call.call_id,
    )
    return Answer(NewSubscriptionView(secret=made.secret, subscription=_subscription(made.row)), 200)


def list_subscribers(call: Call) -> Answer:
    found = access_of(call.scope.ports).subscriptions.subscriptions()
    return Answer(SubscriptionList(subscriptions=[_subscription(row) for row in found]))


def delete_subscriber(call: Call) -> Answer:
    delete_subscription(call.scope.ports, call.caller, call.names["subscriptionName"], entry_id=call.call_id)
    return Answer(b"", 204)


def _hook(row: HookRow) -> HookView:
    return HookView(
        name=row.name,
        scheme=row.scheme,
        secrets=len(row.sealed_secrets),
        request=row.request,
        when=row.when,
        grant=row.grant,
        created_at=iso(row.created_ms),
        created_by=row.created_by,
    )


def _subscription(row: SubscriptionRow) -> SubscriptionView:
    return SubscriptionView(
        name=row.name,
        url=row.url,
        types=row.types,
        status=row.status,
        created_at=iso(row.created_ms),
        created_by=row.created_by,
    )
