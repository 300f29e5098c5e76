"""The answers against the models of the newer SDK: no key that they do not know, no type that they do not expect, and
none of their keys missing without a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from alibabacloud_ecs20140526 import models

from localcloud.ecs.api import OPERATIONS
from tests.contract.ecs.sdk_parameters import sample
from tests.contract.ecs.worlds import EcsWorld

RUN = {"Type": "RunShellScript", "CommandContent": "echo {{a}}", "EnableParameter": "true", "Parameters": '{"a": "1"}'}
NUMBERED = {"InstanceId.1": "i-l001"}
CALLS: dict[str, dict[str, str]] = {
    "CreateCommand": {"Name": "n", "Type": "RunShellScript", "CommandContent": "dHJ1ZQ=="},
    "DeleteCommand": {"CommandId": "$idle"},
    "DescribeAccountAttributes": {},
    "DescribeCloudAssistantStatus": {},
    "DescribeCommands": {"MaxResults": "1"},
    "DescribeInstanceStatus": {},
    "DescribeInstances": {"MaxResults": "10"},
    "DescribeInvocationResults": {"InvokeId": "$invocation"},
    "DescribeInvocations": {"InvokeId": "$invocation", "IncludeOutput": "true"},
    "DescribeRegions": {},
    "InstallCloudAssistant": NUMBERED,
    "InvokeCommand": {"CommandId": "$command", "Parameters": "{}", **NUMBERED},
    "ListTagResources": {"ResourceType": "instance", "ResourceId.1": "i-l001"},
    "ModifyCommand": {"CommandId": "$command", "Name": "m"},
    "ModifyInvocationAttribute": {"InvokeId": "$schedule", "Frequency": "rate(2h)"},
    "RebootInstance": {"InstanceId": "i-l001"},
    "RebootInstances": NUMBERED,
    "RunCommand": {**RUN, **NUMBERED},
    "StartInstance": {"InstanceId": "i-stopped001"},
    "StartInstances": {"InstanceId.1": "i-stopped001"},
    "StopInstance": {"InstanceId": "i-l001"},
    "StopInstances": NUMBERED,
    "StopInvocation": {"InvokeId": "$schedule"},
    "TagResources": {"ResourceType": "instance", "ResourceId.1": "i-l001", "Tag.1.Key": "k"},
    "UntagResources": {"ResourceType": "instance", "ResourceId.1": "i-l001", "All": "true"},
}
INVITED = "by AdditionalAttributes or by invitation only"
NONE_HERE = "local instances have no such thing"
ABSENT: dict[str, dict[str, str]] = {
    "DescribeInstances": {
        f"Instances.Instance.{name}": reason
        for name, reason in {
            "AdditionalInfo": INVITED,
            "ClockOptions": INVITED,
            "CpuOptions": INVITED,
            "DeploymentSetGroupNo": "only of instances in a deployment set",
            "EipAddress.Bandwidth": NONE_HERE,
            "EipAddress.IsSupportUnassociate": NONE_HERE,
            "EnableNVS": INVITED,
            "HibernationOptions": INVITED,
            "ISP": INVITED,
            "ImageOptions": INVITED,
            "LocalStorageAmount": NONE_HERE,
            "LocalStorageCapacity": NONE_HERE,
            "MetadataOptions.HttpPutResponseHopLimit": INVITED,
            "MetadataOptions.InstanceMetadataTags": INVITED,
            "PrivateDnsNameOptions": INVITED,
            "SecurityOptions": INVITED,
            "SpotDuration": "of spot instances",
            "SpotInterruptionBehavior": "of spot instances",
        }.items()
    }
}
"""By operation, keys of the model that we do not send, and why."""


def stage() -> tuple[EcsWorld, dict[str, str]]:
    """Something of everything, and the words that stand for it."""
    world = EcsWorld()
    told: dict[str, Any] = {"parameters": (("a", "1"),), "tags": (("k", "v"),)}
    words = {"$command": world.command(b"echo {{a}}", enable_parameter=True, tags=(("k", "v"),))}
    words["$schedule"] = world.invoke(words["$command"], "i-l002", frequency="rate(1h)", **told)
    words["$invocation"] = world.invoke(words["$command"], "i-l001", **told)
    world.advance(5)
    words["$idle"] = world.command(b"echo {{a}}", enable_parameter=True, tags=(("k", "v"),))
    return world, words


def answer_of(action: str) -> dict[str, Any]:
    world, words = stage()
    return world.ask(action, **{name: words.get(value, value) for name, value in CALLS[action].items()})


def paths(document: Any, at: str = "") -> Iterator[tuple[str, type]]:
    """Every key with the type of its value; items of a list stand under its path."""
    if isinstance(document, dict):
        for name, value in document.items():
            path = f"{at}.{name}" if at else name
            yield path, type(value)
            yield from paths(value, path)
    elif isinstance(document, list):
        for item in document:
            if not isinstance(item, dict):
                yield f"{at}[]", type(item)
            yield from paths(item, at)


def model_of(action: str) -> dict[str, type]:
    return dict(paths(sample(getattr(models, f"{action}ResponseBody")).to_map()))


def above(path: str) -> str:
    """The path that `path` is a part of; "": none."""
    return path.removesuffix("[]") if path.endswith("[]") else path.rpartition(".")[0]


def test_every_operation_is_asked() -> None:
    assert set(CALLS) == set(OPERATIONS)


@pytest.mark.parametrize("action", sorted(CALLS))
def test_an_answer_has_the_keys_and_types_of_the_model(action: str) -> None:
    known = model_of(action)

    sent = list(paths(answer_of(action)))

    assert [path for path, _ in sent if path not in known] == []
    assert [(path, kind, known[path]) for path, kind in sent if known[path] is not kind] == []


@pytest.mark.parametrize("action", sorted(CALLS))
def test_what_the_model_has_and_we_do_not_send_has_a_reason(action: str) -> None:
    sent = {path for path, _ in paths(answer_of(action))}

    filled = {above(path) for path in sent} | {""}
    missing = {path for path in model_of(action) if path not in sent and above(path) in filled}

    assert missing == set(ABSENT.get(action, {}))


@pytest.mark.parametrize("action", sorted(CALLS))
def test_an_answer_survives_the_model(action: str) -> None:
    answer = answer_of(action)

    read = getattr(models, f"{action}ResponseBody")().from_map(json.loads(json.dumps(answer)))

    assert read.to_map() == answer
