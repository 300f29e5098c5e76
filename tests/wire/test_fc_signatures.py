"""Who is let in by Function Compute: requests that the SDKs really sent, and what was changed on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localcloud.account import Account
from localcloud.clock import ManualClock
from localcloud.fc.errors import FcError
from localcloud.fc.gate import Gate, canonical_query, strings_to_sign
from localcloud.fc.limits import STRICT
from localcloud.http import Request
from tests.wire import fc_captured as captured

CALLS = [
    captured.OLD_INVOKE,
    captured.OLD_LIST,
    captured.NEW_LIST,
    captured.NEW_INVOKE,
    captured.NEW_TRIGGER,
    captured.NEW_LAYER,
]
PROXIES = [captured.OLD_PROXY, captured.OLD_PROXY_QUERY]


def gate(**options: object) -> Gate:
    return Gate(account=Account(), limits=STRICT, **options)  # type: ignore[arg-type]


def code(request: Request, *, is_http_trigger: bool = False, **options: object) -> str:
    """Of the refusal; "" when the request is let in."""
    door = gate(**options)
    try:
        (door.check_http_trigger if is_http_trigger else door.check)(request)
    except FcError as error:
        return error.code
    return ""


def with_header(request: Request, name: str, value: str | None) -> Request:
    headers = {key: text for key, text in request.headers.items() if key != name}
    return replace(request, headers=headers if value is None else {**headers, name: value})


@pytest.mark.parametrize("request_", CALLS)
def test_what_an_sdk_signed_is_let_in(request_: Request) -> None:
    assert code(request_) == ""


@pytest.mark.parametrize("request_", PROXIES)
def test_a_call_of_an_http_trigger_is_signed_with_its_query(request_: Request) -> None:
    assert code(request_, is_http_trigger=True) == ""
    assert code(request_) == "SignatureNotMatch"
    assert code(replace(request_, query="k=other"), is_http_trigger=True) == "SignatureNotMatch"


def test_the_query_of_an_ordinary_call_is_not_signed() -> None:
    assert code(replace(captured.OLD_LIST, query="limit=100")) == ""


@pytest.mark.parametrize(
    "request_",
    [
        replace(captured.OLD_INVOKE, method="PUT"),
        replace(captured.OLD_INVOKE, path="/2016-08-15/services/fleetrun/functions/g/invocations"),
        with_header(captured.OLD_INVOKE, "x-fc-invocation-type", "Async"),
        with_header(captured.OLD_INVOKE, "x-fc-extra", "1"),
        with_header(captured.OLD_INVOKE, "content-type", "text/plain"),
        with_header(captured.OLD_INVOKE, "date", "Tue, 24 Nov 2026 20:20:48 GMT"),
        with_header(captured.OLD_INVOKE, "content-md5", "x"),
        replace(captured.NEW_INVOKE, body=b"other"),
        replace(captured.NEW_INVOKE, path="/2023-03-30/functions/f4/invocations"),
        replace(captured.NEW_LIST, query="limit=3&prefix=f"),
        with_header(captured.NEW_INVOKE, "x-fc-log-type", "None"),
    ],
)
def test_whatever_was_signed_cannot_be_changed(request_: Request) -> None:
    assert code(request_) == "SignatureNotMatch"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("authorization", None, "MissingRequiredHeader"),
        ("authorization", "FC", "InvalidArgument"),
        ("authorization", "MNS LTAI5tLocalCloud:abc=", "InvalidArgument"),
        ("authorization", "FC stranger:abc=", "InvalidAccessKeyID"),
        ("authorization", "FC LTAI5tLocalCloud:abc=", "SignatureNotMatch"),
        ("date", None, "MissingRequiredHeader"),
        ("date", "yesterday", "InvalidArgument"),
        ("x-fc-security-token", "made up", "InvalidSecurityToken"),
    ],
)
def test_what_is_missing_or_wrong_in_the_headers_is_told_apart(name: str, value: str | None, expected: str) -> None:
    assert code(with_header(captured.OLD_INVOKE, name, value)) == expected


@pytest.mark.parametrize("request_", [captured.OLD_INVOKE, captured.NEW_INVOKE])
@pytest.mark.parametrize(("minutes", "expected"), [(14, ""), (-14, ""), (16, "RequestTimeTooSkewed")])
def test_a_request_is_good_for_fifteen_minutes(request_: Request, minutes: int, expected: str) -> None:
    assert code(replace(request_, received_ms=request_.received_ms + minutes * 60_000)) == expected


def test_dates_can_be_compared_with_another_clock_than_that_of_the_receipt() -> None:
    moved = replace(captured.OLD_INVOKE, received_ms=captured.OLD_AT_MS + 86_400_000)

    assert code(moved) == "RequestTimeTooSkewed"
    assert code(moved, date_clock=ManualClock(captured.OLD_AT_MS)) == ""


def test_without_checks_everybody_is_let_in() -> None:
    assert code(with_header(captured.OLD_INVOKE, "authorization", None), checks_signature=False) == ""


def test_an_http_trigger_without_query_may_be_signed_with_or_without_the_line_feed() -> None:
    bare, with_line_feed = sorted(strings_to_sign(captured.OLD_PROXY, is_http_trigger=True), key=len)

    assert bare.endswith("\n/2016-08-15/proxy/fleetrun/f/a b/ü")
    assert with_line_feed == bare + "\n"


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("", ""),
        ("b=2&a=1", "a=1\nb=2"),
        ("a=2&a=1", "a=1\na=2"),
        ("k=%C3%A4+%C3%B6", "k=ä ö"),
        ("bare&e=", "bare\ne="),
    ],
)
def test_a_query_is_signed_decoded_sorted_and_one_pair_a_line(query: str, lines: str) -> None:
    assert canonical_query(query) == lines
