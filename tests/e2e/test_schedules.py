"""Schedules over every real part: a timer that ticks, delayed messages, an agent that repeats, shells that run."""

from __future__ import annotations

from typing import Any

from shared.core.model import Run
from shared.core.schedule import schedule_id_of
from tests.e2e.world import World, invoke, until

EVERY_TEN_SECONDS = "0/10 * * * * ?"


def test_a_schedule_that_fleetrun_keeps_starts_a_run_at_each_of_its_times(world: World) -> None:
    spec = {"frequency": EVERY_TEN_SECONDS, "by": "fleetrun", "force": True}
    world.send(invoke("kept-1", timeout=10, schedule=spec))
    schedule_id = schedule_id_of("kept-1")

    fired = until("two firings", lambda: _told(world, schedule_id, "schedule.fired", 2))
    world.send({"kind": "schedule", "requestId": "kept-1-over", "schedule": "kept-1", "action": "remove"})

    first, second = (world.ended(each["runId"]) for each in fired[:2])
    assert first.counts == second.counts == {"Excluded": 20, "Success": 100}
    assert len({each["fireTime"] for each in fired}) == len(fired)
    assert all(each["fireTime"][-2] == "0" for each in fired), "at a full ten seconds"
    until("its removal", lambda: _status(world, schedule_id) == "Removed")


def test_a_schedule_of_the_cloud_is_followed_until_it_is_stopped(world: World) -> None:
    run_id = world.send(invoke("cloud-1", timeout=10, schedule={"frequency": EVERY_TEN_SECONDS}))

    until("two repetitions everywhere", lambda: sum(each >= 2 for each in _repeats(world, run_id).values()) == 100)
    before: Run | None = world.connection.runs.read_run(run_id)
    world.send_text(f'{{"kind":"stop","requestId":"cloud-1-stop","runId":"{run_id}"}}', queue="fleetrun-stops")
    run = world.ended(run_id)

    assert before is not None
    assert before.status == "Scheduled"
    assert run.status == "Stopped"
    assert sum(run.counts.values()) == 120
    assert sum(run.spent.values()) == 2
    told = _repetitions(world, run_id)
    assert len(_repeats(world, run_id)) == 100
    assert len({(each["instanceId"], each["repeat"]) for each in told}) == len(told), "each repetition is told once"


def _told(world: World, subject: str, kind: str, count: int) -> list[dict[str, Any]] | None:
    found = [event["data"] for event in world.events(subject) if event["type"] == f"fleetrun.{kind}"]
    return found if len(found) >= count else None


def _repetitions(world: World, run_id: str) -> list[dict[str, Any]]:
    told = _told(world, run_id, "repetitions.finished", 0) or []
    return [repetition for data in told for repetition in data["repetitions"]]


def _repeats(world: World, run_id: str) -> dict[str, int]:
    """The latest repetition that was told of each instance."""
    return {each["instanceId"]: each["repeat"] for each in _repetitions(world, run_id)}


def _status(world: World, schedule_id: str) -> str:
    found = world.connection.schedules.read_schedule(schedule_id)
    return found.status if found else ""
