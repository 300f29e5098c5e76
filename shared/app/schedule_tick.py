"""tick: the platform's timer, every minute → a message for each schedule that fires before the next, delayed so long.

It reads the lines of `due` that are due, and nothing else: with 100,000 schedules of which 50 are due, 50 rows. It
writes nothing, so that a doubled or late tick only sends messages again, and a schedule that is woken twice fires once.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.app.schedule_settle import send_wake
from shared.core import limits
from shared.core.errors import FleetrunError, Unavailable, UnknownOutcome
from shared.core.schedule import Due, minute_of
from shared.ports import Policy, Ports


@dataclass(frozen=True, slots=True)
class TickReport:
    """What one tick saw. `overdue` growing from tick to tick is the alarm."""

    due: int
    sent: int
    overdue: int
    """Due for longer than a firing may be late."""


def tick(ports: Ports, policy: Policy) -> TickReport:  # noqa: ARG001  every use case has the same shape
    """Raises Unavailable when the lines cannot be read, or nothing could be sent."""
    now_ms = ports.clock.now_ms()
    horizon_ms = now_ms + limits.TICK_AHEAD_MS
    lines = ports.schedules.due(until=minute_of(horizon_ms), limit=limits.TICK_DUE_MAX)
    due = [line for line in lines if line.due_ms <= horizon_ms]
    errors = ports.lanes.each(lambda line: _send(ports, line), due, width=limits.CALL_WIDTH_MAX) if due else []
    failed = [error for error in errors if error is not None]
    overdue = sum(1 for line in due if line.due_ms + limits.FIRE_GRACE_MS < now_ms)
    report = TickReport(due=len(due), sent=len(due) - len(failed), overdue=overdue)
    ports.log("tick.done", due=report.due, sent=report.sent, overdue=report.overdue)
    if failed and not report.sent:
        raise failed[0]
    return report


def _send(ports: Ports, line: Due) -> FleetrunError | None:
    try:
        send_wake(ports, line.schedule_id, line.minute, due_ms=line.due_ms)
    except (Unavailable, UnknownOutcome) as error:
        ports.log("firing.unsent", schedule_id=line.schedule_id, reason=str(error))
        return error
    return None
