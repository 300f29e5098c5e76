"""advance: one step of a run. Read the rows, do what is possible now, write, announce, arrange the next wake-up."""

from __future__ import annotations

from shared.app.dead_letter import dead_letter_of
from shared.app.emit import finish, wake
from shared.app.hold import Hold, claim
from shared.app.invoke import back_off, halt, send
from shared.app.pick import adopt_rest, check_unsent
from shared.app.plan import plan
from shared.app.stopping import heed_errors, heed_stops, stop_invoked, withhold
from shared.app.track import look_for, recover, track
from shared.core import limits
from shared.core.errors import Fenced, Refused, Unavailable, UnknownOutcome
from shared.core.messages import Message
from shared.core.model import Run, StopMark
from shared.core.transitions import ENDS_OF_RUN, NOTHING_IN_FLIGHT
from shared.core.wakeups import WakeUp, encode_wakeup
from shared.ports import Policy, Ports


def advance(ports: Ports, policy: Policy, wakeup: WakeUp) -> str:
    """Moves the run one step; answers its status, or why nothing was done: missing, settled, stale, held, fenced.

    Raises Unavailable or UnknownOutcome when the rows cannot be read or written: the message comes again then.
    """
    run, stops = ports.runs.read_run_and_stops(wakeup.run_id)
    now_ms = ports.clock.now_ms()
    idle = _why_idle(run, stops, wakeup, now_ms=now_ms)
    if idle or run is None:
        return idle
    if run.lease_until_ms > now_ms:
        _come_back(ports, run, wakeup)
        return "held"
    try:
        hold = claim(ports, policy, run, stops, event_sent=wakeup.event_sent)
        _step(hold)
        return finish(hold)
    except Fenced as fenced:
        ports.log("run.fenced", run_id=run.run_id, reason=str(fenced))
        if wakeup.wakeup_no > run.wakeup_no:
            # A stop's own: whoever was faster may have read the marks before this one came (sim seed 7002769).
            wake(ports, run, due_ms=ports.clock.now_ms() + limits.STOP_HELD_MS, event_sent=run.event_sent)
        return "fenced"


def _why_idle(run: Run | None, stops: list[StopMark], wakeup: WakeUp, *, now_ms: int) -> str:
    """Nothing to do: no such run, all done, or a wake-up that a later one has replaced while nothing is overdue.

    With a stop that no holder has seen yet no wake-up is stale: the run may not be due before tomorrow.
    """
    if run is None:
        return "missing"
    if run.due_ms == 0:
        return "settled"
    if wakeup.wakeup_no < run.wakeup_no and run.due_ms > now_ms and not _has_unseen_stop(run, stops):
        return "stale"
    return ""


def _has_unseen_stop(run: Run, stops: list[StopMark]) -> bool:
    return len(stops) != run.stops_seen


def _come_back(ports: Ports, run: Run, wakeup: WakeUp) -> None:
    """The holder may be dead: whoever finds the run held leaves a wake-up for the moment when the lease is over.

    A stop itself asks again sooner, once: the holder is most likely alive. Never more than one message for one message.
    """
    ports.log("run.held", run_id=run.run_id, holder=run.holder, until_ms=run.lease_until_ms)
    due_ms = run.lease_until_ms + 1
    if wakeup.wakeup_no > run.wakeup_no:
        due_ms = min(due_ms, ports.clock.now_ms() + limits.STOP_HELD_MS)
    wake(ports, run, due_ms=due_ms, event_sent=run.event_sent)


def _step(hold: Hold) -> None:
    """The stages that are due, in the order of a run's life; ends with the commit."""
    run = hold.run
    if _is_put_aside(run):
        _isolate(hold)
    if run.status in ENDS_OF_RUN:
        return  # committed before; finish() publishes and settles
    if run.status == "Accepted":
        _plan(hold)
    else:
        _move(hold)
    hold.commit()


def _plan(hold: Hold) -> None:
    try:
        plan(hold)
    except (Unavailable, UnknownOutcome) as error:
        hold.drafts.clear()
        back_off(hold, error)


def _move(hold: Hold) -> None:
    """A run that has chunks."""
    run = hold.run
    chunks = hold.ports.runs.read_chunks(run.run_id, sorted(run.active))
    if run.status in NOTHING_IN_FLIGHT:
        # But for what its own intent names: the release before could call such a run Deferred (sim seed 16004251).
        check_unsent([chunk for chunk in chunks if chunk.number not in run.sending])
    hold.take_up(chunks)
    for number in sorted(run.active):
        adopt_rest(hold, hold.chunks[number])
    recover(hold)
    heed_stops(hold)
    look_for(hold)
    stop_invoked(hold)
    track(hold)
    heed_errors(hold)
    withhold(hold)
    if not hold.run.halted:
        try:
            send(hold)
        except (
            Refused
        ) as error:  # e.g. the role may not ask for the limit: said here, or it would pass for a bad message
            halt(hold, "RefusedByEcs", error)
        except (Unavailable, UnknownOutcome) as error:
            back_off(hold, error)


def _isolate(hold: Hold) -> None:
    """Something about this run makes every advance break: it is put aside for an hour, then tried once, and so on.

    Its lease ends, so that a stop, or the dead letter that is sent again, tries it at once.
    """
    ports, run, is_first = hold.ports, hold.run, hold.run.attempts == limits.STEP_ATTEMPTS_MAX + 1
    ports.log("run.poisoned", run_id=run.run_id, attempts=run.attempts)
    hold.write_run(due_ms=hold.now_ms + limits.POISONED_MS, lease_until_ms=0, wakeup_no=run.wakeup_no + 1)
    if is_first:
        _tell_operator(ports, hold.run)
    wake(ports, hold.run, due_ms=hold.run.due_ms, event_sent=run.event_sent)
    raise Fenced(f"{run.run_id} was put aside after {run.attempts} broken advances")


def _is_put_aside(run: Run) -> bool:
    """Every second claim beyond the limit: the one between is the try after the hour."""
    beyond = run.attempts - limits.STEP_ATTEMPTS_MAX
    return beyond > 0 and beyond % 2 == 1


def _tell_operator(ports: Ports, run: Run) -> None:
    """A wake-up of the run as a dead letter: sending it again tries the run again."""
    wakeup = WakeUp(run_id=run.run_id, wakeup_no=run.wakeup_no, event_sent=run.event_sent)
    reason = f"{run.run_id} broke {run.attempts} advances in a row; the logs of advance_runs say how"
    letter = dead_letter_of(Message(encode_wakeup(wakeup), run.run_id, "queue"), Refused(reason, code="Poisoned"))
    try:
        ports.queue.send_dead_letter(letter)
    except (Unavailable, UnknownOutcome) as error:
        ports.log("run.poisoned_untold", run_id=run.run_id, reason=str(error))  # the log and doctor tell it, too
