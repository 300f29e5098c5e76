"""Asynchronous calls and their destinations on a clock that stands still."""

from __future__ import annotations

import asyncio
import json

import pytest

from localcloud.fc.errors import FcError
from localcloud.fc.limits import DESTINATION_BYTES_MAX, Limits
from localcloud.fc.values import AsyncConfig, Outcome
from localcloud.file_journal import FileJournal
from localcloud.mns.values import QueueChanges, Subscription
from tests.contract.fc.worlds import FAILS, RETURNS, THROTTLED, FcWorld

DOCUMENT_KEYS = {"timestamp", "requestContext", "requestPayload", "responseContext", "responsePayload"}
TOLD = "acs:mns:cn-hangzhou:1234567890123456:/queues/told/messages"


def test_an_accepted_call_is_run_once_and_its_success_is_told() -> None:
    world = FcWorld()
    world.fc.put_async_config("f", AsyncConfig(on_success=TOLD))

    async def story(world: FcWorld) -> None:
        request_id = world.fc.invoke_async("f", b"hello")
        await world.settle()

        (document,) = world.documents("told")
        assert set(document) == DOCUMENT_KEYS
        assert document["requestContext"] == {
            "requestId": request_id,
            "functionArn": "acs:fc:cn-hangzhou:1234567890123456:functions/f",
            "condition": "",
            "approximateInvokeCount": 1,
        }
        assert document["requestPayload"] == "hello"
        assert document["responseContext"] == {"statusCode": 200, "functionError": ""}
        assert document["responsePayload"] == '"done"'
        assert world.functions.events("f") == [b"hello"]

    world.play(story)


def test_a_function_error_is_repeated_three_times_and_then_told_as_a_failure() -> None:
    world = FcWorld()
    world.functions.answers("f", FAILS)
    world.fc.put_async_config("f", AsyncConfig(on_failure=TOLD))

    async def story(world: FcWorld) -> None:
        world.fc.invoke_async("f", b"hello")
        await world.advance(60_000)

        assert [call.retry_count for _, call in world.functions.calls] == [0, 1, 2, 3]
        assert len({call.request_id for _, call in world.functions.calls}) == 1
        (document,) = world.documents("told")
        assert document["requestContext"]["condition"] == "UnhandledInvocationError"
        assert document["requestContext"]["approximateInvokeCount"] == 4
        assert document["responseContext"]["functionError"] == "UnhandledInvocationError"
        assert json.loads(document["responsePayload"]) == {"errorMessage": "boom"}

    world.play(story)


@pytest.mark.parametrize("retries", [0, 1, 8])
def test_the_number_of_retries_is_the_configured_one(retries: int) -> None:
    world = FcWorld()
    world.functions.answers("f", FAILS)
    world.fc.put_async_config("f", AsyncConfig(retries_max=retries))

    async def story(world: FcWorld) -> None:
        world.fc.invoke_async("f", b"")
        await world.advance(3_600_000)

        assert len(world.functions.calls) == retries + 1
        assert world.fc.state()["asyncCalls"] == []

    world.play(story)


def test_throttling_is_waited_out_and_counts_as_no_retry() -> None:
    world = FcWorld()
    world.functions.answers("f", THROTTLED, THROTTLED, THROTTLED, RETURNS)
    world.fc.put_async_config("f", AsyncConfig(retries_max=0))

    async def story(world: FcWorld) -> None:
        begun_ms = world.now_ms
        world.fc.invoke_async("f", b"")
        await world.advance(60_000)

        assert [ms - begun_ms for ms in world.functions.seen_ms] == [0, 500, 1_500, 3_500]
        assert [call.retry_count for _, call in world.functions.calls] == [0, 0, 0, 0]

    world.play(story)


