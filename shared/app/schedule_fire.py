"""fire: a schedule that is due decides its firings, carries them out, and says when it looks again.

Order, and why no firing is lost and none happens twice:
1. what an earlier step decided and did not finish is finished first.
2. the line of `due` for the next look is put. Should we die, the old line is still there, too.
3. the row: what this step decided, conditional on the version that it was decided on. Of two, one wins.
4. runs, stops, events; then the row again: done. Each of them is recognised when it comes twice.
5. the old line of `due` is taken away.
"""

from __future__ import annotations

from shared.app.schedule_settle import look_at, look_soon, settle, write
from shared.core import limits
from shared.core.schedule import Schedule, minute_of
from shared.core.schedule_decide import decide
from shared.core.schedule_wake import ScheduleWake
from shared.core.transitions import ENDS_OF_RUN
from shared.ports import Policy, Ports

_ANY_VERSION = 1 << 60


def fire(ports: Ports, policy: Policy, wake: ScheduleWake) -> str:
    """Answers "fired", "waited", "let-go", or why nothing was due: "missing", "early", "paused", "ended", "removed".

    Raises Fenced when another message of the same schedule was faster; Unavailable and UnknownOutcome when the rows
    cannot be read or written: the message comes again then.
    """
    schedule = ports.schedules.read_schedule(wake.schedule_id)
    if schedule is None:
        # Its line is older than its row can be: nothing will ever come of it.
        ports.schedules.drop_due(wake.minute, wake.schedule_id, version=_ANY_VERSION)
        return "missing"
    stored, schedule = schedule, settle(ports, policy, schedule)
    if schedule.status != "Active" or schedule.due_ms > ports.clock.now_ms():
        _tidy(ports, schedule, wake.minute)
        if schedule is not stored or schedule.due_ms <= ports.clock.now_ms() + limits.CLOCK_SKEW_MS_MAX:
            look_soon(ports, schedule)  # whoever decided died on the way, or our clock is slow
        return "early" if schedule.status == "Active" else schedule.status.lower()
    decided = decide(schedule, now_ms=ports.clock.now_ms(), is_previous_over=_is_previous_over(ports, schedule))
    if decided.due_ms:
        look_at(ports, decided)
    write(ports, decided)
    for event in decided.says:
        ports.log(event.kind, schedule_id=schedule.schedule_id, **event.data)
    settled = settle(ports, policy, decided)
    _tidy(ports, settled, wake.minute)
    if minute_of(schedule.due_ms) != wake.minute:
        _tidy(ports, settled, minute_of(schedule.due_ms))
    look_soon(ports, settled)
    return "fired" if decided.starts else "waited" if decided.waiting else "let-go"


def _is_previous_over(ports: Ports, schedule: Schedule) -> bool:
    if not schedule.last_run_id:
        return True
    run = ports.runs.read_run(schedule.last_run_id)
    return run is None or run.status in ENDS_OF_RUN


def _tidy(ports: Ports, schedule: Schedule, minute: str) -> None:
    """Takes a line of `due` away that the schedule does not need."""
    if schedule.status != "Active" or not schedule.due_ms or minute_of(schedule.due_ms) != minute:
        ports.schedules.drop_due(minute, schedule.schedule_id, version=schedule.version)
