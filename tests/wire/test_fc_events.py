"""Pure parts of triggers: events, batches, retry policies, schedules, HTTP events and responses."""

from __future__ import annotations

import base64
import json
import random
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.account import Account
from localcloud.fc.errors import FcError
from localcloud.fc.http_calls import canonical_name, event_of, http_request, response_of_event
from localcloud.fc.queue_config import queue_of_arn, topic_of_arn
from localcloud.fc.queue_events import body_of, iso, passes, split_by_size
from localcloud.fc.retry_policy import RetryPolicy
from localcloud.fc.timer_schedule import read_schedule
from localcloud.fc.values import HttpRequest, Outcome
from localcloud.http import Request


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp() * 1000)


# -- batches ----------------------------------------------------------------------------------------------------------
@given(st.lists(st.integers(0, 60)), st.integers(10, 100))
def test_splitting_loses_and_reorders_nothing_and_keeps_each_group_within_the_bound(sizes: list, bound: int) -> None:
    groups = list(split_by_size(list(range(len(sizes))), sizes, bytes_max=bound))

    assert [item for group in groups for item in group] == list(range(len(sizes)))
    assert all(groups)
    for group in groups:
        # As written: brackets, and a comma between two.
        written = 2 + sum(sizes[item] for item in group) + len(group) - 1
        assert written <= bound or len(group) == 1


def test_splitting_begins_a_new_group_only_when_it_has_to() -> None:
    assert list(split_by_size("abcd", [4, 4, 4, 4], bytes_max=12)) == [["a", "b"], ["c", "d"]]
    assert list(split_by_size("ab", [50, 1], bytes_max=12)) == [["a"], ["b"]]


@pytest.mark.parametrize(
    ("body", "decodes", "shown"),
    [
        ("aGVsbG8=", True, "hello"),
        ("aGVsbG8=", False, "aGVsbG8="),
        ("not base64!", True, "not base64!"),
        ("/////w==", True, "/////w=="),
        ("", True, ""),
    ],
)
def test_a_body_is_decoded_when_it_is_base64_of_text(body: str, decodes: bool, shown: str) -> None:
    assert body_of(body, decodes_base64=decodes) == shown


def test_times_are_written_with_milliseconds() -> None:
    assert iso(1_617_863_297_093) == "2021-04-08T06:28:17.093Z"


@pytest.mark.parametrize(
    ("pattern", "is_let_through"),
    [
        ({}, True),
        ({"source": ["MNS-f-t"]}, True),
        ({"source": ["other"]}, False),
        ({"source": [{"prefix": "MNS-"}]}, True),
        ({"data": {"messageBody": ["x", "y"]}}, True),
        ({"data": {"messageBody": ["y"]}}, False),
        ({"missing": ["x"]}, False),
    ],
)
def test_a_pattern_lets_events_through_by_their_fields(pattern: dict, is_let_through: bool) -> None:
    assert passes({"source": "MNS-f-t", "data": {"messageBody": "x"}}, pattern) is is_let_through


@pytest.mark.parametrize(
    ("arn", "queue", "topic"),
    [
        ("acs:mns:cn-hangzhou:1:/queues/q", "q", None),
        ("acs:mns:cn-hangzhou:1:queues/q", "q", None),
        ("acs:mns:::/queues/q/messages", "q", None),
        ("acs:mns:cn-hangzhou:1:/topics/t/messages", None, "t"),
        ("acs:mns:cn-hangzhou:1:/queues/", None, None),
        ("acs:oss:cn-hangzhou:1:/queues/q", None, None),
        ("q", None, None),
    ],
)
def test_an_arn_names_a_queue_or_a_topic(arn: str, queue: str | None, topic: str | None) -> None:
    assert (queue_of_arn(arn), topic_of_arn(arn)) == (queue, topic)


# -- retries ----------------------------------------------------------------------------------------------------------
def test_the_decaying_policy_doubles_to_512_seconds_and_lasts_a_day() -> None:
    policy, pauses, age_ms = RetryPolicy(), [], 0
    while (pause_ms := policy.pause_ms(len(pauses), age_ms=age_ms, stream=random.Random(1))) is not None:
        pauses.append(pause_ms)
        age_ms += pause_ms

    assert pauses[:10] == [1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 512000]
    assert set(pauses[10:]) == {512000}
    assert len(pauses) == 176
    assert 86_000_000 < sum(pauses) < 87_000_000


