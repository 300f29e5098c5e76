"""The official SDK at the edges: how it signs, what it retries, what it makes of a lost reply."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.client import AcsClient

from localcloud.faults import Rule
from tests.contract.ecs.conftest import ACCOUNT, EcsServer, new_request, server
from tests.contract.ecs.worlds import REGION, ids
from tests.contract.ecs_edge.stage import is_alive

__all__ = ["server"]

SCRIPT = "printf 'a+b *~ %s\\n' \"ü€😀\"; exit 0"


def retrying(server: EcsServer) -> Any:
    """As most people make their client: the SDK's own retries are on."""
    client = AcsClient(
        ACCOUNT.access_key_id, ACCOUNT.access_key_secret, REGION, timeout=5, proxy={"http": "", "https": ""}
    )
    client.add_endpoint(REGION, "Ecs", f"127.0.0.1:{server.served.port}")
    return client


def order(server: EcsServer, **fields: Any) -> None:
    """A fault on everything that ECS is asked."""
    rule = Rule(**{"service": "ecs", **fields})
    server.served.call(lambda: server.served.faults.add(rule))


def requests_of(server: EcsServer, operation: str) -> int:
    counts = server.served.call(server.served.log.counts).get("ecs", {})
    return counts[operation].requests if operation in counts else 0


def invocation_of(server: EcsServer, client: Any, invoke_id: str) -> dict[str, Any]:
    answer = server.call(
        client, "DescribeInvocations", InvokeId=invoke_id, IncludeOutput="true", ContentEncoding="PlainText"
    )
    return dict(answer["Invocations"]["Invocation"][0])


def ended(server: EcsServer, client: Any, invoke_id: str) -> list[dict[str, Any]]:
    """The rows of an invocation, once nothing of it runs any more."""
    until(
        lambda: invocation_of(server, client, invoke_id)["InvocationStatus"] not in ("Pending", "Running", "Stopping")
    )
    return list(invocation_of(server, client, invoke_id)["InvokeInstances"]["InvokeInstance"])


def until(seen: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not seen():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


# -- signatures -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_either_method_carries_a_script_of_any_letters(server: EcsServer, method: str) -> None:
    client = server.client()
    request = new_request("RunCommand", Type="RunShellScript", CommandContent=SCRIPT, InstanceIds=["i-l001"])
    request.set_method(method)

    answer = json.loads(client.do_action_with_exception(request))
    (row,) = ended(server, client, answer["InvokeId"])

    assert row["Output"] == "a+b *~ ü€😀\n"


def test_a_script_in_a_form_body_is_signed_too(server: EcsServer) -> None:
    client = server.client()
    request = new_request("RunCommand", Type="RunShellScript", InstanceIds=["i-l001"])
    request.add_body_params("CommandContent", SCRIPT)
    request.add_body_params("Description", "")

    answer = json.loads(client.do_action_with_exception(request))
    (row,) = ended(server, client, answer["InvokeId"])

    assert row["Output"] == "a+b *~ ü€😀\n"


def test_a_wrong_secret_is_told_apart_from_a_wrong_signature(server: EcsServer) -> None:
    """The SDK compares our string to sign with its own: when they are the same, the secret must be wrong."""
    with pytest.raises(ServerException) as refused:
        server.call(server.client(secret="another"), "DescribeInstances", InstanceName="a b*c~d:é")

    assert refused.value.error_code == "InvalidAccessKeySecret"


def test_a_request_object_may_be_sent_again(server: EcsServer) -> None:
    """The SDK gives each attempt a nonce of its own, so the gate lets it in again."""
    client, request = server.client(), new_request("DescribeInstances", PageSize="1")

    answers = [json.loads(client.do_action_with_exception(request)) for _ in range(3)]

    assert [answer["PageSize"] for answer in answers] == [1, 1, 1]


def test_one_client_serves_many_threads(server: EcsServer) -> None:
    client = server.client()

    def described(number: int) -> int:
        (one_id,) = ids(1, first=number % 120 + 1)
        answer = server.call(client, "DescribeInstances", InstanceIds=json.dumps([one_id]))
        assert [one["InstanceId"] for one in answer["Instances"]["Instance"]] == [one_id]
        return int(answer["TotalCount"])

    with ThreadPoolExecutor(16) as pool:
        assert Counter(pool.map(described, range(160))) == {1: 160}


# -- retries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error-before", "code": "ServiceUnavailable", "status": 503},
        {"kind": "error-before", "code": "InternalError", "status": 500},
        {"kind": "close"},
        {"kind": "lost-reply"},
    ],
)
def test_the_sdk_asks_again_after_what_may_pass(server: EcsServer, fault: dict[str, Any]) -> None:
    order(server, count=2, operation="DescribeInstances", **fault)

    answer = server.call(retrying(server), "DescribeInstances", PageSize="1")

    assert answer["PageSize"] == 1
    assert requests_of(server, "DescribeInstances") == 3


