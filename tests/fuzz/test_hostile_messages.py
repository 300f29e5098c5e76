"""Hostile input never crashes, hangs or swells a function; each bad message is one rejection that names its field."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.app.advance import advance
from shared.app.receive import receive
from shared.core import limits
from shared.core.errors import Refused
from shared.core.messages import Message
from shared.core.model import rejection_id_of
from shared.core.requests import InvokeRequest, StopRequest, decode_request
from shared.core.wakeups import decode_wakeup
from shared.runtime.boundary import BatchIncomplete, handle_batch
from shared.runtime.log import JsonLog
from shared.runtime.triggers import messages_of
from tests.app.driving import Drive
from tests.fuzz.hostile import BODIES, BRACES, GOOD, ODD_DOCUMENTS, dumps, payloads, twisted

FIELD = re.compile(r"^[^\s\x00-\x1f]{1,201}$")
T = TypeVar("T")


def tried(act: Callable[[], T], kind: type[Exception] = Refused) -> T | Exception:
    """What `act` answers, or the one kind of error that it may raise."""
    try:
        return act()
    except kind as error:
        return error


@given(payloads())
@settings(max_examples=400)
def test_no_payload_breaks_the_unwrapping_and_none_grows_in_it(payload: bytes) -> None:
    messages = tried(lambda: messages_of(payload, request_id="req-1"), ValueError)

    if isinstance(messages, Exception):
        assert str(messages) == "the batch is empty"
        return
    assert messages
    assert all(message.message_id and message.source for message in messages)
    # JSON written anew escapes: a byte of the sender's becomes at most six.
    assert sum(len(message.body) for message in messages) <= 6 * len(payload) + 64


@given(BODIES)
@example(b'{"kind":"stop","requestId":"s","runId":""}')
@example(dumps({**GOOD, "a" * 100_000: None}))
@settings(max_examples=600)
def test_a_body_is_a_request_or_a_refusal_that_names_a_field_and_says_why(body: bytes) -> None:
    found = tried(lambda: decode_request(body))

    if isinstance(found, Refused):
        assert found.code == "BadRequest"
        assert len(found.message) >= 10
        assert found.field == "$" or FIELD.match(found.field), found.field
    else:
        assert isinstance(found, InvokeRequest | StopRequest)


@given(st.sampled_from(sorted(GOOD)), st.data())
@settings(max_examples=300)
def test_a_request_with_one_field_spoilt_is_refused_under_that_fields_name(name: str, data: st.DataObject) -> None:
    wrong = data.draw(st.none() | st.booleans() | st.floats() | st.lists(st.integers(), min_size=1, max_size=3))

    with pytest.raises(Refused) as caught:
        decode_request(dumps({**GOOD, name: wrong}))

    unreadable = isinstance(wrong, float) and (wrong != wrong or wrong in (float("inf"), float("-inf")))
    assert caught.value.field.split(".")[0].split("[")[0] == ("$" if unreadable else name)


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("requestId", "deploy-1\n", "requestId"),
        ("region", "cn-hangzhou\n", "region"),
        ("targets", {"instanceIds": ["i-1\n"]}, "targets.instanceIds[0]"),
        ("parameters", {"commit\n": "1"}, "parameters"),
        ("rateControl", {"maxConcurrency": "10%\n"}, "rateControl.maxConcurrency"),
    ],
)
def test_a_line_feed_behind_a_name_is_no_part_of_it(name: str, value: object, field: str) -> None:
    """Python's `$` lets one pass."""
    with pytest.raises(Refused) as caught:
        decode_request(dumps({**GOOD, name: value}))

    assert caught.value.field == field


