"""A call refused because of one target: find it, exclude it, cut the chunk anew under a new token."""

from __future__ import annotations

from dataclasses import replace

from shared.app.hold import Hold
from shared.app.pick import cut_down, left
from shared.app.plan import check_targets
from shared.core.errors import Refused, Unavailable
from shared.core.model import Chunk
from shared.core.preflight import exclude
from shared.core.track import end_all


def recut(hold: Hold, chunk: Chunk, error: Refused) -> None:
    """Checks the chunk's targets again. Nothing found: halves it, closing in on the one that ECS does not name."""
    hold.again_at(hold.now_ms)
    waiting = [target for target in chunk.targets if not target.ended_no]
    try:
        unfit = _unfit(hold, [target.instance_id for target in waiting])
    except (Refused, Unavailable) as again:
        hold.ports.log("chunk.recheck_failed", run_id=hold.run.run_id, chunk_id=chunk.chunk_id, reason=str(again))
        hold.put(replace(chunk, cut=chunk.cut + 1))
        return
    if not unfit and left(chunk) > 1:
        cut_down(hold, chunk, keep=left(chunk) // 2)
        return
    if not unfit:
        target = waiting[0]
        unfit = {target.instance_id: exclude(target.instance_id, target.name, "RefusedByEcs", code=error.code).detail}
    excluded = end_all(chunk, "Excluded", only=frozenset(unfit), why=unfit)
    hold.put(excluded if excluded.status == "Finished" else replace(excluded, cut=chunk.cut + 1))
    hold.ports.log("chunk.recut", run_id=hold.run.run_id, chunk_id=chunk.chunk_id, excluded=len(unfit), code=error.code)


def _unfit(hold: Hold, instance_ids: list[str]) -> dict[str, str]:
    """Why each of them is unfit now, by id."""
    run = hold.run
    assert run.request is not None
    command = run.request.command
    command_type = command.type or hold.ports.runner.type_of(run.region, run.command_id)
    found = {each.instance_id: each for each in hold.ports.directory.describe(run.region, instance_ids)}
    checked = check_targets(hold.ports, run.region, instance_ids, found, command_type=command_type)
    return {each.instance_id: f"{each.reason}: {each.detail}" for each in checked.excluded}
