"""Who is let in by Function Compute: requests that the SDKs really sent, and what was changed on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from localcloud.account import Account
from localcloud.acs3 import canonical_request, sha256
from localcloud.acs3 import sign as acs3_sign
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


# -- nonces -----------------------------------------------------------------------------------------------------------
NEW_CALLS = [captured.NEW_LIST, captured.NEW_INVOKE, captured.NEW_TRIGGER, captured.NEW_LAYER]


def with_nonce(nonce: str | None, *, at_ms: int = captured.NEW_AT_MS) -> Request:
    """A call that is signed as the current SDKs sign it."""
    moment = datetime.fromtimestamp(at_ms / 1000, timezone.utc)
    headers = {"host": "fc", "x-acs-content-sha256": sha256(b""), "x-acs-date": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
    if nonce is not None:
        headers["x-acs-signature-nonce"] = nonce
    request = Request("GET", "/2023-03-30/functions", "", headers, b"", at_ms)
    names = sorted(headers)
    signature = acs3_sign(canonical_request(request, names, sha256(b"")), Account().access_key_secret)
    credential = f"Credential={Account().access_key_id},SignedHeaders={';'.join(names)},Signature={signature}"
    return replace(request, headers={**headers, "authorization": f"ACS3-HMAC-SHA256 {credential}"})


def refused(door: Gate, request: Request) -> tuple[str, int] | None:
    try:
        door.check(request)
    except FcError as error:
        return error.code, error.status
    return None


@pytest.mark.parametrize("request_", NEW_CALLS)
def test_a_request_of_the_current_sdks_is_worth_one_call(request_: Request) -> None:
    door = gate()
    door.check(request_)

    assert refused(door, request_) == ("SignatureNonceUsed", 400)


def test_a_forged_request_uses_up_no_nonce() -> None:
    door = gate()

    assert refused(door, replace(captured.NEW_INVOKE, body=b"other")) == ("SignatureNotMatch", 403)
    assert refused(door, captured.NEW_INVOKE) is None


def test_requests_of_the_same_second_with_nonces_of_their_own_are_let_in() -> None:
    door = gate()

    assert [refused(door, with_nonce(f"n{number}")) for number in range(20)] == [None] * 20


def test_a_nonce_is_remembered_as_long_as_its_date_is_good_and_then_forgotten() -> None:
    door = gate()
    late_ms = captured.NEW_AT_MS + 2 * STRICT.clock_skew_ms
    door.check(with_nonce("a"))

    assert refused(door, replace(with_nonce("a"), received_ms=captured.NEW_AT_MS + STRICT.clock_skew_ms)) == (
        "SignatureNonceUsed",
        400,
    )
    assert refused(door, with_nonce("a", at_ms=late_ms)) is None


def test_no_more_nonces_are_kept_than_the_limits_say() -> None:
    door = Gate(account=Account(), limits=replace(STRICT, nonces_max=2))
    for nonce in ("a", "b", "c"):
        door.check(with_nonce(nonce))

    assert refused(door, with_nonce("c")) == ("SignatureNonceUsed", 400)
    assert refused(door, with_nonce("a")) is None


def test_an_overlong_nonce_is_refused_rather_than_kept() -> None:
    assert refused(gate(), with_nonce("n" * 257)) == ("InvalidArgument", 400)


def test_a_request_without_nonce_is_not_counted() -> None:
    door = gate()

    assert [refused(door, with_nonce(None)) for _ in range(2)] == [None, None]


def test_whether_nonces_are_worth_one_call_is_a_switch() -> None:
    door = Gate(account=Account(), limits=replace(STRICT, refuses_repeated_nonces=False))

    assert [refused(door, captured.NEW_LIST) for _ in range(2)] == [None, None]


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
