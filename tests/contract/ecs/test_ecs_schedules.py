"""Period, NextRebootOnly and EveryReboot: when they fire, what they skip, how they end; and what can be changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from localcloud.ecs.executor_simulated import Outcome
from localcloud.ecs.limits import STRICT
from localcloud.ecs.values import InvocationChanges
from tests.contract.ecs.worlds import REGION, START_MS, EcsWorld, code_of, ids

EVERY_MINUTE = "0 * * * * ?"


def fired_at(world: EcsWorld, invoke_id: str) -> list[int]:
    """Seconds since the start, of every firing on i-l001 that has ended."""
    return [(row.start_ms - START_MS) // 1000 for row in world.service.run(REGION, invoke_id).history["i-l001"]]


# -- Period -----------------------------------------------------------------------------------------------------------
def test_a_period_fires_by_the_clock_and_waits_in_between(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001", frequency=EVERY_MINUTE, repeat_mode="Once")

    world.advance(30)
    assert world.row(invoke_id).status == "Scheduled"
    world.advance(30)
    assert world.row(invoke_id).status == "Running"
    world.advance(120)

    row = world.row(invoke_id)
    assert (row.status, row.repeats, row.exit_code) == ("Running", 3, None)
    assert fired_at(world, invoke_id) == [60, 120]
    (shown,) = world.ask("DescribeInvocations", InvokeId=invoke_id)["Invocations"]["Invocation"]
    assert (shown["RepeatMode"], shown["Timed"], shown["InvokeStatus"]) == ("Period", True, "Running")


def test_between_firings_the_last_result_is_shown(world: EcsWorld) -> None:
    world.behave = lambda _job: Outcome(exit_code=3, output=b"out")
    invoke_id = world.run("i-l001", frequency=EVERY_MINUTE)

    world.advance(61)

    row = world.row(invoke_id)
    assert (row.status, row.exit_code, row.output, row.repeats) == ("Scheduled", 3, b"out", 1)


def test_rate_counts_from_the_creation_and_first_after_one_interval(world: EcsWorld) -> None:
    world.advance(7)
    invoke_id = world.run("i-l001", frequency="rate(90s)")

    world.advance(280)

    assert fired_at(world, invoke_id) == [97, 187, 277]


def test_at_fires_once_and_the_schedule_is_over(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001", frequency="at(2026-01-01 00:01:00)")

    world.advance(60)
    assert world.row(invoke_id).status == "Running"
    world.advance(2)

    assert (world.row(invoke_id).status, fired_at(world, invoke_id)) == ("Success", [60])
    (shown,) = world.ask("DescribeInvocations", InvokeId=invoke_id)["Invocations"]["Invocation"]
    assert (shown["Timed"], shown["InvocationStatus"]) == (False, "Success")


def test_cron_without_a_zone_is_read_in_the_instances_zone(world: EcsWorld) -> None:
    local = world.run("i-l001", frequency="0 1 8 * * ?")
    utc = world.run("i-l001", frequency="0 1 8 * * ? UTC")

    world.advance(9 * 3600)

    assert fired_at(world, local) == [60]
    assert fired_at(world, utc) == [8 * 3600 + 60]


def test_a_firing_that_finds_the_one_before_at_work_is_skipped_there(world: EcsWorld) -> None:
    world.behave = lambda job: Outcome(duration_ms=90_000 if job.instance_id == "i-l001" else 1_000)
    invoke_id = world.run(*ids(2), frequency=EVERY_MINUTE, timeout_s=60)

    world.advance(305)

    # It runs into its timeout in the very moment of the next firing, which still finds it at work.
    assert fired_at(world, invoke_id) == [60, 180]
    assert (world.row(invoke_id).status, world.row(invoke_id).repeats) == ("Running", 3)
    assert world.row(invoke_id, "i-l002").repeats == 5


def test_a_firing_is_missed_by_an_instance_that_is_down(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001", frequency=EVERY_MINUTE)
    world.advance(90)
    world.service.stop_instances(["i-l001"])
    world.advance(60)
    world.service.start_instances(["i-l001"])

    world.advance(60)

    assert fired_at(world, invoke_id) == [60, 180]


@pytest.mark.parametrize(
    "frequency",
    ["* * * * *", "every minute", "rate(59s)", "rate(8d)", "0/9 * * * * ?", "0/30 * * * * ?", "weekly(1)"],
)
def test_what_the_service_sees_to_be_wrong_is_refused(world: EcsWorld, frequency: str) -> None:
    assert code_of(lambda: world.run("i-l001", frequency=frequency)) == "InvalidParam.Frequency"


def test_firings_may_come_as_close_as_the_timeout_and_those_of_a_rate_a_second_later(world: EcsWorld) -> None:
    assert code_of(lambda: world.run("i-l001", frequency="0/20 * * * * ?", timeout_s=21)) == "InvalidParam.Frequency"
    assert code_of(lambda: world.run("i-l001", frequency="rate(60s)", timeout_s=60)) == "InvalidParam.Frequency"

    assert world.run("i-l001", frequency="0/10 * * * * ?", timeout_s=10)
    assert world.run("i-l001", frequency="rate(60s)", timeout_s=59)


@pytest.mark.parametrize(
    ("frequency", "code"),
    [
        ("0 0 25 * * ?", "BadCronExpression"),
        ("0 0 12 * * ? CST", "TimezoneInformationCorrupt"),
        ("0 0 12 * * ? GMT+08:00", "InvalidGMTOffsetForTimezone"),
        ("rate(5)", "InvalidRateExpression"),
        ("0 0 12 1 1 ? 2020", "CronExpressionExpired"),
        ("at(2020-01-01 00:00:00)", "AtExpressionExpired"),
    ],
)
def test_what_only_the_agent_refuses_makes_every_row_invalid(world: EcsWorld, frequency: str, code: str) -> None:
    invoke_id = world.run(*ids(2), frequency=frequency)

    world.advance(0)

    rows = world.service.rows(REGION, invoke_id).values()
    assert [(row.status, row.error_code) for row in rows] == [("Invalid", code)] * 2
    assert world.service.run(REGION, invoke_id).has_ended


def test_bad_schedules_are_refused_at_the_call_when_so_chosen() -> None:
    world = EcsWorld(limits=replace(STRICT, bad_frequencies="refuse"))

    assert code_of(lambda: world.run("i-l001", frequency="0 0 25 * * ?")) == "InvalidParam.Frequency"


def test_a_stopped_period_fires_no_more(world: EcsWorld) -> None:
    waiting, running = world.run("i-l001", frequency=EVERY_MINUTE), world.run("i-l002", frequency=EVERY_MINUTE)
    world.advance(60.5)
    world.service.stop_invocation(REGION, running)
    world.advance(20)
    world.service.stop_invocation(REGION, waiting)

    world.advance(600)

    assert world.row(waiting).status == "Cancelled"
    assert world.row(running, "i-l002").status == "Terminated"
    assert len(world.jobs) == 2
    assert world.timeline.next_due_ms is None


def test_in_the_documented_model_the_current_firing_goes_on_and_is_the_last() -> None:
    world = EcsWorld(limits=replace(STRICT, stop_model="documented"))
    invoke_id = world.run("i-l001", frequency=EVERY_MINUTE)
    world.advance(60.5)

    world.service.stop_invocation(REGION, invoke_id)
    world.advance(600)

    assert (world.row(invoke_id).status, len(world.jobs)) == ("Success", 1)


def test_the_history_of_a_period_is_shown_on_request(world: EcsWorld) -> None:
    codes = iter([0, 1, 0])
    world.behave = lambda _job: Outcome(exit_code=next(codes))
    invoke_id = world.run("i-l001", frequency=EVERY_MINUTE)
    world.advance(200)

    def shown(**parameters: str) -> list[tuple[int, str, int]]:
        answer = world.ask("DescribeInvocationResults", InvokeId=invoke_id, **parameters)
        rows = answer["Invocation"]["InvocationResults"]["InvocationResult"]
        return [(row["Repeats"], row["InvocationStatus"], row["ExitCode"]) for row in rows]

    assert shown() == [(3, "Scheduled", 0)]
    assert shown(IncludeHistory="true") == [(3, "Success", 0), (2, "Failed", 1), (1, "Success", 0)]


def test_only_the_newest_firings_are_kept() -> None:
    world = EcsWorld(limits=replace(STRICT, history_per_row_max=2))
    invoke_id = world.run("i-l001", frequency=EVERY_MINUTE)

    world.advance(302)

    assert fired_at(world, invoke_id) == [240, 300]


def test_one_call_of_a_period_costs_one_unit_however_often_it_fires(world: EcsWorld) -> None:
    world.run("i-l001", frequency=EVERY_MINUTE)

    world.advance(600)

    assert world.service.quota.used(REGION) == 1


def test_timed_tells_schedules_from_one_time_runs(world: EcsWorld) -> None:
    once, period = world.run("i-l001"), world.run("i-l001", frequency=EVERY_MINUTE)

    def found(**parameters: str) -> list[str]:
        return [one["InvokeId"] for one in world.ask("DescribeInvocations", **parameters)["Invocations"]["Invocation"]]

    assert (found(Timed="true"), found(Timed="false"), found()) == ([period], [once], [period, once])
    assert found(RepeatMode="Period") == [period]


# -- reboots ----------------------------------------------------------------------------------------------------------
def reboot(world: EcsWorld) -> None:
    world.service.reboot_instances(["i-l001"])
    world.advance(10)


def test_every_reboot_runs_at_each_boot_and_next_reboot_only_once(world: EcsWorld) -> None:
    every = world.run("i-l001", repeat_mode="EveryReboot")
    once = world.run("i-l001", repeat_mode="NextRebootOnly")
    world.advance(60)
    assert (world.row(every).status, world.row(once).status, world.jobs) == ("Scheduled", "Scheduled", [])

    reboot(world)
    assert (world.row(every).status, world.row(once).status) == ("Scheduled", "Success")
    reboot(world)

    assert (world.row(every).repeats, world.row(once).repeats, len(world.jobs)) == (2, 1, 3)


def test_a_start_is_a_boot_too(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001", repeat_mode="NextRebootOnly")
    world.advance(1)
    world.service.stop_instances(["i-l001"])
    world.advance(60)
    assert world.jobs == []

    world.service.start_instances(["i-l001"])
    world.advance(5)

    assert world.row(invoke_id).status == "Success"


def test_a_reboot_mode_can_be_stopped_while_it_waits(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001", repeat_mode="EveryReboot")
    world.advance(1)

    world.service.stop_invocation(REGION, invoke_id)
    reboot(world)

    assert (world.row(invoke_id).status, world.jobs) == ("Cancelled", [])


def test_an_agent_that_comes_back_is_no_boot(world: EcsWorld) -> None:
    world.run("i-l001", repeat_mode="EveryReboot")
    world.advance(1)

    world.service.set_agent("i-l001", "offline")
    world.advance(10)
    world.service.set_agent("i-l001", "online")
    world.advance(10)

    assert world.jobs == []


# -- ModifyInvocationAttribute ----------------------------------------------------------------------------------------
def change(world: EcsWorld, invoke_id: str, **changes: Any) -> str:
    return world.service.modify_invocation(REGION, invoke_id, InvocationChanges(**changes))


def test_a_schedule_gets_other_times_another_script_and_more_instances(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001", frequency=EVERY_MINUTE, content=b"old")
    before = world.service.run(REGION, invoke_id).invocation.command_id
    world.advance(30)

    command_id = change(world, invoke_id, frequency="rate(5m)", content=b"new", instance_ids=("i-l002",))
    world.advance(300)

    assert command_id != before
    assert world.jobs == [("i-l001", b"new"), ("i-l002", b"new")]
    assert fired_at(world, invoke_id) == [300]
    found = world.ask("DescribeInvocations", InstanceId="i-l002")["Invocations"]["Invocation"]
    assert [one["InvokeId"] for one in found] == [invoke_id]


@pytest.mark.parametrize(
    ("mode", "changes", "code"),
    [
        ({"frequency": EVERY_MINUTE}, {"frequency": "rate(1s)"}, "InvalidParameter.Frequency"),
        ({"repeat_mode": "EveryReboot"}, {"frequency": EVERY_MINUTE}, "InvalidOperation.RepeatModeUnsupported"),
        ({}, {"content": b"x"}, "InvalidOperation.RepeatModeUnsupported"),
        ({"frequency": EVERY_MINUTE}, {"content": b"x" * 20_000}, "InvalidCommandContent.LengthLimitExceeded"),
        ({"frequency": EVERY_MINUTE}, {"parameters": (("a", "b"),)}, "InvalidParameters.KeyNotMatch"),
        ({"frequency": EVERY_MINUTE}, {"instance_ids": ("i-none",)}, "InvalidInstanceId.NotFound"),
        ({"frequency": EVERY_MINUTE}, {"instance_ids": ("i-w001",)}, "InvalidInstanceId.OSTypeUnsupported"),
        ({"frequency": EVERY_MINUTE}, {"instance_ids": ids(101)}, "InvalidInstanceId.CountLimitExceeded"),
    ],
)
def test_a_change_that_is_not_possible_has_its_own_code(
    world: EcsWorld, mode: dict[str, Any], changes: dict[str, Any], code: str
) -> None:
    invoke_id = world.run("i-l001", **mode)

    assert code_of(lambda: change(world, invoke_id, **changes)) == code


def test_an_ended_schedule_cannot_be_changed(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001", frequency=EVERY_MINUTE)
    world.service.stop_invocation(REGION, invoke_id)

    refused = world.refusal("ModifyInvocationAttribute", InvokeId=invoke_id, Frequency="rate(2m)")

    assert refused == (403, "InvalidOperation.InvokeAlreadyFinished")
