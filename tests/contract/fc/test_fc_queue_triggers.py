"""Queue triggers on a clock that stands still, with real queues; functions answer as they are told."""

from __future__ import annotations

import asyncio
import json

import pytest

from localcloud.fc.errors import FcError
from localcloud.fc.limits import Limits
from localcloud.file_journal import FileJournal
from tests.contract.fc.worlds import (
    FAILS,
    RETURNS,
    FcWorld,
    queue_trigger,
)


class Disturbs:
    """Every batch twice, or in the other order."""

    def __init__(self, *, duplicates: bool = False, reorders: bool = False) -> None:
        self._duplicates, self._reorders = duplicates, reorders

    def duplicate(self, name: str) -> bool:
        return self._duplicates and name == "f/from-q"

    def reorder(self, name: str) -> bool:
        return self._reorders and name == "f/from-q"


def test_a_message_becomes_a_list_of_one_cloud_event_and_is_deleted_when_the_function_returned() -> None:
    world = FcWorld()
    world.fc.create_trigger(queue_trigger())

    async def story(world: FcWorld) -> None:
        ids = world.send('{"n": 1}')
        await world.settle()

        (event,) = json.loads(world.functions.events("f")[0])
        assert event["type"] == "mns:Queue:SendMessage"
        assert event["specversion"] == "1.0"
        assert event["subject"] == "acs:mns:cn-hangzhou:1234567890123456:queues/q"
        assert event["source"] == event["aliyuneventbusname"] == "MNS-f-from-q"
        assert event["data"]["messageId"] == event["id"] == ids[0]
        assert event["data"]["messageBody"] == '{"n": 1}'
        assert world.waiting("q") == 0

    world.play(story)


def test_raw_data_hands_over_the_data_alone() -> None:
    world = FcWorld()
    config = {"eventSinkConfig": {"deliveryOption": {"eventSchema": "RawData"}}}
    world.fc.create_trigger(queue_trigger(config=config))

    async def story(world: FcWorld) -> None:
        ids = world.send("hello")
        await world.settle()

        (data,) = json.loads(world.functions.events("f")[0])
        assert set(data) == {"requestId", "messageId", "messageBody"}
        assert (data["messageId"], data["messageBody"]) == (ids[0], "hello")

    world.play(story)


def test_the_event_driven_mode_hands_over_one_event_without_a_list() -> None:
    world = FcWorld()
    world.fc.create_trigger(queue_trigger(mode="event-driven", batchWindow={"CountBasedWindow": 10}))

    async def story(world: FcWorld) -> None:
        world.send("one", "two")
        await world.settle()

        events = [json.loads(event) for event in world.functions.events("f")]
        assert [event["data"]["messageBody"] for event in events] == ["one", "two"]

    world.play(story)


def test_without_decoding_the_body_stays_base64() -> None:
    world = FcWorld()
    spec = queue_trigger()
    spec.config["eventSourceConfig"]["eventSourceParameters"]["sourceMNSParameters"]["IsBase64Decode"] = False
    world.fc.create_trigger(spec)

    async def story(world: FcWorld) -> None:
        world.send("hello")
        await world.settle()

        assert world.bodies("f") == [["aGVsbG8="]]

    world.play(story)


def test_a_batch_holds_as_many_messages_as_the_window_counts() -> None:
    world = FcWorld()
    world.send("1", "2", "3", "4", "5")
    world.fc.create_trigger(queue_trigger(batchWindow={"CountBasedWindow": 2, "TimeBasedWindow": 0}))

    async def story(world: FcWorld) -> None:
        await world.settle()

        assert world.bodies("f") == [["1", "2"], ["3", "4"], ["5"]]

    world.play(story)


def test_a_window_of_time_waits_for_more_and_closes_early_when_it_is_full() -> None:
    world = FcWorld()
    world.fc.create_trigger(queue_trigger(batchWindow={"CountBasedWindow": 3, "TimeBasedWindow": 5}))

    async def story(world: FcWorld) -> None:
        world.send("1")
        await world.advance(4_999)
        assert world.bodies("f") == []
        await world.advance(1)
        assert world.bodies("f") == [["1"]]

        world.send("2", "3", "4")
        await world.settle()
        assert world.bodies("f") == [["1"], ["2", "3", "4"]]

    world.play(story)


def test_a_synchronous_trigger_starts_the_next_batch_after_the_last_returned() -> None:
    world = FcWorld()
    world.fc.create_trigger(queue_trigger())

    async def story(world: FcWorld) -> None:
        gate = world.functions.gates["f"] = asyncio.Event()
        world.send("1", "2")
        await world.settle()
        assert world.bodies("f") == [["1"]]

        gate.set()
        await world.settle()
        assert world.bodies("f") == [["1"], ["2"]]

    world.play(story)


def test_concurrency_lets_as_many_batches_run_at_a_time() -> None:
    world = FcWorld()
    world.fc.create_trigger(queue_trigger(maximumTasks=2))

    async def story(world: FcWorld) -> None:
        world.functions.gates["f"] = asyncio.Event()
        world.send("1", "2", "3")
        await world.settle()

        assert world.bodies("f") == [["1"], ["2"]]

    world.play(story)


def test_an_asynchronous_trigger_leaves_function_errors_to_the_functions_own_retries() -> None:
    world = FcWorld()
    world.functions.answers("f", FAILS, RETURNS)
    world.fc.create_trigger(queue_trigger(config={"asyncInvocationType": True}))

    async def story(world: FcWorld) -> None:
        world.send("1")
        await world.settle()
        assert world.waiting("q") == 0

        await world.advance(10_000)
        assert [call.retry_count for _, call in world.functions.calls] == [0, 1]

    world.play(story)