@given(st.integers(0, 3), st.integers())
def test_the_backoff_policy_pauses_between_10_and_20_seconds_three_times(retries: int, seed: int) -> None:
    policy = RetryPolicy("BACKOFF_RETRY")

    pause_ms = policy.pause_ms(retries, age_ms=0, stream=random.Random(seed))

    assert pause_ms is None if retries == 3 else pause_ms is not None and 10_000 <= pause_ms <= 20_000


# -- timers -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("0 0 4 * * *", "2026-01-01T03:59:59", "2026-01-01T04:00:00"),
        ("0 0 4 * * *", "2026-01-01T04:00:00", "2026-01-02T04:00:00"),
        ("*/10 * * * * *", "2026-01-01T00:00:05", "2026-01-01T00:00:10"),
        ("0 30 9 * * MON-FRI", "2026-01-02T10:00:00", "2026-01-05T09:30:00"),
        ("0 0 0 31 * *", "2026-01-31T00:00:00", "2026-03-31T00:00:00"),
        ("CRON_TZ=Asia/Shanghai 0 0 4 1 * *", "2026-01-15T00:00:00", "2026-01-31T20:00:00"),
        # In Berlin the clock goes from 2 to 3 on 29 March 2026, and 7 o'clock is an hour earlier in UTC from then on.
        ("CRON_TZ=Europe/Berlin 0 0 7 * * *", "2026-03-28T12:00:00", "2026-03-29T05:00:00"),
        ("CRON_TZ=Europe/Berlin 0 0 7 * * *", "2026-03-27T12:00:00", "2026-03-28T06:00:00"),
        ("@every 5m", "2026-01-01T00:12:00", "2026-01-01T00:15:00"),
        ("@every 1h30m", "2026-01-01T01:30:00", "2026-01-01T03:00:00"),
        ("@every 90s", "2026-01-01T00:00:00", "2026-01-01T00:01:30"),
    ],
)
def test_a_schedule_names_the_next_time(expression: str, after: str, expected: str) -> None:
    begun_ms = ms("2026-01-01T00:00:00")

    assert read_schedule(expression).next_ms(ms(after), begun_ms=begun_ms) == ms(expected)


def test_a_schedule_that_never_comes_has_no_next_time() -> None:
    assert read_schedule("0 0 0 30 2 *").next_ms(ms("2026-01-01T00:00:00"), begun_ms=0) is None


@pytest.mark.parametrize(
    "expression",
    ["", "* * * * *", "0 0 4 * * * 2026", "61 * * * * *", "@every", "@every 5", "@every 0s", "@every 500ms", "hourly"],
)
def test_a_wrong_schedule_is_refused_with_what_was_given(expression: str) -> None:
    with pytest.raises(FcError, match="cronExpression") as refused:
        read_schedule(expression)

    assert refused.value.code == "InvalidArgument"
    assert repr(expression) in refused.value.message


# -- HTTP -------------------------------------------------------------------------------------------------------------
def told(http: HttpRequest) -> dict:
    raw = event_of(
        http, account=Account(), function_id="abcdef012345", request_id="r", now_ms=1_693_896_071_895, host=""
    )
    return json.loads(raw)


@pytest.mark.parametrize(
    ("content_type", "is_text"),
    [
        ("text/plain", True),
        ("text/html; charset=utf-8", True),
        ("application/json", True),
        ("application/JSON;charset=UTF-8", True),
        ("application/ld+json", True),
        ("application/xhtml+xml", True),
        ("application/xml", True),
        ("application/atom+xml", True),
        ("application/javascript", True),
        ("application/x-www-form-urlencoded", False),
        ("application/vnd.api+json", False),
        ("image/png", False),
        ("", False),
    ],
)
def test_the_content_type_alone_decides_whether_a_body_is_base64(content_type: str, is_text: bool) -> None:
    headers = (("Content-Type", content_type),) if content_type else ()

    event = told(HttpRequest("POST", "/", "", headers, b"a=1"))

    assert event["isBase64Encoded"] is not is_text
    assert event["body"] == ("a=1" if is_text else base64.b64encode(b"a=1").decode())


