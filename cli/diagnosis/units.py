"""The day's units: what is left, and does ECS allow as many as we were told?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.diagnosis.finding import Finding, fail, ok, warn
from shared.core.days import day_of

if TYPE_CHECKING:
    from cli.connection import Connection

LEFT_WARN = 0.1
"""Ours: of the day's units."""


def check(connection: Connection) -> Iterator[Finding]:
    """ECS's own word first: DescribeAccountAttributes also shows that these keys may call ECS at all."""
    region, configured = connection.settings.region, connection.settings.daily_quota
    allowed = connection.adapters.runner.daily_limit(region)
    if configured is not None and configured > allowed:
        yield fail(
            "quota",
            f"{configured:,} units a day are configured here, ECS allows {allowed:,} calls in {region}",
            "set DailyQuota of the stack (and FLEETRUN_DAILY_QUOTA) to that or to auto, or raise ECS's in Quota Center",
        )
    else:
        yield ok("quota", f"ECS allows {allowed:,} calls a day in {region}")
    yield _today(connection, region, allowed if configured is None else min(configured, allowed))


def _today(connection: Connection, region: str, limit: int) -> Finding:
    day = day_of(connection.now_ms)
    found = connection.quota.read_day(region, day)
    said = f"{found.used:,} of {limit:,} units used on {day} (UTC+8) by {len(found.by_run):,} runs"
    if found.closed:
        return warn("quota", f"{said}; ECS says the day is used up", "runs wait for the next day (UTC+8 midnight)")
    if found.used != sum(found.by_run.values()):
        return fail("quota", f"{said}, who hold {sum(found.by_run.values()):,}", "report this: it must not happen")
    if limit - found.used <= limit * LEFT_WARN:
        return warn("quota", said, "fleetrun quota shows by which runs; what is over waits for the next day")
    return ok("quota", said)
