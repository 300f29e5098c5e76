"""Whatever shape a trigger sends, each message comes out once, as its sender wrote it."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.messages import Message
from shared.runtime.triggers import messages_of

BODY = '{"kind":"invoke","requestId":"deploy-42"}'


def cloud_event(body: object, message_id: str = "C6DB-1") -> dict[str, object]:
    return {
        "id": "c2g71017",
        "source": "MNS-accept_requests-fromqueue",
        "specversion": "1.0",
        "type": "mns:Queue:SendMessage",
        "subject": "acs:mns:cn-hangzhou:1234567890123456:queues/fleetrun-requests",
        "data": {"requestId": "606EA307", "messageId": message_id, "messageBody": body},
    }


def of(payload: object) -> list[Message]:
    return messages_of(json.dumps(payload).encode(), request_id="req-1")


def test_a_list_of_cloud_events_yields_every_message_with_its_message_id_in_order() -> None:
    found = of([cloud_event(BODY, "A"), cloud_event("other", "B")])

    assert found == [Message(BODY.encode(), "A", "queue"), Message(b"other", "B", "queue")]


def test_a_single_cloud_event_is_a_batch_of_one() -> None:
    assert of(cloud_event(BODY)) == [Message(BODY.encode(), "C6DB-1", "queue")]


def test_raw_data_without_the_cloud_event_around_it_is_understood() -> None:
    found = of([{"requestId": "6", "messageId": "A", "messageBody": BODY}])

    assert found == [Message(BODY.encode(), "A", "queue")]


def test_a_body_that_is_still_base64_is_decoded() -> None:
    found = of([cloud_event(base64.b64encode(BODY.encode()).decode())])

    assert found[0].body == BODY.encode()


def test_a_plain_word_that_happens_to_be_base64_is_left_alone() -> None:
    assert of([cloud_event("meesage1")])[0].body == b"meesage1"


def test_a_cloud_event_without_a_body_still_comes_out_so_that_it_can_be_rejected() -> None:
    event = cloud_event(BODY)
    event["data"] = {"messageId": "A"}

    assert of([event]) == [Message(b'{"messageId":"A"}', "A", "queue")]


def test_a_cloud_event_without_a_message_id_is_named_by_its_own_id() -> None:
    event = cloud_event(BODY)
    event["data"] = {"messageBody": BODY}

    assert of([event])[0].message_id == "c2g71017"


def test_a_topic_message_in_json_form_yields_what_was_published() -> None:
    found = of({"TopicOwner": "1", "TopicName": "t", "Message": BODY, "MessageId": "2F5B", "PublishTime": 1})

    assert found == [Message(BODY.encode(), "2F5B", "topic")]


def test_a_topic_message_in_stream_form_with_attributes_yields_its_body() -> None:
    found = of({"body": BODY, "attrs": {"Extend": "{}"}})

    assert (found[0].body, found[0].source) == (BODY.encode(), "topic")


def test_a_topic_message_in_stream_form_is_taken_byte_by_byte() -> None:
    found = messages_of(BODY.encode(), request_id="req-1")

    assert (found[0].body, found[0].source) == (BODY.encode(), "direct")


def test_a_timers_payload_is_the_message_and_carries_the_time_of_the_firing() -> None:
    payload = '{"requestId":"nightly-{triggerTime}"}'

    found = of({"triggerTime": "2026-01-05T00:00:00Z", "triggerName": "nightly", "payload": payload})

    assert (found[0].body, found[0].source) == (b'{"requestId":"nightly-2026-01-05T00:00:00Z"}', "timer")


def test_a_repeated_firing_has_the_same_name_and_the_next_one_another() -> None:
    def fired(time: str) -> str:
        return of({"triggerTime": time, "triggerName": "nightly", "payload": BODY})[0].message_id

    assert fired("2026-01-05T00:00:00Z") == fired("2026-01-05T00:00:00Z") != fired("2026-01-06T00:00:00Z")


def test_a_direct_call_is_named_by_its_body_and_the_call() -> None:
    def named(request_id: str) -> str:
        return messages_of(BODY.encode(), request_id=request_id)[0].message_id

    assert named("req-1").startswith("direct-")
    assert named("req-1") == named("req-1") != named("req-2")


def test_a_list_of_requests_is_as_many_messages() -> None:
    found = of([{"kind": "invoke"}, {"kind": "stop"}])

    assert [message.body for message in found] == [b'{"kind":"invoke"}', b'{"kind":"stop"}']


@pytest.mark.parametrize("garbage", [b"", b"\xff\xfe{", b"not json", b'{"a":', b"[" * 100_000])
def test_garbage_is_one_message_so_that_it_can_be_rejected(garbage: bytes) -> None:
    assert [message.body for message in messages_of(garbage, request_id="req-1")] == [garbage]


def test_an_empty_batch_is_a_bug_and_not_a_success() -> None:
    with pytest.raises(ValueError, match="empty"):
        messages_of(b"[]", request_id="req-1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON, min_size=1, max_size=8))
def test_as_many_messages_come_out_as_items_went_in_whatever_they_are(items: list[object]) -> None:
    found = messages_of(msgspec.json.encode(items), request_id="req-1")

    assert len(found) == len(items)
    assert all(message.message_id for message in found)


@given(st.text())
def test_the_text_of_a_queue_message_is_never_altered_unless_it_is_base64_of_json(text: str) -> None:
    found = messages_of(msgspec.json.encode([cloud_event(text)]), request_id="req-1")

    try:
        hidden = base64.b64decode(text.strip(), validate=True).lstrip()[:1] in (b"{", b"[")
    except ValueError:
        hidden = False
    assert hidden or found[0].body == text.encode()
