"""change: a schedule is paused, resumed, updated, removed, or fires now, each change once, however often it comes."""

from __future__ import annotations

from dataclasses import replace

from shared.app.schedule_checks import check_schedule
from shared.app.schedule_fire import fire
from shared.app.schedule_settle import look_at, look_soon, settle, write
from shared.core import limits
from shared.core.access import UNBOUND, Allowed
from shared.core.cron_times import check_future
from shared.core.errors import Fenced, Refused
from shared.core.model import run_id_of
from shared.core.requests import ScheduleRequest, hash_of
from shared.core.schedule import STATUSES, Schedule, minute_of, schedule_id_of
from shared.core.schedule_decide import by_hand
from shared.core.schedule_update import has_made, mark_of, removed, updated
from shared.core.schedule_wake import ScheduleWake
from shared.core.transitions import check
from shared.ports import Policy, Ports

ATTEMPTS_MAX = 5
"""Ours: each lost race makes one more."""
_STATUS_AFTER = {"pause": "Paused", "resume": "Active", "remove": "Removed"}
_FROM = {"pause": ("Active",), "resume": ("Paused",), "remove": ("Active", "Paused", "Ended")}
"""In which status it makes a difference; in others it is refused, but for the one that it leads to."""


def change_schedule(ports: Ports, policy: Policy, request: ScheduleRequest, *, allowed: Allowed = UNBOUND) -> str:
    """Answers what the schedule is then: "active", "paused", "ended" or "removed"; or "fired", or "updated".

    Raises Refused when there is no such schedule, or it cannot change so (any more); Unavailable and UnknownOutcome
    when the rows cannot be read or written: the message comes again then. `allowed`: of who updates it.
    """
    for _ in range(ATTEMPTS_MAX):
        schedule = find_schedule(ports, request.schedule)
        try:
            return _change(ports, policy, schedule, request, allowed)
        except Fenced as fenced:
            ports.log("schedule.fenced", schedule_id=schedule.schedule_id, reason=str(fenced))
    raise Fenced(f"{request.schedule} keeps moving on; the change was not made")


def find_schedule(ports: Ports, name: str) -> Schedule:
    """By its name or its id. Raises Refused: NoSchedule, or CloudSchedule when it is not ours to change."""
    for schedule_id in (schedule_id_of(name), name):
        found = ports.schedules.read_schedule(schedule_id)
        if found is not None:
            return found
    for run_id in (name, run_id_of(name)):
        run = ports.runs.read_run(run_id)
        if run is not None and run.is_repeating:
            raise Refused(
                f"schedule is {name!r}: Cloud Assistant repeats it, each chunk under an InvokeId of its "
                "own, and they could not be changed as one; stop the run, and start another with its own requestId",
                code="CloudSchedule",
                field="schedule",
            )
    raise Refused(
        f"schedule is {name!r}: there is none of this name; `fleetrun schedule list` shows them all",
        code="NoSchedule",
        field="schedule",
    )


def _change(ports: Ports, policy: Policy, schedule: Schedule, request: ScheduleRequest, allowed: Allowed) -> str:
    schedule = settle(ports, policy, schedule)
    if has_made(schedule, request):
        _be_found(ports, schedule)  # the first delivery may have died before it
        return _answer(schedule, request)
    if request.action == "update":
        return _update(ports, policy, schedule, request, allowed)
    _check_revision(schedule, request)
    if request.action == "fire-now":
        return _fire_now(ports, policy, schedule, request)
    status = _STATUS_AFTER[request.action]
    if status == schedule.status:
        # Remembered all the same: a late repetition of it would undo what comes after it.
        write(ports, schedule.next(changes=_with(schedule, request)))
        return status.lower()
    _check_possible(schedule, request)
    changed = _changed(schedule, status, now_ms=ports.clock.now_ms())
    changed = replace(changed, changes=_with(schedule, request))
    if changed.status == "Active":
        look_at(ports, changed)
    write(ports, changed)
    look_soon(ports, changed)
    ports.log("schedule.changed", schedule_id=schedule.schedule_id, status=changed.status)
    _leave(ports, schedule, settle(ports, policy, changed))  # told first: its old line of `due` finds what was not
    return status.lower()


def _answer(schedule: Schedule, request: ScheduleRequest) -> str:
    return {"fire-now": "fired", "update": "updated"}.get(request.action, schedule.status.lower())


