"""bounds: at planning, when the targets are known, the run is held to what its caller may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared.access_ports import Access
from shared.app.hold import Hold
from shared.core.access import Caller, Grant, check_targets, check_units
from shared.core.audit import deed
from shared.core.days import day_of
from shared.core.errors import Refused, UnknownOutcome
from shared.core.model import Chunk, Instance
from shared.core.requests import InvokeRequest, TargetSelection

_PLANNING = Grant(name="planning", role="viewer")
_ANY_LIMIT = 1 << 40
"""Units that no day reaches."""


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

    A plan that is made again, because the first one was lost, may need more: what it lacks is charged, too. Raises
    Refused (Forbidden) when the day has not so many left; Unavailable, UnknownOutcome: the step comes again.
    """
    if hold.ports.access is None or not hold.run.allowed.units_per_day or not units:
        return
    charged = _charge(hold, hold.ports.access, hold.run.run_id, units=units)
    if charged < units:
        # Under a name of its own for each size: too much may be counted, never too little (sim, access seed 4000621).
        _charge(hold, hold.ports.access, f"{hold.run.run_id}-plan-{units}", units=units - charged)


def _charge(hold: Hold, access: Access, column: str, *, units: int) -> int:
    """Charges them unless `column` has been charged today; answers with how many."""
    allowed, day = hold.run.allowed, day_of(hold.now_ms)
    if access.usage.charge(allowed.caller, day, column, units=units, limit=allowed.units_per_day or 0):
        hold.ports.log("caller.charged", run_id=hold.run.run_id, caller=allowed.caller, day=day, units=units)
        return units
    used, ours = access.usage.used(allowed.caller, day, column)
    if ours is None:
        raise _entered(hold, check_units(allowed, units=units, used=used))
    return ours


def count_extra(hold: Hold, chunks: Sequence[Chunk]) -> list[Chunk]:
    """Calls that the plan did not have, of chunks that were cut in two: counted in the caller's day, each chunk once.

    Beyond the caller's limit, too: ECS or rate control made them necessary, and a run is not given up halfway. What
    comes next has so much less. Raises Unavailable, UnknownOutcome: nothing is sent, and the step comes again.
    """
    run, access = hold.run, hold.ports.access
    if access is None or not run.allowed.units_per_day:
        return list(chunks)
    day = day_of(hold.now_ms)
    found: list[Chunk] = []
    for chunk in chunks:
        if chunk.number <= run.planned_chunks or chunk.counted_day:
            found.append(chunk)
            continue
        # False: an earlier try, whose answer or whose step was lost, has counted it.
        if access.usage.charge(run.allowed.caller, day, _extra_id(run.run_id, chunk.number), units=1, limit=_ANY_LIMIT):
            hold.ports.log("caller.charged", run_id=run.run_id, caller=run.allowed.caller, day=day, units=1)
        found.append(replace(chunk, counted_day=day))
    return found


def charge_joined(hold: Hold, chunks: Sequence[Chunk]) -> list[Chunk]:
    """The chunks of targets that join a cloud schedule, counted in its caller's day in one conditional update.

    Raises Refused (Forbidden) when the day has not so many left; Unavailable, UnknownOutcome. After one of these, or a
    crash, the sync that comes again counts its chunks anew: too much may be counted, never too little.
    """
    allowed, access, run_id = hold.run.allowed, hold.ports.access, hold.run.run_id
    if access is None or not allowed.units_per_day or not chunks:
        return list(chunks)
    day, units, column = day_of(hold.now_ms), len(chunks), _extra_id(run_id, chunks[0].number)
    try:
        is_charged = access.usage.charge(allowed.caller, day, column, units=units, limit=allowed.units_per_day)
    except UnknownOutcome:
        hold.ports.log("caller.charge_unknown", run_id=run_id, caller=allowed.caller, day=day)
        is_charged = access.usage.used(allowed.caller, day, column)[1] is not None or access.usage.charge(
            allowed.caller, day, column, units=units, limit=allowed.units_per_day
        )
    if not is_charged:
        used, _ = access.usage.used(allowed.caller, day, column)
        raise _entered(hold, check_units(allowed, units=units, used=used))
    hold.ports.log("caller.charged", run_id=run_id, caller=allowed.caller, day=day, units=units)
    return [replace(chunk, counted_day=day) for chunk in chunks]


def _extra_id(run_id: str, number: int) -> str:
    return f"{run_id}-{number:05d}"


def _entered(hold: Hold, refusal: Refused) -> Refused:
    """The refusal, now that it is in the trail: the line that let the request in could not know its targets."""
    run = hold.run
    if hold.ports.access is not None:
        planner = Caller(run.allowed.caller, "viewer", _PLANNING, via="planning")
        entry = deed(planner, "runs.start", at_ms=hold.now_ms, entry_id=run.run_id, subject=run.run_id, refusal=refusal)
        hold.ports.access.audit.append(entry)
    return refusal
