"""add: an invoke request with a managed schedule becomes exactly one schedule, however often it is delivered.

The name of a schedule that was removed is free again, but not for the message that made it: that one may still lie in
its queue and come once more. So the row stays, and remembers by which requests it was made.
"""

from __future__ import annotations

from dataclasses import replace

from shared.app.schedule_checks import check_schedule
from shared.app.schedule_settle import look_at, look_soon, write
from shared.core import limits
from shared.core.access import UNBOUND, Allowed
from shared.core.cron_times import check_future
from shared.core.errors import Refused
from shared.core.requests import InvokeRequest, hash_of
from shared.core.schedule import Schedule, schedule_id_of
from shared.core.schedule_decide import first_look
from shared.core.schedule_update import begun_anew
from shared.ports import Policy, Ports


def add_schedule(ports: Ports, policy: Policy, request: InvokeRequest, *, allowed: Allowed = UNBOUND) -> str:
    """Answers "scheduled", or "repeated" for a request that has its schedule already, or had it until it was removed.

    Raises Refused when it never fires, needs more units a day than there are, or when its requestId belongs to another
    body; Fenced, Unavailable or UnknownOutcome when the rows cannot be written: the message comes again then.
    """
    assert request.schedule is not None
    now_ms = ports.clock.now_ms()
    stored = ports.schedules.read_schedule(schedule_id_of(request.request_id))
    if stored is not None and not _is_free(stored, request, now_ms=now_ms):
        return _repeated(ports, stored, request)
    check_future(request.schedule.expression(), now_ms=now_ms)
    schedule = _schedule_of(stored, request, policy, allowed, now_ms=now_ms)
    check_schedule(ports, policy, schedule)
    if stored is not None:
        write(ports, schedule)
    elif not ports.schedules.insert_schedule(schedule):
        stored = ports.schedules.read_schedule(schedule.schedule_id)
        assert stored is not None, f"{schedule.schedule_id} is there and is not"
        return _repeated(ports, stored, request)
    # After the row: a line of `due` without a schedule would be taken away. A crash here is made good by the
    # redelivered message, which finds the row.
    look_at(ports, schedule)
    look_soon(ports, schedule)
    ports.log("schedule.added", schedule_id=schedule.schedule_id, request_id=schedule.name, next_ms=schedule.next_ms)
    return "scheduled"


def _is_free(stored: Schedule, request: InvokeRequest, *, now_ms: int) -> bool:
    """Whether the request is a new one, and no late repetition of one that made the removed schedule."""
    if stored.status != "Removed":
        return False
    is_known = hash_of(request) in stored.made_by
    return not is_known or now_ms - stored.created_ms > limits.MESSAGE_AGE_S_MAX * 1000


def _repeated(ports: Ports, stored: Schedule, request: InvokeRequest) -> str:
    if hash_of(request) not in (*stored.made_by, stored.body_hash):
        raise Refused(
            f"requestId {request.request_id!r} was used before, with another body; choose a new one, or update the "
            "schedule of this name",
            code="RequestIdReused",
            field="requestId",
        )
    if stored.status == "Active" and stored.due_ms:
        look_at(ports, stored)
    return "repeated"


def _schedule_of(
    stored: Schedule | None, request: InvokeRequest, policy: Policy, allowed: Allowed, *, now_ms: int
) -> Schedule:
    """With its first firing; one that has none has Ended. `stored`: a removed one of this name."""
    region, body_hash = request.region or policy.region, hash_of(request)
    if stored is not None:
        new = begun_anew(stored, request, region=region, allowed=allowed, now_ms=now_ms)
        known = tuple(each for each in stored.made_by if each != body_hash)
        return replace(new, added=(*known, body_hash)[-limits.ADDS_REMEMBERED :])
    made = Schedule(
        schedule_id=schedule_id_of(request.request_id),
        name=request.request_id,
        request=request,
        body_hash=body_hash,
        region=region,
        created_ms=now_ms,
        allowed=allowed,
        added=(body_hash,),
    )
    return first_look(made, now_ms=now_ms)
