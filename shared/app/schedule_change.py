"""change: a schedule is paused, resumed, removed, or fires now, each change once, however often its message comes."""

from __future__ import annotations

from dataclasses import replace

from shared.app.schedule_settle import look_at, look_soon, settle, write
from shared.core import limits
from shared.core.errors import Fenced, Refused
from shared.core.requests import ScheduleRequest
from shared.core.schedule import STATUSES, Schedule, minute_of, schedule_id_of
from shared.core.schedule_decide import by_hand
from shared.core.transitions import check
from shared.ports import Policy, Ports

ATTEMPTS_MAX = 5
"""Ours: each lost race makes one more."""
_STATUS_AFTER = {"pause": "Paused", "resume": "Active", "remove": "Removed"}


def change_schedule(ports: Ports, policy: Policy, request: ScheduleRequest) -> str:
    """Answers what the schedule is then: "active", "paused", "ended" or "removed"; or "fired".

    Raises Refused when there is no such schedule, or it cannot change so any more; Unavailable and UnknownOutcome when
    the rows cannot be read or written: the message comes again then.
    """
    for _ in range(ATTEMPTS_MAX):
        schedule = _find(ports, request)
        try:
            return _change(ports, policy, schedule, request)
        except Fenced as fenced:
            ports.log("schedule.fenced", schedule_id=schedule.schedule_id, reason=str(fenced))
    raise Fenced(f"{request.schedule} keeps moving on; the change was not made")


def _find(ports: Ports, request: ScheduleRequest) -> Schedule:
    for schedule_id in (schedule_id_of(request.schedule), request.schedule):
        found = ports.schedules.read_schedule(schedule_id)
        if found is not None:
            return found
    raise Refused(
        f"schedule is {request.schedule!r}: there is none of this name; `fleetrun schedule list` shows them all",
        code="NoSchedule",
        field="schedule",
    )


def _change(ports: Ports, policy: Policy, schedule: Schedule, request: ScheduleRequest) -> str:
    schedule = settle(ports, policy, schedule)
    if request.request_id in schedule.changes:
        _be_found(ports, schedule)  # the first delivery may have died before it
        return "fired" if request.action == "fire-now" else schedule.status.lower()
    changes = (*schedule.changes, request.request_id)[-limits.CHANGES_REMEMBERED :]
    if request.action == "fire-now":
        return _fire_now(ports, policy, schedule, request, changes)
    status = _STATUS_AFTER[request.action]
    if status != schedule.status:
        _check_possible(schedule, status, request)
        changed = _changed(schedule, status, now_ms=ports.clock.now_ms())
        if changed.status == "Active":
            look_at(ports, changed)
        write(ports, replace(changed, changes=changes))
        look_soon(ports, changed)
        ports.log("schedule.changed", schedule_id=schedule.schedule_id, status=changed.status)
        if schedule.due_ms and not changed.due_ms:
            ports.schedules.drop_due(minute_of(schedule.due_ms), schedule.schedule_id, version=changed.version)
    return status.lower()


def _be_found(ports: Ports, schedule: Schedule) -> None:
    if schedule.status == "Active" and schedule.due_ms:
        look_at(ports, schedule)


def _check_possible(schedule: Schedule, status: str, request: ScheduleRequest) -> None:
    if status not in STATUSES[schedule.status]:
        raise Refused(
            f"action is {request.action!r}, and the schedule {schedule.name!r} is {schedule.status}; "
            "send the request with another requestId to make a new one",
            code="ScheduleOver",
            field="action",
        )


def _changed(schedule: Schedule, status: str, *, now_ms: int) -> Schedule:
    """A paused schedule keeps its next firing, so that what it misses is known when it goes on."""
    check(STATUSES, schedule.status, status)
    if status == "Active":
        return schedule.next(status=status, due_ms=now_ms)
    if status == "Paused":
        return schedule.next(status=status, due_ms=0)
    return schedule.next(status=status, due_ms=0, next_ms=0, waiting=())


def _fire_now(
    ports: Ports, policy: Policy, schedule: Schedule, request: ScheduleRequest, changes: tuple[str, ...]
) -> str:
    if schedule.status == "Removed":
        _check_possible(schedule, "Active", request)
    fired = by_hand(schedule, change_id=request.request_id, now_ms=ports.clock.now_ms())
    fired = replace(fired, changes=changes)
    write(ports, fired)
    settle(ports, policy, fired)
    return "fired"
