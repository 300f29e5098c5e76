"""sync: a cloud schedule's targets are brought in line with what its selection finds today.

Cloud Assistant repeats on the instances that it was given. One that has joined the selection since gets a chunk of its
own, one that has left it is stopped there: a stop of a part, like any other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from shared.app.bounds import charge_joined, check_bounds
from shared.app.emit import finish
from shared.app.hold import Hold, claim
from shared.app.pick import join, new_number
from shared.app.plan import check_targets, resolve
from shared.app.stop_mark import leave_mark
from shared.core import chunk as cutting
from shared.core.errors import Fenced, Refused, Unavailable
from shared.core.model import Chunk, Instance, Run, run_id_of
from shared.core.requests import ScheduleRequest
from shared.core.transitions import ENDS_OF_RUN
from shared.ports import Policy, Ports

_RUN_ID = re.compile(r"^run-[0-9a-f]{20}$")


def sync_run(ports: Ports, policy: Policy, request: ScheduleRequest) -> str:
    """Answers "synced". Raises Refused when there is no such cloud schedule or nothing matches any more (that would
    stop it everywhere: say so with a stop); Unavailable while somebody else holds the run: the message comes again."""
    run_id = request.schedule if _RUN_ID.match(request.schedule) else run_id_of(request.schedule)
    run, stops = ports.runs.read_run_and_stops(run_id)
    _check(run, request)
    assert run is not None
    if run.status == "Accepted" or run.lease_until_ms > ports.clock.now_ms():
        raise Unavailable(f"{run_id} is being advanced by somebody else", code="Held")
    # Before the claim: whatever is refused or fails here leaves the run free.
    wanted, found = _targets_now(Hold(ports, policy, run, stops))
    hold = claim(ports, policy, run, stops, event_sent=run.event_sent)
    hold.take_up(ports.runs.read_chunks(run_id, sorted(run.active)))
    refusal: Refused | None = None
    try:
        _reconcile(hold, request, wanted, found)
    except Refused as error:
        refusal = error  # nothing was changed; the run goes on, and is free again
    hold.again_at(hold.now_ms)
    hold.commit()
    finish(hold)
    if refusal is not None:
        raise refusal
    return "synced"


def _check(run: Run | None, request: ScheduleRequest) -> None:
    if run is None or not run.is_repeating:
        raise Refused(
            f"schedule is {request.schedule!r}: there is no cloud schedule of this name; one that fleetrun keeps "
            "finds its targets afresh each time",
            code="NoSchedule",
            field="schedule",
        )
    if run.status in ENDS_OF_RUN or run.halted:
        raise Refused(f"the schedule {request.schedule!r} is over", code="ScheduleOver", field="schedule")


def _reconcile(hold: Hold, request: ScheduleRequest, wanted: list[str], found: dict[str, Instance]) -> None:
    here = {target.instance_id for chunk in hold.chunks.values() for target in chunk.targets if not target.ended_no}
    left = tuple(sorted(here - found.keys() - hold.withdrawn))
    joined = [instance_id for instance_id in wanted if instance_id not in here]
    # A withdrawn target is never started again; its instance needs a schedule of its own.
    new = [instance_id for instance_id in joined if instance_id in found and instance_id not in hold.withdrawn]
    included = _fit(hold, new, found)
    chunks = charge_joined(hold, _cut(hold, included)) if included else []
    if left:
        # Of this claim: a sync that comes again after a crash may find that more have left, and marks them, too.
        mark_id = f"sync-{request.request_id}-{hold.run.version}"
        leave_mark(hold.ports, run_id=hold.run.run_id, request_id=mark_id, instance_ids=left)
    if chunks:
        _add_chunks(hold, chunks, included=len(included))
    hold.ports.log(
        "schedule.synced",
        run_id=hold.run.run_id,
        joined=len(included),
        left=len(left),
        unfit=len(new) - len(included),
        withdrawn=len(joined) - len(new),
    )


def _targets_now(hold: Hold) -> tuple[list[str], dict[str, Instance]]:
    request = hold.run.request
    assert request is not None
    wanted, found = resolve(hold, request)
    if not found:
        raise Refused("none of its targets exists any more: stop the schedule", code="NoTargets", field="schedule")
    check_bounds(hold, request, found)
    return sorted(set(wanted)), found


def _fit(hold: Hold, instance_ids: list[str], found: dict[str, Instance]) -> Sequence[Instance]:
    """Those that pass preflight; the others are left for the next time."""
    run = hold.run
    if not instance_ids:
        return ()
    assert run.request is not None
    command_type = run.request.command.type or hold.ports.runner.type_of(run.region, run.command_id)
    new = {instance_id: found[instance_id] for instance_id in instance_ids}
    return check_targets(hold.ports, run.region, instance_ids, new, command_type=command_type).included


def _cut(hold: Hold, included: Sequence[Instance]) -> list[Chunk]:
    cut = cutting.cut(
        included,
        run_id=hold.run.run_id,
        waves=(len(included),),
        size_max=hold.policy.instances_per_chunk,
        plan_no=hold.run.version,
    )
    first = new_number(hold)
    return [replace(chunk, number=first + index) for index, chunk in enumerate(cut)]


def _add_chunks(hold: Hold, chunks: list[Chunk], *, included: int) -> None:
    """New rows first, which nobody refers to yet; the head row makes them the run's."""
    if not hold.ports.runs.put_chunks(chunks):
        raise Fenced(f"chunks of {hold.run.run_id} belong to somebody else")
    hold.take_up(chunks)
    for chunk in chunks:
        join(hold, chunk.number)
    hold.change(requested=hold.run.requested + included, included=hold.run.included + included)
