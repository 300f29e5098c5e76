"""Accepted → Planned: resolve the targets, check them, cut the chunks, write them down."""

from __future__ import annotations

from collections import Counter

from shared.app.bounds import charge_caller, check_bounds
from shared.app.hold import Hold
from shared.core import chunk as cutting
from shared.core import emit, limits, rate
from shared.core.cron_times import check_future
from shared.core.errors import Fenced, Refused
from shared.core.model import Chunk, Instance
from shared.core.preflight import Checked, needs_agent, preflight
from shared.core.requests import InvokeRequest
from shared.ports import Ports


def plan(hold: Hold) -> None:
    """Plans the run, or rejects it. Raises Unavailable when ECS cannot be asked now."""
    request = hold.run.request
    if request is None:
        reject(hold, Refused(**hold.run.refusal))
        return
    hold.say(emit.accepted(hold.run))
    try:
        if request.schedule is not None:
            check_future(request.schedule.expression(), now_ms=hold.now_ms)
        command_type = _command_type(hold, request)
        requested, found = resolve(hold, request)
        check_bounds(hold, request, found)
        checked = check_targets(hold.ports, hold.run.region, requested, found, command_type=command_type)
        chunks = _cut(hold, request, checked)
        charge_caller(hold, units=len(chunks))
    except Refused as error:
        reject(hold, error)
        return
    _write_plan(hold, request, checked, chunks)


def reject(hold: Hold, error: Refused) -> None:
    """Ends a run of which nothing has been planned."""
    hold.ports.log("run.rejected", run_id=hold.run.run_id, code=error.code, field=error.field)
    hold.change(status="Rejected", reason=f"{error.code}: {error.message}")
    hold.say(emit.rejected(code=error.code, field=error.field, message=error.message))


def _command_type(hold: Hold, request: InvokeRequest) -> str:
    command = request.command
    if command.type is not None:
        return command.type
    assert command.command_id is not None
    return hold.ports.runner.type_of(hold.run.region, command.command_id)


def resolve(hold: Hold, request: InvokeRequest) -> tuple[list[str], dict[str, Instance]]:
    """Requested ids (repeats included), and what exists of them. Raises Refused when nothing is requested."""
    region, targets, directory = hold.run.region, request.targets, hold.ports.directory
    if targets.instance_ids is not None:
        found = directory.describe(region, sorted(set(targets.instance_ids)))
        return list(targets.instance_ids), {instance.instance_id: instance for instance in found}
    found = directory.select(region, targets)
    if not found:
        raise Refused(
            f"targets match no instance in {region}; look at the tags and the region",
            code="NoTargets",
            field="targets",
        )
    if len(found) > limits.TARGETS_MAX:
        raise Refused(
            f"targets match {len(found)} instances; a run has at most {limits.TARGETS_MAX}: narrow the selection",
            code="TooManyTargets",
            field="targets",
        )
    return [instance.instance_id for instance in found], {instance.instance_id: instance for instance in found}


def check_targets(
    ports: Ports, region: str, requested: list[str], found: dict[str, Instance], *, command_type: str
) -> Checked:
    """Preflight, asking for the agents only of instances that are otherwise fit."""
    asked = sorted(each.instance_id for each in found.values() if needs_agent(each, command_type=command_type))
    agents = ports.directory.agents(region, asked) if asked else {}
    return preflight(requested, found, agents, command_type=command_type)


def _cut(hold: Hold, request: InvokeRequest, checked: Checked) -> list[Chunk]:
    included = len(checked.included)
    bounds = rate.bounds_of(request.rate_control, included=included)
    return cutting.cut(
        checked.included,
        run_id=hold.run.run_id,
        waves=rate.wave_sizes(request.rate_control.waves, included=included),
        size_max=rate.chunk_size(bounds, per_chunk_max=hold.policy.instances_per_chunk),
        plan_no=hold.run.version,
    )


def _write_plan(hold: Hold, request: InvokeRequest, checked: Checked, chunks: list[Chunk]) -> None:
    included, excluded = len(checked.included), checked.excluded
    if excluded:
        hold.ports.runs.put_excluded(hold.run.run_id, excluded, plan_no=hold.run.version)
    if chunks and not hold.ports.runs.put_chunks(chunks):
        raise Fenced(f"{hold.run.run_id} was planned anew by somebody else")
    hold.change(
        status="Planned",
        planned_chunks=len(chunks),
        wave_ends=cutting.wave_ends(chunks),
        requested=included + len(excluded),
        included=included,
        excluded=len(excluded),
        closed_counts={"Excluded": len(excluded)} if excluded else {},
        command_id=request.command.command_id or "",
    )
    hold.say(emit.planned(hold.run, excluded))
    _log_plan(hold, checked)
    if excluded and request.on_unfit == "reject":
        halt_unfit(hold, len(excluded))
    hold.again_at(hold.now_ms)


def _log_plan(hold: Hold, checked: Checked) -> None:
    reasons = Counter(each.reason for each in checked.excluded)
    hold.ports.log(
        "run.planned",
        run_id=hold.run.run_id,
        included=hold.run.included,
        excluded=hold.run.excluded,
        reasons=dict(sorted(reasons.items())),
        chunks=hold.run.planned_chunks,
    )


def halt_unfit(hold: Hold, count: int) -> None:
    """The caller wants all targets or none."""
    message = f'{count} of {hold.run.requested} targets are unfit, and "onUnfit" is "reject"'
    hold.change(halted="UnfitTargets", reason=f"UnfitTargets: {message}")
    hold.say(emit.rejected(code="UnfitTargets", field="targets", message=message))
