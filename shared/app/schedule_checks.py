"""What a schedule must keep to, new or updated: it fires some day, fits its row, and a day has the units for it."""

from __future__ import annotations

import msgspec

from shared.core import limits
from shared.core.cron_times import fires_per_day_max
from shared.core.errors import Refused
from shared.core.schedule import Schedule
from shared.ports import Policy, Ports


def check_schedule(ports: Ports, policy: Policy, schedule: Schedule) -> None:
    """Raises Refused; Unavailable when its targets cannot be counted."""
    if schedule.status == "Ended":
        raise Refused(
            f"schedule.endAt is {schedule.spec.end_at}: no firing lies before it",
            code="BadRequest",
            field="schedule.endAt",
        )
    _check_size(schedule)
    _check_units(ports, policy, schedule)


def _check_size(schedule: Schedule) -> None:
    size = len(msgspec.json.encode(schedule.request))
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
