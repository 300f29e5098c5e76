"""A schedule as people and programs read it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from cli.api_rows import ApiRun, ShownSchedule
from cli.run_names import run_id_in
from shared.core.cron import Expression, parse
from shared.core.cron_times import fires
from shared.core.cron_words import words_of
from shared.core.errors import Refused
from shared.core.model import Run
from shared.core.schedule import Schedule, schedule_id_of, time_of

if TYPE_CHECKING:
    from cli.connection import Connection

NEXT_SHOWN = 5
PAGE = 100


def find(connection: Connection, name: str) -> Schedule:
    """By its requestId or its id. Raises Refused when there is none."""
    for schedule_id in dict.fromkeys((schedule_id_of(name), name)):
        found = connection.schedules.read_schedule(schedule_id)
        if found is not None:
            return found
    run = connection.runs.read_run(run_id_in(name))
    if run is not None and run.is_repeating:
        raise Refused(
            f"{name!r} is a schedule of the cloud: `fleetrun status` shows it, `fleetrun stop` ends it, and "
            "`fleetrun schedule sync` brings its targets up to date",
            code="CloudSchedule",
        )
    raise Refused(
        f"there is no schedule {name!r}. `fleetrun schedule list` shows them all; one that was added just now may "
        "still be in its queue",
        code="NoSchedule",
    )


def cloud_schedules(connection: Connection) -> list[dict[str, Any]]:
    """Runs that Cloud Assistant repeats and that have not ended."""
    found: list[dict[str, Any]] = []
    after = ""
    while page := connection.runs.unfinished(after=after, limit=PAGE):
        after = page[-1]
        found += [_cloud_json(run) for run in connection.runs.read_runs(page).values() if run.is_repeating]
    return found


def _cloud_json(run: Run) -> dict[str, Any]:
    expression = _expression(run)
    return {
        "runId": run.run_id,
        "name": run.request_id,
        "by": "cloud",
        "status": run.status,
        "frequency": expression.text,
        "words": words_of(expression),
        "region": run.region,
        "nextFire": time_of(run.awaited_ms) if run.awaited_ms else None,
    }


def _expression(run: Run) -> Expression:
    if isinstance(run, ApiRun):
        return parse(run.frequency)
    assert run.request is not None
    assert run.request.schedule is not None
    return run.request.schedule.expression()


def schedule_json(schedule: Schedule | ShownSchedule) -> dict[str, Any]:
    if not isinstance(schedule, Schedule):
        return {name: value for name, value in schedule.told.items() if name != "nextFires"}
    spec = schedule.spec
    return {
        "scheduleId": schedule.schedule_id,
        "name": schedule.name,
        "by": "fleetrun",
        "status": schedule.status,
        "frequency": spec.expression().text,
        "words": words_of(spec.expression()),
        "region": schedule.region,
        "nextFire": time_of(schedule.next_ms) if schedule.next_ms else None,
        "fired": schedule.fired,
        "missed": schedule.missed,
        "lastRunId": schedule.last_run_id or None,
        "waiting": [time_of(fire_ms) for fire_ms in schedule.waiting],
        "missedPolicy": spec.missed,
        "overlap": spec.overlap,
        "jitter": spec.jitter,
        "startAt": spec.start_at,
        "endAt": spec.end_at,
        "createdAt": time_of(schedule.created_ms),
        "revision": schedule.revision,
    }


def next_fires(schedule: Schedule | ShownSchedule, *, now_ms: int) -> list[str]:
    """The next few firings after now, by the schedule's clock; none while it does not fire."""
    if not isinstance(schedule, Schedule):
        return list(schedule.told["nextFires"])
    if schedule.status != "Active" or not schedule.next_ms:
        return []
    spec, end_ms = schedule.spec, schedule.spec.end_ms()
    created_ms = max(schedule.in_force_ms, spec.start_ms() or 0)
    walk = fires(spec.expression(), after_ms=max(now_ms, schedule.next_ms - 1), created_ms=created_ms)
    times = [fire.at_ms for fire in islice(walk, NEXT_SHOWN)]
    return [time_of(at_ms) for at_ms in times if end_ms is None or at_ms <= end_ms]
