"""`status`, `results`, `runs`, `quota`: runs as they really went, read back by the operator."""

from __future__ import annotations

import base64
import time
from dataclasses import replace

import pytest
from tablestore import Row

from shared.core.days import DAY_MS, day_of
from shared.core.model import Run, run_id_of
from tests.app.driving import invoke_request
from tests.app.memory import Ending
from tests.cli.command_line import CommandLine
from tests.cli.deployment import Deployment

FAILED = Ending("Failed", exit_code=3, output=b"disk is full\nfree some\n", error_code="ExitCodeNonzero")


def test_a_run_that_went_well_ends_with_0(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(3)
    run_id = deployment.run(invoke_request("deploy-1"))

    said = fleetrun("status", run_id)

    assert said.code == 0
    assert "Success" in said.out
    assert run_id in said.out


def test_a_run_in_which_some_failed_ends_with_1_and_shows_which(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(3)
    deployment.ends(i_00002=FAILED)
    run_id = deployment.run(invoke_request("deploy-1"))

    said = fleetrun("status", run_id)

    assert said.code == 1
    assert "PartialFailed" in said.out
    assert "web-2" in said.out
    assert "exit 3" in said.out
    assert "disk is full" in said.out


def test_a_run_that_has_not_ended_is_no_success_yet(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(3)
    deployment.receive(invoke_request("deploy-1"))

    said = fleetrun("status", "deploy-1", "--json")

    assert said.code == 1
    assert said.json["ended"] is False
    assert sum(said.json["counts"].values()) == 3


def test_a_run_is_found_by_its_request_id_too(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(1)
    run_id = deployment.run(invoke_request("deploy-1"))

    assert fleetrun("status", "deploy-1", "--json").json["runId"] == run_id
    assert fleetrun("results", "deploy-1", "--json").code == 0
    assert fleetrun("events", "deploy-1").code == 0


def test_a_rejected_message_is_found_by_its_message_id(deployment: Deployment, fleetrun: CommandLine) -> None:
    message_id = deployment.receive(b'{"kind": "invoke", "requestId": "deploy-1", "timeout": 1}')

    said = fleetrun("status", message_id)

    assert said.code == 2
    assert "Rejected" in said.out


def test_the_summary_as_json_has_counts_excluded_failed_and_units(
    deployment: Deployment, fleetrun: CommandLine
) -> None:
    deployment.fleet(3)
    deployment.world.directory.change("i-00003", status="Stopped")
    deployment.ends(i_00002=FAILED)
    run_id = deployment.run(invoke_request("deploy-1"))

    told = fleetrun("status", run_id, "--json").json

    assert told["counts"] == {"Excluded": 1, "Failed": 1, "Success": 1}
    assert told["requested"] == sum(told["counts"].values())
    assert [each["reason"] for each in told["excluded"]] == ["NotRunning"]
    assert [(each["instanceId"], each["exitCode"]) for each in told["failed"]] == [("i-00002", 3)]
    assert told["unitsSpent"] == 1
    assert told["units"]["limit"] == 500


def test_an_unknown_run_is_refused_with_what_to_do(fleetrun: CommandLine) -> None:
    for command in (["status"], ["results"], ["events"], ["status", "--wait"]):
        said = fleetrun(*command, "run-0123456789abcdef0123")

        assert said.code == 2, command
        assert "there is no run" in said.err
        assert "fleetrun runs" in said.err


def test_results_show_every_target_and_every_excluded_one(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(3)
    deployment.world.directory.change("i-00003", status="Stopped")
    deployment.ends(i_00002=FAILED)
    run_id = deployment.run(invoke_request("deploy-1"))

    said = fleetrun("results", run_id)
    lines = {line.split()[1]: line for line in said.out.splitlines()}

    assert said.code == 1
    assert "Success" in lines["i-00001"]
    assert "exit 3" in lines["i-00002"]
    assert "disk is full" in lines["i-00002"]
    assert "NotRunning" in lines["i-00003"]


def test_results_can_be_narrowed_to_a_status_and_to_an_instance(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(3)
    deployment.ends(i_00002=FAILED)
    run_id = deployment.run(invoke_request("deploy-1"))

    failed = fleetrun("results", run_id, "--json", "--status", "Failed").json
    one = fleetrun("results", run_id, "--json", "--instance", "i-00001").json

    assert [line["instanceId"] for line in failed] == ["i-00002"]
    assert [line["instanceId"] for line in one] == ["i-00001"]


def test_a_misspelt_status_is_refused_and_not_an_empty_list(fleetrun: CommandLine) -> None:
    said = fleetrun("results", "deploy-1", "--status", "Falied")

    assert said.code == 2
    assert "'Falied'" in said.err
    assert "Failed" in said.err


def test_every_line_of_the_results_has_the_same_names(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(2)
    deployment.world.directory.change("i-00002", status="Stopped")
    run_id = deployment.run(invoke_request("deploy-1"))

    lines = fleetrun("results", run_id, "--json").json

    assert {frozenset(line) for line in lines} == {
        frozenset(
            {
                "instanceId",
                "name",
                "status",
                "exitCode",
                "errorCode",
                "errorInfo",
                "output",
                "dropped",
                "startTime",
                "finishTime",
                "reason",
                "detail",
            }
        )
    }


HOSTILE = b"\x1b[2J\x1b[31mred\r\n<b>bold</b> \xe2\x80\xaeback\x00\x07" + "🦀".encode() * 100
NOT_UTF8 = b"caf\xe9 \xff\xfe\n"


def test_results_as_json_pass_the_output_unharmed(deployment: Deployment, fleetrun: CommandLine) -> None:
    long = "🦀".encode() * 6_144
    deployment.fleet(3)
    deployment.ends(i_00001=Ending(output=HOSTILE), i_00002=Ending(output=NOT_UTF8), i_00003=Ending(output=long))
    run_id = deployment.run(invoke_request("deploy-1"))

    said = fleetrun("results", run_id, "--json")
    hostile, not_utf8, emoji = said.json

    assert said.out.isascii()
    assert "\x1b" not in said.out
    assert hostile["output"].encode() == HOSTILE
    assert base64.b64decode(not_utf8["outputBase64"]) == NOT_UTF8
    assert emoji["output"].encode() == long


@pytest.mark.parametrize("words", [["results"], ["results", "--output"], ["status"], ["events"]])
def test_hostile_output_is_shown_harmless(words: list[str], deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(2)
    deployment.world.directory.change("i-00001", name="web\n\x1b[1mfake line")
    deployment.ends(i_00001=Ending("Failed", exit_code=1, output=HOSTILE), i_00002=Ending(output=NOT_UTF8))
    run_id = deployment.run(invoke_request("deploy-1"))

    said = fleetrun(*words, run_id)

    assert not set(said.out) & {"\x1b", "\x00", "\x07", "\u202e", "\r"}
    assert "\nfake line" not in said.out


def test_whole_outputs_are_printed_line_by_line(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(1)
    deployment.ends(i_00001=Ending(output=b"one\n\nthree\n"))
    run_id = deployment.run(invoke_request("deploy-1"))

    said = fleetrun("results", run_id, "--output")

    assert said.out.splitlines()[1:] == ["    one", "    ", "    three"]


def test_runs_lists_the_newest_first(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(1)
    first = deployment.run(invoke_request("deploy-1"))
    second = deployment.run(invoke_request("deploy-2"))

    said = fleetrun("runs", "--json")
    lines = fleetrun("runs").out.splitlines()

    assert said.code == 0
    assert [run["runId"] for run in said.json] == [second, first]
    assert [line.split()[0] for line in lines] == [second, first]


def test_runs_tells_what_ran_on_an_instance(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(2)
    deployment.world.directory.change("i-00002", status="Stopped")
    both = deployment.run(invoke_request("deploy-1"))
    deployment.run(invoke_request("deploy-2", targets={"instanceIds": ["i-00001"]}))

    said = fleetrun("runs", "--instance", "i-00002", "--json").json

    assert [(run["runId"], run["target"]["status"]) for run in said] == [(both, "Excluded")]
    assert fleetrun("runs", "--instance", "i-00002").out.split()[0] == both
    assert "No runs" in fleetrun("runs", "--instance", "i-77777").err


def test_runs_that_have_not_ended_say_when_they_go_on(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(1)
    deployment.run(invoke_request("deploy-1"))
    deployment.receive(invoke_request("deploy-2"))
    long_ago_ms = deployment.world.clock.now_ms() - 30 * 86_400_000
    old = Run("run-00000000000000000001", "old-1", None, "", "cn-hangzhou", long_ago_ms, due_ms=long_ago_ms, attempts=4)
    deployment.ports.runs.insert_run(old)
    deployment.ports.runs.remember(old)

    said = fleetrun("runs", "--unfinished")
    told = fleetrun("runs", "--unfinished", "--json").json

    assert [run["requestId"] for run in told] == ["deploy-2", "old-1"]
    assert told[1]["attempts"] == 4
    assert told[1]["dueAt"]
    lines = said.out.splitlines()
    assert lines[0].startswith(run_id_of("deploy-2"))
    assert "overdue by 2,59" in lines[3]
    assert "tried 4 times in vain" in lines[3]


@pytest.mark.parametrize("option", [[], ["--unfinished"], ["--instance", "i-00001"]])
def test_a_run_whose_row_is_damaged_is_shown_as_that_beside_the_others(
    deployment: Deployment, fleetrun: CommandLine, option: list[str]
) -> None:
    deployment.fleet(1)
    for name in ("spoilt", "whole"):
        deployment.receive(invoke_request(name))
    column = {"PUT": [("body", "{")]}
    deployment.cloud.sdk.update_row("runs", Row([("run_id", run_id_of("spoilt")), ("part", "run")], column), None)

    said = fleetrun("runs", *option)
    told = fleetrun("runs", *option, "--json").json

    assert said.code == 0
    (line,) = [line for line in said.out.splitlines() if run_id_of("spoilt") in line]
    assert "Damaged" in line
    assert "is damaged" in line
    assert run_id_of("whole") in said.out
    assert [run["status"] for run in told if run["runId"] == run_id_of("spoilt")] == ["Damaged"]
    assert {run["runId"] for run in told} == {run_id_of("spoilt"), run_id_of("whole")}


def test_no_runs_at_all_are_said_on_standard_error(fleetrun: CommandLine) -> None:
    said = fleetrun("runs")

    assert (said.code, said.out) == (0, "")
    assert "No runs" in said.err
    assert fleetrun("runs", "--json").json == []


def test_quota_tells_the_days_units_by_run(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(120)
    day = day_of(deployment.world.clock.now_ms())
    run_id = deployment.run(invoke_request("deploy-1"))

    told = fleetrun("quota", "--day", day, "--json").json
    said = fleetrun("quota", "--day", day)

    assert (told["used"], told["left"], told["byRun"]) == (3, 497, {run_id: 3})
    assert "3 of 500 units used, 497 left" in said.out
    assert run_id in said.out


def test_quota_shows_the_limit_that_the_functions_keep_to_whatever_is_set_here(
    deployment: Deployment, fleetrun: CommandLine
) -> None:
    deployment.policy = replace(deployment.policy, daily_quota=40)
    deployment.fleet(2)
    now_ms = deployment.world.clock.now_ms()
    deployment.run(invoke_request("deploy-1"))
    here = fleetrun.with_(FLEETRUN_DAILY_QUOTA="7")

    same = here("quota", "--day", day_of(now_ms), "--json").json
    next_day = here("quota", "--day", day_of(now_ms + DAY_MS), "--json").json
    month_later = here("quota", "--day", day_of(now_ms + 30 * DAY_MS), "--json").json
    said = here("quota", "--day", day_of(now_ms + 30 * DAY_MS)).out

    assert [(each["limit"], each["limitFrom"]) for each in (same, next_day, month_later)] == [
        (40, "functions"),
        (40, "functions"),
        (7, "here"),
    ]
    assert "the limit is this command's" in said


def test_quota_without_a_day_is_todays(fleetrun: CommandLine) -> None:
    before = day_of(time.time_ns() // 1_000_000)
    told = fleetrun("quota", "--json").json
    after = day_of(time.time_ns() // 1_000_000)

    assert told["day"] in (before, after)
    assert told["used"] == 0


@pytest.mark.parametrize("day", ["2026-13-01", "yesterday", "2026-1-5", ""])
def test_quota_of_a_day_that_is_none_is_refused(day: str, fleetrun: CommandLine) -> None:
    said = fleetrun("quota", "--day", day)

    assert said.code == 2
    assert "a day looks like 2026-01-05" in said.err


def test_quota_by_itself_says_auto_when_only_ecs_knows(fleetrun: CommandLine) -> None:
    said = fleetrun.with_(FLEETRUN_DAILY_QUOTA="auto")("quota")

    assert "as many as ECS allows" in said.out


def test_waiting_for_a_run_ends_when_the_run_ends(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(2)
    deployment.receive(invoke_request("deploy-1"))

    with deployment.functions():
        said = fleetrun("status", "deploy-1", "--wait", "--json")

    assert said.code == 0
    assert said.json["runId"] == run_id_of("deploy-1")
    assert said.json["ended"] is True