def test_a_large_asynchronous_batch_is_split_at_128_kib() -> None:
    world = FcWorld()
    world.send(*(f"{number}" + "x" * 40_000 for number in range(5)))
    world.fc.create_trigger(
        queue_trigger(config={"asyncInvocationType": True}, batchWindow={"CountBasedWindow": 5, "TimeBasedWindow": 0})
    )

    async def story(world: FcWorld) -> None:
        await world.settle()

        assert [[body[0] for body in batch] for batch in world.bodies("f")] == [["0", "1", "2"], ["3", "4"]]
        assert all(len(event) <= 128 * 1024 for event in world.functions.events("f"))

    world.play(story)


@pytest.mark.parametrize(("given", "is_async"), [(True, False), (False, True), (None, True)])
def test_the_switch_turns_the_meaning_of_the_invocation_type_around(given: bool | None, *, is_async: bool) -> None:
    world = FcWorld(limits=Limits(async_invocation_type="true-is-sync"))
    world.fc.create_trigger(queue_trigger(config={"asyncInvocationType": given}))

    async def story(world: FcWorld) -> None:
        world.functions.gates["f"] = asyncio.Event()
        world.send("1")
        await world.settle()

        assert len(world.functions.calls) == 1
        assert len(world.fc.state()["asyncCalls"]) == int(is_async)
        world.functions.gates["f"].set()
        await world.settle()

    world.play(story)


def test_a_call_of_a_queue_trigger_is_granted_five_minutes_at_most() -> None:
    world = FcWorld()
    world.fc.create_trigger(queue_trigger())

    async def story(world: FcWorld) -> None:
        world.send("1")
        await world.settle()

        assert world.functions.calls[0][1].timeout_s_max == 300

    world.play(story)


def test_ordered_faults_deliver_a_batch_twice_or_backwards() -> None:
    twice, backwards = FcWorld(disturb=Disturbs(duplicates=True)), FcWorld(disturb=Disturbs(reorders=True))
    window = {"CountBasedWindow": 3, "TimeBasedWindow": 0}

    async def story(world: FcWorld) -> None:
        await world.settle()
        assert world.waiting("q") == 0

    for world in (twice, backwards):
        world.send("1", "2", "3")
        world.fc.create_trigger(queue_trigger(batchWindow=window))
        world.play(story)

    assert twice.bodies("f") == [["1", "2", "3"], ["1", "2", "3"]]
    assert backwards.bodies("f") == [["3", "2", "1"]]


def test_a_stopped_trigger_gives_back_what_it_held() -> None:
    world = FcWorld()
    world.functions.answers("f", FAILS)
    world.fc.create_trigger(queue_trigger())

    async def story(world: FcWorld) -> None:
        world.send("1")
        await world.settle()
        world.fc.triggers.delete("f", "from-q")
        await world.advance(2_000)

        delivery = world.mns.receive("q")
        assert delivery is not None

    world.play(story)


def test_a_queue_that_comes_later_is_found() -> None:
    world = FcWorld()
    world.fc.create_trigger(queue_trigger(queue="later"))

    async def story(world: FcWorld) -> None:
        await world.advance(5_000)
        world.mns.create_queue("later")
        await world.advance(1_000)
        world.send("1", queue="later")
        await world.settle()

        assert world.bodies("f") == [["1"]]

    world.play(story)


def test_a_disabled_trigger_takes_nothing() -> None:
    world = FcWorld()
    world.send("1")
    world.fc.create_trigger(queue_trigger(config={"triggerEnable": False}))

    async def story(world: FcWorld) -> None:
        await world.advance(60_000)

        assert world.functions.calls == []

    world.play(story)


def test_messages_that_were_being_delivered_at_a_kill_come_again_at_the_next_start(tmp_path) -> None:
    journal = FileJournal(tmp_path)
    killed = FcWorld(journal=journal)
    killed.fc.create_trigger(queue_trigger())

    async def cut_off() -> None:
        await killed.fc.start()
        killed.functions.gates["f"] = asyncio.Event()
        killed.send("1")
        await killed.settle()
        journal.flush()

    asyncio.run(cut_off())  # no close: the process is gone
    journal.close()
    again = FcWorld(journal=FileJournal(tmp_path), timeline=killed.timeline)
    again.fc.create_trigger(queue_trigger())

    async def story(world: FcWorld) -> None:
        await world.advance(2_000)

        assert world.bodies("f") == [["1"]]
        assert world.waiting("q") == 0

    again.play(story)


@pytest.mark.parametrize(
    ("run", "named"),
    [
        ({"batchWindow": {"CountBasedWindow": 0}}, "CountBasedWindow"),
        ({"batchWindow": {"TimeBasedWindow": 16}}, "TimeBasedWindow"),
        ({"errorsTolerance": "SOME"}, "errorsTolerance"),
        ({"retryStrategy": {"PushRetryStrategy": "OFTEN"}}, "PushRetryStrategy"),
        ({"mode": "batch"}, "mode"),
        ({"deadLetterQueue": {"Arn": "acs:oss:::x"}}, "deadLetterQueue"),
        ({"config": {"triggerEnable": "yes"}}, "triggerEnable"),
        ({"config": {"eventSourceConfig": {"eventSourceType": "Kafka"}}}, "eventSourceType"),
    ],
)
def test_a_wrong_configuration_is_refused_by_the_name_of_its_field(run: dict, named: str) -> None:
    world = FcWorld()

    with pytest.raises(FcError, match=named) as refused:
        world.fc.create_trigger(queue_trigger(**run))

    assert refused.value.code == "InvalidArgument"
