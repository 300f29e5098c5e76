"""`invoke` and `stop`: what is put into the queues, what is refused before, and how waiting ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cli.queues import REQUESTS, STOPS
from shared.core.model import run_id_of
from tests.app.driving import invoke_request
from tests.app.memory import Ending
from tests.cli.command_line import CommandLine
from tests.cli.deployment import Deployment

TAGGED = ("invoke", "--tag", "env=demo")


def sent(deployment: Deployment, queue: str = REQUESTS) -> Any:
    """The one message in the queue."""
    (body,) = deployment.taken(queue)
    return json.loads(body)


@pytest.fixture
def event(tmp_path: Path) -> Path:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(invoke_request("deploy-1")))
    return path


# -- sending ----------------------------------------------------------------------------------------------------------
def test_a_file_is_sent_as_it_is(event: Path, deployment: Deployment, fleetrun: CommandLine) -> None:
    said = fleetrun("invoke", str(event))

    assert (said.code, said.out) == (0, run_id_of("deploy-1") + "\n")
    assert deployment.taken(REQUESTS) == [event.read_bytes()]


def test_a_request_may_come_on_standard_input(deployment: Deployment, fleetrun: CommandLine) -> None:
    said = fleetrun("invoke", "-", stdin=json.dumps(invoke_request("deploy-1")).encode())

    assert said.code == 0
    assert sent(deployment)["requestId"] == "deploy-1"


def test_now_in_a_files_request_id_makes_each_sending_a_run_of_its_own(
    event: Path, deployment: Deployment, fleetrun: CommandLine
) -> None:
    event.write_text(json.dumps(invoke_request("deploy-{now}")))

    ids = {fleetrun("invoke", str(event)).out for _ in range(2)}

    assert len(ids) == 2
    assert all(json.loads(body)["requestId"].startswith("deploy-2") for body in deployment.taken(REQUESTS))


def test_the_request_id_of_a_file_can_be_replaced(event: Path, deployment: Deployment, fleetrun: CommandLine) -> None:
    said = fleetrun("invoke", str(event), "--request-id", "again-1", "--json")

    assert said.json["runId"] == run_id_of("again-1")
    assert said.json["messageId"]
    assert sent(deployment)["requestId"] == "again-1"


def test_options_become_the_fields_of_the_request(deployment: Deployment, fleetrun: CommandLine) -> None:
    said = fleetrun(
        *("invoke", "--tag", "env=prod", "--tag", "role=web=1", "--name", "web-*", "--vpc", "vpc-1"),
        *("--resource-group", "rg-1", "--timeout", "90", "--username", "app", "--parameter", "who=wörld"),
        *("--max-concurrency", "10%", "--max-errors", "5", "--wave", "1", "--wave", "100%"),
        *("--on-unfit", "reject", "--on-quota-exhausted", "reject", "--request-id", "deploy-1"),
        *("--working-dir", "/srv", "--region", "cn-beijing", "--", "echo", "{{who}}"),
    )

    assert said.code == 0, said.err
    assert sent(deployment) == {
        "kind": "invoke",
        "requestId": "deploy-1",
        "region": "cn-beijing",
        "command": {"type": "RunShellScript", "content": "echo {{who}}", "workingDir": "/srv"},
        "targets": {
            "tags": {"env": "prod", "role": "web=1"},
            "name": "web-*",
            "resourceGroupId": "rg-1",
            "vpcId": "vpc-1",
        },
        "parameters": {"who": "wörld"},
        "timeout": 90,
        "username": "app",
        "rateControl": {"maxConcurrency": "10%", "maxErrors": 5, "waves": [1, "100%"]},
        "onUnfit": "reject",
        "onQuotaExhausted": "reject",
    }


def test_instances_a_script_file_and_a_stored_command_can_be_named(
    tmp_path: Path, deployment: Deployment, fleetrun: CommandLine
) -> None:
    script = tmp_path / "script.ps1"
    script.write_text("Get-Date\n")

    fleetrun("invoke", "--instance", "i-1", "--script-file", str(script), "--type", "RunPowerShellScript")
    fleetrun("invoke", "--instance", "i-1", "--instance", "i-2", "--command-id", "c-1")
    first, second = sorted(
        map(json.loads, deployment.taken(REQUESTS)), key=lambda each: len(each["targets"]["instanceIds"])
    )

    assert first["command"] == {"type": "RunPowerShellScript", "content": "Get-Date\n"}
    assert second["command"] == {"commandId": "c-1"}
    assert second["targets"] == {"instanceIds": ["i-1", "i-2"]}
    assert first["requestId"] != second["requestId"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["invoke"], "give one EVENT.json, or targets and -- SCRIPT"),
        (["invoke", "no-such-file.json"], "no-such-file.json: No such file"),
        (["invoke", "--timeout", "20", "event.json"], "no targets: give --tag"),
        ([*TAGGED], "give one of: -- SCRIPT, --script-file, --command-id"),
        ([*TAGGED, "--command-id", "c-1", "--", "uptime"], "give one of: -- SCRIPT, --script-file, --command-id"),
        ([*TAGGED, "--script-file", "no-such-file.sh"], "no-such-file.sh: cannot be read as text"),
        (["invoke", "--tag", "env", "--", "uptime"], "--tag 'env': it must look like name=value"),
        ([*TAGGED, "--tag", "env=b", "--", "uptime"], "--tag 'env' is given twice"),
        ([*TAGGED, "--max-errors", "many", "--", "uptime"], "--max-errors 'many': it must be a number such as 5"),
        ([*TAGGED, "--max-errors", "101%", "--", "uptime"], "rateControl.maxErrors"),
        ([*TAGGED, "--timeout", "5", "--", "uptime"], "timeout is 5; it must be 10 to 86400 seconds"),
        ([*TAGGED, "--type", "RunPython", "--", "uptime"], "command.type"),
        ([*TAGGED, "--on-unfit", "ignore", "--", "uptime"], "onUnfit"),
        ([*TAGGED, "--region", "Hangzhou", "--", "uptime"], "region is 'Hangzhou'; a region looks like"),
        ([*TAGGED, "--request-id", "a b", "--", "uptime"], "requestId is 'a b'; it holds letters"),
        (["invoke", "--instance", "web-1", "--", "uptime"], "targets.instanceIds[0]"),
        ([*TAGGED, "--instance", "i-1", "--", "uptime"], "give one or the other"),
        ([*TAGGED, "--", "systemctl", "stop", "--wait"], "is the last --wait a word of the script"),
        ([*TAGGED, "--", "x" * 18_433], "command.content has 18433 bytes; it must have 1 to 18432"),
        (["stop", "x" * 65 + "=", "--instance", "web-1"], "instanceIds[0] is 'web-1'"),
        (["stop", "deploy-1", "--request-id", "a b"], "requestId is 'a b'"),
    ],
)
def test_what_no_function_would_take_is_refused_before_it_is_sent(
    words: list[str], sentence: str, deployment: Deployment, fleetrun: CommandLine
) -> None:
    said = fleetrun(*words)

    assert said.code == 2
    assert sentence in " ".join(said.err.split())
    assert said.out == ""
    assert deployment.taken(REQUESTS) == deployment.taken(STOPS) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"uptime", "the message is not JSON"),
        (b'{"kind": "invoke", "requestId": "a", "tagets": {}}', "tagets"),
        (
            b'{"kind": "stop", "requestId": "a", "runId": "run-1"}',
            "this is no invoke request: fleetrun stop RUN stops a run",
        ),
        (b"\xff\xfe{}", "the message is not JSON"),
        (b"[" * 100_000, "Expected `object`, got `array`"),
    ],
)
def test_a_file_that_is_no_request_is_refused(
    content: bytes, sentence: str, event: Path, deployment: Deployment, fleetrun: CommandLine
) -> None:
    event.write_bytes(content)

    said = fleetrun("invoke", str(event))

    assert said.code == 2
    assert sentence in " ".join(said.err.split())
    assert deployment.taken(REQUESTS) == []


def test_a_message_that_no_queue_takes_says_how_long_it_is(fleetrun: CommandLine, event: Path) -> None:
    ids = [f"i-{number:020d}" for number in range(3_000)]
    event.write_text(json.dumps(invoke_request("deploy-1", targets={"instanceIds": ids})))

    said = fleetrun("invoke", str(event))

    assert said.code == 2
    assert "a queue takes 65,536" in said.err
    assert "Name the targets by tags" in said.err


def test_when_nobody_knows_whether_it_was_sent_the_operator_learns_how_to_repeat_it(
    deployment: Deployment, fleetrun: CommandLine
) -> None:
    deployment.cloud.go_wrong("lost-reply", "SendMessage", count=None)

    said = fleetrun(*TAGGED, "--request-id", "deploy-1", "--", "uptime")

    assert said.code == 3
    assert "it may have been done" in said.err
    assert "--request-id deploy-1: it starts nothing twice" in said.err
    assert sent_ids(deployment) == {"deploy-1"}


def sent_ids(deployment: Deployment) -> set[str]:
    return {json.loads(body)["requestId"] for body in deployment.taken(REQUESTS)}


# -- waiting ----------------------------------------------------------------------------------------------------------
def test_waiting_ends_with_the_summary_and_the_runs_exit_code(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(3)
    deployment.ends(i_00002=Ending("Failed", exit_code=3, output=b"disk is full\n"))

    with deployment.functions():
        said = fleetrun(*TAGGED, "--", "uptime", "--wait")

    assert said.code == 1
    assert said.out.splitlines()[0].startswith("run-")
    assert "PartialFailed" in said.out
    assert "disk is full" in said.out
    assert "3 of 3 targets ended" in said.err


def test_waiting_for_a_run_that_goes_well_ends_with_0(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(3)

    with deployment.functions():
        said = fleetrun(*TAGGED, "--wait", "--json", "--", "uptime")

    assert said.code == 0
    assert said.json["status"] == "Success"
    assert said.json["counts"] == {"Success": 3}


def test_waiting_for_a_request_that_is_rejected_ends_with_2(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(3)
    deployment.world.directory.change("i-00002", status="Stopped")

    with deployment.functions():
        unfit = fleetrun(*TAGGED, "--on-unfit", "reject", "--request-id", "deploy-1", "--wait", "--", "uptime")
        reused = fleetrun(*TAGGED, "--request-id", "deploy-1", "--wait", "--", "reboot")

    assert unfit.code == 2
    assert "Rejected" in unfit.out
    assert reused.code == 2
    assert "was used before, with another body" in reused.out
    assert "has its run already" in reused.err


def test_a_request_that_has_its_run_is_answered_with_how_that_one_ended(
    event: Path, deployment: Deployment, fleetrun: CommandLine
) -> None:
    deployment.fleet(1)
    with deployment.functions():
        first = fleetrun("invoke", str(event), "--wait", "--json")
        second = fleetrun("invoke", str(event), "--wait", "--json")

    assert second.json["runId"] == first.json["runId"]
    assert "choose another" in second.err
    assert sum(deployment.world.runner.executions.values()) == 1


@contextmanager
def ctrl_c_at_the_first_pause(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As the signal would: in the main thread, while it waits."""

    def interrupted(_seconds: float) -> None:
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cli.watch.time.sleep", interrupted)
        yield


