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
    rows = [_invoke_instance(one, row, seen.fires_again, encoding, with_output) for row in seen.rows]
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


def _invoke_instance(
    one: Invocation,
    row: Row,
    fires_again: bool,  # noqa: FBT001  once per row of a page of 5,000
    encoding: str,
    with_output: bool,  # noqa: FBT001
) -> Document:
    document = {
        "InstanceId": row.instance_id,
        "InstanceInvokeStatus": OLD[row.status],
        "InvocationStatus": row.status,
        "ExitCode": row.exit_code or 0,
        "ErrorCode": row.error_code,
        "ErrorInfo": row.error_info,
        "Dropped": row.dropped,
        "Repeats": row.repeats,
        "Timed": fires_again,
        "CreationTime": time_of(row.created_ms),
        "StartTime": time_of(row.start_ms),
        "FinishTime": time_of(row.finish_ms),
        "StopTime": time_of(row.stop_ms),
        "UpdateTime": time_of(row.updated_ms),
        **_oss_output(one, row),
    }
    if with_output:
        document["Output"] = encode(row.output, encoding)
    return document


def result(seen: Result, encoding: str) -> Document:
    """As DescribeInvocationResults shows it."""
    one, row = seen.invocation, seen.row
    return {
        "InvokeId": one.invoke_id,
        "CommandId": one.command_id,
        "InstanceId": row.instance_id,
        "InvokeRecordStatus": OLD[row.status],
        "InvocationStatus": row.status,
        "ExitCode": row.exit_code or 0,
        "ErrorCode": row.error_code,
        "ErrorInfo": row.error_info,
        "Output": encode(row.output, encoding),
        "Dropped": row.dropped,
        "Repeats": row.repeats,
        "StartTime": time_of(row.start_ms),
        "FinishedTime": time_of(row.finish_ms),
        "StopTime": time_of(row.stop_ms),
        "Username": username_of(one),
        "ContainerId": one.container_id,
        "ContainerName": one.container_name,
        "Launcher": one.launcher,
        "TerminationMode": one.termination_mode or "Process",
        "OssOutputDelivery": one.oss_output_delivery,
        **_oss_output(one, row),
        "Tags": tags_of(one.tags),
    }


def default_dir(command_type: str) -> str:
    return "/root" if command_type == "RunShellScript" else "C:\\Windows\\System32"


def username_of(one: Invocation) -> str:
    return one.username or ("root" if one.command_type == "RunShellScript" else "System")


def _oss_output(one: Invocation, row: Row) -> Document:
    """There is no OSS here: what was asked for is seen to fail, at the end."""
    if not one.oss_output_delivery:
        return {"OssOutputUri": "", "OssOutputStatus": "", "OssOutputErrorCode": "", "OssOutputErrorInfo": ""}
    if row.status not in ENDS:
        return {"OssOutputUri": "", "OssOutputStatus": "InProgress", "OssOutputErrorCode": "", "OssOutputErrorInfo": ""}
    return {
        "OssOutputUri": "",
        "OssOutputStatus": "Failed",
        "OssOutputErrorCode": "NoSuchBucket",
        "OssOutputErrorInfo": "The local cloud has no OSS.",
    }
