"""Calling a function: its answer, its own failure, and everybody else's."""

from __future__ import annotations

import json
import socket

import pytest

from localcloud.http import Response
from shared.adapters.fc import FunctionCalls, FunctionFailed
from shared.core.errors import FleetrunError, Refused, Unavailable, UnknownOutcome
from tests.adapters.canned import HANG_UP, canned
from tests.adapters.clients import KEYS

ID = ("X-Fc-Request-Id", "fc-1")


def error(status: int, code: str) -> Response:
    return Response(status, (ID,), json.dumps({"ErrorCode": code, "ErrorMessage": "m"}).encode())


def test_a_call_goes_to_the_service_and_answers_body_and_request_id() -> None:
    with canned(Response(200, (ID,), b'{"messages": 1}')) as server:
        answer = FunctionCalls(server.url, KEYS).invoke("sweep_runs", b"{}")

    assert (answer.body, answer.request_id) == (b'{"messages": 1}', "fc-1")
    assert server.requests[0].path == "/2016-08-15/services/fleetrun/functions/sweep_runs/invocations"
    assert server.requests[0].headers["x-fc-invocation-type"] == "Sync"
    assert server.requests[0].body == b"{}"


def test_an_async_call_says_so_and_the_next_call_does_not() -> None:
    with canned(Response(202, (ID,)), Response(200, (ID,))) as server:
        calls = FunctionCalls(server.url, KEYS)
        calls.invoke_async("sweep_runs", b"{}")
        calls.invoke("sweep_runs", b"{}")

    kinds = [request.headers["x-fc-invocation-type"] for request in server.requests]
    assert kinds == ["Async", "Sync"]


def test_a_functions_own_failure_is_told_by_type_and_text() -> None:
    body = json.dumps({"errorMessage": "2 of 3 messages are not done", "errorType": "BatchIncomplete"}).encode()
    failed = Response(200, (ID, ("X-Fc-Error-Type", "UnhandledInvocationError")), body)
    with canned(failed) as server, pytest.raises(FunctionFailed, match="BatchIncomplete: 2 of 3") as raised:
        FunctionCalls(server.url, KEYS).invoke("accept_requests", b"[]")

    assert (raised.value.code, raised.value.request_id) == ("BatchIncomplete", "fc-1")


@pytest.mark.parametrize(
    ("answer", "family"),
    [
        (error(404, "FunctionNotFound"), Refused),
        (error(403, "SignatureNotMatch"), Refused),
        (error(429, "ResourceThrottled"), Unavailable),
        (error(503, "Down"), UnknownOutcome),
        (Response(502, (), b"<html>"), UnknownOutcome),
        (HANG_UP, UnknownOutcome),
    ],
)
def test_every_other_failure_is_of_its_family(
    answer: Response | None, family: type[FleetrunError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fc2.client.backoff_factor", 0)
    with canned(answer) as server, pytest.raises(family) as raised:
        FunctionCalls(server.url, KEYS).invoke("accept_requests", b"[]")

    assert type(raised.value) is family


def test_a_refused_connection_says_that_nothing_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fc2.client.backoff_factor", 0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))

        with pytest.raises(Unavailable, match="cannot be reached"):
            FunctionCalls(f"http://127.0.0.1:{unused.getsockname()[1]}", KEYS).invoke("f", b"")