def test_throttling_by_its_bare_name_is_retried_and_that_of_the_user_is_not(server: EcsServer) -> None:
    client = retrying(server)
    order(server, kind="throttle", code="Throttling", count=1, operation="DescribeInstances")
    server.call(client, "DescribeInstances", PageSize="1")
    order(server, kind="throttle", count=1, operation="DescribeCommands")

    with pytest.raises(ServerException) as refused:
        server.call(client, "DescribeCommands")

    assert (refused.value.http_status, refused.value.error_code) == (400, "Throttling.User")
    assert requests_of(server, "DescribeInstances") == 2
    assert requests_of(server, "DescribeCommands") == 1


def test_a_run_whose_reply_is_lost_is_found_again_by_its_token(server: EcsServer) -> None:
    client = retrying(server)
    fields = {
        "Type": "RunShellScript",
        "CommandContent": "echo once >> runs; cat runs",
        "InstanceIds": ["i-l001"],
        "ClientToken": "token-1",
    }
    order(server, kind="lost-reply", count=1, operation="RunCommand")

    with pytest.raises(ClientException) as lost:
        server.call(client, "RunCommand", **fields)
    again = server.call(client, "RunCommand", **fields)
    (row,) = ended(server, client, again["InvokeId"])

    assert lost.value.error_code == "SDK.HttpError"
    assert requests_of(server, "RunCommand") == 2
    assert row["Output"] == "once\n"
    assert server.call(client, "DescribeInvocations")["TotalCount"] == 1


# -- what runs --------------------------------------------------------------------------------------------------------


def test_a_whole_chunk_runs_at_once_each_in_its_own_place(server: EcsServer) -> None:
    client, chosen = server.client(), list(ids(50))

    answer = server.call(
        client,
        "RunCommand",
        Type="RunShellScript",
        CommandContent='echo "$ECS_INSTANCE_ID"; pwd; [ "${ECS_INSTANCE_ID%7}" = "$ECS_INSTANCE_ID" ]',
        InstanceIds=chosen,
    )
    rows = ended(server, client, answer["InvokeId"])

    assert [row["InstanceId"] for row in rows] == chosen
    assert [row["Output"].splitlines()[0] for row in rows] == chosen
    assert len({row["Output"].splitlines()[1] for row in rows}) == 50
    assert {row["InstanceId"] for row in rows if row["InvocationStatus"] == "Failed"} == {
        one for one in chosen if one.endswith("7")
    }


def test_a_stop_of_the_whole_tree_leaves_nothing_running(server: EcsServer, tmp_path: Path) -> None:
    client = server.client()
    answer = server.call(
        client,
        "RunCommand",
        Type="RunShellScript",
        CommandContent="setsid sleep 300 & echo $! > new; mv new pid; wait",
        InstanceIds=["i-l001"],
        TerminationMode="ProcessTree",
    )
    written = tmp_path / "i-l001" / "pid"
    until(written.exists)
    pid = int(written.read_text())
    assert is_alive(pid)

    server.call(client, "StopInvocation", InvokeId=answer["InvokeId"])
    (row,) = ended(server, client, answer["InvokeId"])

    assert row["InvocationStatus"] == "Terminated"
    until(lambda: not is_alive(pid))
