"""Function Compute's event becomes a WSGI call, and its answer what the platform takes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.errors import Refused
from shared.core.keys import hash_of_secret, key_text
from shared.runtime.compose import Composition
from shared.runtime.log import JsonLog
from shared.runtime.serve import handle_http
from shared.web.application import make_application
from shared.web.bridge import decode_event, environ_of, serve
from tests.web.driving import Web

SAMPLES = Path(__file__).resolve().parents[2] / "events" / "serve_http"
SECRET, KEY_ID = "ab" * 32, "0123456789ab"


def event(**changes: Any) -> dict[str, Any]:
    return {
        "version": "v1",
        "rawPath": "/v1/runs",
        "body": "",
        "isBase64Encoded": True,
        "headers": {},
        "queryParameters": {},
        "requestContext": {"http": {"method": "GET", "path": "/v1/runs", "sourceIp": "203.0.113.7"}},
        **changes,
    }


def environ(**changes: Any) -> dict[str, Any]:
    return environ_of(decode_event(json.dumps(event(**changes)).encode()), {})


@given(st.binary(max_size=200))
def test_a_body_arrives_byte_by_byte(body: bytes) -> None:
    found = environ(body=base64.b64encode(body).decode(), isBase64Encoded=True)

    assert found["wsgi.input"].read() == body
    assert found["CONTENT_LENGTH"] == str(len(body))


@given(st.text(max_size=50).filter(lambda text: text.isprintable()))
def test_a_path_arrives_as_wsgi_wants_it(path: str) -> None:
    raw = quote("/" + path)

    assert environ(rawPath=raw)["PATH_INFO"].encode("latin-1") == unquote_to_bytes(raw)


@given(st.dictionaries(st.text(min_size=1, max_size=10), st.text(max_size=10), max_size=4))
def test_parameters_arrive_as_they_were(query: dict[str, str]) -> None:
    from urllib.parse import parse_qsl

    try:
        found = environ(queryParameters=query)
    except (Refused, UnicodeEncodeError):
        assert any("\ud800" <= char <= "\udfff" for text in [*query, *query.values()] for char in text)
        return

    assert dict(parse_qsl(found["QUERY_STRING"], keep_blank_values=True)) == query


def test_headers_keep_their_values() -> None:
    found = environ(headers={"X-Hub-Signature-256": "sha256=1", "Content-Type": "a/b", "Content-Length": "99"})

    assert found["HTTP_X_HUB_SIGNATURE_256"] == "sha256=1"
    assert found["CONTENT_TYPE"] == "a/b"
    assert found["CONTENT_LENGTH"] == "0", "the length of what is there, not of what was announced"
    assert found["REMOTE_ADDR"] == "203.0.113.7"


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b"\xff", b'{"requestContext": 1}'])
def test_what_is_no_event_is_refused(payload: bytes) -> None:
    with pytest.raises(Refused, match="no event of an HTTP trigger"):
        decode_event(payload)


def answering(*chunks: bytes, headers: tuple[tuple[str, str], ...] = ()) -> Callable[..., Iterable[bytes]]:
    def application(_environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("201 Created", list(headers))
        return chunks

    return application


def test_an_answer_is_one_body_whatever_pieces_it_came_in() -> None:
    told = serve(
        answering(b"a", b"b", headers=(("A", "1"), ("A", "2"))), decode_event(json.dumps(event()).encode()), {}
    )

    assert told == {"statusCode": 201, "headers": {"A": "1,2"}, "isBase64Encoded": False, "body": "ab"}


def test_an_answer_that_is_no_text_comes_as_base64() -> None:
    told = serve(answering(b"\xff"), decode_event(json.dumps(event()).encode()), {})

    assert (told["isBase64Encoded"], told["body"]) == (True, "/w==")


class Trail:
    """AuditTrail."""

    def __init__(self) -> None:
        self.entries: list[object] = []

    def append(self, entry: object) -> None:
        self.entries.append(entry)


# -- the whole edge, with the samples that users call the function with ------------------------------------------------
def edge(payload: bytes) -> tuple[dict[str, Any], Web, list[str]]:
    web, lines = Web(), list[str]()
    web.fleet(3)
    adapters = SimpleNamespace(runs=web.reader, quota=web.reader, library=web.shelf)
    log = JsonLog(web.world.clock, write=lines.append)
    # The first key stands in the deployment's settings; no other is stored.
    keys = SimpleNamespace(read_key=lambda _key_id: None)
    access: Any = SimpleNamespace(keys=keys, admin_key=f"{KEY_ID}:{hash_of_secret(SECRET)}", audit=Trail())
    it = Composition(replace(web.ports, access=access), web.policy, log, adapters)  # type: ignore[arg-type]
    context = SimpleNamespace(request_id="req-1", function=SimpleNamespace(name="serve_http", timeout="60"))
    told: dict[str, Any] = json.loads(handle_http(payload, context, it, make_application()))
    return told, web, lines


EXPECTED = {"health": 200, "openapi": 200, "no-key": 401, "start-run": 401, "form-body": 401}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_is_answered(name: str) -> None:
    told, _, lines = edge((SAMPLES / f"{name}.json").read_bytes())

    assert told["statusCode"] == EXPECTED[name]
    assert '"event":"http.answered"' in lines[-1].replace(" ", "")


def test_every_sample_has_an_expectation() -> None:
    there = {path.stem for path in SAMPLES.glob("*.json")}

    assert {name for name in there if not name.startswith("hook-")} == set(EXPECTED)  # those: test_hook_samples.py


def test_the_first_key_lets_in() -> None:
    sample = (SAMPLES / "start-run.json").read_text()
    key = key_text(KEY_ID, SECRET)

    told, web, lines = edge(sample.replace("frk_PUT_YOUR_KEY_HERE", key).replace('"wait": "20"', "").encode())
    wrong, _, _ = edge(sample.replace("frk_PUT_YOUR_KEY_HERE", key_text(KEY_ID, "cd" * 32)).encode())

    assert told["statusCode"] == 202, told
    assert len(web.world.runs.runs) == 1
    assert wrong["statusCode"] == 401
    assert SECRET not in "".join(lines), "no key stands in the log"


def test_what_is_no_event_is_answered_all_the_same() -> None:
    told, _, lines = edge(b"{}")

    assert told["statusCode"] == 400
    assert "http.no_event" in lines[0]
