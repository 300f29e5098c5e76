"""What the audit trail keeps of one deed: who, what, when, from where, and how it ended. Scripts as their hash."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from shared.core.access import Caller
from shared.core.errors import Refused
from shared.core.model import run_id_of
from shared.core.requests import InvokeRequest, Request, ScheduleRequest, StopRequest
from shared.core.schedule import schedule_id_of

_TEXT_CHARS_MAX = 500


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One line of the trail. Written before the deed: what it tells of was allowed then, and begun."""

    at_ms: int
    entry_id: str
    """Of the request: a message that is delivered twice is entered twice, under one id."""
    caller: str
    via: str
    action: str
    """The word of core.access.ACTIONS, or the route's."""
    result: Literal["allowed", "refused"]
    address: str = ""
    code: str = ""
    """Why it was refused; `field` and `reason` go with it."""
    field: str = ""
    reason: str = ""
    request_id: str = ""
    subject: str = ""
    """The run, schedule, key, hook or subscription that it is about."""
    region: str = ""
    script_sha256: str = ""
    command_id: str = ""
    targets: str = ""
    """How they were named: "3 ids", "tags env=prod"."""


def entry_of(
    caller: Caller, request: Request | None, *, at_ms: int, entry_id: str, refusal: Refused | None = None
) -> AuditEntry:
    """`request` is None when it could not be read."""
    entry = AuditEntry(
        at_ms=at_ms,
        entry_id=entry_id,
        caller=caller.name,
        via=caller.via,
        address=caller.address,
        action=action_of(request),
        result="allowed" if refusal is None else "refused",
        **_told(refusal),
    )
    if request is None:
        return entry
    about: dict[str, str] = {"request_id": request.request_id}
    if isinstance(request, StopRequest):
        about["subject"] = request.run_id
        about["targets"] = "" if request.instance_ids is None else f"{len(request.instance_ids)} ids"
    elif isinstance(request, ScheduleRequest):
        about |= {} if request.request is None else _of_invoke(request.request)
        about["subject"] = request.schedule
    else:
        about |= _of_invoke(request)
    return msgspec.structs.replace(entry, **about)


def deed(
    caller: Caller,
    action: str,
    *,
    at_ms: int,
    entry_id: str,
    subject: str = "",
    refusal: Refused | None = None,
) -> AuditEntry:
    """What is done to a key, a hook, a subscription, or refused before there is a request."""
    return AuditEntry(
        at_ms=at_ms,
        entry_id=entry_id,
        caller=caller.name,
        via=caller.via,
        address=caller.address,
        action=action,
        result="allowed" if refusal is None else "refused",
        subject=subject[:_TEXT_CHARS_MAX],
        **_told(refusal),
    )


def action_of(request: Request | None) -> str:
    if request is None:
        return "message.read"
    if isinstance(request, StopRequest):
        return "runs.stop"
    if isinstance(request, ScheduleRequest):
        return "schedules.write"
    return "runs.start" if request.schedule is None else "schedules.write"


def _told(refusal: Refused | None) -> dict[str, str]:
    if refusal is None:
        return {}
    return {"code": refusal.code, "field": refusal.field, "reason": refusal.message[:_TEXT_CHARS_MAX]}


def _of_invoke(request: InvokeRequest) -> dict[str, str]:
    by_fleetrun = request.schedule is not None and request.schedule.by == "fleetrun"
    subject = schedule_id_of(request.request_id) if by_fleetrun else run_id_of(request.request_id)
    command, targets = request.command, request.targets
    script = "" if command.content is None else hashlib.sha256(command.script_bytes()).hexdigest()
    if targets.instance_ids is not None:
        named = f"{len(targets.instance_ids)} ids"
    else:
        filters = [("name", targets.name), ("resourceGroupId", targets.resource_group_id), ("vpcId", targets.vpc_id)]
        words = [f"tag {key}={value}" for key, value in sorted((targets.tags or {}).items())]
        named = ", ".join(words + [f"{name} {value}" for name, value in filters if value])[:_TEXT_CHARS_MAX]
    return {
        "subject": subject,
        "region": request.region,
        "script_sha256": script,
        "command_id": command.command_id or "",
        "targets": named,
    }
