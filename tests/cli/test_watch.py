"""Waiting for a run: what is shown meanwhile, and what is said when nothing comes."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cli import watch
from shared.core.model import Run
from tests.app.driving import invoke_request
from tests.app.memory import Ending
from tests.cli.command_line import CommandLine
from tests.cli.deployment import Deployment


def a_run(status: str, **changes: object) -> Run:
    run = Run("run-1", "deploy-1", None, "", "cn-hangzhou", 0, status=status, requested=120)
    return run.next(**changes)


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr("cli.watch.err", lambda: console)
    return screen


def test_on_a_terminal_there_is_a_bar_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_terminal(monkeypatch)

    with watch.progress() as tell:
        tell(a_run("Accepted", requested=0))
        tell(a_run("Running", counts={"Running": 60, "Success": 50, "Failed": 10}))

    assert "60/120" in screen.getvalue()
    assert "10 failed" in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[2K")


def test_elsewhere_there_is_a_line_for_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    with watch.progress() as tell:
        for _ in range(3):
            tell(a_run("Running", counts={"Running": 120}))
        tell(a_run("Deferred", counts={"Planned": 70, "Success": 50}, deferred_to="2026-01-06"))

    assert capsys.readouterr().err.splitlines() == [
        "Running: 0 of 120 targets ended, 120 Running",
        "Deferred: 50 of 120 targets ended, 70 Planned, 50 Success, the rest waits for 2026-01-06",
    ]


def test_when_nothing_comes_the_operator_is_told_what_may_be_wrong(
    fleetrun: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("cli.watch.SILENCE_S", -1.0)
    monkeypatch.setattr("cli.watch.time.sleep", pause)
    said = fleetrun("invoke", "--tag", "env=demo", "--wait", "--", "uptime")

    assert said.err.count("are the functions deployed and their triggers on?") == 1
    assert pauses == sorted(pauses)


def test_a_cloud_that_stays_away_ends_the_waiting_with_3(
    deployment: Deployment, fleetrun: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.fleet(1)
    deployment.receive(invoke_request("deploy-1"))
    monkeypatch.setattr("cli.watch.time.sleep", lambda _seconds: None)
    deployment.cloud.go_wrong("throttle", "BatchGetRow", count=None)

    said = fleetrun("stop", "deploy-1", "--wait")

    assert said.code == 3


def test_of_many_failures_twenty_are_shown_and_where_the_others_are(
    deployment: Deployment, fleetrun: CommandLine
) -> None:
    deployment.fleet(60)
    deployment.world.runner.ending = lambda _invocation, _instance_id: Ending("Failed", exit_code=1, output=b"no\n")
    run_id = deployment.run(invoke_request("deploy-1"))

    said = fleetrun("status", run_id)

    assert said.out.count("exit 1") == 20
    assert f"and 40 more: fleetrun results {run_id}" in said.out
