"""Every parameter that an SDK can send: it changes what comes of a call, is known to change nothing, or is refused."""

from __future__ import annotations

import json

import pytest

from localcloud.ecs.api import OPERATIONS
from localcloud.ecs.limits import Limits
from localcloud.ecs.parameters import PARAMETERS, kinds
from tests.contract.ecs.sdk_parameters import heads, of_newer, of_older
from tests.contract.ecs.twins import FLEET, outcome
from tests.contract.ecs.worlds import EcsWorld

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
