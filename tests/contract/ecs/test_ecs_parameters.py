"""Every parameter that an SDK can send: it changes what comes of a call, is known to change nothing, or is refused."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from localcloud.ecs.api import OPERATIONS
from localcloud.ecs.limits import Limits
from localcloud.ecs.parameters import PARAMETERS, kinds
from localcloud.http import Request
from tests.contract.ecs.sdk_parameters import heads, of_newer, of_older
from tests.contract.ecs.twins import BASE, FLEET, outcome, staged
from tests.contract.ecs.worlds import REGION, EcsWorld

KNOWN = list(kinds())
CHANGE = {"CommandContent": "echo {{a}}!", "Parameters": '{"a": "1"}'}
VALUES: dict[str, dict[str, str]] = {
    "AttributeName": {"AttributeName.1": "max-axt-command-count"},
    "BatchOptimization": {"BatchOptimization": "SuccessFirst"},
    "Filter": {"Filter.1.Key": "CreationStartTime", "Filter.1.Value": "2026-01-01T00:00Z"},
    "Ipv6Address": {"Ipv6Address.1": "::1"},
    "ResourceId": {"ResourceId.1": "i-l002"},
    "ResourceTag": {"ResourceTag.1.Key": "env"},
    "Tag": {"Tag.1.Key": "k2"},
    "TagFilter": {"TagFilter.1.TagKey": "env*"},
    "TagKey": {"TagKey.1": "env"},
    "AdditionalAttributes": {"AdditionalAttributes.1": "META_OPTIONS"},
}
"""Parameters that are more than a name with one text."""
TEXTS = {
    "AcceptLanguage": "en-US", "All": "true", "ClientToken": "t", "CommandContent": "ZWNobyAy", "CommandId": "$other",
    "CommandName": "other", "CommandType": "RunBatScript", "ContainerId": "0" * 64, "ContainerName": "box",
    "ContentEncoding": "PlainText", "Description": "told", "DryRun": "true", "EipAddresses": '["1.2.3.4"]',
    "EnableParameter": "true", "Frequency": "rate(2h)", "Hibernate": "true", "ImageId": "other",
    "IncludeHistory": "true", "IncludeOutput": "true", "InnerIpAddresses": '["1.2.3.4"]',
    "InstanceChargeType": "PrePaid", "InstanceIds": '["i-l002"]', "InstanceName": "l-002",
    "InstanceNetworkType": "classic", "InstanceType": "other", "InstanceTypeFamily": "other", "InvokeId": "$other_run",
    "InvokeRecordStatus": "Failed", "InvokeStatus": "Failed", "KeepCommand": "true", "Latest": "true",
    "Launcher": "python3 -u", "MaxResults": "11", "Name": "other", "NextToken": "x", "OSType": "Windows",
    "OssOutputDelivery": "oss://bucket/x", "PageNumber": "2", "PageSize": "7", "Parameters": '{"a": "2"}',
    "PrivateIpAddresses": '["1.2.3.4"]', "Provider": "AlibabaCloud", "PublicIpAddresses": '["1.2.3.4"]',
    "RegionId": "cn-beijing", "RepeatMode": "NextRebootOnly", "ResourceGroupId": "rg-one", "ResourceType": "command",
    "SecurityGroupId": "sg-classic", "Status": "Stopped", "StoppedMode": "StopCharging",
    "TerminationMode": "ProcessTree", "Timed": "true", "Timeout": "30", "Type": "RunBatScript", "Username": "me",
    "VSwitchId": "vsw-x", "VpcId": "vpc-x", "WindowsPasswordName": "x" * 256, "WorkingDir": "/tmp",
    "ZoneId": "cn-hangzhou-x",
}  # fmt: skip
"""What is said where the table below has nothing else for the operation. Any other name: "true"."""
OTHERWISE: dict[tuple[str, str], dict[str, str]] = {
    ("DeleteCommand", "CommandId"): {"CommandId": "c-none"},
    ("DescribeAccountAttributes", "RegionId"): {"RegionId": "cn-atlantis"},
    ("DescribeRegions", "ResourceType"): {"ResourceType": "disk"},
    ("InstallCloudAssistant", "InstanceId"): {"InstanceId.1": "i-none"},
    ("ModifyInvocationAttribute", "ClientToken"): {"ClientToken": "t" * 65},
    ("ModifyInvocationAttribute", "CommandContent"): {"CommandContent": "echo {{a}}?"},
    ("ModifyInvocationAttribute", "ContentEncoding"): {"ContentEncoding": "Base64"},
    ("ModifyInvocationAttribute", "EnableParameter"): {"EnableParameter": "false"},
    ("RunCommand", "ContentEncoding"): {"ContentEncoding": "Base64"},
    ("StartInstance", "InstanceId"): {"InstanceId": "i-stopped002"},
    ("StartInstances", "InstanceId"): {"InstanceId.2": "i-stopped002"},
}
WITH: dict[tuple[str, str], dict[str, str]] = {
    ("ModifyInvocationAttribute", "CommandContent"): CHANGE,
    ("ModifyInvocationAttribute", "ContentEncoding"): CHANGE,
    ("RebootInstances", "BatchOptimization"): {"InstanceId.2": "i-none"},
    ("RunCommand", "Parameters"): {"EnableParameter": "true"},
    ("StartInstances", "DryRun"): {"InstanceId.2": "i-stopped002"},
    ("StopInstances", "BatchOptimization"): {"InstanceId.2": "i-none"},
    ("UntagResources", "ResourceId"): {"TagKey.1": "env"},
}
"""What must be said beside a parameter for it to count, in both worlds."""
SINGLE = {"DescribeInvocations", "DescribeInvocationResults", "RebootInstance", "StartInstance", "StopInstance"}
"""Operations whose InstanceId is one id and no list."""


def differs(action: str, name: str) -> bool:
    beside = WITH.get((action, name), {})
    return outcome(action, tuple({**beside, **said(action, name)}.items())) != outcome(action, tuple(beside.items()))


def said(action: str, name: str) -> dict[str, str]:
    if (action, name) in OTHERWISE:
        return OTHERWISE[action, name]
    if name == "InstanceId":
        return {"InstanceId" if action in SINGLE else "InstanceId.1": "i-l002"}
    return VALUES.get(name) or {name: TEXTS.get(name, "true")}


def of_kind(wanted: str) -> list[tuple[str, str]]:
    return [(action, name) for action, name, kind in KNOWN if kind == wanted]


@pytest.mark.parametrize("action", sorted(OPERATIONS))
def test_no_sdk_knows_a_parameter_that_no_list_names(action: str) -> None:
    known = PARAMETERS[action]
    listed = [*known.reads, *known.ignores, *known.refuses]

    assert len(listed) == len(set(listed))
    assert heads(of_older(action)) | heads(of_newer(action)) <= set(listed)


def test_the_lists_are_those_of_the_operations_that_are_offered() -> None:
    assert set(PARAMETERS) == set(OPERATIONS)
    assert len(KNOWN) > 300


@pytest.mark.parametrize(("action", "name"), of_kind("read"))
def test_what_is_read_changes_what_comes_of_the_call(action: str, name: str) -> None:
    assert differs(action, name)


@pytest.mark.parametrize(("action", "name"), of_kind("taken"))
def test_what_is_taken_without_effect_has_none(action: str, name: str) -> None:
    assert PARAMETERS[action].ignores[name]
    assert not differs(action, name)


@pytest.mark.parametrize(("action", "name"), of_kind("refused"))
def test_what_is_refused_is_named(action: str, name: str) -> None:
    world = EcsWorld(fleet=FLEET)

    response = world.respond(action, **said(action, name))

    document = json.loads(response.body)
    assert (response.status, document["Code"]) == (400, "UnsupportedParameter")
    assert name in document["Message"]
    assert world.respond(action, **dict.fromkeys(said(action, name), "")).status == 200 or action == "ListTagResources"


def test_a_name_that_no_sdk_knows_is_ignored() -> None:
    """As the vendor's own test of its Node.js client has it, which asks for regions with `key.1` to `key.11`."""
    world = EcsWorld(fleet=FLEET)

    answer = world.ask("DescribeRegions", **{f"key.{number}": "x" for number in range(1, 12)})

    assert answer["Regions"]["Region"]


