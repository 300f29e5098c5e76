"""The day's units: what is left, and does ECS allow as many as we were told?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.diagnosis.finding import Finding, fail, of_error, ok, warn
from cli.report import read_units
from cli.show import number
from shared.core.days import day_of
from shared.core.errors import FleetrunError

if TYPE_CHECKING:
    from cli.connection import Connection

LEFT_WARN = 0.1
"""Ours: of the day's units."""


def check(connection: Connection) -> Iterator[Finding]:
    """ECS's own word first: DescribeAccountAttributes also shows that these keys may call ECS at all."""
    region, configured = connection.settings.region, connection.settings.daily_quota
    known = [] if configured is None else [configured]
    try:
        allowed = connection.adapters.runner.daily_limit(region)
    except FleetrunError as error:
        yield of_error("quota", error)
    else:
        known.append(allowed)
        yield _configured(configured, allowed, region)
    kept = read_units(connection, region, day_of(connection.now_ms))
    if kept.limit_from == "functions" and kept.limit is not None:
        known.append(kept.limit)
        if configured not in (None, kept.limit):
            yield warn(
                "quota",
                f"the functions keep to {kept.limit:,} units a day, here FLEETRUN_DAILY_QUOTA says {configured:,}",
                f"export FLEETRUN_DAILY_QUOTA={kept.limit}, or set DailyQuota of the stack",
            )
    yield _today(connection, region, min(known, default=None))


def _configured(configured: int | None, allowed: int, region: str) -> Finding:
    if configured is not None and configured > allowed:
        return fail(
            "quota",
            f"{configured:,} units a day are configured here, ECS allows {allowed:,} calls in {region}",
            "set DailyQuota of the stack (and FLEETRUN_DAILY_QUOTA) to that or to auto, or raise ECS's in Quota Center",
        )
    return ok("quota", f"ECS allows {allowed:,} calls a day in {region}")


def _today(connection: Connection, region: str, limit: int | None) -> Finding:
    """`limit`: None when nobody knows it."""
    day = day_of(connection.now_ms)
    found = connection.quota.read_day(region, day)
    of_limit = "" if limit is None else f"of {limit:,} "
    said = f"{found.used:,} {of_limit}units used on {day} (UTC+8) by {number(len(found.by_run), 'run')}"
    if found.closed:
        return warn("quota", f"{said}; ECS says the day is used up", "runs wait for the next day (UTC+8 midnight)")
    if found.used != sum(found.by_run.values()):
        return fail("quota", f"{said}, who hold {sum(found.by_run.values()):,}", "report this: it must not happen")
    if limit is not None and limit - found.used <= limit * LEFT_WARN:
        return warn("quota", said, "fleetrun quota shows by which runs; what is over waits for the next day")
    return ok("quota", said)
