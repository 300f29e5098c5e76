"""`fleetrun --api`: the commands say over HTTP what they say over queues and tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters import tablestore_rows as rows
from shared.adapters.tablestore_writes import Write
from shared.core.model import run_id_of
from tests.adapters.clients import table_calls
from tests.cli.command_line import CommandLine, command_line
from tests.cli.conftest import nowhere
from tests.e2e.world import World, until, whole

__all__ = ["nowhere"]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with whole(instances=24) as made:
        yield made


@pytest.fixture
def direct(world: World) -> CommandLine:
    return command_line(world.cloud.url)


@pytest.fixture
def over_http(direct: CommandLine, world: World) -> CommandLine:
    """It has nothing but an address and a key."""
    key = direct.environment["FLEETRUN_API_KEY"]
    return CommandLine({"FLEETRUN_API": f"{world.cloud.url}/api", "FLEETRUN_API_KEY": key})


def test_a_run_is_started_followed_and_read_the_same_both_ways(direct: CommandLine, over_http: CommandLine) -> None:
    words = ("--tag", "env=demo", "--request-id", "both-1", "--", "echo over http; exit 3")

    invoked = over_http("invoke", "--wait", "--json", *words)

    assert invoked.code == 1, invoked.err
    assert invoked.json["counts"] == {"Excluded": 4, "Failed": 20}
    for command in (("status",), ("results",), ("events",)):
        http, rows = over_http(*command, "both-1", "--json"), direct(*command, "both-1", "--json")
        assert (http.code, http.out) == (rows.code, rows.out), command
    text = over_http("results", "both-1", "--output").out
    assert text.count("over http") == 20


def test_lists_and_units_are_the_same_both_ways(direct: CommandLine, over_http: CommandLine) -> None:
    over_http("invoke", "--wait", "--tag", "env=demo", "--request-id", "listed-1", "--", "true")

    for words in (("runs", "--json"), ("runs", "--unfinished", "--json"), ("quota", "--json")):
        assert over_http(*words).json == direct(*words).json, words


def test_a_damaged_run_is_told_the_same_both_ways(world: World, direct: CommandLine, over_http: CommandLine) -> None:
    for name in ("spoilt-1", "whole-1"):
        over_http("invoke", "--wait", "--tag", "env=demo", "--request-id", name, "--", "true")
    spoilt = Write("update", rows.RUNS, rows.run_key(run_id_of("spoilt-1")), {"body": "{"})
    assert table_calls(world.cloud.url).write(spoilt)

    listed = over_http("runs", "--json").json

    assert [run["status"] for run in listed if run["runId"] == run_id_of("spoilt-1")] == ["Damaged"]
    assert listed == direct("runs", "--json").json


def test_a_run_is_stopped_over_http(over_http: CommandLine) -> None:
    over_http("invoke", "--tag", "env=demo", "--request-id", "stopped-1", "--", "sleep 50")

    stopped = over_http("stop", "stopped-1", "--wait", "--json")

    assert stopped.code == 1, stopped.err
    assert stopped.json["status"] == "Stopped"
    assert over_http("stop", "--all", "--json").json == {"stopped": [], "requestsWaiting": 0}


def test_a_schedule_lives_over_http(direct: CommandLine, over_http: CommandLine) -> None:
    added = over_http(
        "schedule", "add", "http-job", "0 0 3 * * ?", "--tag", "env=demo", "--wait", "--json", "--", "true"
    )
    shown, listed = over_http("schedule", "show", "http-job", "--json"), over_http("schedule", "list", "--json")

    assert added.code == 0, added.err
    assert shown.json == direct("schedule", "show", "http-job", "--json").json
    assert listed.json == direct("schedule", "list", "--json").json
    fired = over_http("schedule", "fire-now", "http-job", "--json")
    assert over_http("status", fired.json["runId"], "--wait").code in (0, 1)
    updated = over_http("schedule", "update", "http-job", "--frequency", "0 30 3 * * ?", "--wait", "--json")
    late = over_http("schedule", "update", "http-job", "--timeout", "90", "--if-revision", "1")
    assert (updated.code, updated.json["revision"]) == (0, 2), updated.err
    assert (late.code, "If-Match" in late.err) == (2, True)
    for action, status in (("pause", "Paused"), ("resume", "Active"), ("remove", "Removed")):
        assert over_http("schedule", action, "http-job").code == 0
        assert direct("schedule", "show", "http-job", "--json").json["status"] == status
    again = over_http("schedule", "add", "http-job", "0 0 3 * * ?", "--tag", "env=demo", "--json", "--", "true")
    assert again.code == 0, again.err
    assert direct("schedule", "show", "http-job", "--json").json["status"] == "Active"


def test_a_cloud_schedule_is_listed_brought_in_line_and_ended_over_http(
    direct: CommandLine, over_http: CommandLine
) -> None:
    words = ("--by", "cloud", "--tag", "env=demo", "--json", "--", "true")
    added = over_http("schedule", "add", "http-cloud", "0 0 3 * * ?", *words)
    assert added.code == 0, added.err
    until("its first firing to be awaited", lambda: _next_fire(direct, "http-cloud"))

    assert over_http("schedule", "list", "--json").json == direct("schedule", "list", "--json").json
    assert over_http("schedule", "show", "http-cloud").err == direct("schedule", "show", "http-cloud").err
    assert over_http("schedule", "sync", "http-cloud").code == 0
    assert over_http("stop", "http-cloud", "--wait", "--json").json["status"] == "Stopped"


def _next_fire(direct: CommandLine, name: str) -> str | None:
    listed = direct("schedule", "list", "--json").json
    return next((each["nextFire"] for each in listed if each["name"] == name), None)


def test_a_request_too_long_for_a_queue_goes_over_http(
    direct: CommandLine, over_http: CommandLine, tmp_path: Path
) -> None:
    ids = [f"i-{number:055d}" for number in range(2_000)]
    event = {"command": {"type": "RunShellScript", "content": "true"}, "targets": {"instanceIds": ids}}
    path = tmp_path / "long.json"
    path.write_text(json.dumps({"kind": "invoke", "requestId": "long-1", **event}))

    queued, sent = direct("invoke", str(path)), over_http("invoke", str(path), "--wait", "--json")

    assert queued.code == 2
    assert sent.json["counts"] == {"Excluded": 2_000}


def test_a_refusal_comes_at_once_and_names_the_field(over_http: CommandLine) -> None:
    over_http("invoke", "--tag", "env=demo", "--request-id", "used-1", "--", "true")

    again = over_http("invoke", "--tag", "env=demo", "--request-id", "used-1", "--", "false")

    assert again.code == 2
    assert "used-1" in again.err


def test_what_looks_into_queues_says_that_it_goes_without_the_api(over_http: CommandLine) -> None:
    for words in (("dlq", "list"), ("doctor",)):
        said = over_http(*words)

        assert said.code == 2, said
        assert "without --api" in said.err


def test_a_wrong_key_and_a_wrong_address_are_told(world: World, over_http: CommandLine, nowhere: str) -> None:
    stranger = over_http.with_(FLEETRUN_API_KEY=f"frk_{'0' * 12}_{'0' * 64}")("runs")
    keyless = over_http.without("FLEETRUN_API_KEY")("runs")
    lost = over_http.with_(FLEETRUN_API=nowhere)("runs")
    odd = over_http.with_(FLEETRUN_API="example.com")("runs")

    assert (stranger.code, keyless.code, lost.code, odd.code) == (2, 2, 3, 2)
    assert "the key is not known" in stranger.err
    assert "FLEETRUN_API_KEY" in keyless.err
