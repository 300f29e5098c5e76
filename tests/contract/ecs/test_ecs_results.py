"""Describing invocations and their results: shapes, filters, encodings, statuses, both styles of paging, retention."""

from __future__ import annotations

import base64
import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.ecs.executor_simulated import Outcome
from localcloud.ecs.limits import DAY_MS, STRICT
from localcloud.ecs.paging import PageAsked, page_of
from localcloud.ecs.statuses import ENDS, FAILURES, OLD, STOPS, overall, overall_old
from tests.contract.ecs.worlds import REGION, EcsWorld, ids


def invocations(world: EcsWorld, **parameters: str) -> list[str]:
    found = world.ask("DescribeInvocations", **parameters)["Invocations"]["Invocation"]
    return [one["InvokeId"] for one in found]


def results(world: EcsWorld, **parameters: str) -> list[dict[str, Any]]:
    return list(
        world.ask("DescribeInvocationResults", **parameters)["Invocation"]["InvocationResults"]["InvocationResult"]
    )


# -- shapes -----------------------------------------------------------------------------------------------------------
def test_both_operations_have_their_own_names_for_the_same_things(world: EcsWorld) -> None:
    world.behave = lambda _job: Outcome(duration_ms=1_000, exit_code=1, output=b"\xffno\n")
    invoke_id = world.run("i-l001", tags=(("run", "r"),))
    world.advance(1)

    (invocation,) = world.ask("DescribeInvocations", InvokeId=invoke_id)["Invocations"]["Invocation"]
    (row,) = invocation["InvokeInstances"]["InvokeInstance"]
    (result,) = results(world, InvokeId=invoke_id)

    assert (row["FinishTime"], "FinishedTime" in row, "Output" in row) == ("2026-01-01T00:00:01Z", False, False)
    assert (result["FinishedTime"], "FinishTime" in result) == ("2026-01-01T00:00:01Z", False)
    assert (row["InstanceInvokeStatus"], row["InvocationStatus"]) == ("Finished", "Failed")
    assert (result["InvokeRecordStatus"], result["InvocationStatus"]) == ("Finished", "Failed")
    assert base64.b64decode(result["Output"]) == b"\xffno\n"
    assert (result["StopTime"], result["ErrorCode"]) == ("", "ExitCodeNonzero")
    assert result["Tags"] == invocation["Tags"] == {"Tag": [{"TagKey": "run", "TagValue": "r"}]}


def test_output_comes_on_request_and_as_text_on_request(world: EcsWorld) -> None:
    world.behave = lambda _job: Outcome(output=b"h\xc3\xa9\xff\n")
    invoke_id = world.run("i-l001", content=b"echo")
    world.advance(1)

    def output(**parameters: str) -> Any:
        answer = world.ask("DescribeInvocations", IncludeOutput="true", InvokeId=invoke_id, **parameters)
        (invocation,) = answer["Invocations"]["Invocation"]
        return invocation["CommandContent"], invocation["InvokeInstances"]["InvokeInstance"][0]["Output"]

    assert output() == (base64.b64encode(b"echo").decode(), base64.b64encode(b"h\xc3\xa9\xff\n").decode())
    assert output(ContentEncoding="PlainText") == ("echo", "hé\ufffd\n")
    assert world.refusal("DescribeInvocations", IncludeOutput="true") == (400, "MissingParameter")
    assert "Output" in str(world.ask("DescribeInvocations", IncludeOutput="true", InstanceId="i-l001"))


def test_paging_fields_stand_outside_in_one_operation_and_inside_in_the_other(world: EcsWorld) -> None:
    invoke_id = world.run(*ids(3))

    outside = world.ask("DescribeInvocations", InvokeId=invoke_id)
    inside = world.ask("DescribeInvocationResults", InvokeId=invoke_id)

    assert (outside["TotalCount"], outside["PageNumber"], outside["PageSize"], outside["NextToken"]) == (1, 1, 10, "")
    assert {"TotalCount", "PageNumber", "PageSize", "NextToken"}.isdisjoint(inside)
    assert (inside["Invocation"]["TotalCount"], inside["Invocation"]["PageSize"]) == (3, 10)


