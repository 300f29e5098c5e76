"""The filter of a queue trigger, eventRuleFilterPattern: which messages reach the function; and where the rest ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.fc.errors import FcError
from localcloud.mns.values import QueueChanges
from tests.contract.fc.worlds import FAILS, RETURNS, FcWorld, queue_trigger


def filtered(pattern: Any, **run: Any) -> FcWorld:
    """A world whose trigger has the pattern."""
    world = FcWorld()
    world.fc.create_trigger(queue_trigger(config={"eventRuleFilterPattern": pattern}, **run))
    return world


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "{}",
        None,
        '{"source": ["MNS-f-from-q"]}',
        {"source": ["other", "MNS-f-from-q"]},
        '{"type": [{"prefix": "mns:Queue:"}], "data": {"messageBody": ["a"]}}',
    ],
)
def test_what_the_pattern_fits_reaches_the_function(pattern: Any) -> None:
    world = filtered(pattern)

    async def story(world: FcWorld) -> None:
        world.send("a")
        await world.settle()

        assert world.bodies("f") == [["a"]]

    world.play(story)


@pytest.mark.parametrize(
    "pattern",
    ['{"source": ["MNS-g-from-q"]}', '{"data": {"messageBody": ["b"]}}', '{"subject": [{"prefix": "acs:oss"}]}'],
)
def test_what_the_pattern_does_not_fit_is_gone_and_reaches_nobody(pattern: Any) -> None:
    world = filtered(pattern)

    async def story(world: FcWorld) -> None:
        world.send("a")
        await world.settle()

        assert world.bodies("f") == []
        assert world.waiting("q") == 0

    world.play(story)


def test_a_pattern_picks_its_messages_out_of_a_batch() -> None:
    world = filtered(
        json.dumps({"data": {"messageBody": ["a", "c"]}}), batchWindow={"CountBasedWindow": 3, "TimeBasedWindow": 0}
    )

    async def story(world: FcWorld) -> None:
        world.send("a", "b", "c")
        await world.settle()

        assert sorted(body for batch in world.bodies("f") for body in batch) == ["a", "c"]

    world.play(story)


def test_what_comes_behind_a_message_that_does_not_fit_is_delivered_at_once() -> None:
    world = filtered('{"data": {"messageBody": ["a"]}}')

    async def story(world: FcWorld) -> None:
        world.send("b", "c", "a", "b", "a")
        await world.settle()

        assert world.bodies("f") == [["a"], ["a"]]
        assert world.waiting("q") == 0

    world.play(story)


@pytest.mark.parametrize(
    ("pattern", "code", "named"),
    [
        ("{", "InvalidArgument", "not a JSON object"),
        ("[]", "InvalidArgument", "not a JSON object"),
        (7, "InvalidArgument", "an object"),
        ('{"source": "MNS-f-from-q"}', "InvalidArgument", "source is 'MNS-f-from-q'"),
        ('{"data": {"messageBody": [["a"]]}}', "InvalidArgument", "data.messageBody holds a list"),
        ('{"source": [{"suffix": "q"}]}', "NotImplemented", "suffix in eventRuleFilterPattern.source"),
        ('{"source": [{"prefix": 7}]}', "InvalidArgument", "prefix"),
    ],
)
def test_a_pattern_that_cannot_be_followed_is_refused_when_the_trigger_is_made(
    pattern: Any, code: str, named: str
) -> None:
    with pytest.raises(FcError) as refused:
        filtered(pattern)

    assert (refused.value.code, named in refused.value.message) == (code, True), refused.value.message


def test_a_dead_letter_queue_that_does_not_take_the_event_costs_the_event_alone() -> None:
    world = FcWorld()
    world.mns.create_queue("small", QueueChanges(maximum_message_size=1024))
    world.functions.answers("f", FAILS, RETURNS)
    dead = {"Arn": "acs:mns:cn-hangzhou:1234567890123456:/queues/small"}
    world.fc.create_trigger(queue_trigger(retryStrategy={"MaximumRetryAttempts": 0}, deadLetterQueue=dead))

    async def story(world: FcWorld) -> None:
        world.send("x" * 1024, "next")
        await world.settle()

        assert world.bodies("f") == [["x" * 1024], ["next"]]
        assert (world.waiting("q"), world.waiting("small")) == (0, 0)

    world.play(story)
