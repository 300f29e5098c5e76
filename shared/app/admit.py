"""admit: who sent a message, and whether they may; every answer goes into the audit trail before anything is done.

    body → its caller (a signature, or nobody's: the grant "queue") → the request → allowed, or Refused: Forbidden

A deployment without access (`ports.access` is None: most tests) lets everything in, unsigned, and keeps no trail.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.access_ports import Access
from shared.core import limits
from shared.core.access import UNBOUND, Allowed, Caller, allowed_of, check_ownership, check_request
from shared.core.audit import entry_of
from shared.core.errors import Refused, Unavailable
from shared.core.keys import is_key_id
from shared.core.messages import Message
from shared.core.model import rejection_id_of, run_id_of
from shared.core.requests import InvokeRequest, Request, ScheduleRequest, StopRequest, hash_of
from shared.core.schedule import schedule_id_of
from shared.core.schedule_update import has_made
from shared.core.secret_parameters import check_secrets
from shared.core.signed import Envelope, check_age, decode_envelope, is_envelope, unauthorized
from shared.ports import Policy, Ports


@dataclass(frozen=True, slots=True)
class Opened:
    """A message's request, still as bytes, and who sent it."""

    body: bytes
    caller: Caller | None
    """None: this deployment knows no callers."""


def open_message(ports: Ports, message: Message) -> Opened:
    """Raises Refused: Unauthorized, Stale or BadRequest."""
    if not is_envelope(message.body):
        return Opened(message.body, None if ports.access is None else _of_queue(ports.access))
    envelope = decode_envelope(message.body)
    if ports.access is None:
        raise unauthorized("keyId", "means nothing here: this deployment has no keys")
    caller = _signer(ports, ports.access, envelope)
    return Opened(envelope.request.encode("utf-8", "surrogatepass"), caller)


def _of_queue(access: Access) -> Caller:
    return Caller("queue", access.queue_grant.role, access.queue_grant, via="queue")


def _signer(ports: Ports, access: Access, envelope: Envelope) -> Caller:
    """A replay is harmless: its request finds the run of the first. So one is good as long as a message may lie."""
    now_ms = ports.clock.now_ms()
    check_age(envelope.timestamp, now_ms=now_ms, age_s_max=limits.MESSAGE_AGE_S_MAX, field="timestamp")
    row = access.keys.read_key(envelope.key_id) if is_key_id(envelope.key_id) else None
    if row is None or not row.public_key:
        raise unauthorized("keyId", f"is {envelope.key_id[:80]!r}, which is no key that signs messages")
    # The time it was signed at would be the signer's word; what counts is whether the key is in force now.
    if why := row.why_not(now_ms=now_ms):
        raise unauthorized("keyId", f"is {row.key_id}, which {why}")
    if not access.signatures.verifies(row.public_key, envelope.raw_signature(), envelope.content()):
        raise unauthorized("signature", f"is not one of {row.key_id} over this message")
    return Caller(row.key_id, row.grant.role, row.grant, via="queue")


def admit(ports: Ports, policy: Policy, caller: Caller | None, request: Request, *, entry_id: str) -> Allowed:
    """What goes with the request from now on. `entry_id`: of the message or call, for the trail.

    Raises Refused (Forbidden, SecretInClear), after having entered it; Unavailable and UnknownOutcome when that could
    not be done: nothing happens that is not in the trail.
    """
    if caller is None or ports.access is None:
        check_secrets(request)
        return UNBOUND
    refusal = _refusal(ports, policy, caller, request)
    if refusal is not None and _has_begun(ports, caller, request):
        # Let in before, and the message came again: what was allowed then goes on, whatever the grant says now.
        refusal = None
    entry = entry_of(caller, request, at_ms=ports.clock.now_ms(), entry_id=entry_id, refusal=refusal)
    ports.access.audit.append(entry)
    if refusal is not None:
        ports.log("request.refused", caller=caller.name, via=caller.via, code=refusal.code, field=refusal.field)
        raise refusal
    return allowed_of(caller)


