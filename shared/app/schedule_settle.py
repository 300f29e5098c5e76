"""What a schedule has decided is carried out: runs started or stopped, events published. Twice is as good as once."""

from __future__ import annotations

from shared.app.accept import start_run
from shared.app.emit import wake_for_stop
from shared.app.stop_mark import leave_mark
from shared.core import limits, schedule_events
from shared.core.errors import Fenced, Refused, Unavailable, UnknownOutcome
from shared.core.schedule import Schedule, Start, due_of, minute_of, request_of
from shared.core.schedule_wake import ScheduleWake, encode_wake
from shared.ports import Policy, Ports


def settle(ports: Ports, policy: Policy, schedule: Schedule) -> Schedule:
    """Empties the outbox of `schedule` as it is stored; answers the schedule as it is stored then.

    Raises Fenced when somebody else has moved it on, who then has done or will do the same; Unavailable and
    UnknownOutcome when something could not be done: whoever comes next does it again.
    """
    if schedule.is_settled:
        return schedule
    for start in schedule.starts:
        _start(ports, policy, schedule, start)
    for run_id in schedule.stops:
        _stop(ports, schedule, run_id)
    for event in schedule.says:
        ports.publisher.publish(schedule_events.encode(schedule, event, account_id=policy.account_id))
    settled = schedule.next(starts=(), stops=(), says=())
    write(ports, settled)
    return settled


def write(ports: Ports, schedule: Schedule) -> None:
    """Raises Fenced when the row has moved on since it was read."""
    if not ports.schedules.update_schedule(schedule):
        raise Fenced(f"{schedule.schedule_id} has moved on from version {schedule.version - 1}")


def look_at(ports: Ports, schedule: Schedule) -> None:
    """Puts the line of `due` by which a tick will find the schedule."""
    ports.schedules.put_due(due_of(schedule))


def look_soon(ports: Ports, schedule: Schedule) -> None:
    """Inside the time that the last tick has already looked at, the message is ours to send."""
    if schedule.status != "Active" or not 0 < schedule.due_ms <= ports.clock.now_ms() + limits.TICK_AHEAD_MS:
        return
    try:
        send_wake(ports, schedule.schedule_id, minute_of(schedule.due_ms), due_ms=schedule.due_ms)
    except (Unavailable, UnknownOutcome) as error:
        ports.log("firing.unsent", schedule_id=schedule.schedule_id, reason=str(error))  # the next tick sends it


def send_wake(ports: Ports, schedule_id: str, minute: str, *, due_ms: int) -> None:
    """Makes the schedule look at that time. Raises Unavailable and UnknownOutcome."""
    delay_s = max(0, -(-(due_ms - ports.clock.now_ms()) // 1000))
    ports.queue.send_firing(encode_wake(ScheduleWake(schedule_id=schedule_id, minute=minute)), delay_s=delay_s)


def _start(ports: Ports, policy: Policy, schedule: Schedule, start: Start) -> None:
    try:
        answer = start_run(ports, policy, request_of(schedule, start), allowed=schedule.allowed)
    except Refused as error:
        # Somebody used the requestId of this firing for something else: there is nothing that we could start.
        ports.log("schedule.refused", schedule_id=schedule.schedule_id, request_id=start.request_id, code=error.code)
        return
    ports.log("schedule.fired", schedule_id=schedule.schedule_id, request_id=start.request_id, answer=answer)


def _stop(ports: Ports, schedule: Schedule, run_id: str) -> None:
    """A stop mark beside the run, and a wake-up so that it is seen at once."""
    leave_mark(ports, run_id=run_id, request_id=f"overlap-{schedule.schedule_id}")
    run = ports.runs.read_run(run_id)
    if run is not None and run.due_ms:
        wake_for_stop(ports, run)
    ports.log("schedule.stops_previous", schedule_id=schedule.schedule_id, run_id=run_id)