def test_an_empty_get_is_base64_of_nothing() -> None:
    event = told(HttpRequest("GET", "/example", "", (), b""))

    assert (event["body"], event["isBase64Encoded"]) == ("", True)
    assert event["requestContext"]["time"] == "2023-09-05T06:41:11Z"
    assert event["requestContext"]["timeEpoch"] == "1693896071895"
    assert event["requestContext"]["domainName"] == "abcdef01.cn-hangzhou.fcapp.run"


def test_header_names_are_spelled_as_go_spells_them() -> None:
    assert canonical_name("x-hub-signature-256") == "X-Hub-Signature-256"
    assert canonical_name("ETAG") == "Etag"


@pytest.mark.parametrize(("size", "is_taken"), [(8_191, True), (8_192, True), (8_193, False)])
def test_headers_of_a_request_are_bounded_at_8_kib(size: int, is_taken: bool) -> None:
    request = Request("GET", "/", "", {"x": "v" * (size - 1)}, b"", 0)

    if is_taken:
        assert http_request(request, "/", is_signed=False).headers == (("X", "v" * (size - 1)),)
    else:
        with pytest.raises(FcError, match="headers have 8193 bytes"):
            http_request(request, "/", is_signed=False)


@pytest.mark.parametrize(
    ("returned", "status", "content_type", "body"),
    [
        ({"statusCode": 201, "body": "x"}, 201, "application/json", b"x"),
        ({"statusCode": "204"}, 204, "application/json", b""),
        ({"statusCode": 200, "body": {"a": 1}}, 200, "application/json", b'{"a": 1}'),
        ({"statusCode": 200, "headers": {"content-type": "text/css"}, "body": "b"}, 200, "text/css", b"b"),
        ({"statusCode": 200, "isBase64Encoded": True, "body": "aGk="}, 200, "application/json", b"hi"),
        ({"statusCode": 200, "isBase64Encoded": True, "body": "hi!"}, 200, "application/json", b"hi!"),
        ({"statusCode": 200, "isBase64Encoded": False, "body": "aGk="}, 200, "application/json", b"aGk="),
        ({"no": "status"}, 200, "application/json", b'{"no": "status"}'),
        ([1], 200, "application/json", b"[1]"),
    ],
)
def test_what_a_function_returned_becomes_a_response(returned, status: int, content_type: str, body: bytes) -> None:
    response = response_of_event(Outcome(json.dumps(returned).encode()), request_id="r")

    headers = {name.lower(): value for name, value in response.headers}
    assert (response.status, headers["content-type"], response.body) == (status, content_type, body)
    assert headers["x-fc-request-id"] == "r"


@pytest.mark.parametrize("name", ["Connection", "content-length", "Date", "Keep-Alive", "Server", "X-Fc-Error-Type"])
def test_some_headers_are_the_platforms(name: str) -> None:
    response = response_of_event(
        Outcome(json.dumps({"statusCode": 200, "headers": {name: "1"}}).encode()), request_id="r"
    )

    assert (name, "1") not in response.headers


@pytest.mark.parametrize(
    "returned",
    [
        {"statusCode": 99},
        {"statusCode": "soon"},
        {"statusCode": True},
        {"statusCode": 200, "headers": [1]},
        {"statusCode": 200, "headers": {"X-A": "1\r\nX-B: 2"}},
    ],
)
def test_a_response_that_is_none_is_a_bad_response(returned: dict) -> None:
    with pytest.raises(FcError) as refused:
        response_of_event(Outcome(json.dumps(returned).encode()), request_id="r")

    assert (refused.value.code, refused.value.status) == ("BadResponse", 502)


@given(st.binary(max_size=200))
def test_any_bytes_that_a_function_returns_have_a_response(body: bytes) -> None:
    try:
        status = response_of_event(Outcome(body), request_id="r").status
    except FcError as error:
        status = error.status

    assert 100 <= status <= 599