@pytest.mark.parametrize(("action", "name"), [(action, name) for action, name, _ in KNOWN])
def test_no_known_parameter_is_strange_to_the_switch_that_refuses_others(action: str, name: str) -> None:
    world = EcsWorld(fleet=FLEET, limits=Limits(unknown_parameters="refuse"))

    document = json.loads(world.respond(action, **said(action, name)).body)

    assert "has no parameter" not in document.get("Message", "")


@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("DescribeInstances", "InstanceId.1"), ("DescribeInvocations", "InstanceId.1"),
        ("StopInvocation", "InstanceIds"), ("StartInstance", "InstanceId.1"), ("RunCommand", "Paramaters"),
        ("RunCommand", "Name.1"),
        ("ListTagResources", "PageSize"), ("DescribeRegions", "key.1"),
    ],
)  # fmt: skip
def test_a_slip_is_named_when_so_chosen(action: str, name: str) -> None:
    world = EcsWorld(fleet=FLEET, limits=Limits(unknown_parameters="refuse"))

    response = world.respond(action, **{name: "x"})

    document = json.loads(response.body)
    assert (response.status, document["Code"]) == (400, "UnsupportedParameter")
    assert name in document["Message"]


PLACES = ("query", "form", "json", "both")


@pytest.mark.parametrize("action", sorted(OPERATIONS))
def test_a_parameter_means_the_same_wherever_it_stands(action: str) -> None:
    """In the query, in a form, in a JSON body, or some here and some there."""
    answers = {place: told_in(place, action) for place in PLACES}

    assert len(answers["query"]) == len(PARAMETERS[action].reads)
    assert answers["form"] == answers["json"] == answers["both"] == answers["query"]