def test_throttling_for_more_than_five_hours_is_the_end() -> None:
    world = FcWorld()
    world.functions.answers("f", THROTTLED)
    world.fc.put_async_config("f", AsyncConfig(on_failure=TOLD))

    async def story(world: FcWorld) -> None:
        world.fc.invoke_async("f", b"")
        await world.advance(24 * 3_600_000)

        (document,) = world.documents("told")
        assert document["requestContext"]["condition"] == "FunctionResourceExhausted"

    world.play(story)


def test_an_event_that_became_too_old_is_not_run_any_more() -> None:
    world = FcWorld()
    world.functions.answers("f", FAILS)
    world.fc.put_async_config("f", AsyncConfig(on_failure=TOLD, age_s_max=2, retries_max=8))

    async def story(world: FcWorld) -> None:
        world.fc.invoke_async("f", b"")
        await world.advance(600_000)

        # After 0 s and 1 s; the third attempt would be at 3 s.
        assert len(world.functions.calls) == 2
        (document,) = world.documents("told")
        assert document["requestContext"]["condition"] == "MaximumEventAgeExceeded"

    world.play(story)


def test_a_delayed_call_waits_and_a_task_id_is_taken_once() -> None:
    world = FcWorld()

    async def story(world: FcWorld) -> None:
        world.fc.invoke_async("f", b"later", delay_s=60, task_id="t-1")
        await world.advance(59_999)
        assert world.functions.calls == []
        await world.advance(1)
        assert world.functions.events("f") == [b"later"]

        with pytest.raises(FcError, match="t-1") as refused:
            world.fc.invoke_async("f", b"again", task_id="t-1")
        assert (refused.value.code, refused.value.status) == ("StatefulAsyncInvocationAlreadyExists", 409)
        world.fc.invoke_async("g", b"another function", task_id="t-1")

    world.play(story)


@pytest.mark.parametrize(("size", "is_taken"), [(128 * 1024, True), (128 * 1024 + 1, False)])
def test_an_asynchronous_payload_has_at_most_128_kib(size: int, is_taken: bool) -> None:
    world = FcWorld()
    refusals = []

    async def story(world: FcWorld) -> None:
        try:
            world.fc.invoke_async("f", b"x" * size)
        except FcError as error:
            refusals.append((error.code, error.status))

    world.play(story)

    assert refusals == ([] if is_taken else [("EntityTooLarge", 400)])


def test_destinations_may_be_topics_and_functions() -> None:
    world = FcWorld()
    queue = "acs:mns:cn-hangzhou:1234567890123456:queues/told"
    world.mns.subscribe(Subscription("t", "s", queue, notify_content_format="SIMPLIFIED"))
    topic = "acs:mns:cn-hangzhou:1234567890123456:/topics/t/messages"
    world.fc.put_async_config("f", AsyncConfig(on_success=topic))
    world.fc.put_async_config("g", AsyncConfig(on_success="acs:fc:cn-hangzhou:1234567890123456:functions/f"))

    async def story(world: FcWorld) -> None:
        world.fc.invoke_async("g", b"first")
        await world.advance(1_000)

        (handed_on,) = world.functions.events("f")
        assert json.loads(handed_on)["requestPayload"] == "first"
        (told,) = world.documents("told")
        assert told["requestPayload"] == handed_on.decode()

    world.play(story)


@pytest.mark.parametrize("place", ["services/fleetrun/functions/f", "services/fleetrun.1/functions/f", "functions/f/1"])
def test_a_function_is_a_destination_under_each_of_its_names(place: str) -> None:
    world = FcWorld()
    world.fc.versions.publish("functions/f", {"f": world.fc.functions.find("f").function}, "")
    world.fc.put_async_config("g", AsyncConfig(on_success=f"acs:fc:cn-hangzhou:1234567890123456:{place}"))

    async def story(world: FcWorld) -> None:
        world.fc.invoke_async("g", b"first")
        await world.settle()

        assert [json.loads(event)["requestPayload"] for event in world.functions.events("f")] == ["first"]
        assert world.fc.destinations.lost == 0

    world.play(story)


