"""A run as people and scripts want it told: head, counts, every target and its end, the excluded and their reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.core.days import day_of, iso
from shared.core.model import Chunk, Excluded, Run, Target
from shared.core.transitions import ENDS_OF_RUN

if TYPE_CHECKING:
    from cli.connection import Connection
    from shared.adapters.run_store import TableRunStore

DAYS_BACK_MAX = 7
"""Ours: how far back a day without runs looks for the limit."""
CHUNKS_PER_READ = 100
"""Ours: chunks held in memory at once."""


@dataclass(frozen=True, slots=True)
class Units:
    """A region's day."""

    region: str
    day: str
    used: int
    limit: int | None
    """None: only ECS knows (FLEETRUN_DAILY_QUOTA=auto)."""
    limit_from: str
    """"functions": what the deployment keeps to, by its rows; "here": this command's FLEETRUN_DAILY_QUOTA."""
    closed: bool
    by_run: dict[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    run: Run
    excluded: tuple[Excluded, ...]
    targets: tuple[Target, ...]
    """Every target that stands in a chunk, by instance id."""
    units: Units


def is_ended(run: Run) -> bool:
    return run.status in ENDS_OF_RUN


def read_report(connection: Connection, run: Run) -> Report:
    """All of the run's rows, without whole outputs."""
    targets: list[Target] = []
    excluded = connection.runs.read_excluded(run)
    for chunk in chunks_of(connection.runs, run):
        for target in chunk.targets:
            if target.status == "Excluded":
                reason, _, detail = target.error_info.partition(": ")
                excluded.append(Excluded(target.instance_id, target.name, reason or "RefusedByEcs", detail))
            else:
                targets.append(target)
    return Report(
        run=run,
        excluded=tuple(sorted(excluded, key=lambda each: (each.reason, each.name, each.instance_id))),
        targets=tuple(sorted(targets, key=lambda target: (target.name, target.instance_id))),
        units=read_units(connection, run.region, max(run.grants, default=day_of(run.accepted_ms))),
    )


def chunks_of(runs: TableRunStore, run: Run) -> Iterator[Chunk]:
    """Every chunk of the run, in order."""
    numbers = [*range(1, run.planned_chunks + 1), *sorted(run.extra)]
    for start in range(0, len(numbers), CHUNKS_PER_READ):
        yield from runs.read_chunks(run.run_id, numbers[start : start + CHUNKS_PER_READ])


def read_units(connection: Connection, region: str, day: str) -> Units:
    found = connection.quota.read_day(region, day)
    limit = found.limit if found.limit is not None else _limit_before(connection, region, day)
    if limit is None:
        return Units(region, day, found.used, connection.settings.daily_quota, "here", found.closed, found.by_run)
    return Units(region, day, found.used, limit, "functions", found.closed, found.by_run)


def _limit_before(connection: Connection, region: str, day: str) -> int | None:
    """No run has taken units on that day: the limit of the last day before on which one did."""
    start = datetime.strptime(day, "%Y-%m-%d")  # noqa: DTZ007  a day, not a moment
    for back in range(1, DAYS_BACK_MAX + 1):
        before = connection.quota.read_day(region, f"{start - timedelta(days=back):%Y-%m-%d}")
        if before.limit is not None:
            return before.limit
    return None


def failed(targets: Sequence[Target]) -> list[Target]:
    """Those that have ended, and not well."""
    return [target for target in targets if target.ended_no and target.status != "Success"]


# -- as JSON ----------------------------------------------------------------------------------------------------------
def run_json(run: Run) -> dict[str, Any]:
    """The head of a run. Names as in the events."""
    return {
        "runId": run.run_id,
        "requestId": run.request_id,
        "region": run.region,
        "status": run.status,
        "ended": is_ended(run),
        "reason": run.reason,
        "requested": run.requested,
        "included": run.included,
        "counts": dict(sorted(run.counts.items())),
        "chunks": run.planned_chunks + len(run.extra),
        "unitsSpent": sum(run.spent.values()),
        "deferredTo": run.deferred_to,
        "halted": run.halted,
        "acceptedAt": iso(run.accepted_ms),
        "finishedAt": iso(run.finished_ms) if run.finished_ms else "",
        "durationMs": run.finished_ms - run.accepted_ms if run.finished_ms else None,
        "events": run.event_seq,
        "dueAt": iso(run.due_ms) if run.due_ms else "",
        "attempts": run.attempts,
    }


def target_json(target: Target) -> dict[str, Any]:
    return {
        "instanceId": target.instance_id,
        "name": target.name,
        "status": target.status,
        "exitCode": target.exit_code,
        "errorCode": target.error_code,
        "errorInfo": target.error_info,
        "output": target.output_head,
        "dropped": target.dropped,
        "startTime": target.start_time,
        "finishTime": target.finish_time,
    }


def excluded_json(excluded: Excluded) -> dict[str, Any]:
    return {
        "instanceId": excluded.instance_id,
        "name": excluded.name,
        "reason": excluded.reason,
        "detail": excluded.detail,
    }


def units_json(units: Units) -> dict[str, Any]:
    left = None if units.limit is None else max(0, 0 if units.closed else units.limit - units.used)
    return {
        "region": units.region,
        "day": units.day,
        "used": units.used,
        "limit": units.limit,
        "limitFrom": units.limit_from,
        "left": left,
        "closed": units.closed,
    }


def report_json(report: Report) -> dict[str, Any]:
    """The summary: everything but the targets that went well."""
    return {
        **run_json(report.run),
        "excluded": [excluded_json(each) for each in report.excluded],
        "failed": [target_json(target) for target in failed(report.targets)],
        "units": units_json(report.units),
    }
