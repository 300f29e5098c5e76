"""Topic triggers: both content forms of a notification, bare and with attributes, and the whole way with the SDKs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import fc2
import pytest
from mns.account import Account as MnsAccount
from mns.message_property import MessagePropertyValue, PropertyType
from mns.topic import TopicMessage

from localcloud.fc.errors import FcError
from localcloud.fc.values import TriggerSpec
from localcloud.mns.values import Property, Publication
from localcloud.threaded import RunningCloud, local_cloud
from tests.contract.fc.worlds import ACCOUNT, FAILS, RETURNS, FcWorld
from tests.contract.fc.worlds import spec as function_spec

NOTIFICATION = {
    "TopicOwner",
    "Message",
    "Subscriber",
    "PublishTime",
    "SubscriptionName",
    "MessageMD5",
    "TopicName",
    "MessageId",
}
EXTEND = Property("Extend", '{"key":"value"}')
TOPIC_ARN = "acs:mns:cn-hangzhou:1234567890123456:/topics/t"
ROLE = "acs:ram::1234567890123456:role/aliyunmnsnotificationrole"


def topic(**config: object) -> TriggerSpec:
    return TriggerSpec("f", "told", "mns_topic", config, source_arn="acs:mns:cn-hangzhou:1234567890123456:/topics/t")


def test_a_topic_hands_over_the_bare_body_as_a_stream() -> None:
    world = FcWorld()
    world.fc.create_trigger(topic())

    async def story(world: FcWorld) -> None:
        world.mns.publish("t", Publication("hello topic"))
        await world.advance(1_000)

        assert world.functions.events("f") == [b"hello topic"]

    world.play(story)


def test_a_topic_that_was_deleted_under_a_trigger_hinders_neither_its_end_nor_the_services() -> None:
    world = FcWorld()
    world.fc.create_trigger(topic())
    world.fc.put_provision("f", 1)

    async def story(world: FcWorld) -> None:
        world.mns.delete_topic("t")

    world.play(story)

    assert world.functions.instances("f") == []


def test_a_trigger_of_a_deleted_topic_can_be_deleted() -> None:
    world = FcWorld()
    world.fc.create_trigger(topic())

    async def story(world: FcWorld) -> None:
        world.mns.delete_topic("t")
        world.fc.triggers.delete("f", "told")

        assert world.fc.triggers.of("f") == []

    world.play(story)


def test_a_topic_in_json_hands_over_the_notification() -> None:
    world = FcWorld()
    world.fc.create_trigger(topic(notifyContentFormat="JSON"))

    async def story(world: FcWorld) -> None:
        world.mns.publish("t", Publication("hello topic"))
        await world.advance(1_000)

        event = json.loads(world.functions.events("f")[0])
        assert event["Message"] == "hello topic"
        assert event["TopicName"] == "t"
        assert event["TopicOwner"] == event["Subscriber"] == "1234567890123456"
        assert datetime.fromtimestamp(event["PublishTime"] / 1000, timezone.utc).year == 2026
        assert {"MessageId", "MessageMD5", "SubscriptionName"} <= set(event)

    world.play(story)


def test_a_topic_trigger_with_a_filter_tag_gets_only_what_bears_it() -> None:
    world = FcWorld()
    world.fc.create_trigger(topic(filterTag="blue"))

    async def story(world: FcWorld) -> None:
        world.mns.publish("t", Publication("1", tag="red"))
        world.mns.publish("t", Publication("2", tag="blue"))
        await world.advance(1_000)

        assert world.functions.events("f") == [b"2"]

    world.play(story)


def test_a_stream_with_attributes_wraps_the_body() -> None:
    world = FcWorld()
    world.fc.create_trigger(topic(notifyContentFormat="STREAM"))

    async def story(world: FcWorld) -> None:
        world.mns.publish("t", Publication("hello topic", user_properties=(EXTEND,)))
        await world.advance(1_000)

        (event,) = world.functions.events("f")
        assert json.loads(event) == {"body": "hello topic", "attrs": {"Extend": '{"key":"value"}'}}

    world.play(story)


def test_json_with_attributes_has_them_beside_the_notifications_own_fields_which_win() -> None:
    world = FcWorld()
    world.fc.create_trigger(topic(notifyContentFormat="JSON"))

    async def story(world: FcWorld) -> None:
        world.mns.publish("t", Publication("hello", user_properties=(EXTEND, Property("Message", "forged"))))
        await world.advance(1_000)

        event = json.loads(world.functions.events("f")[0])
        assert set(event) == NOTIFICATION | {"Extend"}
        assert (event["Extend"], event["Message"]) == ('{"key":"value"}', "hello")

    world.play(story)


def test_a_call_that_fails_is_repeated_by_function_compute_and_not_published_again() -> None:
    world = FcWorld()
    world.functions.answers("f", FAILS, RETURNS)
    world.fc.create_trigger(topic())

    async def story(world: FcWorld) -> None:
        world.mns.publish("t", Publication("once"))
        await world.advance(3_600_000)

        assert world.functions.events("f") == [b"once", b"once"]
        assert [call.retry_count for _, call in world.functions.calls] == [0, 1]

    world.play(story)


def test_a_deleted_topic_trigger_is_told_nothing_more() -> None:
    world = FcWorld()
    world.fc.create_trigger(topic())

    async def story(world: FcWorld) -> None:
        world.fc.triggers.delete("f", "told")
        world.mns.publish("t", Publication("x"))
        await world.advance(60_000)

        assert world.functions.calls == []

    world.play(story)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"notifyContentFormat": "SIMPLIFIED"}, "notifyContentFormat"),
        ({"notifyContentFormat": "XML"}, "notifyContentFormat"),
        ({"notifyStrategy": "NEVER"}, "notifyStrategy"),
    ],
)
def test_a_wrong_topic_trigger_is_refused_by_the_name_of_its_field(config: dict[str, str], named: str) -> None:
    with pytest.raises(FcError, match=named) as refused:
        FcWorld().fc.create_trigger(topic(**config))

    assert refused.value.code == "InvalidArgument"


def test_a_topic_tells_a_function_whose_name_begins_with_an_underscore() -> None:
    world = FcWorld()
    world.fc.create_function(function_spec("_f"))
    world.fc.create_trigger(replace(topic(), function="_f"))

    async def story(world: FcWorld) -> None:
        world.mns.publish("t", Publication("x"))
        await world.advance(1_000)

        assert world.functions.events("_f") == [b"x"]

    world.play(story)


def test_what_the_topic_does_not_take_is_refused_as_a_wrong_argument() -> None:
    world = FcWorld()

    async def story(world: FcWorld) -> None:
        with pytest.raises(FcError, match=r"refuses the subscription.*FilterTag") as refused:
            world.fc.create_trigger(topic(filterTag="x" * 17))

        assert refused.value.code == "InvalidArgument"
        assert world.fc.triggers.of("f") == []

    world.play(story)


# -- with the official SDKs, from the topic through a process to a queue ----------------------------------------------
@pytest.fixture
def cloud() -> Iterator[RunningCloud]:
    with local_cloud(deploys=False, instances=1, executor="simulated") as running:
        running.do(lambda it: it.services.mns.create_topic("t"))
        running.do(lambda it: it.services.mns.create_queue("seen"))
        yield running


@pytest.mark.parametrize("attributes", [{}, {"Extend": '{"key":"value"}'}])
@pytest.mark.parametrize("content_format", ["STREAM", "JSON"])
def test_what_an_sdk_publishes_reaches_a_function_that_an_sdk_made(
    cloud: RunningCloud, tmp_path: Path, content_format: str, attributes: dict[str, str]
) -> None:
    (tmp_path / "index.py").write_text("def handler(event, context):\n    return event\n")
    keys = (ACCOUNT.access_key_id, ACCOUNT.access_key_secret)
    functions = fc2.Client(endpoint=cloud.url, accessKeyID=keys[0], accessKeySecret=keys[1])
    functions.create_function("fleetrun", "f", "python3", "index.handler", codeDir=str(tmp_path))
    tells = {"destinationConfig": {"onSuccess": {"destination": "acs:mns:::/queues/seen/messages"}}}
    functions.put_function_async_invoke_config("fleetrun", "LATEST", "f", tells)
    config = {"notifyContentFormat": content_format, "notifyStrategy": "BACKOFF_RETRY", "filterTag": "blue"}
    functions.create_trigger("fleetrun", "f", "told", "mns_topic", config, TOPIC_ARN, ROLE)
    messages = MnsAccount(cloud.url, *keys)

    for tag, body in (("red", "not this"), ("blue", "hello topic")):
        message = TopicMessage(body, tag)
        for name, value in attributes.items():
            message.add_user_property(name, MessagePropertyValue(PropertyType.STRING, value))
        messages.get_topic("t").publish_message(message)

    queue = messages.get_queue("seen")
    queue.set_encoding(False)
    told = json.loads(queue.receive_message(20).message_body)
    assert told["requestPayload"] == told["responsePayload"]
    event = told["requestPayload"]
    if content_format == "JSON":
        found = json.loads(event)
        assert set(found) == NOTIFICATION | set(attributes)
        assert (found["Message"], found["TopicName"]) == ("hello topic", "t")
        assert found["MessageMD5"] == hashlib.md5(b"hello topic").hexdigest().upper()
    elif attributes:
        assert json.loads(event) == {"body": "hello topic", "attrs": attributes}
    else:
        assert event == "hello topic"
