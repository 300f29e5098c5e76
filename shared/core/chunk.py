"""Stage 3 of 8: included instances -> chunks of at most 50, sorted, distinct, wave by wave; none lost, none twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from shared.core.model import Chunk, Instance, Target


def cut(
    instances: Sequence[Instance], *, run_id: str, waves: Sequence[int], size_max: int, plan_no: int
) -> list[Chunk]:
    """Chunks 1, 2, … of 1..size_max targets; no chunk crosses a wave. `waves`: targets of each, summing to all.

    Sizes within a wave differ by at most one: 120 targets give 3 × 40, not 50 + 50 + 20.
    """
    assert size_max >= 1, f"a chunk has room for {size_max} targets"
    ordered = sorted(instances, key=lambda instance: instance.instance_id)
    assert sum(waves) == len(ordered), "the waves are made of other targets"
    chunks: list[Chunk] = []
    for wave, (size, end) in enumerate(zip(waves, accumulate(waves), strict=True)):
        for part in _even_parts(ordered[end - size : end], size_max=size_max):
            targets = tuple(Target(each.instance_id, each.name) for each in part)
            chunks.append(Chunk(run_id, len(chunks) + 1, wave, targets, plan_no=plan_no))
    return chunks


def _even_parts(instances: Sequence[Instance], *, size_max: int) -> list[Sequence[Instance]]:
    count = -(-len(instances) // size_max)
    bounds = [len(instances) * index // count for index in range(count + 1)]
    return [instances[low:high] for low, high in pairwise(bounds)]


def wave_ends(chunks: Sequence[Chunk]) -> tuple[int, ...]:
    """The last chunk number of each wave."""
    ends: dict[int, int] = {}
    for each in chunks:
        ends[each.wave] = each.number
    return tuple(ends[wave] for wave in sorted(ends))


def split(chunk: Chunk, *, keep: int, rest_number: int, plan_no: int) -> tuple[Chunk, Chunk]:
    """The first `keep` unended targets stay, the others move to chunk `rest_number`; ended ones stay where they are.

    Only for a chunk that was never sent, or whose call ECS refused: what stays gets a new token.
    """
    assert chunk.status == "Planned", f"chunk {chunk.chunk_id} is {chunk.status}, and so it is frozen"
    waiting = [target for target in chunk.targets if not target.ended_no]
    assert 1 <= keep < len(waiting), f"cannot keep {keep} of {len(waiting)}"
    moved = frozenset(target.instance_id for target in waiting[keep:])
    stays = tuple(target for target in chunk.targets if target.instance_id not in moved)
    rest = Chunk(chunk.run_id, rest_number, chunk.wave, tuple(waiting[keep:]), plan_no=plan_no)
    return replace(chunk, targets=stays, cut=chunk.cut + 1, sent_ms=0, tries=0, rest=rest_number), rest
