"""Stage 7 of 8: chunks and head row -> counts that always sum to the targets, and the run's status.

    how its targets ended                                      status of the run
    ---------------------------------------------------------  -------------------------------------------
    it was rejected (unfit targets, quota, refused by ECS)     Rejected, if nothing was sent
    a stop was requested and a target was stopped by it        Stopped
    all Success                                                Success
    some Success, and some anything else                       PartialFailed
    no Success                                                 Failed

An excluded, unknown or not started target never counts as success.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from shared.core.model import Chunk, Run
from shared.core.transitions import FAILURES, IN_FLIGHT

_STOPPED = frozenset({"Cancelled", "Terminated", "NotStarted"})


def counts_of(chunks: Iterable[Chunk]) -> Counter[str]:
    """Targets per status over these chunks."""
    return Counter(target.status for chunk in chunks for target in chunk.targets)


def counts_over_run(run: Run, active: Iterable[Chunk]) -> dict[str, int]:
    """Targets per status over the whole run; whatever stands in no closed or active chunk is still Planned."""
    counts = Counter(run.closed_counts)
    counts.update(counts_of(active))
    planned = run.requested - sum(counts.values())
    assert planned >= 0, f"{run.run_id} counts {sum(counts.values())} of {run.requested} targets"
    counts["Planned"] += planned
    return {status: counts[status] for status in sorted(counts) if counts[status]}


def in_flight(counts: Mapping[str, int]) -> int:
    return sum(counts.get(status, 0) for status in IN_FLIGHT)


def failures(counts: Mapping[str, int]) -> int:
    return sum(counts.get(status, 0) for status in FAILURES)


def end_of(run: Run, counts: Mapping[str, int]) -> str:
    """The terminal status of a run all of whose targets have ended, by the table above."""
    sent = sum(run.spent.values())
    stopped = sum(counts.get(status, 0) for status in _STOPPED)
    if run.halted in ("UnfitTargets", "QuotaExhausted", "RefusedByEcs") and not sent:
        return "Rejected"
    if run.halted == "StopRequested" and stopped:
        return "Stopped"
    succeeded = counts.get("Success", 0)
    if succeeded == run.requested:
        return "Success"
    return "PartialFailed" if succeeded else "Failed"


def is_all_ended(run: Run) -> bool:
    """Whether every planned chunk has been taken up and closed."""
    return run.opened == run.planned_chunks and not run.active
