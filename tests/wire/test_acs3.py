"""The ACS3-HMAC-SHA256 signature, against what alibabacloud-ecs20140526 7.11.8 sent, byte for byte."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.account import Account
from localcloud.acs3 import BadSignature, canonical_query, is_acs3, verify
from localcloud.http import Request

ACCOUNT = Account(security_token="sts-token")

# RunCommand with a script, parameters, tags and two instances, as the SDK's own client signed and sent it.
RUN = Request(
    "POST",
    "/",
    "CommandContent=echo+%22a%2Bb+%2A~+%C3%BC%22%0A&InstanceId.1=i-1&InstanceId.2=i-2&KeepCommand=True"
    "&Parameters=%7B%22name%22%3A%22Jack%22%7D&RegionId=cn-hangzhou&Tag.1.Key=k&Tag.1.Value=v+1"
    "&Timeout=60&Type=RunShellScript",
    {
        "accept-encoding": "identity",
        "host": "127.0.0.1:33637",
        "x-acs-version": "2014-05-26",
        "x-acs-action": "RunCommand",
        "user-agent": "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2",
        "x-acs-date": "2026-11-24T19:42:02Z",
        "x-acs-signature-nonce": "c0d2442b9da98c9b259596fc34ee6208",
        "accept": "application/json",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-credentials-provider": "static_ak",
        "authorization": "ACS3-HMAC-SHA256 Credential=LTAI5tLocalCloud,SignedHeaders=accept;host;user-agent;"
        "x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=2efca34afec488a98783466dc4eec0bd0d7d42d8d56a039e72e60cec3985c79b",
        "content-length": "0",
    },
    b"",
    1_795_549_322_000,
)

# StopInvocation with STS credentials.
STOP = Request(
    "POST",
    "/",
    "InstanceId.1=i-1&InvokeId=t-1&RegionId=cn-hangzhou",
    {
        "accept-encoding": "identity",
        "host": "127.0.0.1:33637",
        "x-acs-version": "2014-05-26",
        "x-acs-action": "StopInvocation",
        "user-agent": "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2",
        "x-acs-date": "2026-11-24T19:42:02Z",
        "x-acs-signature-nonce": "65e2005c480dc7225b6da8ef1c4697f5",
        "accept": "application/json",
        "x-acs-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-acs-credentials-provider": "static_sts",
        "x-acs-accesskey-id": "LTAI5tLocalCloud",
        "x-acs-security-token": "sts-token",
        "authorization": "ACS3-HMAC-SHA256 Credential=LTAI5tLocalCloud,SignedHeaders=accept;host;user-agent;"
        "x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;"
        "x-acs-security-token;x-acs-signature-nonce;x-acs-version,"
        "Signature=9f8a5a71c4a4c4d58205584f4f77f6951fad7e8a08b3a898d73d9a78d70ef4a6",
        "content-length": "0",
    },
    b"",
    1_795_549_322_000,
)


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
