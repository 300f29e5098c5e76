"""What an update, or a new request under a removed schedule's name, makes of a schedule. Pure.

Strategy: what has been decided stays decided. The same times go on as they were, from the same firing on; with other
times the schedule looks from now on, and what the old ones still owed (of a pause, or of a jitter that had not passed)
is told as missed. Numbers of events and the version go on for ever, so that nothing old can pass for something new.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from shared.core import limits, schedule_events
from shared.core.access import Allowed
from shared.core.errors import Refused
from shared.core.requests import InvokeRequest, ScheduleRequest, hash_of
from shared.core.schedule import Schedule
from shared.core.schedule_decide import firings, first_look, looking_at


def updated(schedule: Schedule, request: InvokeRequest, *, region: str, allowed: Allowed, now_ms: int) -> Schedule:
    """The next version of a settled schedule, which repeats `request`; a paused one stays paused.

    One that would have no firing left has Ended: whoever asked for that made a mistake.
    """
    if schedule.status == "Removed":
        return begun_anew(schedule, request, region=region, allowed=allowed, now_ms=now_ms)
    told = _told(schedule, request, region, allowed)
    if schedule.status != "Ended" and _same_times(schedule, request):
        return _look_on(told, told.next_ms, now_ms=now_ms)
    owed, more = _owed(schedule, now_ms=now_ms)
    drafts = [schedule_events.missed(owed, reason="Replaced", more=more)] if owed else []
    told = replace(
        told,
        since_ms=now_ms,
        says=schedule_events.said(schedule, drafts, now_ms=now_ms),
        event_seq=schedule.event_seq + len(drafts),
        missed=schedule.missed + len(owed),
    )
    next_ms = first_look(told, now_ms=now_ms).next_ms
    if not next_ms:
        return replace(told, status="Ended")
    return _look_on(replace(told, status="Active") if told.status == "Ended" else told, next_ms, now_ms=now_ms)


def removed(schedule: Schedule, *, now_ms: int) -> Schedule:
    """The next version of a settled schedule, which fires no more; what it still owes is told as missed."""
    owed, more = _owed(schedule, now_ms=now_ms)
    times = sorted({*schedule.waiting, *owed})
    drafts = [schedule_events.missed(times, reason="Removed", more=more)] if times else []
    return schedule.next(
        status="Removed",
        due_ms=0,
        next_ms=0,
        waiting=(),
        says=schedule_events.said(schedule, drafts, now_ms=now_ms),
        event_seq=schedule.event_seq + len(drafts),
        missed=schedule.missed + len(times),
    )


def begun_anew(schedule: Schedule, request: InvokeRequest, *, region: str, allowed: Allowed, now_ms: int) -> Schedule:
    """The next version of a removed schedule, which begins like a new one."""
    new = replace(
        _told(schedule, request, region, allowed),
        created_ms=now_ms,
        since_ms=0,
        status="Active",
        waiting=(),
        fired=0,
        missed=0,
    )
    return first_look(new, now_ms=now_ms)


def _told(schedule: Schedule, request: InvokeRequest, region: str, allowed: Allowed) -> Schedule:
    return schedule.next(
        request=request,
        body_hash=hash_of(request),
        region=region,
        allowed=allowed,
        revision=schedule.revision + 1,
    )


def _same_times(schedule: Schedule, request: InvokeRequest) -> bool:
    old, new = schedule.spec, request.schedule
    assert new is not None, "an update repeats something"
    return (old.expression().text, old.start_ms(), old.end_ms()) == (
        new.expression().text,
        new.start_ms(),
        new.end_ms(),
    )


def _owed(schedule: Schedule, *, now_ms: int) -> tuple[list[int], bool]:
    """Firings up to now that are not decided, and whether there are more than are counted."""
    if not schedule.next_ms or schedule.next_ms > now_ms:
        return [], False
    found: list[int] = []
    for fire_ms in islice(firings(schedule, after_ms=schedule.next_ms - 1), limits.MISSED_COUNT_MAX + 1):
        if fire_ms > now_ms:
            break
        found.append(fire_ms)
    return found[: limits.MISSED_COUNT_MAX], len(found) > limits.MISSED_COUNT_MAX


def _look_on(schedule: Schedule, next_ms: int, *, now_ms: int) -> Schedule:
    if schedule.status == "Paused":
        return replace(schedule, next_ms=next_ms)
    return looking_at(schedule, next_ms, now_ms=now_ms)


def mark_of(request: ScheduleRequest) -> str:
    """By which a schedule remembers a change."""
    what = request.action if request.request is None else f"update-{hash_of(request.request)[:16]}"
    return f"{request.request_id} {what}"


def has_made(schedule: Schedule, request: ScheduleRequest) -> bool:
    """Raises Refused when another change has this requestId: swallowed, this one would pass for made."""
    for each in schedule.changes:
        request_id, _, what = each.partition(" ")
        if request_id != request.request_id:
            continue
        if what and each != mark_of(request):  # an older row says no more than the id
            raise Refused(
                f"requestId {request_id!r} was used before, for another change of this schedule; choose a new one",
                code="RequestIdReused",
                field="requestId",
            )
        return True
    return False
