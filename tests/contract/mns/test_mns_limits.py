"""Every default and every bound of MNS, said and asked in signed requests: what is not given, each end, one beyond."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest

from localcloud.http import Response
from localcloud.mns.limits import Limits
from tests.contract.mns.worlds import ACCOUNT, MnsWorld

NAMESPACE = "{http://mns.aliyuncs.com/doc/v1/}"
MESSAGES = "/queues/q/messages"
ENDPOINT = "<Endpoint>http://127.0.0.1:1/</Endpoint>"


def fields(response: Response) -> dict[str, str]:
    """The document's elements, wherever they stand."""
    return {node.tag.removeprefix(NAMESPACE): node.text or "" for node in ElementTree.fromstring(response.body).iter()}


def send(world: MnsWorld, body: str, more: str = "", target: str = MESSAGES) -> Response:
    return world.ask("POST", target, f"<Message><MessageBody>{body}</MessageBody>{more}</Message>".encode())


@pytest.mark.parametrize(
    "document", [b"", b"<Queue/>", b"<Queue><DelaySeconds/><LoggingEnabled></LoggingEnabled></Queue>"]
)
def test_a_queue_of_which_nothing_is_said_has_the_defaults(world: MnsWorld, document: bytes) -> None:
    made = world.ask("PUT", "/queues/plain", document)

    found = fields(world.ask("GET", "/queues/plain"))

    now = str(world.now_ms // 1000)
    del found["Queue"]
    assert made.status == 201
    assert found == {
        "QueueName": "plain", "CreateTime": now, "LastModifyTime": now, "VisibilityTimeout": "30",
        "MaximumMessageSize": "65536", "MessageRetentionPeriod": "345600", "DelaySeconds": "0",
        "PollingWaitSeconds": "0", "LoggingEnabled": "False", "ActiveMessages": "0", "InactiveMessages": "0",
        "DelayMessages": "0",
    }  # fmt: skip


def test_a_topic_and_a_subscription_of_which_nothing_is_said_have_the_defaults(world: MnsWorld) -> None:
    world.ask("PUT", "/topics/t")
    world.ask("PUT", "/topics/t/subscriptions/s", f"<Subscription>{ENDPOINT}</Subscription>".encode())

    topic, subscription = fields(world.ask("GET", "/topics/t")), fields(world.ask("GET", "/topics/t/subscriptions/s"))

    now = str(world.now_ms // 1000)
    del topic["Topic"], subscription["Subscription"]
    assert topic == {
        "TopicName": "t", "CreateTime": now, "LastModifyTime": now, "MaximumMessageSize": "65536",
        "MessageRetentionPeriod": "86400", "MessageCount": "0", "LoggingEnabled": "False",
    }  # fmt: skip
    assert subscription == {
        "SubscriptionName": "s", "Subscriber": ACCOUNT.account_id, "TopicOwner": ACCOUNT.account_id, "TopicName": "t",
        "Endpoint": "http://127.0.0.1:1/", "NotifyStrategy": "BACKOFF_RETRY", "NotifyContentFormat": "XML",
        "CreateTime": now, "LastModifyTime": now,
    }  # fmt: skip


def test_a_message_of_which_nothing_is_said_has_priority_8_and_its_queues_times(world: MnsWorld) -> None:
    world.ask("PUT", "/queues/q?metaoverride=true", b"<Queue><DelaySeconds>7</DelaySeconds></Queue>")
    sent_ms = world.now_ms

    send(world, "a")
    world.advance(7)
    received = fields(world.ask("GET", MESSAGES))

    assert (received["Priority"], received["DequeueCount"]) == ("8", "1")
    assert received["EnqueueTime"] == str(sent_ms)
    assert received["FirstDequeueTime"] == str(world.now_ms)
    assert received["NextVisibleTime"] == str(world.now_ms + 30_000)


def test_a_message_of_which_nothing_is_said_is_kept_for_four_days(world: MnsWorld) -> None:
    send(world, "a")
    world.advance(345_599)
    last = world.ask("GET", MESSAGES + "?peekonly=true").status
    world.advance(1)

    assert (last, world.ask("GET", MESSAGES + "?peekonly=true").status) == (200, 404)


def test_a_list_of_which_no_size_is_said_has_a_thousand_entries() -> None:
    world = MnsWorld(limits=Limits(queues_max=1_001))
    for number in range(1_000):
        world.service.create_queue(f"r{number}")

    page = ElementTree.fromstring(world.ask("GET", "/queues").body)

    assert len(page.findall(f"{NAMESPACE}Queue")) == 1_000
    assert page.findtext(f"{NAMESPACE}NextMarker")


Ask = Callable[[MnsWorld, int], Response]


def attribute(how: str, noun: str, element: str) -> Ask:
    """Asks for a value of an attribute, in making something or in changing it."""
    target = {"make": f"/{noun.lower()}s/new", "change": f"/{noun.lower()}s/{noun[0].lower()}?metaoverride=true"}[how]

    def ask(world: MnsWorld, value: int) -> Response:
        return world.ask("PUT", target, f"<{noun}><{element}>{value}</{element}></{noun}>".encode())

    return ask


def of_message(element: str) -> Ask:
    return lambda world, value: send(world, "a", f"<{element}>{value}</{element}>")


def of_query(query: str, method: str = "GET") -> Ask:
    def ask(world: MnsWorld, value: int) -> Response:
        send(world, "a")
        handle = ""
        if "HANDLE" in query:
            handle = fields(world.ask("GET", MESSAGES))["ReceiptHandle"]
        return world.ask(method, f"{MESSAGES}?{query.replace('HANDLE', handle)}{value}")

    return ask


def entries_sent(world: MnsWorld, count: int) -> Response:
    messages = "<Message><MessageBody>a</MessageBody></Message>" * count
    return world.ask("POST", MESSAGES, f"<Messages>{messages}</Messages>".encode())


def entries_deleted(world: MnsWorld, count: int) -> Response:
    handles = []
    for number in range(count):
        send(world, str(number))
        handles.append(fields(world.ask("GET", MESSAGES))["ReceiptHandle"])
    document = "".join(f"<ReceiptHandle>{handle}</ReceiptHandle>" for handle in handles)
    return world.ask("DELETE", MESSAGES, f"<ReceiptHandles>{document}</ReceiptHandles>".encode())


def listed(target: str) -> Ask:
    return lambda world, value: world.ask("GET", target, headers={"x-mns-ret-number": str(value)})


@dataclass(frozen=True)
class Bound:
    """A range. `text`: what the refusal of a value beyond it says, without the numbers."""

    ask: Ask
    low: int
    high: int
    text: str
    unit: str = "seconds"


def bounds() -> Iterator[tuple[str, Bound]]:
    for how in ("make", "change"):
        for element, low, high, unit in (
            ("VisibilityTimeout", 1, 43_200, "seconds"),
            ("MaximumMessageSize", 1_024, 65_536, "bytes"),
            ("MessageRetentionPeriod", 60, 604_800, "seconds"),
            ("DelaySeconds", 0, 604_800, "seconds"),
            ("PollingWaitSeconds", 0, 30, "seconds"),
        ):
            yield f"{how} queue {element}", Bound(attribute(how, "Queue", element), low, high, element, unit)
        ask = attribute(how, "Topic", "MaximumMessageSize")
        yield f"{how} topic", Bound(ask, 1_024, 65_536, "MaximumMessageSize", "bytes")
    yield "message DelaySeconds", Bound(of_message("DelaySeconds"), 0, 604_800, "DelaySeconds")
    yield "message Priority", Bound(of_message("Priority"), 1, 16, "Priority", "priorities")
    yield "receive waitseconds", Bound(of_query("waitseconds="), 0, 30, "waitseconds")
    yield "batch waitseconds", Bound(of_query("numOfMessages=1&waitseconds="), 0, 30, "waitseconds")
    yield "receive numOfMessages", Bound(of_query("numOfMessages="), 1, 16, "numOfMessages", "messages")
    yield "peek numOfMessages", Bound(of_query("peekonly=true&numOfMessages="), 1, 16, "numOfMessages", "messages")
    ask = of_query("ReceiptHandle=HANDLE&VisibilityTimeout=", "PUT")
    yield "change VisibilityTimeout", Bound(ask, 1, 43_200, "VisibilityTimeout")
    yield "batch send", Bound(entries_sent, 1, 16, "the number of entries", "messages")
    yield "batch delete", Bound(entries_deleted, 1, 16, "the number of entries", "messages")
    for noun, target in (("queues", "/queues"), ("topics", "/topics"), ("subscriptions", "/topics/t/subscriptions")):
        yield f"list {noun}", Bound(listed(target), 1, 1_000, "x-mns-ret-number", "entries")


BOUNDS = dict(bounds())


@pytest.mark.parametrize("name", BOUNDS)
def test_both_ends_of_a_range_are_taken_and_one_beyond_is_an_invalid_argument(name: str) -> None:
    bound = BOUNDS[name]
    for value in (bound.low, bound.high):
        world = MnsWorld()
        world.ask("PUT", "/topics/t")
        assert bound.ask(world, value).status < 300, value
    for value in (bound.low - 1, bound.high + 1):
        world = MnsWorld()
        world.ask("PUT", "/topics/t")
        refused = bound.ask(world, value)

        error = fields(refused)
        assert (refused.status, error["Code"]) == (400, "InvalidArgument"), value
        assert (
            error["Message"] == f"The value of {bound.text} should between {bound.low} and {bound.high} {bound.unit}."
        )
        assert (world.service.queues()[0][0].name, world.service.topics()[0][0].name) == ("q", "t")
        assert len(world.service.queues()[0]) == len(world.service.topics()[0]) == 1


@pytest.mark.parametrize("size", [1_024, 2_000, 65_536])
@pytest.mark.parametrize("noun", ["queue", "topic"])
def test_a_body_has_as_many_bytes_as_its_queue_or_topic_says(world: MnsWorld, noun: str, size: int) -> None:
    target = f"/{noun}s/sized"
    root = noun.capitalize()
    world.ask("PUT", target, f"<{root}><MaximumMessageSize>{size}</MaximumMessageSize></{root}>".encode())

    whole = send(world, "x" * size, target=f"{target}/messages")
    wide = send(world, "\u00e9" * (size // 2), target=f"{target}/messages")
    refused = [
        send(world, body, target=f"{target}/messages") for body in ("x" * (size + 1), "\u00e9" * (size // 2) + "x")
    ]

    assert (whole.status, wide.status) == (201, 201)
    assert [(response.status, fields(response)["Code"]) for response in refused] == [(400, "MessageTooLarge")] * 2
    assert f"at most {size} bytes" in fields(refused[0])["Message"]


def test_the_bodies_of_a_batch_have_64_kilobytes_together(world: MnsWorld) -> None:
    def batch(*sizes: int) -> Response:
        messages = "".join(f"<Message><MessageBody>{'x' * size}</MessageBody></Message>" for size in sizes)
        return world.ask("POST", MESSAGES, f"<Messages>{messages}</Messages>".encode())

    whole, beyond = batch(32_768, 32_768), batch(32_768, 32_769)

    assert whole.status == 201
    assert (beyond.status, fields(beyond)["Code"]) == (400, "MessageTooLarge")
    assert world.counts() == (2, 0, 0)


@pytest.mark.parametrize(
    ("noun", "target", "code"),
    [
        ("Queue", "/queues/{}", "QueueNameLengthError"),
        ("Topic", "/topics/{}", "TopicNameLengthError"),
        ("Subscription", "/topics/t/subscriptions/{}", "SubscriptionNameLengthError"),
    ],
)
def test_a_name_has_1_to_120_characters(world: MnsWorld, noun: str, target: str, code: str) -> None:
    world.ask("PUT", "/topics/t")
    body = f"<Subscription>{ENDPOINT}</Subscription>".encode() if noun == "Subscription" else b""

    taken = [world.ask("PUT", target.format("x" * length), body).status for length in (1, 120)]
    refused = world.ask("PUT", target.format("x" * 121), body)

    assert taken == [201, 201]
    assert (refused.status, fields(refused)["Code"]) == (400, code)
    assert fields(refused)["Message"] == f"{noun} name length should between 1 and 120."


def test_tags_have_16_characters(world: MnsWorld) -> None:
    world.ask("PUT", "/topics/t")

    def subscribe(length: int) -> Response:
        wanted = f"{ENDPOINT}<FilterTag>{'x' * length}</FilterTag>"
        return world.ask("PUT", f"/topics/t/subscriptions/s{length}", f"<Subscription>{wanted}</Subscription>".encode())

    def publish(length: int) -> Response:
        return send(world, "a", f"<MessageTag>{'x' * length}</MessageTag>", "/topics/t/messages")

    for ask in (subscribe, publish):
        beyond = ask(17)
        assert (ask(16).status, beyond.status, fields(beyond)["Code"]) == (201, 400, "InvalidArgument")


@pytest.mark.parametrize(
    ("target", "body", "count"),
    [
        ("/queues/n{}", b"", 999),  # and "q"
        ("/topics/n{}", b"", 999),  # and "t"
        ("/topics/t/subscriptions/n{}", f"<Subscription>{ENDPOINT}</Subscription>".encode(), 100),
    ],
)
def test_an_account_has_a_thousand_queues_and_topics_and_a_topic_100_subscriptions(
    world: MnsWorld, target: str, body: bytes, count: int
) -> None:
    world.ask("PUT", "/topics/t")

    taken = [world.ask("PUT", target.format(number), body).status for number in range(count)]
    beyond, again = world.ask("PUT", target.format(count), body), world.ask("PUT", target.format(0), body)

    assert set(taken) == {201}
    assert (beyond.status, fields(beyond)["Code"], again.status) == (400, "OverLimit", 204)
