"""bounds: at planning, when the targets are known, the run is held to what its caller may."""

from __future__ import annotations

from collections.abc import Mapping

from shared.app.hold import Hold
from shared.core.access import check_targets, check_units
from shared.core.days import day_of
from shared.core.model import Instance
from shared.core.requests import InvokeRequest, TargetSelection


def check_bounds(hold: Hold, request: InvokeRequest, found: Mapping[str, Instance]) -> None:
    """Raises Refused (Forbidden) for too many targets, or for one without the tags; Unavailable.

    Targets that were selected by tags carry them: `check_request` saw to it. Of those that were named, ECS is asked.
    """
    allowed = hold.run.allowed
    strangers: tuple[str, ...] = ()
    if allowed.tags and request.targets.instance_ids is not None:
        ours = hold.ports.directory.select(hold.run.region, TargetSelection(tags=dict(allowed.tags)))
        strangers = tuple(sorted(found.keys() - {instance.instance_id for instance in ours}))
    refusal = check_targets(allowed, targets=len(found), strangers=strangers)
    if refusal is not None:
        raise refusal


def charge_caller(hold: Hold, *, units: int) -> None:
    """Charges the calls that the plan makes to the caller's day, once for the run, however often it is planned.

    Raises Refused (Forbidden) when the day has not so many left; Unavailable, UnknownOutcome: the step comes again.
    """
    allowed, access = hold.run.allowed, hold.ports.access
    if access is None or not allowed.units_per_day or not units:
        return
    day, run_id = day_of(hold.now_ms), hold.run.run_id
    if access.usage.charge(allowed.caller, day, run_id, units=units, limit=allowed.units_per_day):
        hold.ports.log("caller.charged", run_id=run_id, caller=allowed.caller, day=day, units=units)
        return
    used, ours = access.usage.used(allowed.caller, day, run_id)
    if ours is None:
        raise check_units(allowed, units=units, used=used)
