"""add: an invoke request with a managed schedule becomes exactly one schedule, however often it is delivered."""

from __future__ import annotations

import msgspec

from shared.app.schedule_settle import look_at, look_soon
from shared.core import limits
from shared.core.access import UNBOUND, Allowed
from shared.core.cron_times import check_future, fires_per_day_max
from shared.core.errors import Refused
from shared.core.requests import InvokeRequest, hash_of
from shared.core.schedule import Schedule, schedule_id_of
from shared.core.schedule_decide import first_look
from shared.ports import Policy, Ports


def add_schedule(ports: Ports, policy: Policy, request: InvokeRequest, *, allowed: Allowed = UNBOUND) -> str:
    """Answers "scheduled", or "repeated" for a request that has its schedule already.

    Raises Refused when it never fires, needs more units a day than there are, or when its requestId belongs to another
    body; Unavailable or UnknownOutcome when the rows cannot be written: the message comes again then.
    """
    stored = ports.schedules.read_schedule(schedule_id_of(request.request_id))
    if stored is not None:
        return _repeated(ports, stored, request)
    schedule = _schedule_of(request, policy, allowed, now_ms=ports.clock.now_ms())
    _check_size(request)
    _check_units(ports, policy, schedule)
    if not ports.schedules.insert_schedule(schedule):
        stored = ports.schedules.read_schedule(schedule.schedule_id)
        assert stored is not None, f"{schedule.schedule_id} is there and is not"
        return _repeated(ports, stored, request)
    # After the row: a line of `due` without a schedule would be taken away. A crash here is made good by the
    # redelivered message, which finds the row.
    look_at(ports, schedule)
    look_soon(ports, schedule)
    ports.log("schedule.added", schedule_id=schedule.schedule_id, request_id=schedule.name, next_ms=schedule.next_ms)
    return "scheduled"


def _repeated(ports: Ports, stored: Schedule, request: InvokeRequest) -> str:
    if stored.body_hash != hash_of(request):
        raise Refused(
            f"requestId {request.request_id!r} was used before, with another body; choose a new one",
            code="RequestIdReused",
            field="requestId",
        )
    if stored.status == "Active" and stored.due_ms:
        look_at(ports, stored)
    return "repeated"


def _schedule_of(request: InvokeRequest, policy: Policy, allowed: Allowed, *, now_ms: int) -> Schedule:
    assert request.schedule is not None
    check_future(request.schedule.expression(), now_ms=now_ms)
    schedule = first_look(
        Schedule(
            schedule_id=schedule_id_of(request.request_id),
            name=request.request_id,
            request=request,
            body_hash=hash_of(request),
            region=request.region or policy.region,
            created_ms=now_ms,
            allowed=allowed,
        ),
        now_ms=now_ms,
    )
    if schedule.status == "Ended":
        raise Refused(
            f"schedule.endAt is {request.schedule.end_at}: no firing lies before it",
            code="BadRequest",
            field="schedule.endAt",
        )
    return schedule


def _check_size(request: InvokeRequest) -> None:
    size = len(msgspec.json.encode(request))
    if size > limits.SCHEDULE_REQUEST_BYTES_MAX:
        raise Refused(
            f"targets: the request has {size} bytes; one with a schedule must have at most "
            f"{limits.SCHEDULE_REQUEST_BYTES_MAX}: name the targets by tags",
            code="BadRequest",
            field="targets",
        )


def _check_units(ports: Ports, policy: Policy, schedule: Schedule) -> None:
    """More calls a day than the day has units: every day would end with firings that nobody carries out."""
    spec = schedule.spec
    if spec.force:
        return
    limit = policy.daily_quota
    if limit is None:
        limit = ports.runner.daily_limit(schedule.region)
    calls = -(-_targets_now(ports, schedule) // policy.instances_per_chunk)
    firings = fires_per_day_max(spec.expression())
    if firings * calls > limit:
        raise Refused(
            f"schedule.frequency fires up to {firings} times a day, with {calls} calls each time for the targets of "
            f'now: {firings * calls} units, and the day has {limit}; make it rarer, or say "force": true',
            code="TooManyUnits",
            field="schedule.frequency",
        )


def _targets_now(ports: Ports, schedule: Schedule) -> int:
    targets = schedule.request.targets
    if targets.instance_ids is not None:
        return len(set(targets.instance_ids))
    # None may match today, and some tomorrow: one call is the least that a firing can cost.
    return max(1, len(ports.directory.select(schedule.region, targets)))
