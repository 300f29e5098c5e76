"""Runs that have not ended: does each of them move?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from cli.diagnosis.finding import Finding, fail, ok, warn
from cli.unfinished import heads, unreadable
from shared.core import limits
from shared.core.model import Run

if TYPE_CHECKING:
    from cli.connection import Connection
    from shared.adapters.run_store import Sweep

RUNS_MAX = 2_000
"""Ours: unfinished runs looked at."""
OVERDUE_MS = 2 * 60_000 + limits.SWEEP_GRACE_MS
"""Ours: two sweeps should have seen it by then."""
SWEEP_AGE_MS = 5 * 60_000
"""Ours: five sweeps should have come by."""
ATTEMPTS_WARN = 3
"""Ours: advances in a row that did not come to an end."""
SHOWN_MAX = 5


def check(connection: Connection) -> Iterator[Finding]:
    found = list(islice(heads(connection.runs), RUNS_MAX + 1))
    runs, is_all = found[:RUNS_MAX], len(found) <= RUNS_MAX
    now_ms = connection.now_ms
    overdue = [run for run in runs if run.due_ms and max(run.due_ms, run.lease_until_ms) + OVERDUE_MS <= now_ms]
    failing = [run for run in runs if run.attempts >= ATTEMPTS_WARN and run not in overdue]
    if overdue:
        oldest_s = (now_ms - min(run.due_ms for run in overdue)) // 1000
        yield fail(
            "runs",
            f"{len(overdue):,} overdue, the longest by {oldest_s:,} s: {_ids(overdue)}",
            "sweep_runs should have woken them: see its timer and its logs, then those of advance_runs; "
            "fleetrun call sweep_runs events/sweep_runs/direct.json wakes them now",
        )
    if failing:
        yield warn(
            "runs",
            f"{len(failing):,} whose step failed {ATTEMPTS_WARN} times or more: {_ids(failing)}",
            "the logs of advance_runs say why, by run id; it is tried again until then",
        )
    yield from _sweeps(connection.runs.last_sweep(), now_ms=now_ms)
    for told in islice(unreadable(connection.runs), SHOWN_MAX):
        yield fail("runs", told.reason, "the run stands still; the others go on. docs/operations.md: A damaged row")
    deferred = sum(1 for run in runs if run.status == "Deferred")
    seen = f"{len(runs):,} unfinished" if is_all else f"the first {len(runs):,} unfinished"
    yield ok("runs", f"{seen}, {deferred:,} of them wait for the next day's units, {len(overdue):,} overdue")


def _sweeps(last: Sweep | None, *, now_ms: int) -> Iterator[Finding]:
    """The net's own silence: without it, lost wake-ups and deferred runs are never found."""
    if last is None:
        yield warn(
            "sweep",
            "sweep_runs has left no word yet",
            "it runs every minute from the deployment on; if it is older, see the timer and the logs of sweep_runs",
        )
        return
    age_s = (now_ms - last.at_ms) // 1000
    told = f"{last.unfinished:,} unfinished, {last.overdue:,} overdue"
    if age_s * 1000 > SWEEP_AGE_MS:
        yield warn(
            "sweep",
            f"the last sweep ended {age_s:,} s ago ({told}); one is due every minute",
            "see the timer every-minute and the logs of sweep_runs; "
            "fleetrun call sweep_runs events/sweep_runs/direct.json sweeps now",
        )
    else:
        yield ok("sweep", f"the last one ended {max(0, age_s):,} s ago: {told}")


def _ids(runs: list[Run]) -> str:
    more = f" and {len(runs) - SHOWN_MAX:,} more" if len(runs) > SHOWN_MAX else ""
    return ", ".join(run.run_id for run in runs[:SHOWN_MAX]) + more
