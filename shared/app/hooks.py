"""hooks: a webhook that is signed as it should be becomes a run; and the configuration of hooks, with sealed secrets.

    name → secrets → signature over the raw bytes → age → `when` → mapping → request → admitted → run

A message that comes again finds the run of the first, by what its sender signed: the webhook-id, or, from GitHub, the
body itself (its delivery id is not signed, so a thief could write another).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.app.accept import start_run
from shared.app.admit import admit
from shared.app.keys import access_of
from shared.app.trail import enter
from shared.core import limits
from shared.core.access import Caller, Grant
from shared.core.errors import Fenced, Refused, Unavailable
from shared.core.hooks import (
    HookRow,
    HookSpec,
    check_hook,
    decode_body,
    grant_of,
    is_wanted,
    map_request,
    request_id_of,
)
from shared.core.model import run_id_of
from shared.core.requests import InvokeRequest, decode_request
from shared.core.signed import check_age, github_delivery, secret_bytes, stamp_of, unauthorized, verify, verify_github
from shared.ports import Policy, Ports

_STRANGER = Grant(name="stranger", role="viewer")


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a webhook."""

    result: str
    """"accepted", "repeated" or "ignored"."""
    request_id: str = ""
    run_id: str = ""


def take_hook(
    ports: Ports, policy: Policy, name: str, *, headers: Mapping[str, str], body: bytes, address: str, entry_id: str
) -> Taken:
    """`headers`: names in lower case; `body`: the bytes as they came. What is refused is in the trail.

    Raises Refused: Unauthorized, Stale, BadRequest, Forbidden; Unavailable and UnknownOutcome: the sender tries again.
    """
    try:
        row, signed_name = _verified(ports, name, headers, body)
    except Refused as refusal:
        stranger = Caller(f"hook:{name[:64]}", "viewer", _STRANGER, via=f"hook:{name[:64]}", address=address)
        enter(ports, stranger, "hooks.call", entry_id=entry_id, subject=name[:64], refusal=refusal)
        raise
    caller = Caller(f"hook:{name}", row.grant.role, row.grant, via=f"hook:{name}", address=address)
    facts = {"event": headers.get("x-github-event", ""), "body": decode_body(body)}
    if not is_wanted(row, facts):
        return Taken("ignored")
    request = _request_of(ports, caller, row, facts, signed_name=signed_name, entry_id=entry_id)
    allowed = admit(ports, policy, caller, request, entry_id=entry_id)
    return Taken(start_run(ports, policy, request, allowed=allowed), request.request_id, run_id_of(request.request_id))


def _verified(ports: Ports, name: str, headers: Mapping[str, str], body: bytes) -> tuple[HookRow, str]:
    """The hook, and what its sender's signature covers and names the message."""
    access = access_of(ports)
    row = access.hooks.read_hook(name)
    if row is None:
        # The words of a wrong signature: which hooks there are is nobody's business.
        raise unauthorized("signature", "is not one of this hook's")
    try:
        secrets = [access.sealer.open(sealed, purpose=row.purpose) for sealed in row.sealed_secrets]
    except Refused as refusal:
        # Our own trouble, which an admin can mend: the sender tries again.
        raise Unavailable(refusal.message, code=refusal.code) from None
    if row.scheme == "github":
        github_delivery(headers)
        if not verify_github(secrets, headers.get("x-hub-signature-256", ""), body):
            raise unauthorized("signature", "is not one of this hook's")
        return row, hashlib.sha256(body).hexdigest()
    stamp = stamp_of(headers)
    if not verify(secrets, stamp, body):
        raise unauthorized("signature", "is not one of this hook's")
    check_age(stamp.timestamp_s, now_ms=ports.clock.now_ms(), age_s_max=limits.SIGNATURE_AGE_S_MAX)
    return row, stamp.message_id


def _request_of(
    ports: Ports, caller: Caller, row: HookRow, facts: dict[str, Any], *, signed_name: str, entry_id: str
) -> InvokeRequest:
    try:
        mapped = map_request(row, facts, request_id=request_id_of(row.name, signed_name))
        request = decode_request(mapped)
    except Refused as refusal:
        enter(ports, caller, "runs.start", entry_id=entry_id, subject=row.name, refusal=refusal)
        raise
    assert isinstance(request, InvokeRequest), "a mapping makes invoke requests"
    return request


# -- configuration ----------------------------------------------------------------------------------------------------
def put_hook(ports: Ports, caller: Caller, spec: HookSpec, *, entry_id: str) -> HookRow:
    """Makes the hook, or replaces it whole. Raises Refused that names the field, Fenced when two do it at once."""
    check_hook(spec)
    access = access_of(ports)
    sealed = tuple(access.sealer.seal(secret_bytes(secret), purpose=f"hook:{spec.name}") for secret in spec.secrets)
    enter(ports, caller, "hooks.write", entry_id=entry_id, subject=spec.name)
    stored = access.hooks.read_hook(spec.name)
    if stored is None and len(access.hooks.hooks()) >= limits.HOOKS_MAX:
        raise Refused(
            f"there are {limits.HOOKS_MAX} hooks, and there can be no more", code="TooManyHooks", field="name"
        )
    row = HookRow(
        name=spec.name,
        scheme=spec.scheme,
        sealed_secrets=sealed,
        request=spec.request,
        when=spec.when,
        grant=grant_of(spec),
        created_ms=ports.clock.now_ms(),
        created_by=caller.name,
        version=1 if stored is None else stored.version + 1,
    )
    if not access.hooks.put_hook(row):
        raise Fenced(f"the hook {spec.name} was changed by somebody else at the same moment; look, and try again")
    ports.log("hook.put", name=spec.name, scheme=spec.scheme, by=caller.name)
    return row


def delete_hook(ports: Ports, caller: Caller, name: str, *, entry_id: str) -> None:
    """One that is not there is fine."""
    enter(ports, caller, "hooks.write", entry_id=entry_id, subject=name)
    access_of(ports).hooks.delete_hook(name)
    ports.log("hook.deleted", name=name, by=caller.name)
