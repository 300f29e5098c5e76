"""Topics: who gets a published message, in which form, and how often it is tried."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from localcloud.mns.errors import MnsError
from localcloud.mns.limits import Limits
from localcloud.mns.values import Notification, Property, Publication, QueueChanges, Subscription, TopicChanges
from tests.contract.mns.worlds import ACCOUNT, MnsWorld, Receiver

QUEUE_ARN = f"acs:mns:{ACCOUNT.region}:{ACCOUNT.account_id}:queues/"
URL = "http://127.0.0.1:9/notifications"
NAMESPACE = "{http://mns.aliyuncs.com/doc/v1/}"


@pytest.fixture
def topic(world: MnsWorld) -> MnsWorld:
    """A world with a topic "t"."""
    world.service.create_topic("t")
    return world


def code_of(error: pytest.ExceptionInfo[MnsError]) -> str:
    return error.value.code


def test_a_topic_is_made_once_found_again_changed_and_deleted(world: MnsWorld) -> None:
    small = TopicChanges(maximum_message_size=2_048)

    made, found = world.service.create_topic("t", small), world.service.create_topic("t", small)
    with pytest.raises(MnsError) as refused:
        world.service.create_topic("t")
    world.service.set_topic("t", TopicChanges(logging_enabled=True))
    state = world.service.topic("t")
    world.service.delete_topic("t")
    with pytest.raises(MnsError) as gone:
        world.service.topic("t")

    assert (made, found, code_of(refused), code_of(gone)) == (True, False, "TopicAlreadyExist", "TopicNotExist")
    assert (state.attributes.maximum_message_size, state.attributes.logging_enabled) == (2_048, True)


@pytest.mark.parametrize(("name", "code"), [("", "TopicNameLengthError"), ("-t", "TopicNameInvalid")])
def test_bad_topic_names_are_refused(world: MnsWorld, name: str, code: str) -> None:
    with pytest.raises(MnsError) as refused:
        world.service.create_topic(name)

    assert code_of(refused) == code


@pytest.mark.parametrize("content_format", ["XML", "JSON", "SIMPLIFIED"])
def test_a_subscribed_queue_has_the_message_at_once_in_the_form_that_was_asked_for(
    topic: MnsWorld, content_format: str
) -> None:
    topic.service.subscribe(Subscription("t", "s", QUEUE_ARN + "q", notify_content_format=content_format))

    sent = topic.service.publish("t", Publication("<héllo>", tag="red"))
    (body,) = topic.bodies()

    fields = {
        "TopicOwner": ACCOUNT.account_id,
        "TopicName": "t",
        "Subscriber": ACCOUNT.account_id,
        "SubscriptionName": "s",
        "MessageId": sent.message_id,
        "MessageMD5": sent.body_md5,
        "Message": "<héllo>",
        "MessageTag": "red",
        "PublishTime": topic.now_ms,
    }
    if content_format == "SIMPLIFIED":
        assert body == "<héllo>"
    elif content_format == "JSON":
        assert json.loads(body) == fields
    else:
        root = ElementTree.fromstring(body)
        assert root.tag == f"{NAMESPACE}Notification"
        assert {node.tag.removeprefix(NAMESPACE): node.text for node in root} == {
            name: str(value) for name, value in fields.items()
        }


def test_a_filter_tag_lets_equal_tags_through_and_no_tag_lets_all(topic: MnsWorld) -> None:
    for queue, tag in (("all", ""), ("red", "red"), ("blue", "blue")):
        topic.service.create_queue(queue)
        topic.service.subscribe(
            Subscription("t", queue, QUEUE_ARN + queue, notify_content_format="SIMPLIFIED", filter_tag=tag)
        )

    topic.service.publish("t", Publication("1", tag="red"))
    topic.service.publish("t", Publication("2"))

    assert topic.bodies(queue="all") == ["1", "2"]
    assert topic.bodies(queue="red") == ["1"]
    assert topic.bodies(queue="blue") == []


def test_properties_and_group_travel_to_the_queue(topic: MnsWorld) -> None:
    topic.service.subscribe(Subscription("t", "s", QUEUE_ARN + "q", notify_content_format="SIMPLIFIED"))

    topic.service.publish("t", Publication("1", group_id="g", user_properties=(Property("k", "v"),)))
    delivery = topic.service.receive("q")

    assert delivery is not None
    assert (delivery.group_id, delivery.user_properties) == ("g", (Property("k", "v"),))


def test_an_http_endpoint_is_sent_the_document_with_the_headers_of_the_vendor(topic: MnsWorld) -> None:
    topic.service.subscribe(Subscription("t", "s", URL, notify_content_format="SIMPLIFIED"))

    sent = topic.service.publish("t", Publication("body", tag="red"))
    before = len(topic.pushes.sent)
    topic.timeline.run_due()

    (push,) = topic.pushes.sent
    headers = dict(push.headers)
    assert before == 0
    assert (push.url, push.body) == (URL, b"body")
    assert headers["x-mns-message-id"] == sent.message_id
    assert headers["x-mns-message-tag"] == "red"
    assert headers["x-mns-version"] == "2015-06-06"
    assert len(headers["x-mns-request-id"]) == 24


def test_backoff_retry_tries_four_times_ten_to_twenty_seconds_apart(topic: MnsWorld) -> None:
    topic.pushes.statuses[URL] = 500
    topic.service.subscribe(Subscription("t", "s", URL))
    topic.service.publish("t", Publication("body"))
    counts = []

    for _ in range(10):
        topic.advance(10)
        counts.append(len(topic.pushes.sent))
    topic.advance(86_400)

    assert len(topic.pushes.sent) == 4
    assert counts[0] in (1, 2)
    assert counts[5] == 4
    assert topic.service.topic("t").messages == 0


def test_exponential_decay_tries_177_times_in_a_day(topic: MnsWorld) -> None:
    topic.pushes.statuses[URL] = None
    topic.service.subscribe(Subscription("t", "s", URL, notify_strategy="EXPONENTIAL_DECAY_RETRY"))
    topic.service.publish("t", Publication("body"))
    early = []

    for seconds in (0, 1, 2, 4, 8):
        topic.advance(seconds)
        early.append(len(topic.pushes.sent))
    topic.advance(90_000)

    assert early == [1, 2, 3, 4, 5]
    assert len(topic.pushes.sent) == 177


def test_a_receiver_that_comes_back_gets_the_message_once(topic: MnsWorld) -> None:
    topic.pushes.statuses[URL] = 503
    topic.service.subscribe(Subscription("t", "s", URL))
    topic.service.publish("t", Publication("body"))
    topic.timeline.run_due()
    on_the_way = topic.service.topic("t").messages

    topic.pushes.statuses[URL] = 204
    topic.advance(3_600)

    assert (on_the_way, topic.service.topic("t").messages, len(topic.pushes.sent)) == (1, 0, 2)


def test_a_receiver_that_answers_after_five_seconds_is_too_late(topic: MnsWorld) -> None:
    topic.pushes.holds = True
    topic.service.subscribe(Subscription("t", "s", URL))
    topic.service.publish("t", Publication("body"))
    topic.advance(5)

    topic.pushes.held[0](200)
    late = topic.service.topic("t").messages
    while len(topic.pushes.held) == 1:
        topic.advance(1)
    topic.pushes.held[1](200)

    assert late == 1
    assert topic.service.topic("t").messages == 0


def test_a_message_for_a_missing_queue_waits_for_it_and_is_dropped_in_the_end(topic: MnsWorld) -> None:
    topic.service.subscribe(Subscription("t", "s", QUEUE_ARN + "later", notify_content_format="SIMPLIFIED"))
    topic.service.publish("t", Publication("in time"))
    topic.advance(5)
    topic.service.create_queue("later")
    topic.advance(20)
    arrived = topic.bodies(queue="later")
    topic.service.delete_queue("later")

    topic.service.publish("t", Publication("too late"))
    topic.advance(100)
    topic.service.create_queue("later")
    topic.advance(100)

    assert arrived == ["in time"]
    assert topic.counts("later") == (0, 0, 0)


def test_what_could_not_be_delivered_goes_to_the_subscriptions_dead_letter_queue(topic: MnsWorld) -> None:
    topic.pushes.statuses[URL] = 500
    topic.service.subscribe(Subscription("t", "s", URL, notify_content_format="SIMPLIFIED", dead_letter_queue="q"))

    topic.service.publish("t", Publication("body"))
    topic.advance(100)

    assert topic.bodies() == ["body"]


def test_a_function_is_handed_the_notification_until_it_takes_it(topic: MnsWorld) -> None:
    answers = [False, False, True]
    seen: list[Notification] = []

    def receiver(notification: Notification) -> bool:
        seen.append(notification)
        return answers[len(seen) - 1]

    topic.service.subscribe_function("t", "trigger", receiver, filter_tag="red")
    topic.service.publish("t", Publication("no"))
    topic.service.publish("t", Publication("yes", tag="red"))
    during_publish = len(seen)
    topic.advance(100)

    assert during_publish == 0
    assert [notification.body for notification in seen] == ["yes"] * 3
    assert topic.service.subscription("t", "trigger").notify_content_format == "JSON"


def test_a_function_that_subscribes_again_takes_the_place_of_its_predecessor(topic: MnsWorld) -> None:
    old, new = Receiver(), Receiver()
    topic.service.subscribe_function("t", "trigger", old)

    topic.service.subscribe_function("t", "trigger", new)
    topic.service.publish("t", Publication("body"))
    topic.advance(100)

    assert (old.seen, new.seen) == ([], ["body"])


def test_after_unsubscribe_nothing_more_is_delivered(topic: MnsWorld) -> None:
    topic.pushes.statuses[URL] = 500
    topic.service.subscribe(Subscription("t", "s", URL))
    topic.service.publish("t", Publication("body"))
    topic.timeline.run_due()

    topic.service.unsubscribe("t", "s")
    topic.advance(1_000)

    assert len(topic.pushes.sent) == 1
    assert topic.service.topic("t").messages == 0


def test_a_deleted_topic_takes_subscriptions_and_messages_along(topic: MnsWorld) -> None:
    topic.pushes.statuses[URL] = 500
    topic.service.subscribe(Subscription("t", "s", URL))
    topic.service.publish("t", Publication("body"))

    topic.service.delete_topic("t")
    topic.service.create_topic("t")
    topic.advance(1_000)

    assert topic.pushes.sent == []
    assert topic.service.subscriptions("t") == ([], "")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"endpoint": "ftp://x/"}, "EndpointInvalid"),
        ({"endpoint": "http://"}, "EndpointInvalid"),
        ({"endpoint": ""}, "EndpointInvalid"),
        ({"endpoint": "acs:mns:cn-beijing:1234567890123456:queues/q"}, "EndpointInvalid"),
        ({"endpoint": "acs:mns:cn-hangzhou:42:queues/q"}, "EndpointInvalid"),
        ({"notify_strategy": "NEVER"}, "InvalidArgument"),
        ({"notify_content_format": "YAML"}, "InvalidArgument"),
        ({"filter_tag": "x" * 17}, "InvalidArgument"),
        ({"name": "-s"}, "SubscriptionNameInvalid"),
        ({"name": ""}, "SubscriptionNameLengthError"),
        ({"topic": "none"}, "TopicNotExist"),
    ],
)
def test_a_bad_subscription_is_refused(topic: MnsWorld, changes: dict[str, str], code: str) -> None:
    fields: dict[str, Any] = {"topic": "t", "name": "s", "endpoint": URL, **changes}
    wanted = Subscription(**fields)

    with pytest.raises(MnsError) as refused:
        topic.service.subscribe(wanted)

    assert code_of(refused) == code
    assert topic.service.subscriptions("t") == ([], "")


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://example.com",
        "http://[::1]:80/x?y",
        "mail:directmail:a@example.com",
        "sms:directsms:anonymous",
        "sms:dayu:13000000000",
        "push:1234",
    ],
)
def test_every_kind_of_endpoint_can_be_subscribed(topic: MnsWorld, endpoint: str) -> None:
    made = topic.service.subscribe(Subscription("t", "s", endpoint))
    topic.service.publish("t", Publication("body"))
    topic.advance(1)

    assert made
    assert topic.service.subscription("t", "s").endpoint == endpoint


def test_a_subscription_is_found_again_and_only_its_strategy_can_change(topic: MnsWorld) -> None:
    wanted = Subscription("t", "s", URL)
    topic.service.subscribe(wanted)

    found = topic.service.subscribe(wanted)
    topic.service.set_subscription("t", "s", notify_strategy="EXPONENTIAL_DECAY_RETRY")
    with pytest.raises(MnsError) as refused:
        topic.service.subscribe(wanted)

    assert found is False
    assert code_of(refused) == "SubscriptionAlreadyExist"
    assert topic.service.subscription("t", "s").notify_strategy == "EXPONENTIAL_DECAY_RETRY"


def test_a_topic_has_at_most_so_many_subscriptions() -> None:
    world = MnsWorld(limits=Limits(subscriptions_per_topic_max=1, topics_max=1))
    world.service.create_topic("t")
    world.service.subscribe(Subscription("t", "s", URL))

    with pytest.raises(MnsError) as one_more:
        world.service.subscribe(Subscription("t", "s2", URL))
    with pytest.raises(MnsError) as one_more_topic:
        world.service.create_topic("t2")

    assert code_of(one_more) == code_of(one_more_topic) == "OverLimit"


@pytest.mark.parametrize(
    ("publication", "code"),
    [
        (Publication(""), "InvalidArgument"),
        (Publication("x" * 65_537), "MessageTooLarge"),
        (Publication("x", tag="x" * 17), "InvalidArgument"),
        (Publication("\x01"), "InvalidArgument"),
    ],
)
def test_a_bad_publication_is_refused(topic: MnsWorld, publication: Publication, code: str) -> None:
    with pytest.raises(MnsError) as refused:
        topic.service.publish("t", publication)

    assert code_of(refused) == code


def test_a_notification_that_a_queue_finds_too_large_is_tried_again(topic: MnsWorld) -> None:
    topic.service.set_queue("q", QueueChanges(maximum_message_size=1_024))
    topic.service.subscribe(Subscription("t", "s", QUEUE_ARN + "q"))

    topic.service.publish("t", Publication("x" * 1_000))
    refused = topic.counts()
    topic.service.set_queue("q", QueueChanges(maximum_message_size=65_536))
    topic.advance(20)

    assert (refused, topic.counts()) == ((0, 0, 0), (1, 0, 0))