@given(twisted(GOOD) | BODIES)
@example(dumps({**GOOD, "requestId": "\ud800"}))
@example(dumps({**GOOD, "a" * 100_000: None}))
@example(dumps({**GOOD, "requestId": "a" * 100_000}))
@example(dumps({**GOOD, "kind": "a" * 100_000}))
@settings(max_examples=200, deadline=None)
def test_every_message_becomes_exactly_one_run_or_one_rejection_with_its_dead_letter(body: bytes) -> None:
    drive = Drive()
    message = Message(body, "m-1", "queue")

    answers = [receive(drive.ports, drive.policy, message) for _ in range(2)]

    rejection = drive.world.runs.runs.get(rejection_id_of("m-1"))
    letters = drive.world.queue.dead_letters
    if answers[0] == "rejected":
        assert rejection is not None
        assert rejection.refusal["field"]
        assert len(letters) == 1
        assert len(letters[0]) <= limits.MESSAGE_BYTES_MAX * 3 // 4
        events = [json.loads(event) for event in drive.world.publisher.published]
        assert [event["data"]["field"] for event in events] == [rejection.refusal["field"]]
    else:
        assert rejection is None
        assert not letters
    assert all(len(event) <= limits.EVENT_BYTES_MAX for event in drive.world.publisher.published)


@given(st.lists(BODIES, min_size=1, max_size=4), st.integers(0, 4))
@settings(max_examples=150, deadline=None)
def test_a_good_request_goes_on_whatever_its_neighbours_are(bodies: list[bytes], place: int) -> None:
    drive = Drive()
    bodies.insert(place % (len(bodies) + 1), dumps({**GOOD, "requestId": "good-among-them"}))
    payload = dumps([{"messageId": f"m-{n}", "messageBody": body.decode("latin-1")} for n, body in enumerate(bodies)])

    report = handle_batch(
        payload,
        request_id="req-1",
        act=lambda message: receive(drive.ports, drive.policy, message),
        log=JsonLog(drive.ports.clock, write=lambda _line: None),
        clock=drive.ports.clock,
    )

    results = report["results"]
    assert isinstance(results, dict)
    assert results["accepted"] >= 1
    assert sum(results.values()) == len(bodies)


@given(BODIES | st.builds(lambda number: dumps({"run_id": "r", "wakeup_no": number}), st.integers()))
@settings(max_examples=300)
def test_a_wake_up_is_understood_or_refused(body: bytes) -> None:
    drive = Drive()

    wakeup = tried(lambda: decode_wakeup(body))

    if isinstance(wakeup, Exception):
        assert isinstance(wakeup, Refused)
        assert wakeup.code == "BadWakeUp"
    else:
        assert advance(drive.ports, drive.policy, wakeup) == "missing"


@pytest.mark.parametrize("document", [*BRACES, *ODD_DOCUMENTS], ids=lambda document: repr(document[:12]))
def test_documents_that_broke_parsers_elsewhere_end_as_results_of_their_batch(document: bytes) -> None:
    drive = Drive()
    log: list[str] = []
    tracemalloc.start()
    try:
        report = handle_batch(
            document,
            request_id="req-1",
            act=lambda message: receive(drive.ports, drive.policy, message),
            log=JsonLog(drive.ports.clock, write=log.append),
            clock=drive.ports.clock,
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert report["results"] == {"rejected": 1}
    assert not any("message.crashed" in line for line in log)
    assert peak < 64 * len(document) + 8_000_000


def test_a_bug_of_one_message_fails_the_call_after_its_neighbours_were_handled() -> None:
    drive = Drive()
    handled: list[bytes] = []

    def act(message: Message) -> str:
        if message.body == b"poison":
            raise ZeroDivisionError(message.body)
        handled.append(message.body)
        return "accepted"

    payload = dumps([{"messageBody": "a"}, {"messageBody": "poison"}, {"messageBody": "b"}])
    with pytest.raises(BatchIncomplete):
        handle_batch(
            payload,
            request_id="req-1",
            act=act,
            log=JsonLog(drive.ports.clock, write=lambda _line: None),
            clock=drive.ports.clock,
        )

    assert handled == [b"a", b"b"]
