"""A cloud schedule's repetitions: what ECS says of its instances and its history → repetitions, each recorded once.

Strategy: ECS counts the times that the script has run on an instance (`Repeats`). What is recorded is counted in the
target, so what is missing is known by number; history is read only for that. A number that history does not have while
it has a later one is gone (30 days, 10,000 records: SDK docs 2026), and its outcome is Unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.core import limits
from shared.core.model import Chunk, Repetition, Result, Target
from shared.core.transitions import ENDS_OF_ECS


def missing(chunk: Chunk, results: Sequence[Result]) -> dict[str, range]:
    """Repetitions that have ended and are not recorded, by instance; one that still runs is not among them."""
    by_id = {result.instance_id: result for result in results}
    found: dict[str, range] = {}
    for target in chunk.targets:
        result = by_id.get(target.instance_id)
        if result is None or target.ended_no:
            continue
        is_running = result.status in ("Running", "Stopping")
        last = result.repeats - 1 if is_running else result.repeats
        if last > target.repeats:
            found[target.instance_id] = range(target.repeats + 1, last + 1)
    return found


def record_repetitions(
    chunk: Chunk, results: Sequence[Result], wanted: Mapping[str, range], *, announced: int
) -> tuple[Chunk, bool]:
    """The chunk with the repetitions that were found, those announced dropped; and whether none of `wanted` is left.

    `results`: of two about the same repetition the later counts. At most REPETITIONS_PER_STEP_MAX at once; of each
    instance in order, without gaps.
    """
    # Cancelled says that it was stopped between two firings, and nothing of the one before.
    by_key = {
        (each.instance_id, each.repeats): each
        for each in results
        if each.status in ENDS_OF_ECS and each.status != "Cancelled"
    }
    latest: dict[str, int] = {}
    for instance_id, repeat in by_key:
        latest[instance_id] = max(repeat, latest.get(instance_id, 0))
    kept = [each for each in chunk.repetitions if each.number > announced]
    number, targets, is_complete = chunk.repeated, list(chunk.targets), True
    for index, target in enumerate(targets):
        recorded = target.repeats
        for repeat in wanted.get(target.instance_id, range(0)):
            found = by_key.get((target.instance_id, repeat))
            is_gone = found is None and repeat < latest.get(target.instance_id, 0)
            if (found is None and not is_gone) or len(kept) >= limits.REPETITIONS_PER_STEP_MAX:
                is_complete = False
                break
            number, recorded = number + 1, repeat
            kept.append(_repetition(number, target, repeat, found))
        targets[index] = replace(target, repeats=recorded)
    return replace(chunk, targets=tuple(targets), repetitions=tuple(kept), repeated=number), is_complete


def _repetition(number: int, target: Target, repeat: int, found: Result | None) -> Repetition:
    if found is None:
        why = "ECS keeps no record of this repetition"
        return Repetition(number, target.instance_id, target.name, repeat, "Unknown", error_info=why)
    head = (found.output or b"")[: limits.OUTPUT_CHARS_PER_EVENT * 4].decode("utf-8", "replace")
    return Repetition(
        number,
        target.instance_id,
        target.name,
        repeat,
        found.status,
        exit_code=found.exit_code,
        error_code=found.error_code,
        error_info=found.error_info[:256],
        dropped=found.dropped,
        start_time=found.start_time,
        finish_time=found.finish_time,
        output_head=head[: limits.OUTPUT_CHARS_PER_EVENT],
    )
