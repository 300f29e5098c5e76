"""The official SDK, unmodified, over a real socket, with signatures checked and shells that run."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from aliyunsdkcore.acs_exception.exceptions import ServerException

from tests.contract.ecs.conftest import EcsServer, new_request
from tests.contract.ecs.worlds import ids

ENDS = {"Success", "Failed", "Timeout", "Terminated", "Cancelled", "Aborted", "Invalid", "Error"}


def code_of(refused: pytest.ExceptionInfo[ServerException]) -> tuple[int, str]:
    return refused.value.http_status, refused.value.error_code


def followed(server: EcsServer, client: Any, invoke_id: str) -> dict[str, Any]:
    """The invocation with its output, once every row has ended."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        answer = server.call(client, "DescribeInvocations", InvokeId=invoke_id, IncludeOutput="true")
        (invocation,) = answer["Invocations"]["Invocation"]
        rows = invocation["InvokeInstances"]["InvokeInstance"]
        if all(row["InvocationStatus"] in ENDS for row in rows):
            return dict(invocation)
        time.sleep(0.02)
    raise AssertionError(f"{invoke_id} did not end")


def outputs(invocation: dict[str, Any]) -> dict[str, str]:
    rows = invocation["InvokeInstances"]["InvokeInstance"]
    return {row["InstanceId"]: base64.b64decode(row["Output"]).decode() for row in rows}


def test_a_command_is_made_invoked_followed_and_deleted(server: EcsServer) -> None:
    client = server.client()
    content = base64.b64encode(b"echo hello {{who}} of {{ACS::InstanceId}}; exit {{code}}").decode()
    made = server.call(
        client, "CreateCommand", Name="greet", Type="RunShellScript", CommandContent=content, EnableParameter="true"
    )

    invoked = server.call(
        client,
        "InvokeCommand",
        CommandId=made["CommandId"],
        InstanceIds=list(ids(2)),
        Parameters=json.dumps({"who": "you", "code": "3"}),
        Tags=[{"Key": "run", "Value": "r-1"}],
    )
    invocation = followed(server, client, invoked["InvokeId"])

    assert outputs(invocation) == {one: f"hello you of {one}\n" for one in ids(2)}
    rows = invocation["InvokeInstances"]["InvokeInstance"]
    assert [(row["ExitCode"], row["ErrorCode"], row["InstanceInvokeStatus"]) for row in rows] == [
        (3, "ExitCodeNonzero", "Finished"),
        (3, "ExitCodeNonzero", "Finished"),
    ]
    assert (invocation["InvocationStatus"], invocation["InvokeStatus"]) == ("Failed", "Finished")
    tagged = server.call(client, "DescribeInvocations", Tags=[{"Key": "run", "Value": "r-1"}])
    assert [one["InvokeId"] for one in tagged["Invocations"]["Invocation"]] == [invoked["InvokeId"]]
    server.call(client, "DeleteCommand", CommandId=made["CommandId"])
    assert server.call(client, "DescribeCommands", CommandId=made["CommandId"])["TotalCount"] == 0


def test_run_command_takes_plain_text_by_default_and_leaves_no_command(server: EcsServer) -> None:
    client = server.client()

    ran = server.call(
        client, "RunCommand", Type="RunShellScript", CommandContent='printf %s "$0" | wc -c', InstanceIds=["i-l001"]
    )
    invocation = followed(server, client, ran["InvokeId"])

    assert invocation["InvocationStatus"] == "Success"
    assert invocation["CommandId"] == ran["CommandId"]
    assert server.call(client, "DescribeCommands")["TotalCount"] == 0


def test_a_running_script_is_stopped_and_a_slow_one_times_out(server: EcsServer) -> None:
    client = server.client()
    script = "echo begun; exec sleep 60"
    ran = server.call(client, "RunCommand", Type="RunShellScript", CommandContent=script, InstanceIds=["i-l001"])
    while server.service.rows("cn-hangzhou", ran["InvokeId"])["i-l001"].status != "Running":
        time.sleep(0.01)

    server.call(client, "StopInvocation", InvokeId=ran["InvokeId"], InstanceIds=["i-l001"])
    invocation = followed(server, client, ran["InvokeId"])

    (row,) = invocation["InvokeInstances"]["InvokeInstance"]
    assert (row["InvocationStatus"], row["InstanceInvokeStatus"]) == ("Terminated", "Stopped")
    assert row["StopTime"] != ""
    assert invocation["InvocationStatus"] == "Stopped"


def test_an_sts_token_is_taken_and_a_wrong_secret_is_not(server: EcsServer) -> None:
    with_token = server.call(server.client(token="a-token"), "DescribeInstances", PageSize="1")

    assert with_token["PageSize"] == 1
    for client, code in (
        (server.client(secret="wrong"), "InvalidAccessKeySecret"),
        (server.client(key_id="LTAInobody"), "InvalidAccessKeyId.NotFound"),
        (server.client(token="another"), "InvalidSecurityToken.Malformed"),
    ):
        with pytest.raises(ServerException) as refused:
            server.call(client, "DescribeInstances")
        assert code_of(refused) == (400, code)


def test_refusals_reach_the_sdk_with_code_status_and_request_id(server: EcsServer) -> None:
    client = server.client()

    with pytest.raises(ServerException) as refused:
        server.call(client, "InvokeCommand", CommandId="c-none", InstanceIds=["i-l001"])

    assert code_of(refused) == (404, "InvalidCmdId.NotFound")
    assert refused.value.request_id
    with pytest.raises(ServerException) as not_offered:
        server.call(client, "RunInstances")
    assert code_of(not_offered) == (501, "NotOffered")
    assert "RunInstances" in not_offered.value.message


def test_a_script_of_24_kb_travels_in_the_query_and_in_the_body(server: EcsServer) -> None:
    client = server.client()
    content = base64.b64encode(b"\xff" * 18_432).decode()
    assert len(content) == 24_576

    in_query = server.call(client, "CreateCommand", Name="q", Type="RunShellScript", CommandContent=content)
    request = new_request("CreateCommand", Name="b", Type="RunShellScript")
    request.add_body_params("CommandContent", content)
    in_body = json.loads(client.do_action_with_exception(request))

    found = server.call(client, "DescribeCommands", MaxResults="50")["Commands"]["Command"]
    assert {one["CommandId"] for one in found} == {in_query["CommandId"], in_body["CommandId"]}
    assert {one["CommandContent"] for one in found} == {content}


def test_all_instances_are_found_page_by_page_in_both_styles(server: EcsServer) -> None:
    client = server.client()
    tags = [{"Key": "env", "Value": "demo"}]
    by_token: list[str] = []
    token = ""
    while True:
        more = {"NextToken": token} if token else {}
        page = server.call(client, "DescribeInstances", Tags=tags, MaxResults="50", **more)
        by_token += [one["InstanceId"] for one in page["Instances"]["Instance"]]
        token = page["NextToken"]
        if not token:
            break

    by_number = [
        one["InstanceId"]
        for number in ("1", "2", "3")
        for one in server.call(client, "DescribeInstances", Tags=tags, PageNumber=number, PageSize="50")["Instances"][
            "Instance"
        ]
    ]

    assert by_token == by_number
    assert len(by_token) == 125
    some = server.call(client, "DescribeInstances", InstanceIds=json.dumps([*ids(3), "i-unknown"]))
    assert [one["InstanceId"] for one in some["Instances"]["Instance"]] == list(ids(3))