@pytest.mark.parametrize(
    "words",
    [[*TAGGED, "--request-id", "deploy-1", "--wait", "--", "uptime"], ["stop", "deploy-1", "--wait"]],
)
def test_ctrl_c_while_waiting_says_that_the_run_goes_on(
    words: list[str], fleetrun: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ctrl_c_at_the_first_pause(monkeypatch):
        said = fleetrun(*words)

    run_id = run_id_of("deploy-1")
    assert said.code == 130
    assert "the run goes on" in said.err
    assert f"fleetrun status {run_id} --wait" in said.err
    assert f"fleetrun stop {run_id}" in said.err
    assert "Traceback" not in said.err


# -- stopping ---------------------------------------------------------------------------------------------------------
def test_a_stop_goes_into_the_queue_of_stops(deployment: Deployment, fleetrun: CommandLine) -> None:
    said = fleetrun("stop", "deploy-1", "--instance", "i-1", "--instance", "i-2", "--json")
    message = sent(deployment, STOPS)

    assert said.code == 0
    assert said.json["runId"] == message["runId"] == run_id_of("deploy-1")
    assert message["kind"] == "stop"
    assert message["instanceIds"] == ["i-1", "i-2"]
    assert said.json["requestId"] == message["requestId"]


def test_a_running_run_is_stopped_and_its_ends_are_named(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(2)
    deployment.ends(i_00001=Ending(silent=True), i_00002=Ending(silent=True))
    deployment.receive(invoke_request("deploy-1", timeout=86_400))

    with deployment.functions():
        said = fleetrun("stop", "deploy-1", "--wait", "--json")

    assert said.code == 1
    assert said.json["status"] == "Stopped"
    assert set(said.json["counts"]) <= {"Cancelled", "Terminated", "NotStarted"}
    assert sum(said.json["counts"].values()) == 2


def test_stopping_a_run_that_has_ended_is_answered_with_its_outcome(
    deployment: Deployment, fleetrun: CommandLine
) -> None:
    deployment.fleet(2)
    deployment.run(invoke_request("deploy-1"))

    said = fleetrun("stop", "deploy-1")

    assert said.code == 0
    assert "Success" in said.out
    assert deployment.taken(STOPS) == []


def test_everything_can_be_stopped_at_once(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(2)
    ended = deployment.run(invoke_request("deploy-0"))
    deployment.ends(i_00001=Ending(silent=True), i_00002=Ending(silent=True))
    for number in (1, 2):
        deployment.receive(invoke_request(f"deploy-{number}", timeout=86_400))
    deployment.put(REQUESTS, json.dumps(invoke_request("deploy-3")))

    said = fleetrun("stop", "--all")
    stops = [json.loads(body) for body in deployment.taken(STOPS)]

    assert said.code == 0
    assert {stop["runId"] for stop in stops} == {run_id_of("deploy-1"), run_id_of("deploy-2")}
    assert len({stop["requestId"] for stop in stops}) == 2
    assert ended not in said.out
    assert "1 request still in the queue" in said.err


def test_stopping_everything_as_json_says_what_still_waits(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(1)
    deployment.ends(i_00001=Ending(silent=True))
    deployment.receive(invoke_request("deploy-1"))

    said = fleetrun("stop", "--all", "--json")

    assert [each["runId"] for each in said.json["stopped"]] == [run_id_of("deploy-1")]
    assert said.json["requestsWaiting"] == 0


@pytest.mark.parametrize(
    "words", [["stop"], ["stop", "run-1", "--all"], ["stop", "--all", "--wait"], ["stop", "--all", "--instance", "i-1"]]
)
def test_a_stop_of_nothing_or_of_too_much_is_refused(words: list[str], fleetrun: CommandLine) -> None:
    assert fleetrun(*words).code == 2
