"""bounds: at planning, when the targets are known, the run is held to what its caller may."""

from __future__ import annotations

from collections.abc import Mapping

from shared.app.hold import Hold
from shared.core.access import Caller, Grant, check_targets, check_units
from shared.core.audit import deed
from shared.core.days import day_of
from shared.core.errors import Refused
from shared.core.model import Instance
from shared.core.requests import InvokeRequest, TargetSelection

_PLANNING = Grant(name="planning", role="viewer")


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
        raise _entered(hold, refusal)


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
        raise _entered(hold, check_units(allowed, units=units, used=used))


def _entered(hold: Hold, refusal: Refused) -> Refused:
    """The refusal, now that it is in the trail: the line that let the request in could not know its targets."""
    run = hold.run
    if hold.ports.access is not None:
        planner = Caller(run.allowed.caller, "viewer", _PLANNING, via="planning")
        entry = deed(planner, "runs.start", at_ms=hold.now_ms, entry_id=run.run_id, subject=run.run_id, refusal=refusal)
        hold.ports.access.audit.append(entry)
    return refusal