def test_a_delivery_to_oss_is_seen_to_fail(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001", oss_output_delivery="oss://bucket/prefix")

    (before,) = results(world, InvokeId=invoke_id)
    world.advance(2)
    (after,) = results(world, InvokeId=invoke_id)

    assert (before["OssOutputStatus"], after["OssOutputStatus"]) == ("InProgress", "Failed")
    assert (after["OssOutputErrorCode"], after["OssOutputDelivery"]) == ("NoSuchBucket", "oss://bucket/prefix")


# -- statuses ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rows", "new", "old"),
    [
        (["Success", "Pending", "Running"], "Pending", "Running"),
        (["Scheduled", "Running"], "Scheduled", "Running"),
        (["Running", "Stopping", "Failed"], "Running", "Running"),
        (["Stopping", "Success"], "Stopping", "Stopping"),
        (["Success", "Success"], "Success", "Finished"),
        (["Success", "Terminated", "Cancelled"], "Success", "Finished"),
        (["Terminated", "Cancelled"], "Stopped", "Stopped"),
        (["Failed", "Failed"], "Failed", "Finished"),
        (["Failed", "Terminated"], "Failed", "Finished"),
        (["Timeout", "Aborted"], "Failed", "Failed"),
        (["Timeout", "Cancelled"], "Failed", "Failed"),
        (["Success", "Failed"], "PartialFailed", "Finished"),
        (["Success", "Invalid"], "PartialFailed", "PartialFailed"),
        (["Failed", "Error"], "Failed", "PartialFailed"),
        (["Success", "Error", "Terminated"], "PartialFailed", "PartialFailed"),
    ],
)
def test_rows_add_up_to_the_invocation(rows: list[str], new: str, old: str) -> None:
    for order in itertools.permutations(rows):
        assert (overall(order), overall_old(order)) == (new, old)


@given(st.lists(st.sampled_from(sorted(OLD)), min_size=1, max_size=6))
def test_an_invocation_has_ended_exactly_when_all_of_its_rows_have(rows: list[str]) -> None:
    ended = overall(rows) in {"Success", "Failed", "PartialFailed", "Stopped"}

    assert ended == (set(rows) <= ENDS)
    if ended and overall(rows) == "Success":
        assert not set(rows) & FAILURES
    if overall(rows) == "Stopped":
        assert set(rows) <= STOPS


# -- filters ----------------------------------------------------------------------------------------------------------
def test_invocations_are_found_by_each_filter_newest_first(world: EcsWorld) -> None:
    command_id = world.command(name="one")
    first = world.invoke(command_id, "i-l001", "i-l002", tags=(("run", "a"), ("chunk", "1")))
    second = world.invoke(command_id, "i-l002", tags=(("run", "a"), ("chunk", "2")))
    third = world.run("i-w001", command_name="two", command_type="RunBatScript", tags=(("run", "b"),))

    assert invocations(world) == [third, second, first]
    assert invocations(world, InvokeId=first) == [first]
    assert invocations(world, InvokeId="t-none") == []
    assert invocations(world, CommandId=command_id) == [second, first]
    assert invocations(world, CommandName="two") == [third]
    assert invocations(world, CommandType="RunBatScript") == [third]
    assert invocations(world, InstanceId="i-l002") == [second, first]
    assert invocations(world, InstanceId="i-l002", CommandName="two") == [second, first]
    assert invocations(world, Tag_1_Key="run", Tag_1_Value="a") == [second, first]
    assert invocations(world, Tag_1_Key="run", Tag_1_Value="a", Tag_2_Key="chunk", Tag_2_Value="1") == [first]
    assert invocations(world, Tag_1_Key="chunk") == [second, first]
    assert invocations(world, Tag_1_Key="run", Tag_1_Value="a", InstanceId="i-l001") == [first]
    assert invocations(world, InvokeId=first, Tag_1_Key="run", Tag_1_Value="b") == []
    assert invocations(world, RepeatMode="Period") == []
    assert invocations(world, RegionId="cn-beijing") == []


def test_with_an_instance_only_its_row_is_shown(world: EcsWorld) -> None:
    world.run(*ids(3))

    (found,) = world.ask("DescribeInvocations", InstanceId="i-l002")["Invocations"]["Invocation"]

    assert [row["InstanceId"] for row in found["InvokeInstances"]["InvokeInstance"]] == ["i-l002"]


def test_the_status_filter_speaks_of_old_and_new_statuses(world: EcsWorld) -> None:
    world.behave = lambda job: Outcome(duration_ms=1_000, exit_code=int(job.instance_id == "i-l002"))
    mixed = world.run(*ids(2))
    world.advance(2)
    going = world.run("i-l003")
    world.advance(0.5)

    assert invocations(world, InvokeStatus="Running") == [going]
    assert invocations(world, InvokeStatus="Finished") == [mixed]
    assert invocations(world, InvokeStatus="Success") == []
    assert [one["InstanceId"] for one in results(world, InvokeRecordStatus="Success")] == ["i-l001"]
    assert [one["InstanceId"] for one in results(world, InvokeRecordStatus="Finished")] == ["i-l001", "i-l002"]
    assert [one["InstanceId"] for one in results(world, InvokeRecordStatus="Running")] == ["i-l003"]
    assert world.refusal("DescribeInvocations", InvokeStatus="Done") == (400, "InvalidParameter")
    assert invocations(world, InvokeStatus="Scheduled") == []
    assert world.refusal("DescribeInvocationResults", InvokeRecordStatus="Scheduled") == (400, "InvalidParameter")


