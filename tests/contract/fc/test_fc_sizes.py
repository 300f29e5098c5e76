"""How large payloads and answers may be: 32 MB at once, 128 KB for later; each on both sides of its limit. How deep."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.fc.limits import ASYNC_BYTES_MAX, SYNC_BYTES_MAX
from localcloud.fc.values import AsyncConfig, Outcome
from localcloud.file_journal import FileJournal
from tests.contract.fc.conftest import FcServer, fc_server
from tests.contract.fc.worlds import FcWorld

INVOKE = "/2023-03-30/functions/f/invocations"
PROXY = "/2016-08-15/proxy/fleetrun/f/"
SIZE = "def handler(event, context):\n    return str(len(event))"
ANSWERS = "def handler(event, context):\n    return b'x' * int(event)"
WEB_SIZE = "import json\ndef handler(event, context):\n    return str(len(json.loads(event)['body']))"
WSGI_FILE = """
import pathlib
def handler(environ, start_response):
    pathlib.Path("seen").write_text(environ["REQUEST_METHOD"] + environ["PATH_INFO"])
    start_response("200 OK", [])
    return [b""]
"""


@pytest.fixture
def kept_server(tmp_path: Path) -> Iterator[FcServer]:
    journal = FileJournal(tmp_path)
    with fc_server(journal=journal) as server:
        yield server
    journal.close()


def with_web(server: FcServer, code: str) -> None:
    server.create("f", code, memorySize=1024)
    config = json.dumps({"authType": "anonymous", "methods": ["POST"]})
    body = {"triggerName": "web", "triggerType": "http", "triggerConfig": config}
    assert server.tell("POST", "/2023-03-30/functions/f/triggers", body).status == 200


def test_a_synchronous_payload_has_at_most_32_mib(server: FcServer) -> None:
    import fc2

    server.create("f", SIZE, memorySize=1024)

    taken = server.client().invoke_function("fleetrun", "f", b"x" * SYNC_BYTES_MAX)
    with pytest.raises(fc2.FcError) as refused:
        server.client().invoke_function("fleetrun", "f", b"x" * (SYNC_BYTES_MAX + 1))

    assert taken.data == str(SYNC_BYTES_MAX).encode()
    assert (refused.value.status_code, refused.value.err_code) == (400, "EntityTooLarge")
    assert f"payload size exceeds maximum allowed size ({SYNC_BYTES_MAX} bytes)" in refused.value.message


def test_a_synchronous_answer_has_at_most_32_mib(server: FcServer) -> None:
    server.create("f", ANSWERS, memorySize=1024)

    whole = server.ask("POST", INVOKE, str(SYNC_BYTES_MAX).encode())
    beyond = server.ask("POST", INVOKE, str(SYNC_BYTES_MAX + 1).encode())

    assert (whole.status, len(whole.body)) == (200, SYNC_BYTES_MAX)
    assert "x-fc-error-type" not in whole.headers
    assert (beyond.status, beyond.headers["x-fc-error-type"]) == (200, "UnhandledInvocationError")
    assert "exceeds maximum allowed size (33554432 bytes)" in beyond.json()["errorMessage"]


def test_an_http_triggers_caller_gets_a_502_for_an_answer_that_is_too_large(server: FcServer) -> None:
    with_web(server, f"def handler(event, context):\n    return b'x' * {SYNC_BYTES_MAX + 1}")

    answer = server.fetch("POST", PROXY)

    assert (answer.status, answer.body) == (502, b"Internal Server Error")


def test_an_http_triggers_body_has_at_most_32_mib_however_its_event_grows(server: FcServer) -> None:
    with_web(server, WEB_SIZE)

    taken = server.fetch("POST", PROXY, b"x" * SYNC_BYTES_MAX, {"content-type": "image/png"})
    refused = server.fetch("POST", PROXY, b"x" * (SYNC_BYTES_MAX + 1), {"content-type": "image/png"})

    base64_bytes = (SYNC_BYTES_MAX + 2) // 3 * 4
    assert (taken.status, taken.body) == (200, str(base64_bytes).encode())
    assert (refused.status, refused.json()["ErrorCode"]) == (400, "InvalidArgument")


@pytest.mark.parametrize(("size", "status"), [(ASYNC_BYTES_MAX, 202), (ASYNC_BYTES_MAX + 1, 400)])
def test_an_asynchronous_http_call_has_at_most_128_kib_in_its_body(server: FcServer, size: int, status: int) -> None:
    with_web(server, WEB_SIZE)

    answer = server.fetch("POST", PROXY, b"x" * size, {"x-fc-invocation-type": "Async", "content-type": "image/png"})

    assert answer.status == status
    assert status == 202 or answer.json()["ErrorCode"] == "InvalidArgument"


@pytest.mark.parametrize(("size", "is_taken"), [(ASYNC_BYTES_MAX, True), (ASYNC_BYTES_MAX + 1, False)])
def test_an_asynchronous_payload_is_bounded_in_both_apis(server: FcServer, size: int, is_taken: bool) -> None:
    server.create("f", SIZE)
    asks = {"x-fc-invocation-type": "Async"}

    new = server.ask("POST", INVOKE, b"x" * size, asks)
    old = server.ask("POST", "/2016-08-15/services/fleetrun/functions/f/invocations", b"x" * size, asks)

    assert [new.status, old.status] == ([202, 202] if is_taken else [400, 400])
    if not is_taken:
        assert (new.json()["Code"], old.json()["ErrorCode"]) == ("EntityTooLarge", "EntityTooLarge")


def test_an_asynchronous_call_whose_answer_is_too_large_fails_and_is_told_so() -> None:
    world = FcWorld()
    world.functions.answers("f", Outcome(b"x" * (SYNC_BYTES_MAX + 1)))
    world.fc.put_async_config("f", AsyncConfig(on_failure="acs:mns:::/queues/told/messages", retries_max=1))

    async def story(world: FcWorld) -> None:
        world.fc.invoke_async("f", b"1")
        await world.advance(60_000)

        (document,) = world.documents("told")
        assert document["responseContext"] == {"statusCode": 200, "functionError": "UnhandledInvocationError"}
        assert "exceeds maximum" in json.loads(document["responsePayload"])["errorMessage"]
        assert len(world.functions.calls) == 2

    world.play(story)


def test_an_asynchronous_call_of_a_wsgi_function_is_a_wsgi_call(server: FcServer, tmp_path: Any) -> None:
    from dataclasses import replace

    from localcloud.fc.values import TriggerSpec
    from tests.contract.fc.worlds import spec

    (tmp_path / "index.py").write_text(WSGI_FILE)

    async def deployed() -> None:
        server.fc.create_function(replace(spec("f", code_dir=tmp_path), http_form="wsgi"))
        server.fc.create_trigger(TriggerSpec("f", "web", "http", {"authType": "anonymous", "methods": ["POST"]}))

    server.run(deployed())

    assert server.fetch("POST", f"{PROXY}x", b"1", {"x-fc-invocation-type": "Async"}).status == 202
    server.run(server.fc.idle())
    assert (tmp_path / "seen").read_text() == "POST/x"


@pytest.mark.parametrize("levels", [99, 600])
def test_an_asynchronous_configuration_of_many_levels_is_taken_or_refused(server: FcServer, levels: int) -> None:
    server.create("f", SIZE)
    deep = b'{"A":' * (levels - 1) + b"1" + b"}" * (levels - 1)
    body = b'{"MaxAsyncRetryAttempts":2,"x":' + deep + b"}"

    answer = server.ask("PUT", "/2023-03-30/functions/f/async-invoke-config", body)

    if levels < 100:
        assert (answer.status, answer.json()["maxAsyncRetryAttempts"]) == (200, 2)
    else:
        assert (answer.status, answer.json()["Code"]) == (400, "InvalidArgument")


@pytest.mark.parametrize("value", ["9" * 30, '{"a":' * 990 + "1" + "}" * 990, "[" * 101 + "]" * 101])
@pytest.mark.parametrize("form", ["text", "object"])
def test_what_could_not_be_kept_or_shown_is_refused_and_all_else_goes_on(
    kept_server: FcServer, value: str, form: str
) -> None:
    """It was kept in part, each later change failed with it, and the local cloud did not start on it any more."""
    config = f'{{"authType":"anonymous","x":{value}}}'
    written = json.dumps(config) if form == "text" else config
    body = f'{{"triggerName":"web","triggerType":"http","triggerConfig":{written}}}'.encode()
    kept_server.create("f", SIZE)

    refused = kept_server.ask("POST", "/2023-03-30/functions/f/triggers", body)

    assert (refused.status, refused.json()["Code"]) == (400, "InvalidArgument")
    assert kept_server.ask("GET", "/2023-03-30/functions/f/triggers").json()["triggers"] == []
    kept_server.create("g", SIZE)
