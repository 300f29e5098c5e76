"""aliyun-mns-sdk, unmodified, over a real socket: queues and their messages."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

import pytest
from mns.message_property import MessagePropertyValue, MessageSystemPropertyValue, SystemPropertyName
from mns.mns_common import RequestInfo
from mns.mns_exception import MNSClientNetworkException, MNSServerException
from mns.queue import Message, QueueMeta

from localcloud.faults import Rule
from tests.contract.mns.conftest import MnsServer

# The counts of a queue are being withdrawn from the real service; here they are exact.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated function:DeprecationWarning")


@pytest.fixture
def queue(server: MnsServer) -> Any:
    """The SDK's queue "jobs", with default attributes."""
    queue = server.client().get_queue("jobs")
    queue.create(QueueMeta())
    return queue


def refusal(act: Any) -> tuple[str, str]:
    """Code and host id of the server's refusal; that the SDK could read it proves all four elements."""
    with pytest.raises(MNSServerException) as refused:
        act()
    assert len(refused.value.req_id) == 24
    return refused.value.type, refused.value.message


def test_a_queue_is_made_read_changed_listed_and_deleted(server: MnsServer) -> None:
    account = server.client()
    queue = account.get_queue("jobs")

    url = queue.create(QueueMeta(vis_timeout=60, delay_sec=1, polling_wait_sec=2, max_msg_size=2048, msg_ttl=120))
    found = queue.create(QueueMeta(vis_timeout=60, delay_sec=1, polling_wait_sec=2, max_msg_size=2048, msg_ttl=120))
    changes = QueueMeta(vis_timeout=90)
    changes.set_logging_enabled(True)
    queue.set_attributes(changes)
    meta = queue.get_attributes()
    listed = account.list_queue()
    queue.delete()

    assert url == found == f"{server.served.url}/queues/jobs"
    assert (meta.queue_name, meta.visibility_timeout, meta.delay_seconds, meta.polling_wait_seconds) == (
        "jobs", 90, 1, 2,
    )  # fmt: skip
    assert (meta.maximum_message_size, meta.message_retention_period, meta.logging_enabled) == (2048, 120, True)
    assert abs(meta.create_time - time.time()) < 60
    assert listed == ([url], "")
    assert account.list_queue() == ([], "")


def test_other_attributes_are_queue_already_exist_and_a_missing_queue_is_queue_not_exist(queue: Any) -> None:
    assert refusal(lambda: queue.create(QueueMeta(vis_timeout=31)))[0] == "QueueAlreadyExist"
    queue.delete()

    for act in (
        queue.get_attributes,
        queue.receive_message,
        queue.peek_message,
        lambda: queue.send_message(Message("a")),
        lambda: queue.batch_send_message([Message("a")]),
        lambda: queue.batch_receive_message(2),
        lambda: queue.delete_message("1-x"),
        lambda: queue.batch_delete_message(["1-x"]),
        lambda: queue.change_message_visibility("1-x", 5),
        lambda: queue.set_attributes(QueueMeta(vis_timeout=60)),
    ):
        assert refusal(act) == ("QueueNotExist", "The queue name you provided is not exist.")


def test_queues_are_listed_page_by_page_with_prefix(server: MnsServer) -> None:
    account = server.client()
    for number in range(5):
        account.get_queue(f"job-{number}").create(QueueMeta())
    account.get_queue("zoo").create(QueueMeta())

    names, marker = [], ""
    for _ in range(3):
        urls, marker = account.list_queue(prefix="job-", ret_number=2, marker=marker)
        names.append([url.rpartition("/")[2] for url in urls])

    assert names == [["job-0", "job-1"], ["job-2", "job-3"], ["job-4"]]
    assert marker == ""


@pytest.mark.parametrize("text", ["hello", "<&>\"' ]]>", "héllo \U0001f600\r\n\t", "x" * 49_000])
def test_a_message_comes_back_as_it_was_sent(queue: Any, text: str) -> None:
    sent = queue.send_message(Message(text))

    received = queue.receive_message_with_str_body()

    assert received.message_body == text
    assert received.message_id == sent.message_id
    assert received.message_body_md5 == sent.message_body_md5
    assert (received.dequeue_count, received.priority) == (1, 8)
    assert received.next_visible_time - received.first_dequeue_time == 30_000
    queue.delete_message(received.receipt_handle)
    assert queue.get_attributes().inactive_messages == 0


@pytest.mark.parametrize("text", ["plain", "<Messages xmlns='x'>", "a\rb", "tab\there", " spaces  "])
def test_without_encoding_the_text_itself_goes_over_the_wire(queue: Any, text: str) -> None:
    queue.set_encoding(False)

    sent = queue.send_message(Message(text))
    received = queue.receive_message()

    # A carriage return is a line feed after XML's own normalisation of what the SDK sends.
    assert received.message_body == text.replace("\r", "\n")
    digest = hashlib.md5(received.message_body.encode()).hexdigest().upper()
    assert received.message_body_md5 == sent.message_body_md5 == digest