@pytest.mark.parametrize("kind", ["eventbridge:cn-hangzhou:1:eventbus/b", "mq:cn-hangzhou:1:/instances/i/topics/t"])
def test_a_destination_that_is_not_offered_is_refused_as_such(kind: str) -> None:
    world = FcWorld()

    with pytest.raises(FcError, match=kind) as refused:
        world.fc.put_async_config("f", AsyncConfig(on_failure=f"acs:{kind}"))

    assert (refused.value.code, refused.value.status) == ("NotImplemented", 501)


@pytest.mark.parametrize("arn", ["acs:mns:::/queues/told/messages", "acs:mns:::/topics/t/messages"])
def test_a_document_that_no_queue_can_hold_is_lost_and_the_call_has_ended(arn: str) -> None:
    world = FcWorld()
    world.fc.put_async_config("f", AsyncConfig(on_success=arn))

    async def story(world: FcWorld) -> None:
        world.functions.answers("f", Outcome(b"x" * DESTINATION_BYTES_MAX), RETURNS)
        world.fc.invoke_async("f", b"")
        await world.settle()

        assert world.fc.state()["asyncCalls"] == []
        assert (world.fc.destinations.lost, world.waiting("told")) == (1, 0)

    world.play(story)


def test_a_document_that_its_queue_does_not_take_is_lost_and_the_call_has_ended() -> None:
    world = FcWorld()
    world.mns.create_queue("small", QueueChanges(maximum_message_size=1024))
    world.fc.put_async_config("f", AsyncConfig(on_success=TOLD.replace("told", "small")))

    async def story(world: FcWorld) -> None:
        world.functions.answers("f", Outcome(b"x" * 1024), RETURNS)
        world.fc.invoke_async("f", b"")
        await world.settle()

        assert world.fc.state()["asyncCalls"] == []
        assert (world.fc.destinations.lost, world.waiting("small")) == (1, 0)

    world.play(story)


def test_a_missing_destination_costs_the_document_and_is_counted() -> None:
    world = FcWorld()
    world.fc.put_async_config("f", AsyncConfig(on_success="acs:mns:::/queues/nowhere/messages"))

    async def story(world: FcWorld) -> None:
        world.fc.invoke_async("f", b"")
        await world.settle()

        assert world.fc.state()["lostDestinations"] == 1
        assert world.fc.state()["asyncCalls"] == []

    world.play(story)


def test_accepted_calls_survive_a_kill_with_the_attempts_they_had(tmp_path) -> None:
    journal = FileJournal(tmp_path)
    killed = FcWorld(journal=journal)
    killed.functions.answers("f", FAILS)

    async def cut_off() -> None:
        await killed.fc.start()
        killed.fc.invoke_async("f", b"1")
        killed.fc.invoke_async("g", b"2", delay_s=30, task_id="t-1")
        await killed.advance(1_000)
        journal.flush()

    asyncio.run(cut_off())  # no close: the process is gone
    journal.close()
    assert [call.retry_count for _, call in killed.functions.calls] == [0, 1]
    again = FcWorld(journal=FileJournal(tmp_path), timeline=killed.timeline)

    async def story(world: FcWorld) -> None:
        with pytest.raises(FcError, match="t-1"):
            world.fc.invoke_async("g", b"3", task_id="t-1")
        await world.advance(40_000)

        assert [(key, call.event, call.retry_count) for key, call in world.functions.calls] == [
            ("f", b"1", 2),
            ("g", b"2", 0),
        ]
        assert world.fc.state()["asyncCalls"] == []

    again.play(story)


def test_the_pause_between_retries_is_a_switch() -> None:
    world = FcWorld(limits=Limits(async_retry_ms=60_000))
    world.functions.answers("f", FAILS, RETURNS)

    async def story(world: FcWorld) -> None:
        world.fc.invoke_async("f", b"")
        await world.advance(59_999)
        assert len(world.functions.calls) == 1
        await world.advance(1)
        assert len(world.functions.calls) == 2

    world.play(story)
