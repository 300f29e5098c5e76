"""Two calls held against each other: in worlds that are alike to the last id, each is made twice.

What they answer, and what the worlds show of everything afterwards, differs or does not.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from localcloud.ecs.executor_simulated import Outcome
from localcloud.fleet import Fleet
from tests.contract.ecs.worlds import EcsWorld, group

FLEET = Fleet(
    (
        group("i-l", 14, tags={"env": "demo"}),
        group("i-w", 1, os="windows"),
        group("i-stopped", 2, status="Stopped"),
        group("i-bare", 1, agent="missing"),
        group("i-rg", 1, resource_group_id="rg-one"),
        group("i-far", 1, region="cn-beijing"),
    )
)
FIRST, GREETING = {"InstanceId.1": "i-l001"}, "ZWNobyB7e2F9fQ=="
RUN = {"Type": "RunShellScript", "CommandContent": "echo {{a}}", **FIRST}
BASE: dict[str, dict[str, str]] = {
    "CreateCommand": {"Name": "n", "Type": "RunShellScript", "CommandContent": GREETING},
    "DeleteCommand": {"CommandId": "$idle"},
    "InstallCloudAssistant": {"InstanceId.1": "i-l001"},
    "InvokeCommand": {"CommandId": "$command", "Parameters": '{"a": "1"}', **FIRST},
    "ListTagResources": {"ResourceType": "instance", **{f"ResourceId.{n}": f"i-l{n:03}" for n in range(1, 15)}},
    "ModifyCommand": {"CommandId": "$command", "Name": "renamed"},
    "ModifyInvocationAttribute": {"InvokeId": "$schedule"},
    "RebootInstance": {"InstanceId": "i-l001"},
    "RebootInstances": FIRST,
    "RunCommand": RUN,
    "StartInstance": {"InstanceId": "i-stopped001"},
    "StartInstances": {"InstanceId.1": "i-stopped001", "InstanceId.2": "i-l001"},
    "StopInstance": {"InstanceId": "i-l001"},
    "StopInstances": FIRST,
    "StopInvocation": {"InvokeId": "$schedule"},
    "TagResources": {"ResourceType": "instance", "ResourceId.1": "i-l001", "Tag.1.Key": "k"},
    "UntagResources": {"ResourceType": "instance", "ResourceId.1": "i-l001"},
}
"""Calls to which each parameter is added; elsewhere there is nothing that must be said."""


@cache
def outcome(action: str, extra: tuple[tuple[str, str], ...] = ()) -> str:
    """All that can be seen of a call made twice, and of what it leaves behind."""
    world = EcsWorld(fleet=FLEET)
    world.behave = lambda _job: Outcome(duration_ms=1_000, output=b"out")
    known = staged(world)
    told = {**BASE.get(action, {}), **dict(extra)}
    parameters = {name: known.get(value, value) for name, value in told.items()}
    answers = [answered(world, action, parameters) for _ in range(2)]
    world.advance(10)
    return json.dumps([answers, everything(world)], sort_keys=True)


def staged(world: EcsWorld) -> dict[str, str]:
    """Commands, invocations and a schedule; and the words that stand for them."""
    told = {
        "$command": world.command(b"echo {{a}}", name="c", enable_parameter=True),
        "$other": world.command(b"echo {{a}}", name="d", enable_parameter=True, description="d"),
        "$idle": world.command(name="idle"),
    }
    passed = (("a", "1"),)
    told["$run"] = world.invoke(told["$command"], "i-l001", parameters=passed)
    told["$other_run"] = world.invoke(told["$other"], "i-l003", parameters=passed)
    told["$schedule"] = world.invoke(
        told["$command"], "i-l001", "i-l003", parameters=passed, frequency="rate(1h)", tags=(("run", "s"),)
    )
    for number in range(12):
        world.command(name=f"more-{number}")
        world.run("i-l004", command_name=f"run-{number}")
    world.advance(2)
    return told


def answered(world: EcsWorld, action: str, parameters: dict[str, str]) -> Any:
    answer = json.loads(world.respond(action, **parameters).body)
    for name in ("RequestId", "Recommend"):
        answer.pop(name, None)
    return answer


def everything(world: EcsWorld) -> list[Any]:
    asked = (
        ("DescribeCommands", "50"), ("DescribeInvocations", "50"), ("DescribeInvocationResults", "50"),
        ("DescribeCloudAssistantStatus", "50"), ("DescribeInstances", "100"),
    )  # fmt: skip
    return [answered(world, action, {"PageSize": size}) for action, size in asked]
