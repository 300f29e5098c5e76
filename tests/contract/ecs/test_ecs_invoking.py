"""InvokeCommand and RunCommand: limits, targets, parameters, tokens, the day's quota, dry runs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from localcloud.ecs.executor_simulated import Outcome
from localcloud.ecs.limits import DAY_MS, STRICT, CallRate
from localcloud.ecs.values import NewCommand, Order
from tests.contract.ecs.worlds import REGION, START_MS, EcsWorld, code_of, ids, numbered


def test_an_invocation_is_pending_then_running_then_success(world: EcsWorld) -> None:
    invoke_id = world.run(*ids(2))

    assert world.statuses(invoke_id) == ["Pending", "Pending"]
    world.advance(0)
    assert world.statuses(invoke_id) == ["Running", "Running"]
    world.advance(1)
    assert world.statuses(invoke_id) == ["Success", "Success"]
    row = world.row(invoke_id)
    assert (row.start_ms, row.finish_ms, row.exit_code, row.repeats) == (START_MS, START_MS + 1_000, 0, 1)


@pytest.mark.parametrize("count", [1, 99, 100])
def test_up_to_100_instances_are_taken(world: EcsWorld, count: int) -> None:
    assert len(world.statuses(world.run(*ids(count)))) == count


def test_101_instances_are_too_many_and_none_too_few(world: EcsWorld) -> None:
    command_id = world.command()

    assert code_of(lambda: world.invoke(command_id, *ids(101))) == "InstanceIds.ExceedLimit"
    assert code_of(lambda: world.invoke(command_id)) == "MissingParam.InstanceId"
    assert world.service.quota.used(REGION) == 0


def test_an_id_given_twice_counts_once_unless_that_is_an_error() -> None:
    world, strict = EcsWorld(), EcsWorld(limits=replace(STRICT, refuses_repeated_ids=True))

    invoke_id = world.run("i-l001", "i-l001", "i-l002")

    assert len(world.statuses(invoke_id)) == 2
    assert code_of(lambda: strict.run("i-l001", "i-l001")) == "InvalidParameter"


@pytest.mark.parametrize(
    ("instance_ids", "changes", "code"),
    [
        (("i-l001", "i-none"), {}, "InvalidInstance.NotFound"),
        (("i-far001",), {}, "InvalidInstance.NotFound"),
        (("i-l001", "i-w001"), {}, "InvalidInstance.NotMatch"),
        (("i-l001",), {"command_type": "RunBatScript"}, "InvalidInstance.NotMatch"),
        (("i-l001",), {"repeat_mode": "Twice"}, "InvalidRepeatMode.NotFound"),
        (("i-l001",), {"repeat_mode": "Period"}, "MissingParam.Frequency"),
        (("i-l001",), {"timeout_s": 9}, "InvalidTimeout.ExceedLimit"),
        (("i-l001",), {"username": "u" * 256}, "Username.ExceedLimit"),
        (("i-w001",), {"command_type": "RunBatScript", "username": "u"}, "WindowsPasswordName.Missed"),
        (("i-l001",), {"termination_mode": "All"}, "InvalidTerminationMode.NotFound"),
        (("i-l001",), {"container_id": "abc"}, "InvalidContainerId.Malformed"),
        (("i-l001",), {"container_name": "a b"}, "InvalidContainerName.Malformed"),
        (("i-l001",), {"resource_group_id": "rg-none"}, "InvalidResourceGroup.NotFound"),
        (("i-l001", "i-rg001"), {"resource_group_id": "rg-one"}, "Operation.Forbidden"),
        (("i-l001",), {"resource_tags": (("env", "demo"),)}, "InvalidResourceTag.ConflictWithInstanceIds"),
        ((), {"resource_tags": (("env", "none"),)}, "InvalidResourceTag.InstanceNotFound"),
        ((), {"resource_tags": (("role", "web"),)}, "InstanceIds.ExceedLimit"),
        ((), {"resource_tags": (("", "web"),)}, "MissingParameter.ResourceTagKey"),
        ((), {"resource_tags": tuple((f"k{n}", "") for n in range(11))}, "NumberExceed.ResourceTags"),
        (("i-l001",), {"tags": (("aliyun.x", "1"),)}, "InvalidTagKey.Malformed"),
        (("i-l001",), {"working_dir": "/" + "d" * 200}, "InvalidParameter.WorkingDir"),
    ],
)
def test_what_is_wrong_with_an_order_is_a_whole_call_error_that_costs_nothing(
    world: EcsWorld, instance_ids: tuple[str, ...], changes: dict[str, Any], code: str
) -> None:
    assert code_of(lambda: world.run(*instance_ids, **changes)) == code

    assert world.service.quota.used(REGION) == 0
    assert world.ask("DescribeInvocations")["TotalCount"] == 0


def test_targets_can_be_chosen_by_tag() -> None:
    world = EcsWorld(limits=replace(STRICT, instances_per_invocation_max=120))

    invoke_id = world.run(resource_tags=(("role", "web"), ("env", "demo")))

    assert list(world.service.rows(REGION, invoke_id)) == list(ids(120))


def test_unfit_instances_get_their_own_end_at_once(world: EcsWorld) -> None:
    invoke_id = world.run("i-stopped001", "i-bare001", "i-silent001", "i-classic001")

    rows = world.service.rows(REGION, invoke_id)

    assert {one: (row.status, row.error_code) for one, row in rows.items()} == {
        "i-stopped001": ("Aborted", "InstanceNotRunning"),
        "i-bare001": ("Aborted", "ClientNotRunning"),
        "i-silent001": ("Aborted", "ClientNotOnline"),
        "i-classic001": ("Pending", ""),
    }
    world.advance(2)
    assert [one for one, _ in world.jobs] == ["i-classic001"]


def test_unfit_instances_refuse_the_whole_call_when_so_chosen() -> None:
    world = EcsWorld(limits=replace(STRICT, unfit_instances="refuse"))

    assert code_of(lambda: world.run("i-l001", "i-stopped001")) == "InvalidInstance.NotMatch"


def test_unfit_instances_have_no_row_at_all_when_so_chosen() -> None:
    world = EcsWorld(limits=replace(STRICT, unfit_instances="missing"))

    mixed, none = world.run("i-l001", "i-stopped001"), world.run("i-bare001")
    world.advance(5)

    assert list(world.service.rows(REGION, mixed)) == ["i-l001"]
    (shown,) = world.ask("DescribeInvocations", InvokeId=none)["Invocations"]["Invocation"]
    assert (shown["InvocationStatus"], shown["InvokeInstances"]) == ("Failed", {"InvokeInstance": []})


# -- parameters -------------------------------------------------------------------------------------------------------
SCRIPT = b"echo {{ Name }} {{name}} {{other}} {{ACS::InstanceId}} {{ACS::InvokeId}} {{ACS::RegionId}}"


def test_parameters_are_put_in_their_places_whatever_their_case(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001", content=SCRIPT, command_enable_parameter=True, parameters=(("NAME", "{{other}}"),))

    world.advance(0)

    assert world.jobs == [
        ("i-l001", f"echo {{{{other}}}} {{{{other}}}}  i-l001 {invoke_id} cn-hangzhou".encode()),
    ]


def test_without_enable_parameter_braces_are_just_text(world: EcsWorld) -> None:
    world.run("i-l001", content=SCRIPT)

    world.advance(0)

    assert world.jobs == [("i-l001", SCRIPT)]


@pytest.mark.parametrize(
    ("enabled", "passed", "code"),
    [
        (True, None, "Parameter.MissingValue"),
        (False, (("name", "x"),), "Parameter.Disabled"),
        (True, (("nobody", "x"),), "Parameter.NotMatched"),
        (True, (("name", "x"), ("NAME", "y")), "ParameterKey.Duplicate"),
        (True, (("", "x"),), "ParameterKey.ExceedLimit"),
        (True, tuple((f"p{number}", "") for number in range(11)), "ParameterCount.ExceedLimit"),
        (True, (("name", "x" * 18_000),), "CmdContent.ExceedLimit"),
    ],
)
def test_each_rule_of_parameters_has_its_code(world: EcsWorld, enabled: bool, passed: Any, code: str) -> None:
    refused = code_of(lambda: world.run("i-l001", content=SCRIPT, command_enable_parameter=enabled, parameters=passed))

    assert refused == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{'name': 'Jack'}", (400, "InvalidParameter.Parameters")),
        ('["name"]', (400, "InvalidParameter.Parameters")),
        ('{"name": ["x"]}', (403, "ParameterType.NotSupported")),
        ('{"name": true}', (403, "ParameterType.NotSupported")),
        ('{"name": "x", "name": "y"}', (403, "ParameterKey.Duplicate")),
    ],
)
def test_parameters_are_a_json_object_of_texts(world: EcsWorld, text: str, code: tuple[int, str]) -> None:
    command_id = world.command(SCRIPT, enable_parameter=True)

    assert world.refusal("InvokeCommand", CommandId=command_id, InstanceId_1="i-l001", Parameters=text) == code


def test_an_unknown_built_in_parameter_makes_the_task_invalid(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001", content=b"{{ACS::Weather}}", command_enable_parameter=True)

    world.advance(0)

    row = world.row(invoke_id)
    assert (row.status, row.error_code, row.exit_code) == ("Invalid", "InvalidSystemBuiltInParameter", None)
    assert world.jobs == []


def test_there_are_no_containers_on_local_instances(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001", container_name="web")

    world.advance(0)

    assert (world.row(invoke_id).status, world.row(invoke_id).error_code) == ("Invalid", "ContainerNotFound")


# -- tokens -----------------------------------------------------------------------------------------------------------
def test_the_same_token_with_the_same_parameters_is_carried_out_once(world: EcsWorld) -> None:
    command_id = world.command()

    first = world.invoke(command_id, *ids(2), token="t1", tags=(("a", "b"),))
    again = world.invoke(command_id, *ids(2), token="t1", tags=(("a", "b"),))
    other = world.invoke(command_id, *ids(2), token="t2", tags=(("a", "b"),))

    assert first == again != other
    assert world.service.quota.used(REGION) == 2
    world.advance(2)
    assert len(world.jobs) == 4


def test_the_same_token_with_other_parameters_is_refused(world: EcsWorld) -> None:
    command_id = world.command()
    world.invoke(command_id, *ids(2), token="t1")

    assert code_of(lambda: world.invoke(command_id, *ids(3), token="t1")) == "IdempotentParameterMismatch"
    assert code_of(lambda: world.invoke(command_id, *ids(2), token="t1", timeout_s=20)) == "IdempotentParameterMismatch"
    assert code_of(lambda: world.invoke("c-other", *ids(2), token="t1")) == "IdempotentParameterMismatch"


def test_a_refused_call_does_not_use_its_token_up(world: EcsWorld) -> None:
    command_id = world.command()
    world.service.set_quota(0)
    assert code_of(lambda: world.invoke(command_id, "i-l001", token="t1")) == "Invocation.ExceedQuota"

    world.service.set_quota(None)

    assert world.invoke(command_id, "i-l001", token="t1").startswith("t-")


def test_a_token_is_forgotten_after_its_life(world: EcsWorld) -> None:
    command_id = world.command()
    first = world.invoke(command_id, "i-l001", token="t1")

    world.advance(24 * 3600 - 1)
    assert world.invoke(command_id, "i-l001", token="t1") == first
    world.advance(1)

    assert world.invoke(command_id, "i-l001", token="t1") != first


def test_a_token_is_being_processed_for_a_while_when_so_chosen() -> None:
    world = EcsWorld(limits=replace(STRICT, client_token_in_work_ms=2_000))
    command_id = world.command()
    first = world.invoke(command_id, "i-l001", token="t1")

    assert code_of(lambda: world.invoke(command_id, "i-l001", token="t1")) == "IdempotentProcessing"
    world.advance(2)

    assert world.invoke(command_id, "i-l001", token="t1") == first


@pytest.mark.parametrize(("token", "is_good"), [("x" * 64, True), ("x" * 65, False), ("é", False)])
def test_a_token_is_ascii_of_64_characters(world: EcsWorld, token: str, is_good: bool) -> None:
    command_id = world.command()

    if is_good:
        world.invoke(command_id, "i-l001", token=token)
    else:
        assert code_of(lambda: world.invoke(command_id, "i-l001", token=token)) == "InvalidClientToken.Malformed"


def test_tokens_belong_to_an_operation_and_a_region(world: EcsWorld) -> None:
    new = NewCommand(region=REGION, name="n", type="RunShellScript", content=b"true")

    created = world.service.create_command(new, client_token="t1")
    ran = world.service.run_command(new, Order(REGION, ("i-l001",)), client_token="t1")

    assert world.service.create_command(new, client_token="t1") == created
    assert world.service.run_command(new, Order(REGION, ("i-l001",)), client_token="t1") == ran
    assert world.service.create_command(replace(new, region="cn-beijing"), client_token="t1") != created


# -- the day's quota --------------------------------------------------------------------------------------------------
def test_the_quota_is_spent_per_call_and_reset_at_midnight_utc_8() -> None:
    evening_ms = START_MS + 15 * 3_600_000 + 3_599_000  # 23:59:59 in UTC+8
    world = EcsWorld(limits=replace(STRICT, invocations_per_day=3), now_ms=evening_ms)
    command_id = world.command()
    for _ in range(3):
        world.invoke(command_id, *ids(50))

    assert code_of(lambda: world.invoke(command_id, "i-l001")) == "Invocation.ExceedQuota"
    assert world.refusal("InvokeCommand", CommandId=command_id, InstanceId_1="i-l001")[0] == 403
    world.advance(1)

    assert world.invoke(command_id, "i-l001").startswith("t-")
    assert world.service.quota.used(REGION) == 1
    assert (world.now_ms + 8 * 3_600_000) % DAY_MS == 0


def test_each_region_has_a_quota_of_its_own() -> None:
    world = EcsWorld(limits=replace(STRICT, invocations_per_day=1))
    world.run("i-l001")

    far = world.command(region="cn-beijing")

    assert world.service.invoke_command(far, Order("cn-beijing", ("i-far001",))).startswith("t-")
    assert code_of(lambda: world.run("i-l001")) == "Invocation.ExceedQuota"


def test_the_limit_can_be_read_and_what_is_used_cannot(world: EcsWorld) -> None:
    world.service.set_quota(500)

    answer = world.ask("DescribeAccountAttributes", AttributeName_1="max-axt-invocation-daily")

    (item,) = answer["AccountAttributeItems"]["AccountAttributeItem"]
    assert item["AttributeName"] == "max-axt-invocation-daily"
    assert [one["Value"] for one in item["AttributeValues"]["ValueItem"]] == ["500"]


def test_a_dry_run_runs_nothing_and_costs_nothing(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001", "i-stopped001", repeat_mode="DryRun")

    world.advance(1)

    assert world.statuses(invoke_id) == ["Success", "Aborted"]
    assert world.jobs == []
    assert world.service.quota.used(REGION) == 0
    assert code_of(lambda: world.run("i-none", repeat_mode="DryRun")) == "InvalidInstance.NotFound"


# -- call rates -------------------------------------------------------------------------------------------------------
def test_calls_above_the_rate_are_throttled_until_the_next_minute() -> None:
    rates = {"DescribeInstances": CallRate(2, "Throttling.Api")}
    world = EcsWorld(limits=replace(STRICT, call_rates=rates), now_ms=START_MS + 59_000)
    world.ask("DescribeInstances")
    world.ask("DescribeInstances")

    assert world.refusal("DescribeInstances") == (400, "Throttling.Api")
    world.ask("DescribeInstances", RegionId="cn-beijing")
    world.ask("DescribeRegions")
    world.advance(1)

    world.ask("DescribeInstances")


# -- on the instance --------------------------------------------------------------------------------------------------
def test_an_instance_runs_ten_scripts_at_once_and_the_others_wait() -> None:
    world = EcsWorld()
    command_id = world.command()
    invoked = [world.invoke(command_id, "i-l001") for _ in range(61)]
    world.advance(0)

    statuses = [world.row(one).status for one in invoked]

    assert statuses == ["Running"] * 10 + ["Pending"] * 50 + ["Aborted"]
    assert world.row(invoked[-1]).error_code == "TaskConcurrencyLimit"
    world.advance(1)
    assert [world.row(one).status for one in invoked[8:22]] == ["Success"] * 2 + ["Running"] * 10 + ["Pending"] * 2
    world.advance(10)
    assert {world.row(one).status for one in invoked[:60]} == {"Success"}


def test_every_end_of_a_script_has_its_status_and_code(world: EcsWorld) -> None:
    outcomes = {
        "i-l001": Outcome(exit_code=7, output=b"no\n"),
        "i-l002": Outcome(duration_ms=61_000),
        "i-l003": Outcome(error_code="DirectoryNotExists", error_info="/none"),
        "i-l004": Outcome(error_code="ExecutionException"),
    }
    world.behave = lambda job: outcomes[job.instance_id]
    invoke_id = world.run(*ids(4))

    world.advance(61)

    rows = world.service.rows(REGION, invoke_id).values()
    assert [(row.status, row.exit_code, row.error_code) for row in rows] == [
        ("Failed", 7, "ExitCodeNonzero"),
        ("Timeout", 1, "ExecutionTimeout"),
        ("Invalid", None, "DirectoryNotExists"),
        ("Error", None, "ExecutionException"),
    ]
    slow = world.row(invoke_id, "i-l002")
    assert slow.finish_ms == slow.start_ms + 60_000
    assert world.row(invoke_id, "i-l003").start_ms == 0


def test_output_is_shown_while_a_script_runs_and_its_tail_at_the_end(world: EcsWorld) -> None:
    world.behave = lambda _job: Outcome(duration_ms=5_000, output=b"a" * 1_000 + b"b" * 24_576)
    invoke_id = world.run("i-l001")

    world.advance(2)
    running = world.row(invoke_id)
    world.advance(5)
    ended = world.row(invoke_id)

    assert (running.status, running.dropped, running.output) == ("Running", 1_000, b"b" * 24_576)
    assert (ended.status, ended.dropped, ended.output) == ("Success", 1_000, b"b" * 24_576)


def test_what_a_run_says_of_its_command_wins(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001", command_timeout_s=20, timeout_s=30, working_dir="/tmp", launcher="sh -x")

    shown = world.ask("DescribeInvocations", InvokeId=invoke_id)["Invocations"]["Invocation"][0]

    assert (shown["Timeout"], shown["WorkingDir"], shown["Launcher"]) == (30, "/tmp", "sh -x")


def test_ids_of_the_wire_are_sorted_by_number_and_may_have_gaps(world: EcsWorld) -> None:
    command_id = world.command()

    answer = world.ask(
        "InvokeCommand", CommandId=command_id, InstanceId_10="i-l003", InstanceId_2="i-l001", InstanceId_7="i-l002"
    )

    assert list(world.service.rows(REGION, answer["InvokeId"])) == list(ids(3))
    many = world.refusal("InvokeCommand", CommandId=command_id, **numbered("InstanceId", ids(101)))
    assert many == (403, "InstanceIds.ExceedLimit")


def test_numbers_in_parameters_are_taken_as_they_are_written(world: EcsWorld) -> None:
    command_id = world.command(b"{{name}}", enable_parameter=True)

    world.ask("InvokeCommand", CommandId=command_id, InstanceId_1="i-l001", Parameters=json.dumps({"name": 12}))
    world.advance(0)

    assert world.jobs == [("i-l001", b"12")]
