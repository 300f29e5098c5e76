"""The ACS3-HMAC-SHA256 signature, against what alibabacloud-ecs20140526 7.11.8 sent, byte for byte."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.account import Account
from localcloud.acs3 import BadSignature, canonical_query, is_acs3, verify
from localcloud.http import Request
from tests.wire.ecs_captured import ACCOUNT
from tests.wire.ecs_captured import NEW_RUN as RUN
from tests.wire.ecs_captured import NEW_TOKEN as STOP


def reason(request: Request, account: Account = ACCOUNT) -> str:
    """ "" when the request is let in."""
    try:
        verify(request, account=account)
    except BadSignature as error:
        return error.reason
    return ""


def with_header(request: Request, name: str, value: str | None) -> Request:
    headers = {key: text for key, text in request.headers.items() if key != name}
    return replace(request, headers=headers if value is None else {**headers, name: value})


@pytest.mark.parametrize("request_", [RUN, STOP])
def test_what_the_sdk_signed_is_let_in(request_: Request) -> None:
    headers = verify(request_, account=ACCOUNT)

    assert is_acs3(request_)
    assert headers["x-acs-action"] in {"RunCommand", "StopInvocation"}
    assert headers["x-acs-date"] == "2026-11-24T19:42:02Z"
    assert all(name.startswith("x-acs-") for name in headers)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("authorization", "", "malformed"),
        ("authorization", "ACS3-HMAC-SHA256", "malformed"),
        ("authorization", "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=zz", "malformed"),
        ("authorization", str(RUN.headers["authorization"]).replace("SHA256", "SM3"), "algorithm"),
        ("authorization", str(RUN.headers["authorization"]).replace("SHA256", "SHA1"), "algorithm"),
        ("authorization", str(RUN.headers["authorization"]).replace("LocalCloud", "nobody"), "key"),
        ("authorization", str(RUN.headers["authorization"]).replace("=2e", "=2f"), "mismatch"),
        ("authorization", str(RUN.headers["authorization"]).replace("accept;host", "host;accept"), "malformed"),
        ("authorization", str(RUN.headers["authorization"]).replace("accept;host", "accept;accept;host"), "malformed"),
        ("authorization", str(RUN.headers["authorization"]).replace("host;", ""), "unsigned"),
        ("authorization", str(RUN.headers["authorization"]).replace("x-acs-action;", ""), "unsigned"),
        ("authorization", str(RUN.headers["authorization"]).replace("accept;", "accept;cookie;"), "missing"),
        ("host", None, "missing"),
        ("host", "elsewhere", "mismatch"),
        ("x-acs-action", "DeleteCommand", "mismatch"),
        ("x-acs-version", "2014-05-27", "mismatch"),
        ("x-acs-date", None, "missing"),
        ("x-acs-date", "2026-11-24T19:42:03Z", "mismatch"),
        ("x-acs-signature-nonce", "another", "mismatch"),
        ("x-acs-content-sha256", None, "missing"),
        ("x-acs-content-sha256", "0" * 64, "payload"),
        ("x-acs-security-token", "added", "unsigned"),
        ("user-agent", "another", "mismatch"),
    ],
)
def test_each_wrong_header_has_its_own_reason(name: str, value: str | None, why: str) -> None:
    assert reason(with_header(RUN, name, value)) == why


def test_method_path_query_and_body_are_signed() -> None:
    changed = [
        replace(RUN, method="GET"),
        replace(RUN, path="/other"),
        replace(RUN, query=RUN.query.replace("i-2", "i-3")),
        replace(RUN, query=RUN.query + "&Name=x"),
    ]

    assert [reason(request) for request in changed] == ["mismatch"] * 4
    assert reason(replace(RUN, body=b"x")) == "payload"


def test_a_token_must_be_the_accounts() -> None:
    assert reason(STOP) == ""
    assert reason(STOP, Account()) == "token"
    assert reason(STOP, Account(security_token="another")) == "token"


def test_the_secret_decides() -> None:
    assert reason(RUN, Account(access_key_secret="another")) == "mismatch"


def test_the_order_and_the_spelling_of_the_query_do_not_matter() -> None:
    parts = RUN.query.split("&")
    respelled = "&".join(reversed(parts)).replace("+", "%20").replace("~", "%7E")

    assert reason(replace(RUN, query=respelled)) == ""


def test_a_mismatch_tells_what_the_server_signed() -> None:
    with pytest.raises(BadSignature) as caught:
        verify(replace(RUN, query="RegionId=x"), account=ACCOUNT)

    assert caught.value.message.partition(":")[2].startswith("ACS3-HMAC-SHA256\n")
    assert "POST\n/\nRegionId=x\naccept:application/json\n" in caught.value.message


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_any_query_has_one_canonical_form(query: str) -> None:
    once = canonical_query(query)

    assert canonical_query(once) == once


@given(st.text(alphabet=st.characters(max_codepoint=255)), st.text(alphabet=st.characters(max_codepoint=255)))
def test_no_header_and_no_query_breaks_the_check(authorization: str, query: str) -> None:
    damaged = with_header(replace(RUN, query=query), "authorization", authorization)

    assert reason(damaged) in {"malformed", "algorithm", "missing", "unsigned", "key", "mismatch"}
