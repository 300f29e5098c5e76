"""Every error code of MNS that is offered, provoked by a signed request; or the reason why no request can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pytest

from localcloud.http import Refusal, Response
from localcloud.mns.errors import CODES
from localcloud.mns.limits import Limits
from tests.contract.mns.worlds import ACCOUNT, MnsWorld

NAMESPACE = "{http://mns.aliyuncs.com/doc/v1/}"
LONG = "x" * 121


@dataclass(frozen=True)
class Call:
    """A request, signed as it stands unless it brings its own Authorization."""

    method: str
    target: str
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def ask(*headers: tuple[str, str]) -> tuple[Call, ...]:
    return (Call("GET", "/queues/q", headers=headers),)


TOPIC = Call("PUT", "/topics/t")
SUBSCRIPTION = "/topics/t/subscriptions/s"


def subscribe(endpoint: str, name: str = "s") -> Call:
    body = f"<Subscription><Endpoint>{endpoint}</Endpoint></Subscription>"
    return Call("PUT", f"/topics/t/subscriptions/{name}", body)


def send(body: str) -> Call:
    return Call("POST", "/queues/q/messages", f"<Message><MessageBody>{body}</MessageBody></Message>")


PROVOKED: dict[str, tuple[Call, ...]] = {
    "AccessDenied": ask(("security-token", "forged")),
    "EndpointInvalid": (TOPIC, subscribe("ftp://nobody")),
    "InvalidAccessKeyId": ask(("authorization", "MNS nobody:d3Jvbmc=")),
    "InvalidArgument": (Call("PUT", "/queues/x", "<Queue><DelaySeconds>-1</DelaySeconds></Queue>"),),
    "InvalidAuthorizationHeader": ask(("authorization", "Basic abc")),
    "InvalidDateHeader": ask(("date", "yesterday")),
    "InvalidDegist": ask(("content-md5", "d3Jvbmc=")),
    "InvalidQueryString": (Call("GET", "/queues/q?colour=red"),),
    "InvalidQueueName": (Call("PUT", "/queues/-x"),),
    "InvalidRequestURL": (Call("GET", "/nothing"),),
    "MalformedXML": (Call("PUT", "/queues/x", "<Queue>"),),
    "MessageBodyTooLarge": (send("x" * 65_537),),
    "MessageNotExist": (Call("GET", "/queues/q/messages"),),
    "MessageTooLarge": (send("x" * 65_537),),
    "MissingAuthorizationHeader": ask(("authorization", "")),
    "MissingDateHeader": ask(("date", "")),
    "MissingReceiptHandle": (Call("DELETE", "/queues/q/messages"),),
    "MissingVersionHeader": ask(("x-mns-version", "")),
    "MissingVisibilityTimeout": (Call("PUT", "/queues/q/messages?ReceiptHandle=1-a"),),
    "NotImplemented": (Call("PATCH", "/queues/q"),),
    "OverLimit": (Call("PUT", "/queues/x"),),
    "QueueAlreadyExist": (Call("PUT", "/queues/q", "<Queue><DelaySeconds>1</DelaySeconds></Queue>"),),
    "QueueDeletedRecently": (Call("DELETE", "/queues/q"), Call("PUT", "/queues/q")),
    "QueueNameLengthError": (Call("PUT", f"/queues/{LONG}"),),
    "QueueNotExist": (Call("GET", "/queues/none"),),
    "ReceiptHandleError": (Call("DELETE", "/queues/q/messages?ReceiptHandle=1-a"),),
    "SignatureDoesNotMatch": ask(("authorization", f"MNS {ACCOUNT.access_key_id}:d3Jvbmc=")),
    "SubscriptionAlreadyExist": (TOPIC, subscribe("http://one/"), subscribe("http://other/")),
    "SubscriptionNameInvalid": (TOPIC, subscribe("http://one/", "-s")),
    "SubscriptionNameLengthError": (TOPIC, subscribe("http://one/", LONG)),
    "SubscriptionNotExist": (TOPIC, Call("GET", SUBSCRIPTION)),
    "TimeExpired": ask(("date", "Thu, 01 Jan 2015 00:00:00 GMT")),
    "TopicAlreadyExist": (
        TOPIC,
        Call("PUT", "/topics/t", "<Topic><MaximumMessageSize>2048</MaximumMessageSize></Topic>"),
    ),
    "TopicNameInvalid": (Call("PUT", "/topics/-t"),),
    "TopicNameLengthError": (Call("PUT", f"/topics/{LONG}"),),
    "TopicNotExist": (Call("GET", "/topics/none"),),
}
"""The last request of each is the one that is refused."""
SWITCHED: dict[str, dict[str, Any]] = {
    "MessageBodyTooLarge": {"message_too_large": "MessageBodyTooLarge"},
    "OverLimit": {"queues_max": 1},
    "QueueDeletedRecently": {"recreate_after_ms": 10_000},
}
FAULTS_ONLY = {
    "InternalError": "nothing breaks by itself here: the kinds error-before and error-after say it",
    "InternalServerError": "the older name of InternalError",
    "QpsLimitExceeded": "nothing is throttled by itself; the older name of TooManyRequests",
    "ServiceUnavailable": "the local cloud is up, or it does not answer at all",
    "SubscriberNotExist": "of mail and SMS subscribers, whom nobody registers here",
    "TooManyRequests": "nothing is throttled by itself: the kind throttle says it",
}


def error_of(response: Response) -> dict[str, str]:
    """The document: its four elements, none of them empty, and the id of the header in it."""
    root = ElementTree.fromstring(response.body)
    found = {child.tag.removeprefix(NAMESPACE): child.text or "" for child in root}
    assert root.tag == f"{NAMESPACE}Error"
    assert list(found) == ["Code", "Message", "RequestId", "HostId"]
    assert all(found.values())
    assert found["RequestId"] == dict(response.headers)["x-mns-request-id"]
    return found


def test_every_code_is_provoked_or_has_a_reason_why_not() -> None:
    assert set(PROVOKED) | set(FAULTS_ONLY) == set(CODES)
    assert not set(PROVOKED) & set(FAULTS_ONLY)


@pytest.mark.parametrize("code", sorted(PROVOKED))
def test_a_code_is_said_with_its_status_and_nothing_has_happened(code: str) -> None:
    world = MnsWorld(limits=Limits(**SWITCHED.get(code, {})))
    *before, last = PROVOKED[code]
    for call in before:
        assert world.ask(call.method, call.target, call.body.encode(), dict(call.headers)).status < 300
    state = world.service.state()

    response = world.ask(last.method, last.target, last.body.encode(), dict(last.headers))

    assert (response.status, error_of(response)["Code"]) == (CODES[code][0], code)
    assert world.service.state() == state


@pytest.mark.parametrize("code", sorted(FAULTS_ONLY))
def test_a_code_that_only_faults_say_has_its_status_and_text(code: str) -> None:
    world = MnsWorld()

    response = world.endpoint.refuse(world.request("GET", "/queues/q"), Refusal(code=code))

    error = error_of(response)
    assert (response.status, error["Message"]) == CODES[code]


@pytest.mark.parametrize("code", ["MessageNotExist", "ReceiptHandleError"])
def test_a_handle_that_is_no_longer_valid_is_refused_as_the_switch_says(code: Any) -> None:
    world = MnsWorld(limits=Limits(stale_handle=code))
    world.send("a")
    delivery = world.service.receive("q")
    assert delivery is not None
    target = f"/queues/q/messages?ReceiptHandle={delivery.receipt_handle}"
    deleted = world.ask("DELETE", target)

    again = world.ask("DELETE", target)

    assert (deleted.status, again.status, error_of(again)["Code"]) == (204, CODES[code][0], code)


@pytest.mark.parametrize(("base64", "body"), [(False, "hello"), (True, "aGVsbG8=")])
def test_what_a_topic_puts_into_a_queue_is_text_or_base64_as_the_switch_says(base64: bool, body: str) -> None:
    world = MnsWorld(limits=Limits(topic_to_queue_base64=base64))
    endpoint = f"acs:mns:{ACCOUNT.region}:{ACCOUNT.account_id}:queues/q"
    world.ask("PUT", "/topics/t")
    wanted = f"<Endpoint>{endpoint}</Endpoint><NotifyContentFormat>SIMPLIFIED</NotifyContentFormat>"
    world.ask("PUT", SUBSCRIPTION, f"<Subscription>{wanted}</Subscription>".encode())

    world.ask("POST", "/topics/t/messages", b"<Message><MessageBody>hello</MessageBody></Message>")

    assert world.bodies() == [body]
