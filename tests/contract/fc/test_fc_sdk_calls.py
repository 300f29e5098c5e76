"""aliyun-fc2, unmodified, over HTTP: calls, their answers and their errors."""

from __future__ import annotations

import base64
import json
import logging
import re
from uuid import UUID

import fc2
import pytest
import requests

from localcloud.faults import Rule
from tests.contract.fc.conftest import FcServer

ECHO = """
def handler(event, context):
    print("heard", len(event))
    if event == b"boom":
        raise ValueError("no good")
    return event
"""


@pytest.fixture(autouse=True)
def _quiet(caplog) -> None:
    """The SDK logs every error on the root logger."""
    caplog.set_level(logging.CRITICAL)


@pytest.fixture
def client(server: FcServer):
    server.create("f", ECHO)
    return server.client()


@pytest.mark.parametrize("payload", [b"", b"\x00\xff raw", '{"a": "é"}'.encode(), b"x" * 300_000])
def test_a_synchronous_call_answers_what_the_function_returned(client, payload: bytes) -> None:
    response = client.invoke_function("fleetrun", "f", payload=payload)

    assert response.data == payload
    assert UUID(response.headers["X-Fc-Request-Id"])


def test_the_tail_of_the_log_comes_when_it_is_asked_for(client) -> None:
    plain = client.invoke_function("fleetrun", "f", payload=b"1", headers={"x-fc-log-type": "None"})
    told = client.invoke_function("fleetrun", "f", payload=b"1", headers={"x-fc-log-type": "Tail"})

    assert "X-Fc-Log-Result" not in plain.headers
    log = base64.b64decode(told.headers["X-Fc-Log-Result"]).decode()
    assert "heard 1\n" in log
    assert f"FC Invoke End RequestId: {told.headers['X-Fc-Request-Id']}" in log
    bill = r"Duration: [\d.]+ ms, Billed Duration: \d+ ms, Memory Size: 512 MB, Max Memory Used: [\d.]+ MB"
    assert re.search(rf"\n\n{bill}\n\Z", log)
    assert log.count("Billed Duration") == 1


def test_a_long_log_is_cut_to_its_last_4_kib(server: FcServer) -> None:
    server.create("long", "def handler(e, c):\n    print('a' * 9000)\n    print('the end')")

    response = server.client().invoke_function("fleetrun", "long", headers={"x-fc-log-type": "Tail"})

    log = base64.b64decode(response.headers["X-Fc-Log-Result"])
    assert len(log) == 4096
    assert b"the end\n" in log


def test_a_function_error_is_an_fc_error_with_status_200(client) -> None:
    with pytest.raises(fc2.FcError) as failed:
        client.invoke_function("fleetrun", "f", payload=b"boom")

    assert failed.value.status_code == 200
    assert failed.value.err_code == ""
    told = json.loads(failed.value.message)
    assert (told["errorType"], told["errorMessage"]) == ("ValueError", "no good")
    assert told["RequestId"] == failed.value.request_id


def test_an_asynchronous_call_is_accepted_with_202_and_no_body(server: FcServer, client) -> None:
    config = {"destinationConfig": {"onSuccess": {"destination": "acs:mns:::/queues/told/messages"}}}
    client.put_function_async_invoke_config("fleetrun", "LATEST", "f", config)

    response = client.invoke_function("fleetrun", "f", payload=b"later", headers={"x-fc-invocation-type": "Async"})

    assert response.data == b""
    server.run(server.fc.idle())
    delivery = server.served.call(lambda: server.mns.receive("told"))
    assert delivery is not None
    told = json.loads(delivery.body)
    assert told["requestContext"]["requestId"] == response.headers["X-Fc-Request-Id"]
    assert (told["requestPayload"], told["responsePayload"]) == ("later", "later")


