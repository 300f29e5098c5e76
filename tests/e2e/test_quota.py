"""The day's quota over real parts: never overshot, deferred when it is used up, or rejected if the request says so."""

from __future__ import annotations

import json

from shared.core.days import day_of
from shared.core.model import run_id_of
from tests.e2e.world import invoke, until, whole


def test_a_request_beyond_the_days_units_is_deferred_and_goes_on_the_next_day() -> None:
    with whole(instances=120, parameters={"DailyQuota": "3"}) as world:
        first = world.run(invoke("today-1"))
        second_id = world.send(invoke("today-2"))
        deferred = until("the second run to be deferred", lambda: _with_status(world, second_id, "Deferred"))

        assert first.counts == {"Excluded": 20, "Success": 100}
        assert deferred.deferred_to > day_of(world.connection.now_ms)
        assert world.connection.quota.read_day("cn-hangzhou", day_of(world.connection.now_ms)).used == 3
        kinds = [event["type"] for event in until("an event of it", lambda: world.events(second_id) or None)]
        assert "fleetrun.run.deferred" in kinds


def _with_status(world, run_id, status):  # type: ignore[no-untyped-def]
    run = world.connection.runs.read_run(run_id)
    return run if run is not None and run.status == status else None


def test_many_requests_at_once_for_the_last_units_never_overshoot() -> None:
    with whole(instances=20, parameters={"DailyQuota": "8"}) as world:
        requests = [invoke(f"last-{number}", onQuotaExhausted="reject") for number in range(25)]
        for request in requests:
            world.send_text(json.dumps(request))
        runs = [world.ended(run_id_of(request["requestId"])) for request in requests]

        statuses = sorted(run.status for run in runs)
        assert statuses.count("Rejected") == 17
        assert sum(sum(run.spent.values()) for run in runs) == 8
        assert world.connection.quota.read_day("cn-hangzhou", day_of(world.connection.now_ms)).used == 8
