"""ECS calls on the wire: who is let in, what is read of a call, and what is said of a damaged one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.account import Account
from localcloud.clock import ManualClock
from localcloud.ecs import rpc
from localcloud.ecs.errors import EcsError
from localcloud.ecs.gate import Gate
from localcloud.ecs.limits import Limits
from localcloud.ecs.rpc import Call
from localcloud.ecs.signatures import sign, string_to_sign
from localcloud.http import Request
from localcloud.ids import Ids
from tests.wire.ecs_captured import (
    ACCOUNT,
    NEW_FORM,
    NEW_JSON,
    NEW_RUN,
    NEW_TOKEN,
    OLD_FORM,
    OLD_GET,
    OLD_RUN,
    OLD_TOKEN,
    SENT_MS,
)

SCRIPT = 'echo "a+b *~ ü"\n'
MINUTE_MS = 60_000


def gate(account: Account = ACCOUNT, limits: Limits | None = None, *, strict: bool = True) -> Gate:
    return Gate(account=account, limits=limits or Limits(), ids=Ids(1), checks_signature=strict)


def signed(
    parameters: Mapping[str, str], method: str = "POST", body: Mapping[str, str] | None = None, **more: str
) -> Request:
    """A request signed by a second implementation, straight from the documents."""
    common = {
        "Action": "DescribeInstances",
        "Version": "2014-05-26",
        "Format": "JSON",
        "RegionId": "cn-hangzhou",
        "AccessKeyId": ACCOUNT.access_key_id,
        "Timestamp": "2026-11-24T19:51:23Z",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureType": "",
        "SignatureVersion": "1.0",
        "SignatureNonce": "n-1",
    }
    query = {name: value for name, value in {**common, **more, **parameters}.items() if value is not MISSING}
    everything = {**query, **(body or {})}
    canonical = "&".join(f"{escape(name)}={escape(everything[name])}" for name in sorted(everything))
    digest = hmac.new(
        f"{ACCOUNT.access_key_secret}&".encode(), f"{method}&%2F&{escape(canonical)}".encode(), hashlib.sha1
    )
    query["Signature"] = base64.b64encode(digest.digest()).decode()
    return Request(
        method,
        "/",
        "&".join(f"{escape(name)}={escape(value)}" for name, value in query.items()),
        {"content-type": "application/x-www-form-urlencoded"} if body else {},
        "&".join(f"{escape(name)}={escape(value)}" for name, value in (body or {}).items()).encode(),
        SENT_MS,
    )


def escape(text: str) -> str:
    return quote(text, safe="-_.~")


MISSING = str(b"not there")


def refusal(request: Request, opened: Gate | None = None) -> tuple[str, int, str]:
    with pytest.raises(EcsError) as caught:
        (opened or gate()).check(request)
    return caught.value.code, caught.value.status, caught.value.message


# -- let in -----------------------------------------------------------------------------------------------------------


def test_the_vendors_published_vector_is_signed_as_published() -> None:
    parameters = dict(
        parse_qsl(
            "Timestamp=2016-02-23T12%3A46%3A24Z&Format=XML&AccessKeyId=testid&Action=DescribeRegions"
            "&SignatureMethod=HMAC-SHA1&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&Version=2014-05-26"
            "&SignatureVersion=1.0"
        )
    )

    assert sign(string_to_sign("GET", parameters), "testsecret") == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="


@pytest.mark.parametrize(
    ("request_", "action"),
    [
        (OLD_RUN, "RunCommand"),
        (OLD_GET, "DescribeInstances"),
        (OLD_FORM, "RunCommand"),
        (OLD_TOKEN, "DescribeInstances"),
        (NEW_RUN, "RunCommand"),
        (NEW_TOKEN, "StopInvocation"),
        (NEW_FORM, "RunCommand"),
        (NEW_JSON, "RunCommand"),
    ],
)
def test_what_an_sdk_sent_is_let_in(request_: Request, action: str) -> None:
    call = gate().check(request_)

    assert (call.action, call.version, call.region, call.format) == (action, "2014-05-26", "cn-hangzhou", "JSON")
    assert call.request is request_


@pytest.mark.parametrize("request_", [OLD_RUN, NEW_RUN])
def test_a_call_holds_what_the_caller_said_and_nothing_of_how_he_signed_it(request_: Request) -> None:
    call = gate().check(request_)

    assert rpc.required(call, "CommandContent") == SCRIPT
    assert rpc.numbered_list(call, "InstanceId") == ("i-1", "i-2")
    assert rpc.tag_list(call, "Tag") == (("k", "v 1"),)
    assert rpc.json_object(call, "Parameters") == {"name": "Jack"}
    assert not {"Action", "Version", "Signature", "AccessKeyId", "Timestamp", "SignatureType"} & set(call.parameters)


def test_a_form_in_the_body_says_the_same() -> None:
    call = gate().check(OLD_FORM)

    assert rpc.required(call, "CommandContent") == SCRIPT
    assert rpc.numbered_list(call, "InstanceId") == ("i-1",)


def test_the_newer_sdk_may_put_parameters_into_a_form_or_a_json_body() -> None:
    of_form, of_json = gate().check(NEW_FORM), gate().check(NEW_JSON)

    assert rpc.required(of_form, "CommandContent") == 'echo "ü a+b *~"\n'
    assert rpc.required(of_json, "CommandContent") == 'echo "ü a+b"'
    assert rpc.numbered_list(of_form, "InstanceId") == rpc.numbered_list(of_json, "InstanceId") == ("i-l001",)
    assert rpc.tag_list(of_json, "Tag") == (("k", "v"),)
    for request in (NEW_FORM, NEW_JSON):
        assert refusal(replace(request, body=request.body.replace(b"echo", b"rm")))[0] == "SignatureDoesNotMatch"
        kind = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        assert refusal(replace(request, headers={**request.headers, **kind}))[0] in (
            "SignatureDoesNotMatch",
            "InvalidParameter",
        )


def test_a_json_body_is_not_covered_by_the_old_signature() -> None:
    request = signed({})
    with_body = replace(request, headers={"content-type": "application/json"}, body=b'{"Name":"x"}')

    assert refusal(with_body)[0] == "IncompleteSignature"


def test_a_lax_gate_lets_everybody_in_and_reads_as_well() -> None:
    call = gate(strict=False).check(Request("GET", "/", "Action=DescribeInstances&Name=x+y", {}, b"", SENT_MS))

    assert (call.action, call.version, call.region, call.format) == ("DescribeInstances", "2014-05-26", "", "XML")
    assert call.parameters == {"Name": "x y"}


def test_a_lax_gate_still_refuses_what_is_no_call() -> None:
    lax = gate(strict=False)

    assert refusal(Request("GET", "/", "", {}, b"", SENT_MS), lax)[0] == "MissingParameter"
    assert refusal(Request("GET", "/favicon.ico", "", {}, b"", SENT_MS), lax)[:2] == ("InvalidAction.NotFound", 404)
    assert refusal(Request("PUT", "/", "Action=RunCommand", {}, b"", SENT_MS), lax)[:2] == (
        "UnsupportedHTTPMethod",
        403,
    )


# -- not let in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "code", "status"),
    [
        ({"Action": MISSING}, "MissingParameter", 400),
        ({"Action": "Describe/../Instances"}, "InvalidAction.NotFound", 404),
        ({"Version": MISSING}, "MissingParameter", 400),
        ({"Version": "2014-05-27"}, "InvalidVersion", 400),
        ({"AccessKeyId": MISSING}, "MissingAccessKeyId", 400),
        ({"AccessKeyId": "nobody"}, "InvalidAccessKeyId.NotFound", 400),
        ({"SignatureMethod": MISSING}, "MissingParameter", 400),
        ({"SignatureMethod": "HMAC-SHA256"}, "UnsupportedSignatureMethod", 400),
        ({"SignatureVersion": MISSING}, "IncompleteSignature", 400),
        ({"SignatureVersion": "2.0"}, "IncompleteSignature", 400),
        ({"SignatureType": "BEARERTOKEN"}, "IncompleteSignature", 400),
        ({"SignatureNonce": MISSING}, "MissingParameter", 400),
        ({"SignatureNonce": "n" * 257}, "InvalidParameter", 400),
        ({"Timestamp": MISSING}, "IllegalTimestamp", 400),
        ({"Timestamp": "2026-11-24 19:51:23"}, "IllegalTimestamp", 400),
        ({"Timestamp": "2026-11-24T19:51:23+08:00"}, "IllegalTimestamp", 400),
        ({"Timestamp": "2026-13-24T19:51:23Z"}, "IllegalTimestamp", 400),
        ({"Timestamp": "2026-11-24T20:06:24Z"}, "InvalidTimeStamp.Expired", 400),
        ({"Timestamp": "2026-11-24T19:36:22Z"}, "InvalidTimeStamp.Expired", 400),
        ({"SecurityToken": "forged"}, "InvalidSecurityToken.Malformed", 400),
    ],
)
def test_each_wrong_common_parameter_has_its_own_code(parameters: dict[str, str], code: str, status: int) -> None:
    assert refusal(signed(parameters))[:2] == (code, status)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"SignatureType": MISSING},
        {"SecurityToken": ""},
        {"SecurityToken": "sts-token"},
        {"Timestamp": "2026-11-24T20:06:23Z"},
        {"Timestamp": "2026-11-24T19:36:23Z"},
        {"Name": "", "Description": "a+b &=%?~*'()!ü€😀"},
        {"SignatureNonce": "n" * 256},
    ],
)
def test_what_is_signed_by_the_documents_is_let_in(parameters: dict[str, str]) -> None:
    call = gate().check(signed(parameters))

    assert call.action == "DescribeInstances"
    assert call.parameters.get("Description", "") == parameters.get("Description", "")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_method_is_signed(method: str) -> None:
    request = signed({}, method)

    gate().check(request)
    assert refusal(replace(request, method="GET" if method == "POST" else "POST"))[0] == "SignatureDoesNotMatch"


def test_a_form_body_is_signed_with_the_query() -> None:
    request = signed({}, body={"Name": "x", "Description": ""})

    assert gate().check(request).parameters["Name"] == "x"
    assert refusal(replace(request, body=b"Name=y&Description="))[0] == "SignatureDoesNotMatch"
    assert refusal(replace(request, body=b"Name=x"))[0] == "SignatureDoesNotMatch"


def test_a_mismatch_tells_the_servers_text_after_its_first_colon() -> None:
    """The old SDK compares that part with its own text, and breaks when there is no colon."""
    request = replace(OLD_GET, query=OLD_GET.query.replace("i-1", "i-2"))

    code, status, message = refusal(request)

    assert (code, status) == ("SignatureDoesNotMatch", 400)
    assert message.split(":")[1].startswith("GET&%2F&AccessKeyId%3DLTAI5tLocalCloud%26Action%3DDescribeInstances%26")
    assert message.count(":") == 1


def test_a_nonce_is_good_for_one_call() -> None:
    opened = gate()
    opened.check(OLD_RUN)
    opened.check(NEW_RUN)

    assert refusal(OLD_RUN, opened)[:2] == ("SignatureNonceUsed", 400)
    assert refusal(NEW_RUN, opened)[:2] == ("SignatureNonceUsed", 400)
    opened.check(OLD_GET)


def test_a_forged_request_does_not_use_up_a_nonce() -> None:
    opened = gate()
    forged = replace(OLD_RUN, query=OLD_RUN.query.replace("i-2", "i-3"))

    assert refusal(forged, opened)[0] == "SignatureDoesNotMatch"
    opened.check(OLD_RUN)


def test_a_nonce_is_forgotten_when_its_timestamp_has_expired_anyway() -> None:
    callers = ManualClock(SENT_MS)
    opened = Gate(account=ACCOUNT, limits=Limits(), ids=Ids(1), date_clock=callers)
    opened.check(signed({}))
    callers.set_ms(SENT_MS + 30 * MINUTE_MS)

    opened.check(signed({"Timestamp": "2026-11-24T20:21:23Z"}))


def test_no_more_nonces_are_kept_than_the_limit_says() -> None:
    opened = gate(limits=Limits(nonces_max=2))
    for nonce in ("a", "b", "c"):
        opened.check(signed({"SignatureNonce": nonce}))

    assert refusal(signed({"SignatureNonce": "c"}), opened)[0] == "SignatureNonceUsed"
    opened.check(signed({"SignatureNonce": "a"}))


def test_dates_may_be_measured_by_another_clock() -> None:
    opened = Gate(account=ACCOUNT, limits=Limits(), ids=Ids(1), date_clock=ManualClock(SENT_MS + 20 * MINUTE_MS))

    assert refusal(signed({}), opened)[0] == "InvalidTimeStamp.Expired"
    assert refusal(NEW_RUN, opened)[0] == "InvalidTimeStamp.Expired"
    opened.check(signed({"Timestamp": "2026-11-24T20:11:23Z"}))


def test_a_token_is_only_good_if_the_account_has_it() -> None:
    for request in (OLD_TOKEN, NEW_TOKEN):
        assert refusal(request, gate(Account()))[0] == "InvalidSecurityToken.Malformed"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("authorization", "ACS3-HMAC-SHA256 Credential=a", "IncompleteSignature"),
        ("authorization", NEW_RUN.headers["authorization"].replace("SHA256", "SM3"), "UnsupportedSignatureMethod"),
        ("authorization", NEW_RUN.headers["authorization"].replace("LTAI", "LTAJ"), "InvalidAccessKeyId.NotFound"),
        ("authorization", NEW_RUN.headers["authorization"].replace("=2e", "=2f"), "SignatureDoesNotMatch"),
        ("authorization", NEW_RUN.headers["authorization"].replace("x-acs-version,", "x,"), "MissingParameter"),
        ("x-acs-content-sha256", "0" * 64, "SignatureDoesNotMatch"),
        ("x-acs-security-token", "sts-token", "IncompleteSignature"),
        ("x-acs-date", "", "MissingParameter"),
        ("x-acs-date", "20261124T194202Z", "IllegalTimestamp"),
        ("x-acs-date", "2026-11-24T18:00:00Z", "InvalidTimeStamp.Expired"),
        ("x-acs-action", "", "MissingParameter"),
        ("x-acs-action", "DeleteCommand", "SignatureDoesNotMatch"),
        ("x-acs-version", "2015-01-01", "InvalidVersion"),
        ("x-acs-signature-nonce", "other", "SignatureDoesNotMatch"),
    ],
)
def test_each_wrong_header_of_the_newer_signature_has_its_own_code(name: str, value: str, code: str) -> None:
    assert refusal(replace(NEW_RUN, headers={**NEW_RUN.headers, name: value}))[0] == code


# -- reading ----------------------------------------------------------------------------------------------------------


def read(query: str = "", body: object = None, *, kind: str = "application/json") -> Call:
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    request = Request("POST", "/", f"Action=RunCommand&{query}", {"content-type": kind}, data, SENT_MS)
    return gate(strict=False).check(request)


def test_ids_are_sorted_by_their_number_and_gaps_do_not_matter() -> None:
    call = read("InstanceId.10=i-10&InstanceId.2=i-2&InstanceId.1=i-1&InstanceId.999=i-999")

    assert rpc.numbered_list(call, "InstanceId") == ("i-1", "i-2", "i-10", "i-999")


@pytest.mark.parametrize("name", ["InstanceId.0", "InstanceId.-1", "InstanceId.x", "InstanceId.01", "InstanceId.1.2"])
def test_a_target_that_could_be_overlooked_is_refused(name: str) -> None:
    with pytest.raises(EcsError, match=name):
        rpc.numbered_list(read(f"InstanceId.1=i-1&{name}=i-2"), "InstanceId")


def test_a_list_may_come_as_one_json_array() -> None:
    assert rpc.numbered_list(read("InstanceId=%5B%22i-1%22,%22i-2%22%5D"), "InstanceId") == ("i-1", "i-2")
    assert rpc.tag_list(read("Tag=%5B%7B%22Key%22:%22k%22,%22Value%22:%22v%22%7D%5D"), "Tag") == (("k", "v"),)


def test_a_json_body_is_the_same_as_a_flat_one() -> None:
    call = read(
        body={
            "InstanceId": ["i-1", "i-2"],
            "Tag": [{"Key": "k", "Value": "v"}, {"Key": "only"}],
            "Timeout": 60,
            "KeepCommand": True,
            "Parameters": {"name": "Jäck"},
            "Name": None,
        }
    )

    assert rpc.numbered_list(call, "InstanceId") == ("i-1", "i-2")
    assert rpc.tag_list(call, "Tag") == (("k", "v"), ("only", ""))
    assert rpc.integer(call, "Timeout", 0) == 60
    assert rpc.boolean(call, "KeepCommand")
    assert rpc.json_object(call, "Parameters") == {"name": "Jäck"}
    assert "Name" not in call.parameters


def test_halves_of_a_tag_are_kept_apart() -> None:
    call = read("Tag.2.Value=v2&Tag.1.Key=k1&Tag.1.Value=&Tag.2.Key=k2&Tag.7.Value=v7")

    assert rpc.tag_list(call, "Tag") == (("k1", ""), ("k2", "v2"), ("", "v7"))


@pytest.mark.parametrize("value", ["x", "1.5", "1e3", "١", "0x10", "-1", "51", "1" * 30, "1_0"])
def test_a_number_out_of_its_range_names_field_value_and_range(value: str) -> None:
    call = read(f"PageSize={quote(value)}")

    with pytest.raises(EcsError) as caught:
        rpc.integer(call, "PageSize", 10, 1, 50, "InvalidParam.PageSize")

    assert caught.value.code == "InvalidParam.PageSize"
    assert "PageSize" in caught.value.message
    assert "from 1 to 50" in caught.value.message


def test_numbers_and_booleans_have_defaults() -> None:
    call = read("PageSize=50&Empty=&IncludeOutput=true&Timed=False")

    assert rpc.integer(call, "PageSize", 10, 1, 50) == 50
    assert rpc.integer(call, "Empty", 10) == rpc.integer(call, "Absent", 10) == 10
    assert rpc.boolean(call, "IncludeOutput")
    assert rpc.boolean(call, "Absent", True)
    assert not rpc.boolean(call, "Timed", True)
    with pytest.raises(EcsError, match="Timed"):
        rpc.boolean(call, "Timed", any_case=False)
    with pytest.raises(EcsError, match="PageSize"):
        rpc.boolean(call, "PageSize")


def test_what_is_required_and_empty_is_missing() -> None:
    with pytest.raises(EcsError, match='"CommandId"') as caught:
        rpc.required(read("CommandId="), "CommandId")

    assert caught.value.code == "MissingParameter"


@pytest.mark.parametrize("value", ["{", "[1]", '"x"', "nope", "[" * 5000, '{"a":1,"a":2}', '{"a":"\\ud800"}', "NaN"])
def test_json_that_is_none_is_refused_with_the_operations_code(value: str) -> None:
    call = read(f"Parameters={quote(value)}&InstanceIds={quote(value)}")

    with pytest.raises(EcsError) as of_object:
        rpc.json_object(call, "Parameters", code="InvalidParameter.Parameters")
    with pytest.raises(EcsError) as of_list:
        rpc.json_list(call, "InstanceIds", code="InvalidInstanceIds.Malformed")

    assert of_object.value.code == "InvalidParameter.Parameters"
    assert of_list.value.code == "InvalidInstanceIds.Malformed"


def test_a_key_twice_has_a_code_of_its_own() -> None:
    with pytest.raises(EcsError) as caught:
        rpc.json_object(
            read("Parameters=%7B%22a%22:1,%22a%22:2%7D"), "Parameters", duplicate_code="ParameterKey.Duplicate"
        )

    assert caught.value.code == "ParameterKey.Duplicate"


@pytest.mark.parametrize(
    ("query", "body", "kind"),
    [
        ("Name=a&Name=b", None, ""),
        ("Name=%ff", None, ""),
        ("Name=%ed%a0%80", None, ""),
        ("%ff=a", None, ""),
        ("Name=\xff", None, ""),
        ("", b"Name=%ff", "application/x-www-form-urlencoded"),
        ("Name=a", b"Name=b", "application/x-www-form-urlencoded"),
        ("Name=a", {"Name": "b"}, "application/json"),
        ("", b"{", "application/json"),
        ("", [1], "application/json"),
        ("", b'{"a":1,"a":2}', "application/json"),
        ("", b"\xff", "application/json"),
        ("", b'{"Tag":' + b'[{"a":' * 450 + b"1" + b"}]" * 450 + b"}", "application/json"),
        ("", b"x", "text/plain"),
        ("", b"x", ""),
    ],
)
def test_what_has_two_readings_or_none_is_refused(query: str, body: object, kind: str) -> None:
    with pytest.raises(EcsError) as caught:
        read(query, body, kind=kind)

    assert caught.value.code == "InvalidParameter"
    caught.value.message.encode()


def test_letters_sent_as_they_are_are_read_as_utf8() -> None:
    assert read("Name=" + "ü".encode().decode("latin-1")).parameters["Name"] == "ü"


@pytest.mark.parametrize(
    ("query", "headers", "body", "action", "form"),
    [
        ("Action=RunCommand&Format=JSON", {}, b"", "RunCommand", "JSON"),
        ("Format=json&Action=RunCommand", {}, b"", "RunCommand", "JSON"),
        ("Action=RunCommand&Format=XML", {"accept": "application/json"}, b"", "RunCommand", "XML"),
        ("Action=RunCommand", {}, b"", "RunCommand", "XML"),
        ("Action=RunCommand", {"accept": "application/json"}, b"", "RunCommand", "JSON"),
        ("", {"content-type": "application/x-www-form-urlencoded"}, b"Format=JSON&Action=RunCommand", "RunCommand",
         "JSON"),
        ("", {"x-acs-action": "RunCommand", "authorization": "ACS3-HMAC-SHA256 x"}, b"", "RunCommand", "JSON"),
        ("", {"authorization": "ACS3-HMAC-SHA256 x", "accept": "application/xml"}, b"", "Unknown", "XML"),
        ("Action=../../etc", {}, b"", "Unknown", "XML"),
        ("NotAction=RunCommand", {"x-acs-action": "<script>"}, b"\xff", "Unknown", "XML"),
    ],
)  # fmt: skip
def test_action_and_format_can_be_seen_before_anything_was_checked(
    query: str, headers: dict[str, str], body: bytes, action: str, form: str
) -> None:
    request = Request("POST", "/", query, headers, body, SENT_MS)

    assert (rpc.peek_action(request), rpc.peek_format(request)) == (action, form)


WIRE_TEXT = st.text(alphabet=st.characters(max_codepoint=255), max_size=60)


@given(
    query=WIRE_TEXT,
    body=st.binary(max_size=60),
    kind=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", ""]),
    authorization=st.one_of(st.just(""), WIRE_TEXT.map("ACS3-HMAC-SHA256 {}".format)),
    strict=st.booleans(),
)
def test_no_bytes_break_the_gate(query: str, body: bytes, kind: str, authorization: str, strict: bool) -> None:
    request = Request(
        "POST", "/", f"Action=X&{query}", {"content-type": kind, "authorization": authorization}, body, SENT_MS
    )

    rpc.peek_action(request)
    rpc.peek_format(request)
    try:
        call = gate(strict=strict).check(request)
    except EcsError as error:
        error.message.encode()
    else:
        json.dumps(dict(call.parameters), ensure_ascii=False).encode()


@given(st.integers(0, len(OLD_RUN.query) - 1), st.integers(0, 7))
def test_no_flipped_bit_of_a_signed_request_is_let_in(position: int, bit: int) -> None:
    damaged = OLD_RUN.query[:position] + chr(ord(OLD_RUN.query[position]) ^ (1 << bit)) + OLD_RUN.query[position + 1 :]

    try:
        call = gate().check(replace(OLD_RUN, query=damaged))
    except EcsError:
        return

    # Only the spelling was hit (%2a is %2A), not what was said.
    assert call.parameters == gate().check(OLD_RUN).parameters


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=5))
def test_whatever_is_signed_by_the_documents_is_understood(parameters: dict[str, str]) -> None:
    said = {f"X{name}": value for name, value in parameters.items()}
    try:
        "".join([*said, *said.values()]).encode()
    except UnicodeError:
        return

    call = gate().check(signed(said))

    assert {name: value for name, value in call.parameters.items() if name != "RegionId"} == said
