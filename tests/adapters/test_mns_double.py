"""The MNS adapters against the double, read back with the SDK as a consumer would."""

from __future__ import annotations

from typing import Any

import pytest

from shared.adapters.mns import DEAD_LETTERS, EVENTS, WAKEUPS, MnsEvents, MnsQueues
from shared.core import limits
from shared.core.errors import Unavailable, UnknownOutcome
from tests.adapters.clients import Sleepless, mns_accounts
from tests.adapters.doubles import Doubles


@pytest.fixture
def sdk(cloud: Doubles) -> Any:
    """An Account with our queues, the topic, and a queue that is subscribed to it."""
    from mns.queue import QueueMeta
    from mns.subscription import SubscriptionMeta
    from mns.topic import TopicMeta

    account = mns_accounts(cloud.url).get()
    for name in (WAKEUPS, DEAD_LETTERS, "fleetrun-events"):
        account.get_queue(name).create(QueueMeta())
    account.get_topic(EVENTS).create(TopicMeta())
    endpoint = "acs:mns:cn-hangzhou:1234567890123456:queues/fleetrun-events"
    meta = SubscriptionMeta(endpoint, notify_content_format="SIMPLIFIED")
    account.get_topic(EVENTS).get_subscription("fleetrun-events").subscribe(meta)
    return account


def queues_of(cloud: Doubles) -> MnsQueues:
    return MnsQueues(mns_accounts(cloud.url), Sleepless().patience)


def received(sdk: Any, queue: str) -> bytes:
    """The next message's body, decoded as the queue trigger does it."""
    body: bytes = sdk.get_queue(queue).receive_message(2).message_body
    return body


def test_a_wakeup_arrives_as_it_was_sent(cloud: Doubles, sdk: Any) -> None:
    queues_of(cloud).send_wakeup('{"runId":"größe"}'.encode(), delay_s=0)

    assert received(sdk, WAKEUPS) == '{"runId":"größe"}'.encode()


def test_a_delayed_wakeup_is_not_seen_before_its_time(cloud: Doubles, sdk: Any) -> None:
    from mns.mns_exception import MNSServerException

    queues_of(cloud).send_wakeup(b"{}", delay_s=3600)
    with pytest.raises(MNSServerException, match="MessageNotExist"):
        sdk.get_queue(WAKEUPS).receive_message(0)
    cloud.served.advance(3_600_000)

    assert received(sdk, WAKEUPS) == b"{}"


def test_the_longest_delay_and_the_largest_dead_letter_are_taken(cloud: Doubles, sdk: Any) -> None:
    queues = queues_of(cloud)
    body = b"x" * (limits.MESSAGE_BYTES_MAX // 4 * 3)

    queues.send_wakeup(b"{}", delay_s=limits.DELAY_S_MAX)
    queues.send_dead_letter(body)

    assert received(sdk, DEAD_LETTERS) == body


def test_a_dead_letter_that_is_one_group_too_large_is_refused(cloud: Doubles, sdk: Any) -> None:
    with pytest.raises(Unavailable):
        queues_of(cloud).send_dead_letter(b"x" * (limits.MESSAGE_BYTES_MAX // 4 * 3 + 1))


def test_an_event_reaches_the_subscribed_queue_as_plain_json(cloud: Doubles, sdk: Any) -> None:
    body = '{"output":"größe & <b> ]]> \\u0000 🚀"}'.encode()

    MnsEvents(mns_accounts(cloud.url), Sleepless().patience).publish(body)

    queue = sdk.get_queue("fleetrun-events")
    queue.set_encoding(False)
    assert queue.receive_message(2).message_body.encode() == body


def test_the_largest_event_is_taken(cloud: Doubles, sdk: Any) -> None:
    body = b'{"output":"' + b"x" * (limits.EVENT_BYTES_MAX - 13) + b'"}'

    MnsEvents(mns_accounts(cloud.url), Sleepless().patience).publish(body)

    assert len(body) == limits.EVENT_BYTES_MAX


def test_a_wakeup_whose_reply_was_lost_may_come_once_more_but_is_there(cloud: Doubles, sdk: Any) -> None:
    cloud.go_wrong("lost-reply", "SendMessage", count=2)

    with pytest.raises(UnknownOutcome):
        queues_of(cloud).send_wakeup(b'{"n":1}', delay_s=0)

    assert received(sdk, WAKEUPS) == b'{"n":1}'


def test_a_throttled_send_is_sat_out(cloud: Doubles, sdk: Any) -> None:
    cloud.go_wrong("throttle", "SendMessage", count=2)

    queues_of(cloud).send_wakeup(b"{}", delay_s=0)

    assert received(sdk, WAKEUPS) == b"{}"


def test_a_missing_queue_is_the_operators_matter(cloud: Doubles) -> None:
    with pytest.raises(Unavailable) as raised:
        queues_of(cloud).send_wakeup(b"{}", delay_s=0)

    assert raised.value.code == "QueueNotExist"