def test_results_are_found_by_each_filter(world: EcsWorld) -> None:
    first = world.run(*ids(2), tags=(("run", "a"),))
    second = world.run("i-l002")

    def found(**parameters: str) -> list[tuple[str, str]]:
        return [(one["InvokeId"], one["InstanceId"]) for one in results(world, **parameters)]

    assert found() == [(second, "i-l002"), (first, "i-l001"), (first, "i-l002")]
    assert found(InvokeId=first, InstanceId="i-l002") == [(first, "i-l002")]
    assert found(InstanceId="i-l002") == [(second, "i-l002"), (first, "i-l002")]
    assert found(Tag_1_Key="run") == [(first, "i-l001"), (first, "i-l002")]
    assert found(InvokeId="t-none") == []
    assert world.refusal("DescribeInvocationResults", IncludeHistory="true") == (400, "MissingParameter")


# -- paging -----------------------------------------------------------------------------------------------------------
def test_a_client_that_forgets_paging_sees_ten(world: EcsWorld) -> None:
    invoke_id = world.run(*ids(60))

    assert len(results(world, InvokeId=invoke_id)) == 10
    assert len(results(world, InvokeId=invoke_id, MaxResults="50")) == 50
    assert len(results(world, InvokeId=invoke_id, PageNumber="2", PageSize="50")) == 10
    assert results(world, InvokeId=invoke_id, PageNumber="3", PageSize="50") == []


def test_a_token_leads_on_while_invocations_come_and_go(world: EcsWorld) -> None:
    made = [world.run("i-l001") for _ in range(5)]
    page = world.ask("DescribeInvocations", MaxResults="2")
    newer = world.run("i-l002")

    rest = world.ask("DescribeInvocations", MaxResults="50", NextToken=page["NextToken"])

    shown = [one["InvokeId"] for one in rest["Invocations"]["Invocation"]]
    assert shown == [made[2], made[1], made[0]]
    assert newer not in shown
    assert rest["NextToken"] == ""


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"PageSize": "51"}, "InvalidParam.PageSize"),
        ({"PageSize": "0"}, "InvalidParam.PageSize"),
        ({"PageSize": "ten"}, "InvalidParam.PageSize"),
        ({"PageNumber": "0"}, "InvalidParam.PageNumber"),
        ({"MaxResults": "0"}, "InvalidParameter.MaxResults"),
        ({"MaxResults": "51"}, "InvalidParameter.MaxResults"),
        ({"NextToken": "nonsense"}, "InvalidParameter.NextToken"),
        ({"NextToken": "MTA7ZDQzNWNiZjQ"}, "InvalidParameter.NextToken"),
        ({"Tag.1.Value": "v"}, "MissingParameter.TagKey"),
    ],
)
@pytest.mark.parametrize("action", ["DescribeInvocations", "DescribeInvocationResults", "DescribeCommands"])
def test_bad_pages_are_refused(world: EcsWorld, action: str, parameters: dict[str, str], code: str) -> None:
    assert world.refusal(action, **parameters) == (400, code)


def test_a_token_of_one_list_is_none_of_another(world: EcsWorld) -> None:
    world.command()
    world.run(*ids(20))
    token = world.ask("DescribeInvocationResults", MaxResults="5")["Invocation"]["NextToken"]

    assert world.refusal("DescribeInvocations", NextToken=token) == (400, "InvalidParameter.NextToken")


@given(
    numbers=st.sets(st.integers(0, 60), max_size=30),
    size=st.integers(1, 7),
    gone=st.sets(st.integers(0, 60)),
    came=st.sets(st.integers(0, 60)),
)
def test_tokens_show_what_stays_exactly_once(numbers: set[int], size: int, gone: set[int], came: set[int]) -> None:
    shown: list[int] = []
    asked, items = PageAsked(1, size, by_token=True), sorted(numbers)

    for turn in range(70):
        page = page_of(items, asked, listing="test", key=lambda number: (number,))
        shown.extend(page.items)
        if not page.next_token:
            break
        asked = PageAsked(1, size, page.next_token, by_token=True)
        if turn == 0:
            items = sorted((numbers - gone) | came)

    assert len(shown) == len(set(shown))
    assert set(shown) >= numbers - gone


# -- retention --------------------------------------------------------------------------------------------------------
def test_ended_invocations_are_forgotten_after_their_time(world: EcsWorld) -> None:
    old = world.run("i-l001")
    world.advance(30 * DAY_MS / 1000 - 1)
    young = world.run("i-l001")
    assert invocations(world) == [young, old]

    world.advance(1)

    assert invocations(world) == [young]
    assert results(world, InvokeId=old) == []
    assert world.refusal("StopInvocation", InvokeId=old) == (404, "InvalidInvokeId.NotFound")


def test_only_the_newest_are_kept_but_none_is_forgotten_while_it_goes_on() -> None:
    world = EcsWorld(limits=replace(STRICT, invocations_kept_max=3))
    world.behave = lambda job: Outcome(duration_ms=3_600_000 if job.instance_id == "i-l001" else 0)
    going = world.run("i-l001", timeout_s=7_200)
    ended = []
    for _ in range(4):
        ended.append(world.run("i-l002"))
        world.advance(1)

    assert invocations(world) == [ended[3], ended[2], going]
    assert world.service.rows(REGION, going)["i-l001"].status == "Running"