def test_user_and_system_properties_and_the_group_make_the_round_trip(queue: Any) -> None:
    message = Message("a", message_group_id="g1")
    message.add_user_property("text", MessagePropertyValue.create_string("v & w"))
    message.add_user_property("number", MessagePropertyValue.create_number(1.5))
    message.add_user_property("flag", MessagePropertyValue.create_boolean(True))
    message.add_user_property("bytes", MessagePropertyValue.create_binary(b"\x00\xff"))
    message.add_system_property(SystemPropertyName.TRACEPARENT, MessageSystemPropertyValue.create_string("00-1-2-01"))

    queue.send_message(message)
    received = queue.receive_message_with_str_body()

    values = {name: value.get_raw_value() for name, value in received.user_properties.items()}
    assert values == {"text": "v & w", "number": "1.5", "flag": "true", "bytes": b"\x00\xff"}
    assert received.system_properties["traceparent"].get_raw_value() == "00-1-2-01"
    assert received.message_group_id == "g1"


def test_priority_and_delay_are_kept(server: MnsServer, queue: Any) -> None:
    server.served.call(server.clock.freeze)
    queue.send_message(Message("low", priority=16))
    queue.send_message(Message("high", priority=1))
    delayed = queue.send_message(Message("delayed", delay_seconds=20, priority=1))
    counts = queue.get_attributes()

    first = [queue.receive_message_with_str_body().message_body for _ in range(2)]
    nothing = refusal(queue.receive_message)
    server.served.advance(20_000)
    then = queue.receive_message_with_str_body().message_body

    assert (first, nothing[0], then) == (["high", "low"], "MessageNotExist", "delayed")
    assert (counts.active_messages, counts.delay_messages) == (2, 1)
    assert delayed.receipt_handle.startswith("1-")


def test_visibility_can_be_changed_and_the_old_handle_is_dead(server: MnsServer, queue: Any) -> None:
    server.served.call(server.clock.freeze)
    queue.send_message(Message("a"))
    received = queue.receive_message_with_str_body()

    changed = queue.change_message_visibility(received.receipt_handle, 600)
    old = refusal(lambda: queue.delete_message(received.receipt_handle))
    server.served.advance(599_000)
    hidden = refusal(queue.receive_message)
    queue.delete_message(changed.receipt_handle)

    assert int(changed.next_visible_time) == received.first_dequeue_time + 600_000
    assert old == hidden == ("MessageNotExist", "Message not exist.")
    assert queue.get_attributes().inactive_messages == 0


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda queue: queue.delete_message("nonsense"), "ReceiptHandleError"),
        (lambda queue: queue.change_message_visibility("nonsense", 5), "ReceiptHandleError"),
        (lambda queue: queue.change_message_visibility("1-ODU4OTkzNDU5My0xLTEtOA==", 5), "MessageNotExist"),
        (lambda queue: queue.send_message(Message("a", delay_seconds=604_801)), "InvalidArgument"),
        (lambda queue: queue.send_message(Message("a", priority=17)), "InvalidArgument"),
        (lambda queue: queue.send_message(Message("x" * 49_153)), "MessageTooLarge"),
        (lambda queue: queue.receive_message(31), "InvalidArgument"),
        (lambda queue: queue.batch_receive_message(17), "InvalidArgument"),
        (lambda queue: queue.batch_peek_message(17), "InvalidArgument"),
        (lambda queue: queue.batch_send_message([Message("a")] * 17), "InvalidArgument"),
        (lambda queue: queue.batch_delete_message(["1-x"] * 17), "InvalidArgument"),
        (lambda queue: queue.set_attributes(QueueMeta(vis_timeout=43_201)), "InvalidArgument"),
        (lambda queue: queue.peek_message(), "MessageNotExist"),
        (lambda queue: queue.batch_receive_message(16), "MessageNotExist"),
    ],
)
def test_each_refusal_reaches_the_sdk_with_its_code(queue: Any, act: Any, code: str) -> None:
    assert refusal(lambda: act(queue))[0] == code


def test_batches_are_sent_peeked_received_and_deleted(queue: Any) -> None:
    sent = queue.batch_send_message([Message(f"m{number}") for number in range(16)])

    peeked = queue.batch_peek_message_with_str_body(16)
    single = queue.peek_message_with_str_body()
    received = queue.batch_receive_message_with_str_body(16)
    queue.batch_delete_message([message.receipt_handle for message in received])

    assert [message.message_id for message in sent] == [message.message_id for message in received]
    assert [m.message_body for m in peeked] == [m.message_body for m in received] == [f"m{n}" for n in range(16)]
    assert (single.message_body, single.dequeue_count) == ("m0", 0)
    assert queue.get_attributes().inactive_messages == 0