def audit_refusal(ports: Ports, caller: Caller | None, refusal: Refused, *, entry_id: str) -> None:
    """Enters a message that could not be read, or whose sender is not who it says."""
    if ports.access is None:
        return
    who = caller or Caller("unknown", "viewer", ports.access.queue_grant, via="queue")
    entry = entry_of(who, None, at_ms=ports.clock.now_ms(), entry_id=entry_id, refusal=refusal)
    ports.access.audit.append(entry)


def check_again(ports: Ports, caller: Caller | None, message: Message) -> None:
    """Raises the Refused of an earlier delivery, which a grant that was widened since would decide otherwise."""
    if caller is None or not caller.grant.is_bounded:
        return
    rejected = ports.runs.read_run(rejection_id_of(message.message_id))
    if rejected is not None:
        raise Refused(**rejected.refusal)


def _refusal(ports: Ports, policy: Policy, caller: Caller, request: Request) -> Refused | None:
    try:
        check_secrets(request)
    except Refused as refusal:
        return refusal
    names = _command_names(ports, policy, caller, request)
    return check_request(caller, request, region=policy.region, command_names=names) or _of_owner(
        ports, caller, request
    )


def _command_names(ports: Ports, policy: Policy, caller: Caller, request: Request) -> dict[str, str]:
    """Names of the request's command, if the grant may know it by name only."""
    if isinstance(request, ScheduleRequest) and request.request is not None:
        return _command_names(ports, policy, caller, request.request)
    if not isinstance(request, InvokeRequest):
        return {}
    command_id, allowed = request.command.command_id, caller.grant.commands
    if command_id is None or allowed is None or command_id in allowed:
        return {}
    region = request.region or policy.region
    try:
        for name in allowed:
            if not name.startswith("c-") and ports.runner.find_command(region, name=name) == command_id:
                return {command_id: name}
    except Refused as refusal:
        # ECS refuses us, not the caller: nothing has been decided.
        raise Unavailable(f"commands cannot be looked up: {refusal.message}", code=refusal.code) from None
    return {}


def _of_owner(ports: Ports, caller: Caller, request: Request) -> Refused | None:
    if not caller.grant.is_bounded:
        return None
    if isinstance(request, StopRequest):
        run = ports.runs.read_run(request.run_id)
        return check_ownership(caller, "" if run is None else run.allowed.caller, field="runId")
    if isinstance(request, ScheduleRequest):
        return check_ownership(caller, _owner_of_schedule(ports, request.schedule), field="schedule")
    return None


def _owner_of_schedule(ports: Ports, name: str) -> str:
    """By the schedule's name or id; a cloud schedule is a run."""
    for schedule_id in (schedule_id_of(name), name):
        schedule = ports.schedules.read_schedule(schedule_id)
        if schedule is not None:
            return schedule.allowed.caller
    for run_id in (run_id_of(name), name):
        run = ports.runs.read_run(run_id)
        if run is not None:
            return run.allowed.caller
    return ""


def _has_begun(ports: Ports, caller: Caller, request: Request) -> bool:
    """Whether this very request of this caller has its run or schedule already, or updated it."""
    if isinstance(request, ScheduleRequest) and request.request is not None:
        return _has_updated(ports, caller, request)
    if not isinstance(request, InvokeRequest):
        return False
    found = ports.runs.read_run(run_id_of(request.request_id))
    if found is not None:
        return found.body_hash == hash_of(request) and found.allowed.caller == caller.name
    schedule = ports.schedules.read_schedule(schedule_id_of(request.request_id))
    if schedule is None or schedule.status == "Removed" or schedule.allowed.caller != caller.name:
        return False
    return hash_of(request) in (*schedule.made_by, schedule.body_hash)


def _has_updated(ports: Ports, caller: Caller, request: ScheduleRequest) -> bool:
    for schedule_id in (schedule_id_of(request.schedule), request.schedule):
        schedule = ports.schedules.read_schedule(schedule_id)
        if schedule is not None:
            return schedule.allowed.caller == caller.name and has_made(schedule, request)
    return False