def _with(schedule: Schedule, request: ScheduleRequest) -> tuple[str, ...]:
    return (*schedule.changes, mark_of(request))[-limits.CHANGES_REMEMBERED :]


def _be_found(ports: Ports, schedule: Schedule) -> None:
    if schedule.status == "Active" and schedule.due_ms:
        look_at(ports, schedule)


def _leave(ports: Ports, before: Schedule, after: Schedule) -> None:
    """Takes the old line of `due` away, unless it is the new one's, too."""
    if before.due_ms and not (after.due_ms and minute_of(after.due_ms) == minute_of(before.due_ms)):
        ports.schedules.drop_due(minute_of(before.due_ms), before.schedule_id, version=after.version)


def _check_possible(schedule: Schedule, request: ScheduleRequest) -> None:
    if schedule.status not in _FROM.get(request.action, ("Active", "Paused", "Ended")):
        raise Refused(
            f"action is {request.action!r}, and the schedule {schedule.name!r} is {schedule.status}; "
            "an update makes it go again",
            code="ScheduleOver",
            field="action",
        )


def _check_revision(schedule: Schedule, request: ScheduleRequest) -> None:
    if request.if_revision is not None and request.if_revision != schedule.revision:
        raise Refused(
            f"ifRevision is {request.if_revision}, and the schedule {schedule.name!r} has revision "
            f"{schedule.revision}: somebody has updated it; look at it again",
            code="RevisionChanged",
            field="ifRevision",
        )


def _changed(schedule: Schedule, status: str, *, now_ms: int) -> Schedule:
    """A paused schedule keeps its next firing, so that what it misses is known when it goes on."""
    check(STATUSES, schedule.status, status)
    if status == "Active":
        return schedule.next(status=status, due_ms=now_ms)
    if status == "Paused":
        return schedule.next(status=status, due_ms=0)
    return removed(schedule, now_ms=now_ms)


def _fire_now(ports: Ports, policy: Policy, schedule: Schedule, request: ScheduleRequest) -> str:
    _check_possible(schedule, request)
    fired = by_hand(schedule, change_id=request.request_id, now_ms=ports.clock.now_ms())
    fired = replace(fired, changes=_with(schedule, request))
    write(ports, fired)
    settle(ports, policy, fired)
    return "fired"


def _update(ports: Ports, policy: Policy, schedule: Schedule, request: ScheduleRequest, allowed: Allowed) -> str:
    """What is due is decided first, as it was asked for; the update is about what comes after it."""
    new, now_ms = request.request, ports.clock.now_ms()
    assert new is not None
    assert new.schedule is not None
    if new.request_id != schedule.name:
        raise Refused(
            f"request.requestId is {new.request_id!r}; it must be the schedule's name, {schedule.name!r}",
            code="BadRequest",
            field="request.requestId",
        )
    if schedule.status in ("Active", "Paused") and hash_of(new) == schedule.body_hash:
        # Nothing to change, but it is remembered: whoever lost the answer asks again.
        write(ports, schedule.next(changes=_with(schedule, request)))
        return "updated"
    _check_revision(schedule, request)
    if schedule.status == "Active" and schedule.due_ms <= now_ms:
        fire(ports, policy, ScheduleWake(schedule_id=schedule.schedule_id, minute=minute_of(schedule.due_ms)))
        raise Fenced(f"{schedule.schedule_id} was due before it could be updated")
    check_future(new.schedule.expression(), now_ms=now_ms)
    changed = updated(schedule, new, region=new.region or policy.region, allowed=allowed, now_ms=now_ms)
    check_schedule(ports, policy, changed)
    _replace(ports, policy, schedule, replace(changed, changes=_with(schedule, request)))
    return "updated"


def _replace(ports: Ports, policy: Policy, before: Schedule, after: Schedule) -> None:
    """The new line of `due`, then the row, then the old line: there is always one at or before what is left to do."""
    if after.status != before.status:
        check(STATUSES, before.status, after.status)
    if after.status == "Active":
        look_at(ports, after)
    write(ports, after)
    ports.log("schedule.updated", schedule_id=after.schedule_id, revision=after.revision, next_ms=after.next_ms)
    _leave(ports, before, after)
    look_soon(ports, settle(ports, policy, after))