@pytest.mark.parametrize(
    ("service", "function", "code", "message"),
    [
        ("nowhere", "f", "ServiceNotFound", "service 'nowhere' does not exist"),
        ("fleetrun", "nobody", "FunctionNotFound", "function 'nobody' does not exist in service 'fleetrun'"),
    ],
)
def test_what_is_missing_is_named(client, service: str, function: str, code: str, message: str) -> None:
    with pytest.raises(fc2.FcError) as refused:
        client.invoke_function(service, function)

    assert (refused.value.status_code, refused.value.err_code) == (404, code)
    assert json.loads(refused.value.message)["ErrorMessage"] == message
    assert UUID(refused.value.request_id)


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        (
            {"x-fc-invocation-type": "Later"},
            r"InvocationType is set to an invalid value \(allowed: Sync \| Async, actual: .*Later",
        ),
        ({"x-fc-log-type": "All"}, r"LogType is set to an invalid value \(allowed: Tail \| None, actual: .*All"),
        (
            {"x-fc-invocation-type": "Async", "x-fc-log-type": "Tail"},
            r"LogType is set to an invalid value \(allowed: None, actual: .*Tail",
        ),
        ({"x-fc-invocation-type": "Async", "x-fc-async-delay": "soon"}, "x-fc-async-delay"),
        ({"x-fc-invocation-type": "Async", "x-fc-async-delay": "3601"}, "x-fc-async-delay"),
    ],
)
def test_a_wrong_header_is_refused_by_its_name(client, headers: dict[str, str], named: str) -> None:
    with pytest.raises(fc2.FcError, match=named) as refused:
        client.invoke_function("fleetrun", "f", headers=headers)

    assert (refused.value.status_code, refused.value.err_code) == (400, "InvalidArgument")


def test_more_than_128_kib_are_not_taken_asynchronously(client) -> None:
    with pytest.raises(fc2.FcError) as refused:
        client.invoke_function(
            "fleetrun", "f", payload=b"x" * (128 * 1024 + 1), headers={"x-fc-invocation-type": "Async"}
        )

    assert (refused.value.status_code, refused.value.err_code) == (400, "EntityTooLarge")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"accessKeySecret": "wrong"}, "SignatureNotMatch"),
        ({"accessKeyID": "stranger"}, "InvalidAccessKeyID"),
        ({"securityToken": "made up"}, "InvalidSecurityToken"),
    ],
)
def test_wrong_keys_are_refused(server: FcServer, changes: dict[str, str], code: str) -> None:
    with pytest.raises(fc2.FcError) as refused:
        server.client(**changes).list_services()

    assert (refused.value.status_code, refused.value.err_code) == (403, code)


def test_a_throttled_call_is_told_as_429_and_not_repeated_by_the_sdk(server: FcServer, client) -> None:
    server.fc.put_concurrency("f", 0)

    with pytest.raises(fc2.FcError) as refused:
        client.invoke_function("fleetrun", "f")

    assert (refused.value.status_code, refused.value.err_code) == (429, "ResourceThrottled")
    assert server.fc.counters.of("f")["refused"] == 1


@pytest.mark.parametrize(
    ("rule", "status", "code"),
    [
        (Rule("throttle", service="fc"), 429, "ResourceThrottled"),
        (Rule("error-before", service="fc"), 500, "InternalServerError"),
        (Rule("error-before", service="fc", code="AccessDenied"), 403, "AccessDenied"),
        (Rule("error-before", service="fc", code="Whatever", status=503), 503, "Whatever"),
    ],
)
def test_ordered_faults_speak_the_protocol(server: FcServer, client, rule: Rule, status: int, code: str) -> None:
    server.served.call(lambda: server.served.faults.add(rule))

    with pytest.raises(fc2.FcError) as refused:
        client.invoke_function("fleetrun", "f")

    assert (refused.value.status_code, refused.value.err_code) == (status, code)
    assert server.fc.counters.of("f")["calls"] == 0


def test_a_lost_reply_has_run_the_function_all_the_same(server: FcServer, client) -> None:
    server.served.call(lambda: server.served.faults.add(Rule("lost-reply", service="fc", count=1)))

    with pytest.raises(requests.exceptions.ConnectionError):
        client.invoke_function("fleetrun", "f")

    assert server.fc.counters.of("f")["calls"] >= 1


def test_fleetruns_own_adapter_tells_answers_failures_and_refusals_apart(server: FcServer, client) -> None:
    from shared.adapters.credentials import Credentials
    from shared.adapters.fc import FunctionCalls, FunctionFailed
    from shared.core.errors import Refused, Unavailable

    calls = FunctionCalls(server.served.url, Credentials("LTAI5tLocalCloud", "local-cloud-secret", ""))

    assert calls.invoke("f", b"hello").body == b"hello"
    assert UUID(calls.invoke_async("f", b"hello").request_id)
    with pytest.raises(FunctionFailed, match="no good"):
        calls.invoke("f", b"boom")
    with pytest.raises(Refused, match="FunctionNotFound"):
        calls.invoke("nobody", b"")
    server.fc.put_concurrency("f", 0)
    with pytest.raises(Unavailable):
        calls.invoke("f", b"")
