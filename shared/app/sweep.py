"""sweep: the safety net. Started by the platform's timer, it finds what the rows say is overdue and wakes it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from shared.app.emit import wake, wake_for_stop
from shared.core import limits
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.model import Run
from shared.ports import Policy, Ports


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What one sweep saw. `overdue` growing from sweep to sweep is the alarm."""

    unfinished: int
    overdue: int
    woken: int
    forgotten: int
    unreadable: int
    """Head rows that are damaged, or of a newer release: left alone, the others are looked after."""
    unheeded: int
    """Runs with a stop that they have not seen though it came a while ago."""


def sweep(ports: Ports, policy: Policy) -> SweepReport:  # noqa: ARG001  every use case has the same shape
    """Looks at every unfinished run once; wakes at most SWEEP_RUNS_MAX."""
    seen = forgotten = unreadable = 0
    overdue: list[Run] = []
    after = ""
    while page := ports.runs.unfinished(after=after, limit=limits.SWEEP_PAGE):
        runs = ports.runs.read_runs(page)
        for run_id in page:
            seen += 1
            run = runs.get(run_id)
            if run is None and not _is_missing(ports, run_id):
                unreadable += 1
            elif run is None:
                forgotten += _forget_unless_new(ports, run_id)
            elif run.due_ms == 0:
                forgotten += _forget(ports, run)
            elif _is_overdue(run, now_ms=ports.clock.now_ms()):
                overdue.append(run)
        after = page[-1]
    woken = _take_turns(overdue, now_ms=ports.clock.now_ms())
    for run in woken:
        if run.status == "Accepted":
            ports.runs.remember(run)  # whoever accepted it may have died before
        wake(ports, run, due_ms=run.due_ms, event_sent=run.event_sent)
    unheeded = _remind_of_stops(ports)
    report = SweepReport(seen, len(overdue), len(woken), forgotten, unreadable, unheeded)
    _leave_word(ports, report)
    ports.log("sweep.done", **asdict(report))
    return report


def _remind_of_stops(ports: Ports) -> int:
    """A stop's own message may be lost, and its run may not be due before tomorrow."""
    after, unheeded = "", 0
    while lines := ports.runs.unheeded(after=after, limit=limits.SWEEP_PAGE):
        for run_id, stop_ms in lines.items():
            if stop_ms + limits.SWEEP_GRACE_MS <= ports.clock.now_ms():
                unheeded += _remind(ports, run_id, stop_ms=stop_ms)
        after = max(lines)
    return unheeded


def _remind(ports: Ports, run_id: str, *, stop_ms: int) -> int:
    """Wakes the run, or takes it off the list when there is nothing to heed any more."""
    try:
        run, stops = ports.runs.read_run_and_stops(run_id)
    except Unavailable as error:
        ports.log("sweep.unreadable", run_id=run_id, code=error.code, reason=str(error))
        return 0
    if run is None:
        is_over = stop_ms + limits.MESSAGE_AGE_S_MAX * 1000 <= ports.clock.now_ms()  # its request comes no more
    else:
        has_seen, is_late = run.stops_seen >= len(stops), stop_ms + limits.STOP_WRITTEN_MS <= ports.clock.now_ms()
        if has_seen and run.due_ms and not is_late:
            return 0  # its mark may come behind its line
        is_over = run.due_ms == 0 or has_seen
    if is_over and not ports.runs.heeded(run_id, stop_ms=stop_ms):
        ports.log("sweep.stop_came", run_id=run_id)  # another one, meanwhile: it stays on the list
    if run is None or is_over:
        return 0
    ports.log("sweep.unheeded", run_id=run_id, stop_ms=stop_ms)
    wake_for_stop(ports, run)
    return 1


def _take_turns(overdue: list[Run], *, now_ms: int) -> list[Run]:
    """At most SWEEP_RUNS_MAX, others in each minute: runs that no wake-up helps must not keep the rest from theirs."""
    if len(overdue) <= limits.SWEEP_RUNS_MAX:
        return overdue
    first = now_ms // limits.SWEEP_MS * limits.SWEEP_RUNS_MAX % len(overdue)
    return (overdue[first:] + overdue[:first])[: limits.SWEEP_RUNS_MAX]


def _leave_word(ports: Ports, report: SweepReport) -> None:
    """A safety net that is gone is not missed until something falls: `fleetrun doctor` looks at this row's age."""
    now_ms = ports.clock.now_ms()
    try:
        if not ports.runs.note_sweep(at_ms=now_ms, unfinished=report.unfinished, overdue=report.overdue):
            ports.log("sweep.overtaken", at_ms=now_ms)
    except (Unavailable, UnknownOutcome) as error:
        ports.log("sweep.unnoted", reason=str(error))


def _is_missing(ports: Ports, run_id: str) -> bool:
    """Whether there is no such row: only then may the run leave the list."""
    try:
        return ports.runs.read_run(run_id) is None
    except Unavailable as error:
        ports.log("sweep.unreadable", run_id=run_id, code=error.code, reason=str(error))
        return False


def _forget(ports: Ports, run: Run) -> int:
    """A settled run is taken off the list."""
    ports.log("sweep.forgot", run_id=run.run_id, status=run.status)
    ports.runs.forget(run.run_id)
    return 1


def _forget_unless_new(ports: Ports, run_id: str) -> int:
    """A line without a row: whoever wrote it died, or is about to write the row. A request that comes again puts it
    back."""
    if not ports.runs.forget(run_id, before_ms=ports.clock.now_ms() - limits.ANNOUNCED_MS):
        return 0
    ports.log("sweep.forgot", run_id=run_id, status="missing")
    return 1


def _is_overdue(run: Run, *, now_ms: int) -> bool:
    return max(run.due_ms, run.lease_until_ms) + limits.SWEEP_GRACE_MS <= now_ms
