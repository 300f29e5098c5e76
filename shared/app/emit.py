"""Publishing what a run has said, in order, stopping at the first failure; and settling a run that has ended."""

from __future__ import annotations

from shared.app.hold import Hold
from shared.core import limits
from shared.core.days import day_of
from shared.core.errors import Refused, Unavailable, UnknownOutcome
from shared.core.model import Event, Run
from shared.core.track import next_backoff_ms
from shared.core.transitions import ENDS_OF_RUN
from shared.core.wakeups import NEVER_STALE, WakeUp, encode_wakeup
from shared.ports import Ports


def publish(ports: Ports, run: Run, fresh: list[Event]) -> int:
    """Publishes events event_sent+1 .. event_seq (`fresh` are in memory, older ones are read); answers the last out."""
    sent = run.event_sent
    while sent < run.event_seq:
        page = [event for event in fresh if event.sequence > sent]
        if not page or page[0].sequence != sent + 1:
            page = ports.runs.read_events(run.run_id, after=sent, limit=min(100, run.event_seq - sent))
        for event in page:
            assert event.sequence == sent + 1, f"{run.run_id} has a gap after event {sent}"
            try:
                ports.publisher.publish(event.body)
            except (Unavailable, UnknownOutcome) as error:
                ports.log("event.unpublished", run_id=run.run_id, sequence=event.sequence, reason=str(error))
                return sent
            sent = event.sequence
    return sent


def wake(ports: Ports, run: Run, *, due_ms: int, event_sent: int) -> None:
    """Sends the run's one next wake-up. If that fails the sweep finds the run by its due time."""
    delay_s = max(0, -(-(due_ms - ports.clock.now_ms()) // 1000))
    _send(ports, WakeUp(run_id=run.run_id, wakeup_no=run.wakeup_no, event_sent=event_sent), delay_s=delay_s)


def wake_for_stop(ports: Ports, run: Run) -> None:
    """Beside its own wake-ups, for a stop mark: when the run is held it asks again soon, not when the lease is over."""
    _send(ports, WakeUp(run_id=run.run_id, wakeup_no=NEVER_STALE, event_sent=run.event_sent), delay_s=0)


def _send(ports: Ports, wakeup: WakeUp, *, delay_s: int) -> None:
    try:
        ports.queue.send_wakeup(encode_wakeup(wakeup), delay_s=min(delay_s, limits.DELAY_S_MAX))
    except (Unavailable, UnknownOutcome) as error:
        ports.log("wakeup.unsent", run_id=wakeup.run_id, wakeup_no=wakeup.wakeup_no, reason=str(error))


def finish(hold: Hold) -> str:
    """After the commit: events out, then either the next wake-up or, for a run that has ended, the books closed."""
    ports, run = hold.ports, hold.run
    sent = publish(ports, run, hold.events)
    if run.status not in ENDS_OF_RUN:
        wake(ports, run, due_ms=run.due_ms, event_sent=sent)
        return run.status
    give_back(hold)
    if sent == run.event_seq and _clean_up(hold):
        settle(ports, run, event_sent=sent)
    else:
        hold.write_run(
            due_ms=hold.now_ms + next_backoff_ms(run.backoff_ms),
            backoff_ms=next_backoff_ms(run.backoff_ms),
            event_sent=sent,
            wakeup_no=run.wakeup_no + 1,
            lease_until_ms=0,
        )
        wake(ports, hold.run, due_ms=hold.run.due_ms, event_sent=sent)
    return run.status


def settle(ports: Ports, run: Run, *, event_sent: int) -> None:
    """The last write of a run: nothing is due any more. Losing it is fine: whoever won does the same."""
    settled = run.next(event_sent=event_sent, due_ms=0, lease_until_ms=0, command_owned=False)
    try:
        if ports.runs.update_run(settled):
            ports.runs.forget(run.run_id)
    except (Unavailable, UnknownOutcome) as error:
        ports.log("run.unsettled", run_id=run.run_id, reason=str(error))  # the sweep comes by


def _clean_up(hold: Hold) -> bool:
    """Deletes the command made for this run. Answers whether that is done with."""
    run = hold.run
    if not run.command_owned:
        return True
    try:
        hold.ports.runner.delete_command(run.region, run.command_id)
    except Refused as error:
        hold.ports.log("command.kept", run_id=run.run_id, command_id=run.command_id, code=error.code)
    except (Unavailable, UnknownOutcome) as error:
        hold.ports.log("command.undeleted", run_id=run.run_id, command_id=run.command_id, reason=str(error))
        # A kept command costs a place in a list; a run that never settles costs an operator's night.
        return run.attempts >= limits.CLEAN_UP_ATTEMPTS_MAX
    return True


def give_back(hold: Hold) -> None:
    """Units of a run that has ended and never used them go back to their days."""
    run, ports = hold.run, hold.ports
    today = day_of(ports.clock.now_ms())
    for day, held in sorted(run.grants.items()):
        spent = run.spent.get(day, 0)
        if held > spent and day >= today:
            try:
                if ports.quota.give_back(run.region, day, run.run_id, held=held, total=spent):
                    ports.log("quota.given_back", run_id=run.run_id, day=day, units=held - spent)
            except (Unavailable, UnknownOutcome) as error:
                ports.log("quota.not_given_back", run_id=run.run_id, day=day, reason=str(error))
