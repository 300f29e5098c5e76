"""Instances started, stopped and booted over the wire: dry runs, batches, economical mode, and no region said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.ecs.worlds import EcsWorld

ONE = {"StartInstance": "i-stopped001", "StopInstance": "i-l001", "RebootInstance": "i-l001"}


def shown(world: EcsWorld, instance_id: str) -> tuple[str, str]:
    answer = world.ask("DescribeInstances", InstanceIds=json.dumps([instance_id]))
    (one,) = answer["Instances"]["Instance"]
    return one["Status"], one["StoppedMode"]


def rows_of(answer: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = answer["InstanceResponses"]["InstanceResponse"]
    return [(row["InstanceId"], row["PreviousStatus"], row["CurrentStatus"], row["Code"]) for row in rows]


@pytest.mark.parametrize("action", sorted(ONE))
def test_a_dry_run_that_passes_is_an_error_and_changes_nothing(world: EcsWorld, action: str) -> None:
    before = shown(world, ONE[action])

    refusal = world.refusal(action, InstanceId=ONE[action], DryRun="true")

    assert refusal == (400, "DryRunOperation")
    assert shown(world, ONE[action]) == before
    wrong = world.refusal("StartInstance", InstanceId="i-l002", DryRun="true")
    assert wrong == (403, "IncorrectInstanceStatus")


def test_a_dry_run_of_a_batch_has_a_word_of_its_own(world: EcsWorld) -> None:
    ids = {"InstanceId.1": "i-l001", "InstanceId.2": "i-stopped001"}

    whole = world.refusal("StopInstances", **ids, DryRun="true")
    first = world.refusal("StopInstances", **ids, DryRun="true", BatchOptimization="SuccessFirst")

    assert whole == (403, "IncorrectInstanceStatus")
    assert first == (400, "DRYRUN.SUCCESS")
    assert world.refusal("RebootInstances", InstanceId_1="i-l001", DryRun="true") == (400, "DRYRUN.SUCCESS")
    assert shown(world, "i-l001")[0] == "Running"


def test_of_a_batch_that_asks_for_it_each_instance_answers_for_itself(world: EcsWorld) -> None:
    ids = {"InstanceId.1": "i-l001", "InstanceId.2": "i-stopped001", "InstanceId.3": "i-none", "InstanceId.4": "i-l001"}

    together = world.refusal("StopInstances", **ids)
    each = world.ask("StopInstances", **ids, BatchOptimization="SuccessFirst")

    assert together == (404, "InvalidInstanceId.NotFound")
    assert rows_of(each) == [
        ("i-l001", "Running", "Stopping", "200"),
        ("i-stopped001", "Stopped", "Stopped", "IncorrectInstanceStatus"),
        ("i-none", "", "", "InvalidInstanceId.NotFound"),
    ]
    unknown = world.refusal("StopInstances", InstanceId_1="i-l001", BatchOptimization="Whatever")
    assert unknown == (400, "InvalidParameter")


def test_an_instance_in_a_vpc_stops_in_the_mode_that_is_said(world: EcsWorld) -> None:
    world.ask("StopInstance", InstanceId="i-l001", StoppedMode="StopCharging")
    world.ask("StopInstances", InstanceId_1="i-l002", InstanceId_2="i-classic001", StoppedMode="StopCharging")
    world.ask("StopInstance", InstanceId="i-l003", ForceStop="true", ConfirmStop="true")
    world.advance(5)

    assert [shown(world, one)[1] for one in ("i-l001", "i-l002", "i-classic001", "i-l003")] == [
        "StopCharging", "StopCharging", "KeepCharging", "KeepCharging",
    ]  # fmt: skip
    world.ask("StartInstance", InstanceId="i-l001")
    world.advance(5)
    assert shown(world, "i-l001") == ("Running", "Not-applicable")
    assert world.refusal("StopInstance", InstanceId="i-l001", StoppedMode="Sleep") == (400, "InvalidParameter")
    assert world.refusal("StopInstance", InstanceId="i-l001", Hibernate="true") == (400, "UnsupportedParameter")
    world.ask("StopInstance", InstanceId="i-l001", Hibernate="false")


@pytest.mark.parametrize("action", sorted(ONE))
def test_one_instance_needs_no_region(world: EcsWorld, action: str) -> None:
    """alibabacloud-ecs20140526 sends none with these three."""
    world.ask(action, InstanceId=ONE[action], RegionId="")

    assert shown(world, ONE[action])[0] in ("Starting", "Stopping")
    far = world.refusal(action, InstanceId="i-far001", RegionId="cn-hangzhou")
    assert far == (404, "InvalidInstanceId.NotFound")
    assert world.refusal(action, InstanceId="i-none", RegionId="") == (404, "InvalidInstanceId.NotFound")
    assert world.refusal(action, InstanceId="i-l001", RegionId="cn-nowhere") == (404, "InvalidRegionId.NotFound")


def test_without_a_region_an_instance_of_another_one_is_found_too(world: EcsWorld) -> None:
    world.ask("StopInstance", InstanceId="i-far001", RegionId="")

    status = world.ask("DescribeInstanceStatus", RegionId="cn-beijing", InstanceId_1="i-far001")
    assert status["InstanceStatuses"]["InstanceStatus"] == [{"InstanceId": "i-far001", "Status": "Stopping"}]


@pytest.mark.parametrize(
    ("language", "name"),
    [("", "华东1（杭州）"), ("zh-CN", "华东1（杭州）"), ("en-US", "China (Hangzhou)"), ("ja", "China (Hangzhou)")],
)
def test_regions_have_chinese_names_unless_told_otherwise(world: EcsWorld, language: str, name: str) -> None:
    regions = world.ask("DescribeRegions", AcceptLanguage=language, RegionId="")["Regions"]["Region"]

    assert [one["LocalName"] for one in regions if one["RegionId"] == "cn-hangzhou"] == [name]


def test_instances_are_found_by_the_security_group_of_their_network(world: EcsWorld) -> None:
    found = world.ask("DescribeInstances", SecurityGroupId="sg-classic")["Instances"]["Instance"]

    assert [one["InstanceId"] for one in found] == ["i-classic001"]
    assert found[0]["SecurityGroupIds"] == {"SecurityGroupId": ["sg-classic"]}
