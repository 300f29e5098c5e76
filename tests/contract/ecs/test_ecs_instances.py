"""Instances: described, selected, started, stopped, booted; their agents; their tags."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from localcloud.ecs.executor_simulated import Outcome
from localcloud.ecs.limits import STRICT
from localcloud.fleet import Fleet, Group
from tests.contract.ecs.worlds import REGION, EcsWorld, group, ids, numbered


def found(world: EcsWorld, **parameters: str) -> list[str]:
    answer = world.ask("DescribeInstances", MaxResults="100", **parameters)
    return [one["InstanceId"] for one in answer["Instances"]["Instance"]]


def status(world: EcsWorld, instance_id: str = "i-l001") -> str:
    (row,) = world.ask("DescribeInstanceStatus", InstanceId_1=instance_id)["InstanceStatuses"]["InstanceStatus"]
    return str(row["Status"])


def agent(world: EcsWorld, instance_id: str = "i-l001") -> dict[str, Any]:
    answer = world.ask("DescribeCloudAssistantStatus", InstanceId_1=instance_id)
    (row,) = answer["InstanceCloudAssistantStatusSet"]["InstanceCloudAssistantStatus"]
    return dict(row)


# -- selecting --------------------------------------------------------------------------------------------------------
def test_instances_are_found_by_each_filter(world: EcsWorld) -> None:
    assert found(world, InstanceIds=json.dumps(["i-l002", "i-none", "i-l001"])) == ["i-l001", "i-l002"]
    assert found(world, InstanceIds=json.dumps(["i-l001", "i-classic001"]), Tag_1_Key="env") == ["i-l001"]
    assert found(world, Status="Stopped") == ["i-stopped001"]
    assert found(world, InstanceNetworkType="classic") == ["i-classic001"]
    assert found(world, VpcId="vpc-none") == []
    assert found(world, ResourceGroupId="rg-one") == ["i-rg001"]
    assert found(world, InstanceName="l-00*") == list(ids(9))
    assert found(world, InstanceName="l-0*9") == [f"i-l0{tens}9" for tens in range(10)]
    assert found(world, InstanceName="l-001") == ["i-l001"]
    assert found(world, ZoneId="cn-hangzhou-x") == []
    assert found(world, Tag_1_Key="env", Tag_1_Value="demo", Tag_2_Key="role", Tag_2_Value="none") == []
    assert found(world, RegionId="cn-beijing") == ["i-far001"]
    assert found(world, PrivateIpAddresses='["10.0.0.2"]') == ["i-l002"]
    assert found(world, InnerIpAddresses='["10.0.0.2", "10.0.0.126"]') == ["i-classic001"]
    assert found(world, PublicIpAddresses='["10.0.0.2"]') == []
    assert found(world, InstanceTypeFamily="ecs.c7") == []
    assert found(world, InstanceChargeType="PostPaid", Status="Stopped") == ["i-stopped001"]


@pytest.mark.parametrize(
    ("parameters", "refusal"),
    [
        ({"InstanceIds": "i-l001"}, (400, "InvalidParameter")),
        ({"InstanceIds": json.dumps(ids(101))}, (400, "InvalidParameter")),
        ({"Status": "running"}, (404, "InvalidStatus.NotFound")),
        ({"InstanceNetworkType": "VPC"}, (404, "InvalidNetworkType.NotFound")),
        ({"ZoneId": "nowhere"}, (404, "InvalidZoneId.NotFound")),
        ({"Tag.1.Value": "demo"}, (400, "InvalidTag.Mismatch")),
        ({"KeyPairName": "mine"}, (400, "UnsupportedParameter")),
        ({"Filter.1.Key": "ExpiredStartTime"}, (400, "UnsupportedParameter")),
        ({"DryRun": "true"}, (400, "DryRunOperation")),
        ({"RegionId": "cn-nowhere"}, (404, "InvalidRegionId.NotFound")),
        ({"RegionId": ""}, (400, "MissingParameter")),
        ({"PageSize": "101"}, (400, "InvalidParameter")),
    ],
)
def test_bad_filters_are_refused(world: EcsWorld, parameters: dict[str, str], refusal: tuple[int, str]) -> None:
    assert world.refusal("DescribeInstances", **parameters) == refusal


def test_the_size_of_a_page_is_bent_into_10_to_100(world: EcsWorld) -> None:
    sizes = [
        len(world.ask("DescribeInstances", MaxResults=size)["Instances"]["Instance"])
        for size in ("1", "10", "50", "100", "1000")
    ]

    assert sizes == [10, 10, 50, 100, 100]
    assert len(world.ask("DescribeInstances")["Instances"]["Instance"]) == 10


def test_by_tag_no_more_than_a_thousand_are_shown() -> None:
    world = EcsWorld(fleet=Fleet((Group(name="n-{number}", count=1_002, tags={"env": "big"}),)))

    assert world.ask("DescribeInstances", Tag_1_Key="env")["TotalCount"] == 1_000
    assert world.ask("DescribeInstances")["TotalCount"] == 1_002


def test_an_instance_and_its_agent_spell_its_system_differently(world: EcsWorld) -> None:
    (shown,) = world.ask("DescribeInstances", InstanceIds='["i-w001"]')["Instances"]["Instance"]

    assert (shown["OSType"], agent(world, "i-w001")["OSType"]) == ("windows", "Windows")
    assert shown["VpcAttributes"]["VpcId"] == "vpc-local"
    assert shown["Tags"] == {"Tag": [{"TagKey": "env", "TagValue": "demo"}]}
    (classic,) = world.ask("DescribeInstances", InstanceIds='["i-classic001"]')["Instances"]["Instance"]
    assert classic["VpcAttributes"]["PrivateIpAddress"] == {"IpAddress": []}


def test_instance_status_pages_by_number_only(world: EcsWorld) -> None:
    page = world.ask("DescribeInstanceStatus", PageNumber="2", PageSize="50")

    assert len(page["InstanceStatuses"]["InstanceStatus"]) == 50
    assert (page["TotalCount"], "NextToken" in page) == (127, False)
    many = world.refusal("DescribeInstanceStatus", **numbered("InstanceId", ids(101)))
    assert many == (403, "InvalidParameter.TooManyInstanceIds")
    assert world.refusal("DescribeInstanceStatus", PageSize="51") == (400, "InvalidParameter")


# -- agents -----------------------------------------------------------------------------------------------------------
def test_agents_are_online_offline_or_missing(world: EcsWorld) -> None:
    online, offline, missing = agent(world), agent(world, "i-silent001"), agent(world, "i-bare001")

    assert (online["CloudAssistantStatus"], offline["CloudAssistantStatus"]) == ("true", "false")
    assert (missing["CloudAssistantStatus"], missing["CloudAssistantVersion"]) == ("false", "")
    assert offline["CloudAssistantVersion"] == online["CloudAssistantVersion"] != ""
    assert (offline["LastHeartbeatTime"], missing["LastHeartbeatTime"]) == ("2025-12-31T23:00:00Z", "")


def test_the_status_can_be_a_boolean_when_so_chosen() -> None:
    assert agent(EcsWorld(limits=replace(STRICT, status_as_boolean=True)))["CloudAssistantStatus"] is True


def test_a_lost_agent_seems_online_for_two_minutes(world: EcsWorld) -> None:
    world.service.set_agent("i-l001", "offline")

    world.advance(59)
    assert agent(world)["CloudAssistantStatus"] == "true"
    world.advance(121)

    assert agent(world)["CloudAssistantStatus"] == "false"
    world.service.set_agent("i-l001", "online")
    assert agent(world)["CloudAssistantStatus"] == "true"


def test_one_unknown_id_fails_the_whole_call(world: EcsWorld) -> None:
    refused = world.refusal("DescribeCloudAssistantStatus", InstanceId_1="i-l001", InstanceId_2="i-none")

    assert refused == (404, "InvalidInstance.NotFound")
    many = world.refusal("DescribeCloudAssistantStatus", **numbered("InstanceId", ids(101)))
    assert many == (403, "InstanceIds.ExceedLimit")


def test_with_ids_max_results_has_no_effect_but_the_default_page_has(world: EcsWorld) -> None:
    def count(**parameters: str) -> int:
        answer = world.ask("DescribeCloudAssistantStatus", **numbered("InstanceId", ids(60)), **parameters)
        return len(answer["InstanceCloudAssistantStatusSet"]["InstanceCloudAssistantStatus"])

    assert (count(), count(PageSize="50"), count(MaxResults="20")) == (10, 50, 60)


def test_an_agent_counts_its_tasks(world: EcsWorld) -> None:
    world.run("i-l001")
    world.run("i-l001")
    world.advance(0)
    busy = agent(world)
    world.advance(5)

    assert (busy["ActiveTaskCount"], agent(world)["ActiveTaskCount"], agent(world)["InvocationCount"]) == (2, 0, 2)
    assert agent(world)["LastInvokedTime"] == "2026-01-01T00:00:00Z"


def test_a_task_for_an_agent_that_has_just_died_is_not_delivered(world: EcsWorld) -> None:
    world.service.set_agent("i-l001", "offline")
    world.service.set_agent("i-l002", "offline")
    invoke_id = world.run(*ids(2))

    world.advance(30)
    world.service.set_agent("i-l002", "online")
    world.advance(30)

    assert world.statuses(invoke_id) == ["Aborted", "Success"]
    assert world.row(invoke_id).error_code == "DeliveryTimeout"


def test_an_end_that_nobody_hears_is_lost_after_a_while(world: EcsWorld) -> None:
    world.behave = lambda _job: Outcome(duration_ms=20_000)
    invoke_id = world.run(*ids(2), timeout_s=30)
    world.advance(10)
    for instance_id in ids(2):
        world.service.set_agent(instance_id, "offline")

    world.advance(15)
    world.service.set_agent("i-l001", "online")
    world.advance(10)
    world.service.set_agent("i-l002", "online")
    assert world.statuses(invoke_id) == ["Success", "Running"]
    world.advance(60)

    assert (world.row(invoke_id, "i-l002").status, world.row(invoke_id, "i-l002").error_code) == (
        "Error",
        "ClientNotResponse",
    )


def test_an_agent_is_installed_by_the_next_boot(world: EcsWorld) -> None:
    world.ask("InstallCloudAssistant", InstanceId_1="i-bare001")
    assert agent(world, "i-bare001")["CloudAssistantStatus"] == "false"

    world.ask("RebootInstance", InstanceId="i-bare001")
    world.advance(10)

    assert agent(world, "i-bare001")["CloudAssistantStatus"] == "true"
    many = world.refusal("InstallCloudAssistant", **numbered("InstanceId", ids(51)))
    assert many == (403, "InstanceIds.ExceedLimit")


# -- power ------------------------------------------------------------------------------------------------------------
def test_an_instance_stops_and_starts_through_its_transitions(world: EcsWorld) -> None:
    seen = [status(world)]
    world.ask("StopInstance", InstanceId="i-l001")
    seen.append(status(world))
    world.advance(1)
    seen.append(status(world))
    world.ask("StartInstances", InstanceId_1="i-l001")
    seen.append(status(world))
    world.advance(2)
    seen.append(status(world))

    assert seen == ["Running", "Stopping", "Stopped", "Starting", "Running"]


def test_a_transition_needs_the_right_status_and_all_instances_or_none(world: EcsWorld) -> None:
    assert world.refusal("StartInstance", InstanceId="i-l001") == (403, "IncorrectInstanceStatus")
    assert world.refusal("RebootInstance", InstanceId="i-stopped001") == (403, "IncorrectInstanceStatus")
    assert world.refusal("StopInstance", InstanceId="i-none") == (404, "InvalidInstanceId.NotFound")

    refused = world.refusal("StopInstances", InstanceId_1="i-l001", InstanceId_2="i-stopped001")

    assert refused == (403, "IncorrectInstanceStatus")
    assert status(world) == "Running"


@pytest.mark.parametrize(
    ("happens", "end"),
    [
        ("StopInstance", ("Error", "ExecutionInterrupted")),
        ("RebootInstance", ("Error", "InstanceRestarted")),
        ("release", ("Error", "InstanceReleased")),
        ("uninstall", ("Error", "ClientRestarted")),
    ],
)
def test_what_runs_on_an_instance_ends_with_it(world: EcsWorld, happens: str, end: tuple[str, str]) -> None:
    world.behave = lambda _job: Outcome(duration_ms=30_000, output=b"so far")
    invoke_id = world.run(*ids(2))
    world.advance(2)

    if happens == "release":
        world.service.remove_instance("i-l001")
    elif happens == "uninstall":
        world.service.set_agent("i-l001", "missing")
    else:
        world.ask(happens, InstanceId="i-l001")
    row = world.row(invoke_id)
    world.advance(60)

    assert (row.status, row.error_code) == end
    assert row.output == b"so far"
    assert world.row(invoke_id) == row
    assert world.row(invoke_id, "i-l002").status == "Success"


def test_a_new_instance_can_be_added_and_used(world: EcsWorld) -> None:
    (instance_id,) = world.service.add_instance(group("i-new", 1, tags={"env": "late"}))

    invoke_id = world.run(resource_tags=(("env", "late"),))
    world.advance(2)

    assert world.row(invoke_id, instance_id).status == "Success"


def test_a_fleet_begins_with_instances_on_their_way() -> None:
    world = EcsWorld(fleet=Fleet((group("i-a", 1, status="Starting"), group("i-b", 1, status="Stopping"))))

    world.advance(5)

    assert (status(world, "i-a001"), status(world, "i-b001")) == ("Running", "Stopped")
    assert agent(world, "i-a001")["CloudAssistantStatus"] == "true"


# -- tags -------------------------------------------------------------------------------------------------------------
def test_resources_are_tagged_untagged_and_found_by_tag(world: EcsWorld) -> None:
    invoke_id, command_id = world.run("i-l001"), world.command()
    for kind, one in (("instance", "i-l001"), ("invocation", invoke_id), ("command", command_id)):
        world.ask("TagResources", ResourceType=kind, ResourceId_1=one, Tag_1_Key="k", Tag_1_Value="v")

    assert found(world, Tag_1_Key="k", Tag_1_Value="v") == ["i-l001"]
    assert world.ask("DescribeInvocations", Tag_1_Key="k")["TotalCount"] == 1
    assert world.ask("DescribeCommands", Tag_1_Key="k")["TotalCount"] == 1
    listed = world.ask("ListTagResources", ResourceType="instance", ResourceId_1="i-l001")["TagResources"]
    assert {(one["TagKey"], one["TagValue"]) for one in listed["TagResource"]} == {
        ("env", "demo"),
        ("role", "web"),
        ("k", "v"),
    }
    world.ask("UntagResources", ResourceType="instance", ResourceId_1="i-l001", TagKey_1="env")
    assert "i-l001" not in found(world, Tag_1_Key="env", InstanceIds='["i-l001"]')
    world.ask("UntagResources", ResourceType="instance", ResourceId_1="i-l001", All="true")

    assert world.service.instances.get(REGION, "i-l001").tags == {}
    assert found(world, Tag_1_Key="k") == []


@pytest.mark.parametrize(
    ("parameters", "refusal"),
    [
        ({}, (404, "MissingParameter.ResourceType")),
        ({"ResourceType": "cloud"}, (404, "InvalidResourceType.NotFound")),
        ({"ResourceType": "instance"}, (404, "MissingParameter.ResourceIds")),
        ({"ResourceType": "instance", "ResourceId.1": "i-none"}, (404, "InvalidResourceId.NotFound")),
        ({"ResourceType": "instance", "ResourceId.1": "i-l001"}, (404, "MissingParameter.Tags")),
        (
            {"ResourceType": "instance", **{f"ResourceId.{n}": one for n, one in enumerate(ids(51), start=1)}},
            (400, "NumberExceed.ResourceIds"),
        ),
    ],
)
def test_bad_taggings_are_refused(world: EcsWorld, parameters: dict[str, str], refusal: tuple[int, str]) -> None:
    assert world.refusal("TagResources", **parameters) == refusal


def test_a_resource_has_twenty_tags_at_most(world: EcsWorld) -> None:
    asked = {"ResourceType": "instance", "ResourceId_1": "i-l001"}
    tags = {f"Tag_{number}_Key": f"k{number}" for number in range(1, 20)}

    assert world.refusal("TagResources", **asked, **tags) == (400, "OperationDenied.QuotaExceed")
    tags.pop("Tag_19_Key")
    world.ask("TagResources", **asked, **tags)

    assert len(world.service.instances.get(REGION, "i-l001").tags) == 20
