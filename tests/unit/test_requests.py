"""Stage 0: a bad request names its field, the value and what would be right; a good one survives a round trip."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.core.errors import Refused
from shared.core.requests import InvokeRequest, StopRequest, decode_request, hash_of


def body(**changes: Any) -> bytes:
    request = {
        "kind": "invoke",
        "requestId": "deploy-1",
        "command": {"type": "RunShellScript", "content": "uptime"},
        "targets": {"instanceIds": ["i-1"]},
    }
    return json.dumps({**request, **changes}).encode()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "invok"}, "kind"),
        ({"requestId": ""}, "requestId"),
        ({"requestId": "x" * 129}, "requestId"),
        ({"requestId": "a b"}, "requestId"),
        ({"unknown": 1}, "unknown"),
        ({"timeout": "60"}, "timeout"),
        ({"timeout": 9}, "timeout"),
        ({"timeout": 86_401}, "timeout"),
        ({"timeout": 60.5}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"region": "Hangzhou!"}, "region"),
        ({"username": ""}, "username"),
        ({"targets": {}}, "targets"),
        ({"targets": {"instanceIds": []}}, "targets.instanceIds"),
        ({"targets": {"instanceIds": ["i-1", "web-1"]}}, "targets.instanceIds[1]"),
        ({"targets": {"instanceIds": ["i-1"], "name": "web"}}, "targets"),
        ({"targets": {"tags": {}}}, "targets"),
        ({"targets": {"tags": {"": "x"}}}, "targets.tags"),
        ({"targets": {"zone": "a"}}, "targets.zone"),
        ({"command": {}}, "command"),
        ({"command": {"commandId": "c-1", "content": "x"}}, "command"),
        ({"command": {"content": "x"}}, "command.type"),
        ({"command": {"type": "RunPython", "content": "x"}}, "command.type"),
        ({"command": {"type": "RunShellScript", "content": ""}}, "command.content"),
        ({"command": {"type": "RunShellScript", "content": "x" * 18_433}}, "command.content"),
        ({"command": {"type": "RunShellScript", "content": "%%", "contentEncoding": "Base64"}}, "command.content"),
        ({"parameters": {"a b": "x"}}, "parameters"),
        ({"parameters": {str(number): "x" for number in range(11)}}, "parameters"),
        ({"parameters": {"a": 1}}, "parameters[...]"),
        ({"rateControl": {"maxConcurrency": 0}}, "rateControl.maxConcurrency"),
        ({"rateControl": {"maxConcurrency": "0%"}}, "rateControl.maxConcurrency"),
        ({"rateControl": {"maxErrors": "101%"}}, "rateControl.maxErrors"),
        ({"rateControl": {"maxErrors": -1}}, "rateControl.maxErrors"),
        ({"rateControl": {"waves": []}}, "rateControl.waves"),
        ({"rateControl": {"waves": [1, "ten"]}}, "rateControl.waves[1]"),
        ({"onUnfit": "ignore"}, "onUnfit"),
        ({"onQuotaExhausted": None}, "onQuotaExhausted"),
    ],
)
def test_a_bad_request_is_refused_with_the_name_of_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        decode_request(body(**changes))

    assert refused.value.field == field
    assert refused.value.code == "BadRequest"
    assert field.split("[", maxsplit=1)[0].rsplit(".", maxsplit=1)[-1] in refused.value.message


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@example(b"[" * 60_000)
@example(b"{" * 65_536)
@example(b'{"kind": NaN}')
@example(b'{"kind": "invoke", "requestId": "\\ud800"}')
@example(b'{"kind": "invoke", "timeout": 1e999}')
@example(b"9" * 60_000)
def test_no_bytes_whatever_break_the_decoder(payload: bytes) -> None:
    try:
        answer: object = decode_request(payload)
    except Refused as refused:
        answer = refused.field

    assert isinstance(answer, InvokeRequest | StopRequest | str)
    assert answer


def test_a_request_survives_being_encoded_again() -> None:
    request = decode_request(body(rateControl={"waves": [1, "50%"]}, parameters={"a": "b"}))

    assert decode_request(msgspec.json.encode(request)) == request


def test_the_order_of_fields_does_not_change_the_meaning_and_a_value_does() -> None:
    one = decode_request(body(timeout=60, username="root"))
    same = decode_request(body(username="root", timeout=60))
    other = decode_request(body(timeout=61, username="root"))
    assert isinstance(one, InvokeRequest)
    assert isinstance(same, InvokeRequest)
    assert isinstance(other, InvokeRequest)

    assert hash_of(one) == hash_of(same)
    assert hash_of(one) != hash_of(other)


def test_the_largest_script_passes_and_reaches_the_instance_unchanged() -> None:
    request = decode_request(body(command={"type": "RunShellScript", "content": "é" * 9_216}))
    assert isinstance(request, InvokeRequest)

    assert request.command.script_bytes() == "é".encode() * 9_216
