"""preview: what a request would do now: targets, the excluded and why, chunks, units. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass

from shared.app.hold import Hold
from shared.app.plan import check_targets, resolve
from shared.core import chunk as cutting
from shared.core import rate
from shared.core.cron_times import check_future
from shared.core.days import day_of
from shared.core.model import Chunk, Excluded, Run, run_id_of
from shared.core.requests import InvokeRequest
from shared.ports import Policy, Ports


@dataclass(frozen=True, slots=True)
class PlanPreview:
    region: str
    command_type: str
    requested: int
    included: int
    excluded: tuple[Excluded, ...]
    chunks: tuple[Chunk, ...]
    day: str
    units_left: int
    """Of the day, over all runs; what other runs have yet to ask for is not in it."""

    @property
    def units(self) -> int:
        return len(self.chunks)

    @property
    def units_deferred(self) -> int:
        return max(0, self.units - self.units_left)


def preview_plan(ports: Ports, policy: Policy, request: InvokeRequest) -> PlanPreview:
    """The same steps as the run's own planning. Raises what that raises: Refused, Unavailable."""
    now_ms = ports.clock.now_ms()
    if request.schedule is not None:
        check_future(request.schedule.expression(), now_ms=now_ms)
    region = request.region or policy.region
    hold = Hold(ports, policy, _run_of(request, region=region, now_ms=now_ms), [])
    command = request.command
    command_type = command.type or ports.runner.type_of(region, command.command_id or "")
    requested, found = resolve(hold, request)
    checked = check_targets(ports, region, requested, found, command_type=command_type)
    bounds = rate.bounds_of(request.rate_control, included=len(checked.included))
    chunks = cutting.cut(
        checked.included,
        run_id=hold.run.run_id,
        waves=rate.wave_sizes(request.rate_control.waves, included=len(checked.included)),
        size_max=rate.chunk_size(bounds, per_chunk_max=policy.instances_per_chunk),
        plan_no=0,
    )
    day = day_of(now_ms)
    row = ports.quota.read(region, day, hold.run.run_id)
    left = 0 if row.closed else max(0, units_per_day(ports, policy, region) - row.used)
    return PlanPreview(
        region=region,
        command_type=command_type,
        requested=len(requested),
        included=len(checked.included),
        excluded=checked.excluded,
        chunks=tuple(chunks),
        day=day,
        units_left=left,
    )


def units_per_day(ports: Ports, policy: Policy, region: str) -> int:
    """The configured limit, or what ECS says."""
    return policy.daily_quota if policy.daily_quota is not None else ports.runner.daily_limit(region)


def _run_of(request: InvokeRequest, *, region: str, now_ms: int) -> Run:
    return Run(run_id_of(request.request_id), request.request_id, request, "", region, now_ms)
