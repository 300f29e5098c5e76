"""Timers on a clock that stands still; what a wrong trigger is told."""

from __future__ import annotations

import json

import pytest

from localcloud.fc.errors import FcError
from localcloud.fc.values import TriggerSpec
from tests.contract.fc.worlds import FAILS, RETURNS, FcWorld


def timer(expression: str, **config: object) -> TriggerSpec:
    return TriggerSpec("f", "tick", "timer", {"cronExpression": expression, "enable": True, **config})


def test_a_timer_calls_at_each_time_with_its_payload() -> None:
    world = FcWorld()
    world.fc.create_trigger(timer("0 0 4 * * *", payload='{"job": "sweep"}'))

    async def story(world: FcWorld) -> None:
        await world.advance(2 * 86_400_000)

        assert [json.loads(event) for event in world.functions.events("f")] == [
            {"triggerTime": "2026-01-01T04:00:00Z", "triggerName": "tick", "payload": '{"job": "sweep"}'},
            {"triggerTime": "2026-01-02T04:00:00Z", "triggerName": "tick", "payload": '{"job": "sweep"}'},
        ]

    world.play(story)


def test_a_timer_in_a_zone_fires_at_the_zones_time() -> None:
    world = FcWorld()
    world.fc.create_trigger(timer("CRON_TZ=Asia/Shanghai 0 30 4 * * *"))

    async def story(world: FcWorld) -> None:
        await world.advance(86_400_000)

        (event,) = world.functions.events("f")
        assert json.loads(event)["triggerTime"] == "2026-01-01T20:30:00Z"

    world.play(story)


def test_an_interval_counts_from_when_the_trigger_began() -> None:
    world = FcWorld()
    world.fc.create_trigger(timer("@every 1h30m"))

    async def story(world: FcWorld) -> None:
        begun_ms = world.now_ms
        await world.advance(4 * 3_600_000)

        assert [ms - begun_ms for ms in world.functions.seen_ms] == [5_400_000, 10_800_000]

    world.play(story)


def test_a_timers_failing_call_is_repeated_like_any_asynchronous_one() -> None:
    world = FcWorld()
    world.functions.answers("f", FAILS, RETURNS)
    world.fc.create_trigger(timer("@every 1h"))

    async def story(world: FcWorld) -> None:
        await world.advance(3_600_000 + 10_000)

        assert [call.retry_count for _, call in world.functions.calls] == [0, 1]

    world.play(story)


def test_a_disabled_or_deleted_timer_does_not_fire() -> None:
    world = FcWorld()
    world.fc.create_trigger(TriggerSpec("f", "off", "timer", {"cronExpression": "@every 1m", "enable": False}))
    world.fc.create_trigger(timer("@every 1m"))

    async def story(world: FcWorld) -> None:
        world.fc.triggers.delete("f", "tick")
        await world.advance(600_000)

        assert world.functions.calls == []

    world.play(story)


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        (timer("0 0 4 * *"), "cronExpression"),
        (timer("CRON_TZ=Mars/Base 0 0 4 * * *"), "Mars/Base"),
        (timer("@every soon"), "soon"),
        (timer(f"@every {'9' * 400}h"), "longer than"),
        (timer("@every 99999999999h"), "longer than"),
        (timer("R * * * * *"), "six fields"),
        (timer("0 H(0-5)/2 * * * *"), "six fields"),
        (timer("@every 5m", payload={"a": 1}), "payload"),
        (TriggerSpec("f", "h", "http", {"methods": ["FETCH"]}), "methods"),
        (TriggerSpec("f", "h", "http", {"authType": "magic"}), "authType"),
    ],
)
def test_a_wrong_trigger_is_refused_by_the_name_of_its_field(spec: TriggerSpec, named: str) -> None:
    world = FcWorld()

    with pytest.raises(FcError, match=named) as refused:
        world.fc.create_trigger(spec)

    assert refused.value.code == "InvalidArgument"


@pytest.mark.parametrize(
    ("name", "is_taken"), [("told", True), ("_t", True), ("1t", False), ("t t", False), ("t\x14", False), ("é", False)]
)
def test_a_triggers_name_is_checked_like_a_functions(name: str, is_taken: bool) -> None:
    world = FcWorld()
    made = TriggerSpec("f", name, "timer", {"cronExpression": "@every 1h", "enable": True})

    if is_taken:
        assert world.fc.create_trigger(made).spec.name == name
    else:
        with pytest.raises(FcError, match="triggerName"):
            world.fc.create_trigger(made)
