"""Mappings of webhooks, secrets in requests, and token buckets, as rules."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.access import Grant
from shared.core.bucket import Buckets
from shared.core.errors import Refused
from shared.core.hooks import HookRow, HookSpec, check_hook, decode_body, is_wanted, map_request, request_id_of
from shared.core.requests import InvokeRequest, decode_request, hash_of
from shared.core.secret_parameters import check_secrets, without_secrets
from tests.app.access_cases import GITHUB_SECRET, invoke_body

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=10,
)


def hook(request: dict[str, Any], when: str = "") -> HookRow:
    return HookRow(
        name="h",
        scheme="github",
        sealed_secrets=(),
        request=request,
        when=when,
        grant=Grant(name="h"),
        created_ms=0,
        created_by="x",
    )


def mapped(request: dict[str, Any], body: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(map_request(hook(request), {"event": "push", "body": body}, request_id="r"))
    return made


@given(st.dictionaries(st.sampled_from(["command", "targets", "timeout"]), json_values), json_values)
def test_a_mapping_without_paths_is_what_it_says_whatever_is_sent(request: dict[str, Any], body: Any) -> None:
    assert mapped(request, body) == {"kind": "invoke", "requestId": "r", **request}


@given(json_values.filter(lambda value: value is not None))
def test_a_path_stands_for_the_value_that_it_finds_and_for_nothing_else(value: Any) -> None:
    body = {"deep": [{"value": value}]}

    made = mapped({"parameters": {"a": {"from": "body.deep[0].value"}}}, body)

    assert made["parameters"] == {"a": value}


@pytest.mark.parametrize("value", ["{{commit}}", "$(id)", '{"from": "body.secret"}', "__import__('os')", "@.secret"])
def test_what_the_sender_says_is_never_looked_at_again(value: str) -> None:
    made = mapped({"parameters": {"a": {"from": "body.a"}}}, {"a": value, "secret": "s"})

    assert made["parameters"]["a"] == value


def test_a_value_of_the_sender_that_looks_like_a_path_stays_a_value() -> None:
    made = mapped({"parameters": {"from": "body.b"}}, {"b": {"from": "body.secret"}, "secret": "s"})

    assert made["parameters"] == {"from": "body.secret"}


def test_the_name_and_the_kind_are_never_the_mappings() -> None:
    for field in ("kind", "requestId", "schedule"):
        with pytest.raises(Refused) as caught:
            check_hook(HookSpec(name="h", scheme="github", secrets=(GITHUB_SECRET,), request={field: "x"}))
        assert caught.value.field == f"request.{field}"


def test_a_default_is_taken_if_a_path_finds_nothing() -> None:
    request = {"timeout": {"from": "body.timeout", "default": 60}}

    assert mapped(request, {})["timeout"] == 60
    assert mapped(request, {"timeout": 5})["timeout"] == 5


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ("", True),
        ("event == 'push'", True),
        ("event == 'ping'", False),
        ("body.none", False),
        ("body.ref == 'refs/heads/main'", True),
        ("starts_with(body.ref, 'refs/tags/')", False),
    ],
)
def test_a_condition_says_which_messages_are_wanted(when: str, wanted: bool) -> None:
    assert is_wanted(hook({}, when), {"event": "push", "body": {"ref": "refs/heads/main"}}) is wanted


def test_a_path_that_multiplies_what_it_finds_is_stopped() -> None:
    doubling = " | ".join(["[@, @, @, @]"] * 12)

    with pytest.raises(Refused, match="values"):
        mapped({"parameters": {"a": {"from": f"body | {doubling}"}}}, {"a": 1})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b" " * (1024 * 1024 + 1)])
def test_a_body_that_is_no_json_or_too_long_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        decode_body(body)

    assert caught.value.code == "BadRequest"


@given(st.text(), st.text())
def test_a_message_has_one_request_id_and_another_message_another(one: str, other: str) -> None:
    one, other = (text.encode("utf-8", "ignore").decode() for text in (one, other))

    assert (request_id_of("h", one) == request_id_of("h", other)) is (one == other)


# -- secrets ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("value", ["{{oos-secret:db}}", "{{ oos-secret:team/db_1.x }}"])
def test_a_reference_is_no_secret(value: str) -> None:
    check_secrets(decode_request(invoke_body(parameters={"p": value}, secretParameters=["p"])))


@pytest.mark.parametrize(
    "value",
    ["", "hunter2", "{{oos-secret:}}", "{{oos:db}}", "x{{oos-secret:db}}", "{{oos-secret:db}}x", "{{oos-secret:a b}}"],
)
def test_what_is_no_whole_reference_is_a_literal(value: str) -> None:
    with pytest.raises(Refused) as caught:
        check_secrets(decode_request(invoke_body(parameters={"p": value}, secretParameters=["p"])))

    assert caught.value.field == "parameters.p"
    assert not value or value not in caught.value.message.replace('"{{oos-secret:its-name}}"', "")


@pytest.mark.parametrize("names", [["q"], ["p", "p"]])
def test_only_parameters_that_are_there_are_marked(names: list[str]) -> None:
    with pytest.raises(Refused) as caught:
        decode_request(invoke_body(parameters={"p": "x"}, secretParameters=names))

    assert caught.value.field.startswith("secretParameters[")


@given(st.text(alphabet="xyz0123456789", min_size=4), st.booleans())
def test_a_refused_message_loses_its_marked_literals_and_nothing_else(secret: str, is_signed: bool) -> None:
    body = invoke_body(parameters={"p": secret, "q": "plain"}, secretParameters=["p"], timeuot=5)
    sent = json.dumps({"kind": "signed", "request": body.decode()}).encode() if is_signed else body

    hidden = json.loads(without_secrets(sent))

    inner = json.loads(hidden["request"]) if is_signed else hidden
    assert inner["parameters"] == {"p": "***", "q": "plain"}
    assert inner["timeuot"] == 5


@given(st.binary(max_size=200))
def test_what_has_no_marked_secret_is_kept_to_the_byte(body: bytes) -> None:
    assert without_secrets(body) == body
    assert without_secrets(invoke_body()) == invoke_body()


def test_a_request_that_marks_nothing_has_the_hash_it_always_had() -> None:
    """A run that was accepted by an earlier release is still found by its request."""
    plain = decode_request(invoke_body(parameters={"p": "x"}))
    marked = decode_request(invoke_body(parameters={"p": "x"}, secretParameters=["p"]))
    assert isinstance(plain, InvokeRequest)
    assert isinstance(marked, InvokeRequest)

    encoded = msgspec.json.encode(plain, order="deterministic")

    assert encoded.endswith(b',"schedule":null,"secretParameters":[]}')
    assert hash_of(plain) != hash_of(marked)


# -- buckets ----------------------------------------------------------------------------------------------------------
@given(st.integers(1, 50), st.integers(1, 20), st.lists(st.integers(0, 500), max_size=60))
def test_no_name_ever_takes_more_than_its_burst_and_its_rate(per_second: int, burst: int, pauses: list[int]) -> None:
    buckets, now_ms, taken = Buckets(per_second=per_second, burst=burst, names_max=10), 0, 0

    for pause in pauses:
        now_ms += pause
        wait_ms = buckets.take("k", now_ms=now_ms)
        taken += not wait_ms
        assert taken <= burst + now_ms * per_second / 1000
        if wait_ms:
            assert buckets.wait_ms("k", now_ms=now_ms + wait_ms) == 0


def test_a_clock_that_is_set_back_gives_nothing_away() -> None:
    buckets = Buckets(per_second=1, burst=1, names_max=10)

    assert buckets.take("k", now_ms=10_000) == 0
    assert buckets.take("k", now_ms=0) > 0
    assert buckets.take("k", now_ms=10_500) > 0
    assert buckets.take("k", now_ms=11_001) == 0


def test_names_are_forgotten_when_there_are_too_many() -> None:
    buckets = Buckets(per_second=1, burst=1, names_max=2)

    for name in ("a", "b", "c"):
        assert buckets.take(name, now_ms=0) == 0

    assert buckets.take("c", now_ms=0) > 0
    assert buckets.take("a", now_ms=0) == 0


@pytest.mark.parametrize(
    "when", ["!body.draft", "event == 'push' && !body.pull.draft", "body.tags[?!is.old]", "!body.tags[:2].old"]
)
def test_a_not_that_could_never_be_true_is_refused_with_what_is_meant(when: str) -> None:
    spec = HookSpec(name="h", scheme="github", secrets=(GITHUB_SECRET,), request={}, when=when)

    with pytest.raises(Refused, match=re.escape("!(a.b)")) as caught:
        check_hook(spec)

    assert caught.value.field == "when"


@pytest.mark.parametrize(("body", "wanted"), [({}, True), ({"draft": False}, True), ({"draft": True}, False)])
def test_a_not_in_brackets_is_of_what_stands_in_them(body: dict[str, Any], wanted: bool) -> None:
    check_hook(HookSpec(name="h", scheme="github", secrets=(GITHUB_SECRET,), request={}, when="!(body.draft)"))

    assert is_wanted(hook({}, "!(body.draft)"), {"event": "", "body": body}) is wanted


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("body.tags[:2]", ["a", "b"]),
        ("body.tags[::-1] | [0]", "c"),
        ("!body.[draft]", [None]),
        ("!(body.draft).{is_ready: @}", {"is_ready": False}),
        ("(!(body.draft)).to_string(@)", "false"),
    ],
)
def test_a_path_that_may_find_something_is_taken(path: str, found: Any) -> None:
    request = {"x": {"from": path}}

    check_hook(HookSpec(name="h", scheme="github", secrets=(GITHUB_SECRET,), request=request))

    assert mapped(request, {"draft": True, "tags": ["a", "b", "c"]})["x"] == found