def told_in(place: str, action: str) -> list[Any]:
    """What a world of its own answers to one call with each of the parameters that are read."""
    world = EcsWorld(fleet=FLEET)
    words = staged(world)
    answers = []
    for name in sorted(PARAMETERS[action].reads):
        told = {**BASE.get(action, {}), **WITH.get((action, name), {}), **said(action, name)}
        parameters = {key: words.get(value, value) for key, value in told.items()}
        request = placed(place, {"RegionId": REGION, **parameters}, action, world.now_ms)
        answer = json.loads(asyncio.run(world.endpoint.handle(request)).body)
        answers.append({key: value for key, value in answer.items() if key not in ("RequestId", "Recommend")})
    return answers


def placed(place: str, parameters: dict[str, str], action: str, now_ms: int) -> Request:
    """`both`: every other parameter in a form, the rest in the query."""
    in_body = dict(list(parameters.items())[:: 2 if place == "both" else 1]) if place != "query" else {}
    in_query = {name: value for name, value in parameters.items() if name not in in_body}
    query = urlencode({"Action": action, "Version": "2014-05-26", "Format": "JSON", **in_query})
    kind, body = "application/x-www-form-urlencoded", urlencode(in_body)
    if place == "json":
        kind, body = "application/json", json.dumps(nested(in_body))
    headers = {"host": "127.0.0.1:7150", **({"content-type": kind} if in_body else {})}
    return Request("POST", "/", query, headers, body.encode() if in_body else b"", now_ms)


def nested(parameters: dict[str, str]) -> dict[str, Any]:
    """`Tag.1.Key` as an object in a list, `InstanceId.2` as an item of one."""
    document: dict[str, Any] = {}
    for name, value in parameters.items():
        head, *rest = name.split(".")
        if not rest:
            document[head] = value
        elif len(rest) == 1:
            document.setdefault(head, []).append(value)
        else:
            items = document.setdefault(head, [])
            items.extend({} for _ in range(len(items), int(rest[0])))
            items[int(rest[0]) - 1][rest[1]] = value
    return document