def test_a_batch_that_fails_in_part_says_which(queue: Any) -> None:
    queue.set_attributes(QueueMeta(max_msg_size=1_024))

    with pytest.raises(MNSServerException) as refused:
        queue.batch_send_message([Message("a"), Message("x" * 1_024), Message("b")])

    assert refused.value.type == "MessageTooLarge"
    assert [sorted(entry) for entry in refused.value.sub_errors] == [
        ["MessageBodyMD5", "MessageId"],
        ["ErrorCode", "ErrorMessage"],
        ["MessageBodyMD5", "MessageId"],
    ]
    assert [message.message_body for message in queue.batch_receive_message_with_str_body(16)] == ["a", "b"]


def test_a_batch_delete_that_fails_in_part_says_which(queue: Any) -> None:
    queue.batch_send_message([Message("a"), Message("b")])
    first, second = queue.batch_receive_message(2)
    queue.delete_message(first.receipt_handle)

    with pytest.raises(MNSServerException) as refused:
        queue.batch_delete_message([first.receipt_handle, second.receipt_handle])

    assert refused.value.type == "MessageNotExist"
    assert [entry["ReceiptHandle"] for entry in refused.value.sub_errors] == [first.receipt_handle]
    assert queue.get_attributes().inactive_messages == 0


def test_a_long_poll_is_woken_by_another_clients_send(server: MnsServer, queue: Any) -> None:
    received: list[str] = []
    waiting = server.client().get_queue("jobs")
    poll = threading.Thread(target=lambda: received.append(waiting.receive_message_with_str_body(30).message_body))

    poll.start()
    while not server.served.call(lambda: server.service._queues.find("jobs").watchers):
        time.sleep(0.005)
    queue.send_message(Message("a"))
    poll.join(10)

    assert received == ["a"]


def test_a_long_poll_on_a_frozen_clock_ends_when_the_clock_is_moved(server: MnsServer, queue: Any) -> None:
    server.served.call(server.clock.freeze)
    queue.set_attributes(QueueMeta(polling_wait_sec=20))
    codes: list[str] = []
    waiting = server.client().get_queue("jobs")
    poll = threading.Thread(target=lambda: codes.append(refusal(waiting.receive_message)[0]))

    poll.start()
    while not server.served.call(lambda: server.service._queues.find("jobs").watchers):
        time.sleep(0.005)
    server.served.advance(20_000)
    poll.join(10)

    assert codes == ["MessageNotExist"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"access_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"access_id": "nobody"}, "InvalidAccessKeyId"),
        ({"security_token": "forged"}, "AccessDenied"),
    ],
)
def test_who_cannot_sign_is_not_let_in(server: MnsServer, changes: dict[str, str], code: str) -> None:
    queue = server.client(**changes).get_queue("jobs")

    assert refusal(lambda: queue.create(QueueMeta()))[0] == code


def test_the_callers_own_request_id_is_signed_and_accepted(queue: Any) -> None:
    sent = queue.send_message(Message("a"), RequestInfo("mine"))

    assert sent.message_id


def test_a_closed_connection_makes_the_sdk_send_twice(server: MnsServer, queue: Any) -> None:
    server.served.call(
        lambda: server.served.faults.add(Rule(kind="lost-reply", service="mns", operation="SendMessage", count=1))
    )

    queue.send_message(Message("a"))

    assert queue.get_attributes().active_messages == 2


def test_throttling_and_internal_errors_can_be_ordered(server: MnsServer, queue: Any) -> None:
    server.served.call(lambda: server.served.faults.add(Rule(kind="throttle", service="mns", count=1)))
    throttled = refusal(lambda: queue.send_message(Message("a")))
    server.served.call(lambda: server.served.faults.add(Rule(kind="error-after", service="mns", count=1)))
    after = refusal(lambda: queue.send_message(Message("a")))

    assert throttled[0] == "TooManyRequests"
    assert after[0] == "InternalError"
    assert queue.get_attributes().active_messages == 1


def test_a_poison_body_is_the_consumers_trouble_not_ours(queue: Any) -> None:
    queue.set_encoding(False)
    queue.send_message(Message("not base64"))
    queue.set_encoding(True)

    with pytest.raises((ValueError, MNSClientNetworkException)):
        queue.receive_message()

    assert queue.get_attributes().inactive_messages == 1


def test_the_account_has_attributes_and_the_service_is_open(server: MnsServer) -> None:
    account = server.client()
    meta = account.get_attributes()
    meta.logging_bucket = "bucket"

    account.set_attributes(meta)
    order = account.open_service()

    assert account.get_attributes().logging_bucket == "bucket"
    assert order.oder_id.isdigit()
