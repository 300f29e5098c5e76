"""How commands, invocations and results look in answers, oddities included.

Lists are wrapped twice; the end of a script is `FinishTime` in one operation and `FinishedTime` in another; what is not
there is "" rather than absent; a command's CreationTime has no seconds. Sources: the operation pages, 2021 and 2025-12.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from localcloud.ecs.contents import encode
from localcloud.ecs.paging import Page
from localcloud.ecs.queries import Result, Seen
from localcloud.ecs.statuses import ENDS, OLD
from localcloud.ecs.values import Command, Invocation, Row

Document = dict[str, Any]


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def time_of(ms: int) -> str:
    """ISO 8601 in UTC, whole seconds; "" for 0."""
    return _second(ms // 1000) if ms else ""


def minute_of(ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(ms // 1000))


def tags_of(tags: Mapping[str, str]) -> Document:
    return {"Tag": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]}


def paging_of(page: Page[Any]) -> Document:
    return {
        "TotalCount": page.total,
        "PageNumber": page.number,
        "PageSize": page.size,
        "NextToken": page.next_token,
    }


def command(one: Command, encoding: str) -> Document:
    parameters = [
        {
            "ParameterName": name,
            "Description": "",
            "DefaultValue": "",
            "Required": False,
            "PossibleValues": {"PossibleValue": []},
            "PatternRegex": "",
        }
        for name in one.parameter_names
    ]
    return {
        "CommandId": one.command_id,
        "Name": one.name,
        "Description": one.description,
        "Type": one.type,
        "CommandContent": encode(one.content, encoding),
        "WorkingDir": one.working_dir or default_dir(one.type),
        "Timeout": one.timeout_s,
        "EnableParameter": one.enable_parameter,
        "ParameterNames": {"ParameterName": list(one.parameter_names)},
        "ParameterDefinitions": {"ParameterDefinition": parameters},
        "InvokeTimes": one.invoke_times,
        "CreationTime": minute_of(one.created_ms),
        "Provider": "",
        "Category": "",
        "Version": 1,
        "Latest": False,
        "Launcher": one.launcher,
        "ResourceGroupId": one.resource_group_id,
        "Tags": tags_of(one.tags),
    }


def invocation(seen: Seen, encoding: str, *, with_output: bool) -> Document:
    """As DescribeInvocations shows it."""
    one = seen.invocation
    rows = [_invoke_instance(one, row, seen, encoding, with_output=with_output) for row in seen.rows]
    return {
        "InvokeId": one.invoke_id,
        "CommandId": one.command_id,
        "CommandName": one.command_name,
        "CommandType": one.command_type,
        "CommandDescription": one.command_description,
        "CommandContent": encode(one.content, encoding),
        "CreationTime": time_of(one.created_ms),
        "RepeatMode": one.repeat_mode,
        "Frequency": one.frequency,
        "Timed": seen.fires_again,
        "Timeout": one.timeout_s,
        "WorkingDir": one.working_dir or default_dir(one.command_type),
        "Username": username_of(one),
        "Parameters": msgspec.json.encode(one.parameters).decode(),
        "ContainerId": one.container_id,
        "ContainerName": one.container_name,
        "Launcher": one.launcher,
        "TerminationMode": one.termination_mode or "Process",
        "OssOutputDelivery": one.oss_output_delivery,
        "InvokeStatus": seen.status_old,
        "InvocationStatus": seen.status,
        "Tags": tags_of(one.tags),
        "InvokeInstances": {"InvokeInstance": rows},
    }


class InvokeInstance(msgspec.Struct, rename="pascal", gc=False):
    """A row in DescribeInvocations. A struct, as pages may hold 5,000 of them."""

    instance_id: str
    instance_invoke_status: str
    invocation_status: str
    exit_code: int
    error_code: str
    error_info: str
    dropped: int
    repeats: int
    timed: bool
    creation_time: str
    start_time: str
    finish_time: str
    stop_time: str
    update_time: str
    output: str | msgspec.UnsetType = msgspec.UNSET
    oss_output_uri: str = ""
    oss_output_status: str = ""
    oss_output_error_code: str = ""
    oss_output_error_info: str = ""


class InvocationResult(msgspec.Struct, rename="pascal", gc=False):
    """A row in DescribeInvocationResults."""

    invoke_id: str
    command_id: str
    instance_id: str
    invoke_record_status: str
    invocation_status: str
    exit_code: int
    error_code: str
    error_info: str
    output: str
    dropped: int
    repeats: int
    start_time: str
    finished_time: str
    stop_time: str
    username: str
    container_id: str
    container_name: str
    launcher: str
    termination_mode: str
    oss_output_delivery: str
    tags: Document
    oss_output_uri: str = ""
    oss_output_status: str = ""
    oss_output_error_code: str = ""
    oss_output_error_info: str = ""


def _invoke_instance(one: Invocation, row: Row, seen: Seen, encoding: str, *, with_output: bool) -> InvokeInstance:
    document = InvokeInstance(
        instance_id=row.instance_id,
        instance_invoke_status=OLD[row.status],
        invocation_status=row.status,
        exit_code=row.exit_code or 0,
        error_code=row.error_code,
        error_info=row.error_info,
        dropped=row.dropped,
        repeats=row.repeats,
        timed=seen.fires_again,
        creation_time=time_of(row.created_ms),
        start_time=time_of(row.start_ms),
        finish_time=time_of(row.finish_ms),
        stop_time=time_of(row.stop_ms),
        update_time=time_of(row.updated_ms),
    )
    if with_output:
        document.output = encode(row.output, encoding)
    if one.oss_output_delivery:
        _fail_delivery(document, row)
    return document


def result(seen: Result, encoding: str) -> InvocationResult:
    """As DescribeInvocationResults shows it."""
    one, row = seen.invocation, seen.row
    document = InvocationResult(
        invoke_id=one.invoke_id,
        command_id=one.command_id,
        instance_id=row.instance_id,
        invoke_record_status=OLD[row.status],
        invocation_status=row.status,
        exit_code=row.exit_code or 0,
        error_code=row.error_code,
        error_info=row.error_info,
        output=encode(row.output, encoding),
        dropped=row.dropped,
        repeats=row.repeats,
        start_time=time_of(row.start_ms),
        finished_time=time_of(row.finish_ms),
        stop_time=time_of(row.stop_ms),
        username=username_of(one),
        container_id=one.container_id,
        container_name=one.container_name,
        launcher=one.launcher,
        termination_mode=one.termination_mode or "Process",
        oss_output_delivery=one.oss_output_delivery,
        tags=tags_of(one.tags),
    )
    if one.oss_output_delivery:
        _fail_delivery(document, row)
    return document


def _fail_delivery(document: InvokeInstance | InvocationResult, row: Row) -> None:
    """There is no OSS here: a delivery that was asked for is seen to fail, at the end."""
    if row.status not in ENDS:
        document.oss_output_status = "InProgress"
        return
    document.oss_output_status = "Failed"
    document.oss_output_error_code = "NoSuchBucket"
    document.oss_output_error_info = "The local cloud has no OSS."


def default_dir(command_type: str) -> str:
    return "/root" if command_type == "RunShellScript" else "C:\\Windows\\System32"


def username_of(one: Invocation) -> str:
    return one.username or ("root" if one.command_type == "RunShellScript" else "System")
