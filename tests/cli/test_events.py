"""`events`: the rows told as they were published, and followed to a run's end."""

from __future__ import annotations

import json
import unicodedata

import pytest
from tablestore import Row

from shared.core.model import run_id_of
from tests.app.driving import invoke_request
from tests.app.memory import Ending
from tests.cli.command_line import CommandLine
from tests.cli.deployment import Deployment


def test_the_events_of_a_run_are_told_in_order(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(3)
    deployment.world.directory.change("i-00003", status="Stopped")
    run_id = deployment.run(invoke_request("deploy-1"))

    said = fleetrun("events", run_id)
    lines = said.out.splitlines()

    assert said.code == 0
    assert [line.split()[3] for line in lines] == [
        "run.accepted",
        "run.planned",
        "chunk.invoked",
        "targets.finished",
        "run.finished",
    ]
    assert "2 of 3 targets, 1 chunk, 1 NotRunning" in lines[1]
    assert "PartialFailed" in lines[-1]


def test_as_json_each_line_is_an_event_as_it_was_published(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(3)
    deployment.run(invoke_request("deploy-1"))

    lines = fleetrun("events", "deploy-1", "--json").out.splitlines()
    published = [json.loads(body) for body in deployment.taken("fleetrun-events")]

    assert [json.loads(line) for line in lines] == sorted(published, key=lambda event: event["sequence"])


def test_without_a_run_the_recent_ones_are_told_by_time(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(1)
    first, second = (deployment.run(invoke_request(name)) for name in ("deploy-1", "deploy-2"))

    told = [json.loads(line) for line in fleetrun("events", "--json").out.splitlines()]

    assert {event["subject"] for event in told} == {first, second}
    assert [event["time"] for event in told] == sorted(event["time"] for event in told)


def test_following_a_run_ends_with_the_run(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(2)
    deployment.ends(i_00001=Ending(after_ms=60_000))
    deployment.receive(invoke_request("deploy-1"))

    with deployment.functions():
        said = fleetrun("events", "deploy-1", "--follow", "--json")

    told = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0
    assert told[-1]["type"] == "fleetrun.run.finished"
    assert [event["sequence"] for event in told] == [f"{number:08d}" for number in range(1, len(told) + 1)]


def test_following_everything_ends_with_ctrl_c(
    deployment: Deployment, fleetrun: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.fleet(1)
    deployment.run(invoke_request("deploy-1"))

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.events.time.sleep", interrupted)
    said = fleetrun("events", "--follow")

    assert said.code == 130
    assert "run.finished" in said.out
    assert "Traceback" not in said.err


def test_following_bears_a_cloud_that_is_away_for_a_moment(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(2)
    deployment.receive(invoke_request("deploy-1"))

    def away(_seconds: float) -> None:
        if not trouble:
            trouble.append("began")
            deployment.cloud.go_wrong("error-before", "BatchGetRow", count=6, status=503, code="OTSServerUnavailable")
        deployment.settle()

    trouble: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cli.events.time.sleep", away)
        said = fleetrun("events", "deploy-1", "--follow", "--json")

    assert said.code == 0, said.err
    assert json.loads(said.out.splitlines()[-1])["subject"] == run_id_of("deploy-1")
    assert deployment.cloud.calls("BatchGetRow") > 6


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        b"[1]",
        b"{}",
        b'{"type":"fleetrun.run.planned","time":"t","subject":"s","sequence":"00000001","data":{"included":"\\u001b[2J"}}',
        b'{"type":"fleetrun.run.finished","time":"","subject":"","sequence":"1","data":{"durationMs":1e999,"counts":[]}}',
        b'{"type":"\\u001b[31m","time":"\\u0007","subject":"\\u202e","sequence":"1","data":{"reason":"\\u001b]0;x\\u0007"}}',
        b"\xff\x1b[2J<script>",
    ],
)
def test_an_event_that_somebody_damaged_is_shown_harmless_in_its_place(
    deployment: Deployment, fleetrun: CommandLine, body: bytes
) -> None:
    deployment.fleet(1)
    run_id = deployment.run(invoke_request("deploy-1"))
    columns = {"PUT": [("body", body.decode("utf-8", "replace"))]}
    spoilt = Row([("run_id", run_id), ("part", "event-00000002")], columns)
    deployment.cloud.sdk.update_row("runs", spoilt, None)

    said = fleetrun("events", run_id)

    assert said.code == 0
    assert len(said.out.splitlines()) == deployment.ports.runs.read_run(run_id).event_seq
    assert not [each for each in said.out if unicodedata.category(each) in ("Cc", "Cf", "Cs") and each != "\n"]
