"""What becomes of a batch that fails: both policies, tolerance, dead letters, on a clock that stands still."""

from __future__ import annotations

import itertools

import pytest

from tests.contract.fc.worlds import BROKEN, FAILS, RETURNS, THROTTLED, TOO_LARGE, FcWorld, queue_trigger


@pytest.mark.parametrize("failure", [FAILS, THROTTLED, BROKEN])
def test_the_decaying_policy_repeats_after_1_2_4_seconds(failure: object) -> None:
    world = FcWorld()
    world.functions.answers("f", failure, failure, failure, RETURNS)  # type: ignore[arg-type]
    world.fc.create_trigger(queue_trigger())

    async def story(world: FcWorld) -> None:
        begun_ms = world.now_ms
        world.send("1")
        await world.advance(60_000)

        assert [ms - begun_ms for ms in world.functions.seen_ms] == [0, 1_000, 3_000, 7_000]
        assert world.bodies("f") == [["1"]] * 4
        assert world.waiting("q") == 0

    world.play(story)


def test_a_repeated_batch_is_hidden_from_others_all_the_time() -> None:
    world = FcWorld()
    world.functions.answers("f", FAILS)
    world.fc.create_trigger(queue_trigger())

    async def story(world: FcWorld) -> None:
        world.send("1")
        for _ in range(100):
            await world.advance(7_000)
            assert world.mns.receive("q") is None

        assert world.waiting("q") == 1

    world.play(story)


def test_the_backoff_policy_repeats_three_times_10_to_20_seconds_apart_and_buries_the_message() -> None:
    world = FcWorld()
    world.functions.answers("f", FAILS)
    policy = {"PushRetryStrategy": "BACKOFF_RETRY"}
    dead = {"Arn": "acs:mns:cn-hangzhou:1234567890123456:/queues/dlq"}
    world.fc.create_trigger(queue_trigger(retryStrategy=policy, deadLetterQueue=dead))

    async def story(world: FcWorld) -> None:
        world.send("1")
        await world.advance(61_000)

        seen = world.functions.seen_ms
        pauses = [later - earlier for earlier, later in itertools.pairwise(seen)]
        assert len(pauses) == 3
        assert all(10_000 <= pause <= 20_000 for pause in pauses)
        assert world.waiting("q") == 0
        (letter,) = world.documents("dlq")
        assert letter["data"]["messageBody"] == "1"

    world.play(story)


def test_the_decaying_policy_gives_up_after_176_repeats_within_a_day() -> None:
    world = FcWorld()
    world.functions.answers("f", FAILS)
    world.fc.create_trigger(queue_trigger())

    async def story(world: FcWorld) -> None:
        world.send("1")
        await world.advance(2 * 86_400_000)

        assert len(world.functions.calls) == 177
        assert world.functions.seen_ms[-1] - world.functions.seen_ms[0] < 86_700_000
        assert world.waiting("q") == 0

    world.play(story)


def test_the_attempts_and_the_age_of_an_event_narrow_the_policy() -> None:
    world = FcWorld()
    world.functions.answers("f", FAILS)
    world.functions.answers("g", FAILS)
    world.mns.create_queue("r")
    world.fc.create_trigger(queue_trigger(retryStrategy={"MaximumRetryAttempts": 2}))
    world.fc.create_trigger(queue_trigger(function="g", queue="r", retryStrategy={"MaximumEventAgeInSeconds": 10}))

    async def story(world: FcWorld) -> None:
        world.send("1")
        world.send("1", queue="r")
        await world.advance(600_000)

        assert len(world.functions.events("f")) == 3
        # After 0, 1, 3 and 7 s; the next would be at 15 s.
        assert len(world.functions.events("g")) == 4

    world.play(story)


def test_without_tolerance_the_stream_blocks_at_the_batch_that_could_not_be_delivered() -> None:
    world = FcWorld()
    world.functions.answers("f", FAILS)
    world.fc.create_trigger(queue_trigger(errorsTolerance="NONE", retryStrategy={"MaximumRetryAttempts": 1}))

    async def story(world: FcWorld) -> None:
        world.send("1", "2")
        await world.advance(4 * 3_600_000)

        assert world.bodies("f") == [["1"], ["1"]]
        assert world.waiting("q") == 2
        assert world.fc.state()["functions"]["f"]["triggers"]["from-q"] == {"type": "eventbridge", "blocked": True}

        world.functions.answers("f", RETURNS)
        world.fc.triggers.update("f", "from-q", {"description": "again"})
        await world.advance(2_000)
        assert world.bodies("f")[2:] == [["2"], ["1"]] or world.bodies("f")[2:] == [["1"], ["2"]]

    world.play(story)


def test_what_the_platform_refuses_for_good_is_buried_at_once() -> None:
    world = FcWorld()
    world.functions.answers("f", TOO_LARGE)
    world.fc.create_trigger(queue_trigger(deadLetterQueue={"Arn": "acs:mns:::/queues/dlq"}))

    async def story(world: FcWorld) -> None:
        world.send("1")
        await world.advance(60_000)

        assert len(world.functions.calls) == 1
        assert [letter["data"]["messageBody"] for letter in world.documents("dlq")] == ["1"]

    world.play(story)
