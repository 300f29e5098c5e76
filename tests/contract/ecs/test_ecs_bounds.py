"""Every range, length and default of the operations: a call at each end, one beyond it, and one that says the default.

Sources: those of localcloud/ecs/limits.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from tests.contract.ecs.twins import GREETING, outcome
from tests.contract.ecs.worlds import EcsWorld, ids, numbered

Refused = tuple[int, str]
Says = Callable[[int], dict[str, str]]
CREATE = {"Name": "n", "Type": "RunShellScript", "CommandContent": GREETING}
TARGET = {"InstanceId_1": "i-l001"}
RUN = {"Type": "RunShellScript", "CommandContent": "true"}
RUN_ONE = {**RUN, **TARGET}
INVOKE_ONE = {"CommandId": "$plain", **TARGET}
TAGGING = {"ResourceType": "instance", "ResourceId_1": "i-l001"}
PAGE_CODES = ("InvalidParam.PageNumber", "InvalidParam.PageSize")
PAGED = ("DescribeCommands", "DescribeInvocations", "DescribeInvocationResults", "DescribeCloudAssistantStatus")


@dataclass(frozen=True)
class Bound:
    """A range of a number, or of how long or how many something is. None: no end, or none that can be passed."""

    action: str
    what: str
    base: Mapping[str, str]
    says: Says
    low: int | None
    high: int | None
    below: Refused | None = None
    above: Refused | None = None


def text(name: str) -> Says:
    return lambda length: {name: "x" * length}


def number(name: str) -> Says:
    return lambda value: {name: str(value)}


def many(name: str) -> Says:
    return lambda count: numbered(name, ids(count))


def tagged(name: str = "Tag") -> Says:
    return lambda count: {f"{name}_{index}_Key": f"k{index}" for index in range(1, count + 1)}


def key_of(name: str = "Tag") -> Says:
    return lambda length: {f"{name}_1_Key": "k" * length}


def value_of(name: str = "Tag", key: str = "k") -> Says:
    return lambda length: {f"{name}_1_Key": key, f"{name}_1_Value": "v" * length}


def passed(count: int) -> dict[str, str]:
    return {"Parameters": json.dumps({f"p{index}": "" for index in range(1, count + 1)})}


def passed_name(length: int) -> dict[str, str]:
    return {"Parameters": json.dumps({"p" * length: ""})}


def defined(count: int) -> dict[str, str]:
    places = "".join(f"{{{{p{index}}}}}" for index in range(1, count + 1))
    return {"CommandContent": places or "true", "EnableParameter": "true", "Parameters": "{}"}


def defined_name(length: int) -> dict[str, str]:
    return {"CommandContent": "{{" + "p" * length + "}}", "EnableParameter": "true", "Parameters": "{}"}


def content(length: int) -> dict[str, str]:
    return {"CommandContent": "x" * length}


def rate(seconds: int) -> dict[str, str]:
    return {"Frequency": f"rate({seconds}s)"}


def cron_seconds(step: int) -> dict[str, str]:
    return {"Frequency": f"*/{step} * * * * ?"}


def ids_in_json(count: int) -> dict[str, str]:
    return {"InstanceIds": json.dumps(ids(count))}


def command_bounds(action: str, base: Mapping[str, str]) -> list[Bound]:
    """What CreateCommand, ModifyCommand and RunCommand have alike."""
    timeout = (403, "InvalidTimeout.ExceedLimit")
    low = 1 if action == "CreateCommand" else 0
    missing = (400, "MissingParameter") if action == "CreateCommand" else None
    return [
        Bound(action, "Name", base, text("Name"), low, 128, missing, (403, "CmdName.ExceedLimit")),
        Bound(action, "Description", base, text("Description"), 0, 512, None, (403, "CmdDesc.ExceedLimit")),
        Bound(action, "Timeout", base, number("Timeout"), 10, 86_400, timeout, timeout),
        *text_bounds(action, base),
    ]


def text_bounds(action: str, base: Mapping[str, str]) -> list[Bound]:
    launcher = (403, "InvalidLauncher.LengthLimitExceeded")
    return [
        Bound(action, "WorkingDir", base, text("WorkingDir"), 0, 200, None, (400, "InvalidParameter.WorkingDir")),
        Bound(action, "Launcher", base, text("Launcher"), 0, 1_024, None, launcher),
    ]


def tag_bounds(action: str, base: Mapping[str, str], key_max: int = 64) -> list[Bound]:
    malformed = (400, "InvalidTagKey.Malformed")
    bad_value = (400, "InvalidTagValue.Malformed")
    return [
        Bound(action, "Tag", base, tagged(), 1, 20, None, (400, "NumberExceed.Tags")),
        Bound(action, "Tag.N.Key", base, key_of(), 1, key_max, None, malformed),
        Bound(action, "Tag.N.Value", base, value_of(), 0, 128, None, bad_value),
    ]


def token_bound(action: str, base: Mapping[str, str]) -> Bound:
    malformed = (400, "InvalidClientToken.Malformed")
    return Bound(action, "ClientToken", base, text("ClientToken"), 0, 64, None, malformed)


def invocation_bounds(action: str, base: Mapping[str, str], bare: Mapping[str, str]) -> list[Bound]:
    """What InvokeCommand and RunCommand have alike. `bare`: without a target."""
    timeout = (403, "InvalidTimeout.ExceedLimit")
    password = (403, "WindowsPasswordName.ExceedLimit")
    frequency = (400, "InvalidParam.Frequency")
    bad_key, bad_value = (400, "InvalidResourceTagKey.Malformed"), (400, "InvalidResourceTagValue.Malformed")
    return [
        Bound(action, "InstanceId", bare, many("InstanceId"), 1, 100, (400, "MissingParam.InstanceId"),
              (403, "InstanceIds.ExceedLimit")),
        Bound(action, "ResourceTag", bare, wide_tags, 1, 10, (400, "MissingParam.InstanceId"),
              (400, "NumberExceed.ResourceTags")),
        Bound(action, "ResourceTag.N.Key", bare, key_of("ResourceTag"), 1, 64, None, bad_key),
        Bound(action, "ResourceTag.N.Value", bare, value_of("ResourceTag", "t1"), 0, 128, None, bad_value),
        Bound(action, "Username", base, text("Username"), 0, 255, None, (403, "Username.ExceedLimit")),
        Bound(action, "WindowsPasswordName", base, text("WindowsPasswordName"), 0, 255, None, password),
        Bound(action, "Timeout", base, number("Timeout"), 10, 86_400, timeout, timeout),
        Bound(action, "rate", {**base, "Timeout": "10"}, rate, 60, 7 * 86_400, frequency, frequency),
        Bound(action, "rate beside Timeout", {**base, "Timeout": "100"}, rate, 101, None, frequency),
        Bound(action, "cron", {**base, "Timeout": "10"}, cron_seconds, 10, None, frequency),
        Bound(action, "cron beside Timeout", {**base, "Timeout": "20"}, cron_seconds, 20, None, frequency),
        *text_bounds(action, base),
        *tag_bounds(action, base),
        token_bound(action, base),
    ]  # fmt: skip


def wide_tags(count: int) -> dict[str, str]:
    """That one instance of the stage has."""
    return {f"ResourceTag_{index}_Key": f"t{index}" for index in range(1, count + 1)}


def page_bounds(action: str, high: int, codes: tuple[str, str] = PAGE_CODES) -> list[Bound]:
    page, size = (400, codes[0]), (400, codes[1])
    return [
        Bound(action, "PageNumber", {}, number("PageNumber"), 1, None, page),
        Bound(action, "PageSize", {}, number("PageSize"), 1, high, size, size),
    ]


def token_page_bounds(action: str) -> list[Bound]:
    refused = (400, "InvalidParameter.MaxResults")
    return [Bound(action, "MaxResults", {}, number("MaxResults"), 1, 50, refused, refused)]


MODIFY = {"CommandId": "$plain"}
SCHEDULE = {"InvokeId": "$schedule"}
PARAMETERS = {"CommandId": "$twenty", **TARGET}
INSTANCE_PAGES = ("InvalidParameter", "InvalidParameter")
MISSING = (400, "MissingParameter")
NO_IDS = (403, "InvalidInstanceId.NotFound")
BOUNDS: list[Bound] = [
    *command_bounds("CreateCommand", CREATE),
    *tag_bounds("CreateCommand", CREATE),
    token_bound("CreateCommand", CREATE),
    Bound("CreateCommand", "CommandContent", {**CREATE, "ContentEncoding": "PlainText"}, content, 1, 18_432, MISSING,
          (403, "CmdContent.ExceedLimit")),
    *command_bounds("ModifyCommand", MODIFY),
    *command_bounds("RunCommand", RUN_ONE),
    *invocation_bounds("RunCommand", RUN_ONE, RUN),
    *invocation_bounds("InvokeCommand", INVOKE_ONE, {"CommandId": "$plain"}),
    Bound("RunCommand", "CommandContent", RUN_ONE, content, 1, 18_432, MISSING, (403, "CmdContent.ExceedLimit")),
    Bound("RunCommand", "custom parameters", RUN_ONE, defined, 0, 20, None, (403, "CmdParamCount.ExceedLimit")),
    Bound("RunCommand", "a custom parameter's name", RUN_ONE, defined_name, 1, 64, (400, "CmdParam.EmptyKey"),
          (403, "CmdParamName.ExceedLimit")),
    Bound("InvokeCommand", "Parameters", PARAMETERS, passed, 0, 10, None, (403, "ParameterCount.ExceedLimit")),
    Bound("InvokeCommand", "a name in Parameters", {"CommandId": "$long", **TARGET}, passed_name, None, 64, None,
          (403, "ParameterKey.ExceedLimit")),
    Bound("StopInvocation", "InstanceId", {"InvokeId": "$wide"}, many("InstanceId"), 0, 50, None,
          (403, "InstanceIds.ExceedLimit")),
    Bound("InstallCloudAssistant", "InstanceId", {}, many("InstanceId"), 1, 50, (400, "MissingParam.InstanceId"),
          (403, "InstanceIds.ExceedLimit")),
    Bound("ModifyInvocationAttribute", "InstanceId", SCHEDULE, many("InstanceId"), 0, 100, None,
          (403, "InvalidInstanceId.CountLimitExceeded")),
    Bound("ModifyInvocationAttribute", "CommandContent", SCHEDULE, content, 0, 18_432, None,
          (403, "InvalidCommandContent.LengthLimitExceeded")),
    Bound("ModifyInvocationAttribute", "rate", SCHEDULE, rate, 61, 7 * 86_400, (400, "InvalidParameter.Frequency"),
          (400, "InvalidParameter.Frequency")),
    token_bound("ModifyInvocationAttribute", SCHEDULE),
    *[bound for action in PAGED for bound in (*page_bounds(action, 50), *token_page_bounds(action))],
    *page_bounds("DescribeInstances", 100, INSTANCE_PAGES),
    *page_bounds("DescribeInstanceStatus", 50, INSTANCE_PAGES),
    *tag_bounds("DescribeCommands", {}),
    *tag_bounds("DescribeInvocations", {}),
    *tag_bounds("DescribeInvocationResults", {}),
    Bound("DescribeCommands", "Name", {}, text("Name"), 0, 128, None, (403, "InvalidName.LengthLimitExceeded")),
    Bound("DescribeCommands", "Description", {}, text("Description"), 0, 512, None,
          (403, "InvalidDescription.LengthLimitExceeded")),
    Bound("DescribeCloudAssistantStatus", "InstanceId", {}, many("InstanceId"), 0, 100, None,
          (403, "InstanceIds.ExceedLimit")),
    Bound("DescribeInstances", "InstanceIds", {}, ids_in_json, 0, 100, None, (400, "InvalidParameter")),
    Bound("DescribeInstances", "Tag", {}, tagged(), 0, 20, None, (400, "InvalidTagCount")),
    Bound("DescribeInstanceStatus", "InstanceId", {}, many("InstanceId"), 0, 100, None,
          (403, "InvalidParameter.TooManyInstanceIds")),
    Bound("DescribeAccountAttributes", "AttributeName", {}, many("AttributeName"), 0, 8, None,
          (400, "InvalidParameter")),
    Bound("StartInstances", "InstanceId", {"BatchOptimization": "SuccessFirst"}, many("InstanceId"), 1, 100, NO_IDS,
          (403, "InvalidParameter.TooManyInstanceIds")),
    Bound("StopInstances", "InstanceId", {}, many("InstanceId"), 1, 100, NO_IDS,
          (403, "InvalidParameter.TooManyInstanceIds")),
    Bound("RebootInstances", "InstanceId", {}, many("InstanceId"), 1, 100, NO_IDS,
          (403, "InvalidParameter.TooManyInstanceIds")),
    Bound("TagResources", "Tag", {"ResourceType": "instance", "ResourceId_1": "i-classic001"}, tagged(), 1, 20,
          (404, "MissingParameter.Tags"), (400, "NumberExceed.Tags")),
    Bound("TagResources", "tags of a resource", TAGGING, tagged(), 1, 18, None, (400, "OperationDenied.QuotaExceed")),
    Bound("TagResources", "Tag.N.Key", TAGGING, key_of(), 1, 128, None, (400, "InvalidTagKey.Malformed")),
    Bound("TagResources", "Tag.N.Value", TAGGING, value_of(), 0, 128, None, (400, "InvalidTagValue.Malformed")),
    Bound("TagResources", "ResourceId", {"ResourceType": "instance", "Tag_1_Key": "k"}, many("ResourceId"), 1, 50,
          (404, "MissingParameter.ResourceIds"), (400, "NumberExceed.ResourceIds")),
    Bound("UntagResources", "ResourceId", {"ResourceType": "instance", "All": "true"}, many("ResourceId"), 1, 50,
          (404, "MissingParameter.ResourceIds"), (400, "NumberExceed.ResourceIds")),
    Bound("UntagResources", "TagKey", TAGGING, many("TagKey"), 0, 20, None,
          (400, "NumberExceed.Tags")),
    Bound("ListTagResources", "ResourceId", {"ResourceType": "instance"}, many("ResourceId"), 1, 50,
          (403, "BothEmpty.TagsAndResources"), (400, "NumberExceed.ResourceIds")),
    Bound("ListTagResources", "Tag", {"ResourceType": "instance"}, tagged(), 1, 20, None, (400, "NumberExceed.Tags")),
]  # fmt: skip
EDGES = [
    (bound, value, refused)
    for bound in BOUNDS
    for value, refused in (
        (bound.low, None),
        (bound.high, None),
        (None if bound.low is None or bound.below is None else bound.low - 1, bound.below),
        (None if bound.high is None or bound.above is None else bound.high + 1, bound.above),
    )
    if value is not None
]


def stage() -> tuple[EcsWorld, dict[str, str]]:
    """Commands to invoke, invocations to stop and to change, and instances with long and with many tags."""
    world = EcsWorld()
    places = "".join(f"{{{{p{index}}}}}" for index in range(1, 21)).encode()
    words = {
        "$plain": world.command(),
        "$twenty": world.command(places, enable_parameter=True),
        "$long": world.command(b"{{" + b"p" * 64 + b"}}", enable_parameter=True),
        "$wide": world.run(*ids(100)),
        "$schedule": world.run("i-l001", frequency="rate(1h)"),
    }
    tagging: tuple[tuple[str, dict[str, str]], ...] = (
        ("i-l120", {f"Tag_{index}_Key": f"t{index}" for index in range(1, 11)}),
        ("i-l119", {"Tag_1_Key": "k", "Tag_2_Key": "k" * 64, "Tag_3_Key": "t1", "Tag_3_Value": "v" * 128}),
    )
    for instance_id, tags in tagging:
        world.ask("TagResources", ResourceType="instance", ResourceId_1=instance_id, **tags)
    return world, words


@pytest.mark.parametrize(
    ("bound", "value", "refused"),
    [pytest.param(*edge, id=f"{edge[0].action} {edge[0].what} {edge[1]}") for edge in EDGES],
)
def test_a_bound_is_kept_at_both_ends(bound: Bound, value: int, refused: Refused | None) -> None:
    world, words = stage()
    told = {name: words.get(said, said) for name, said in {**bound.base, **bound.says(value)}.items()}

    response = world.respond(bound.action, **told)

    document = json.loads(response.body)
    assert (response.status, document.get("Code")) == (refused or (200, None)), document.get("Message")


DEFAULTS: list[tuple[str, dict[str, str], dict[str, str]]] = [
    *[("CreateCommand", {}, {"ContentEncoding": said}) for said in ("Base64", "base64", "morse")],
    ("CreateCommand", {}, {"Timeout": "60"}),
    ("CreateCommand", {}, {"EnableParameter": "false"}),
    ("CreateCommand", {}, {"WorkingDir": "/root"}),
    *[("RunCommand", {}, {"ContentEncoding": said}) for said in ("PlainText", "PLAINtext", "morse")],
    ("RunCommand", {}, {"Timeout": "60"}),
    ("RunCommand", {}, {"EnableParameter": "false"}),
    ("RunCommand", {}, {"KeepCommand": "false"}),
    ("RunCommand", {}, {"RepeatMode": "Once"}),
    ("RunCommand", {}, {"TerminationMode": "Process"}),
    ("RunCommand", {}, {"Username": "root"}),
    ("RunCommand", {}, {"WorkingDir": "/root"}),
    *[
        ("RunCommand", {"Frequency": "rate(1h)"}, {"RepeatMode": said})
        for said in ("Period", "Once", "EveryReboot", "DryRun", "Whatever")
    ],
    ("InvokeCommand", {}, {"Timeout": "60"}),
    ("InvokeCommand", {}, {"RepeatMode": "Once"}),
    ("InvokeCommand", {}, {"TerminationMode": "Process"}),
    *[
        ("ModifyInvocationAttribute", {"CommandContent": GREETING}, {"ContentEncoding": said})
        for said in ("PlainText", "plaintext", "morse")
    ],
    *[(action, {}, {"MaxResults": "10"}) for action in (*PAGED, "DescribeInstances")],
    *[
        (action, {"PageNumber": "1"}, {"PageSize": "10"})
        for action in (*PAGED, "DescribeInstances", "DescribeInstanceStatus")
    ],
    *[
        (action, {"PageSize": "3"}, {"PageNumber": "1"})
        for action in (*PAGED, "DescribeInstances", "DescribeInstanceStatus")
    ],
    *[
        (action, {}, {"ContentEncoding": "Base64"})
        for action in ("DescribeCommands", "DescribeInvocations", "DescribeInvocationResults")
    ],
    ("DescribeInvocations", {"InstanceId": "i-l001"}, {"IncludeOutput": "false"}),
    ("DescribeInvocationResults", {}, {"IncludeHistory": "false"}),
    ("DescribeInstances", {}, {"DryRun": "false"}),
    ("DescribeRegions", {}, {"AcceptLanguage": "zh-CN"}),
    ("UntagResources", {}, {"All": "false"}),
    *[(action, {}, {"DryRun": "false"}) for action in ("StartInstance", "StopInstance", "RebootInstance")],
    *[
        (action, {}, {"DryRun": "false", "BatchOptimization": "AllTogether"})
        for action in ("StartInstances", "StopInstances", "RebootInstances")
    ],
    *[(action, {}, {"StoppedMode": "KeepCharging"}) for action in ("StopInstance", "StopInstances")],
]
"""Operation, what is said anyway, and what means the same as nothing."""


@pytest.mark.parametrize(("action", "beside", "default"), DEFAULTS)
def test_a_default_is_what_it_is_said_to_be(action: str, beside: dict[str, str], default: dict[str, str]) -> None:
    said = outcome(action, tuple({**beside, **default}.items()))

    assert said == outcome(action, tuple(beside.items()))
