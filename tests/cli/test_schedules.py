"""`fleetrun schedule add`, `list`, `show` and the changes: against queues and tables over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.queues import REQUESTS
from shared.core.model import run_id_of
from shared.core.requests import InvokeRequest, ScheduleRequest, decode_request
from shared.core.schedule import schedule_id_of
from tests.app.driving import invoke_request
from tests.cli.command_line import CommandLine
from tests.cli.deployment import Deployment

NIGHTLY = ("schedule", "add", "nightly", "0 0 3 * * ?", "--tag", "env=demo")


def kept(deployment: Deployment) -> None:
    """What lies in the queue is handled, as accept_requests does."""
    for body in deployment.taken(REQUESTS):
        deployment.receive(body)


def test_a_schedule_is_added_with_its_policies(deployment: Deployment, fleetrun: CommandLine) -> None:
    policies = (
        "--missed",
        "all",
        "--missed-max",
        "3",
        "--overlap",
        "queue",
        "--jitter",
        "30",
        "--end",
        "2030-01-01T00:00:00",
    )
    said = fleetrun(*NIGHTLY, *policies, "--", "uptime", "-p")

    assert (said.code, said.out.strip()) == (0, schedule_id_of("nightly"))
    request = decode_request(deployment.taken(REQUESTS)[0])
    assert isinstance(request, InvokeRequest)
    assert request.command.content == "uptime -p"
    assert request.schedule is not None
    assert (request.schedule.missed, request.schedule.missed_max, request.schedule.jitter) == ("all", 3, 30)


def test_a_file_can_be_repeated(deployment: Deployment, fleetrun: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(invoke_request("anything")))

    said = fleetrun("schedule", "add", "from-file", "rate(1h)", "--event", str(path), "--json")

    assert said.json["requestId"] == "from-file"
    request = decode_request(deployment.taken(REQUESTS)[0])
    assert isinstance(request, InvokeRequest)
    assert (request.request_id, request.command.content) == ("from-file", "uptime")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("0 0 3 ? * 5-7", "--tag", "a=b", "--", "x"), "write 5,6,7"),
        (("0/10 * * * * ?", "--tag", "a=b", "--", "x"), "make the timeout shorter"),
        (("0 0 3 * * ?", "--tag", "a=b"), "give one of: -- SCRIPT, --script-file, --event"),
        (("0 0 3 * * ?", "--", "x"), "targets"),
        (
            ("0 0 3 * * ?", "--tag", "a=b", "--by", "cloud", "--overlap", "queue", "--", "x"),
            'goes with "by": "fleetrun"',
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_before_it_is_sent(
    deployment: Deployment, fleetrun: CommandLine, words: tuple[str, ...], sentence: str
) -> None:
    said = fleetrun("schedule", "add", "bad", *words)

    assert said.code == 2
    assert sentence in said.err
    assert deployment.taken(REQUESTS) == []


def test_waiting_shows_when_it_fires_next_or_why_not(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(60)
    with deployment.functions():
        good = fleetrun(*NIGHTLY, "--wait", "--json", "--", "uptime")
        bad = fleetrun("schedule", "add", "greedy", "0 * * * * ?", "--tag", "env=demo", "--wait", "--", "uptime")

    assert good.code == 0
    assert good.json["status"] == "Active"
    assert good.json["nextFire"] == good.json["nextFires"][0]
    assert good.json["nextFire"].endswith("T19:00:00Z"), "03:00 of UTC+8"
    assert bad.code == 2
    assert "2880 units, and the day has 500" in bad.err


def test_schedules_are_listed_and_shown(deployment: Deployment, fleetrun: CommandLine) -> None:
    fleetrun(*NIGHTLY, "--", "uptime")
    fleetrun("schedule", "add", "hourly", "rate(1h)", "--tag", "env=demo", "--", "uptime")
    kept(deployment)

    listed = fleetrun("schedule", "list", "--json").json
    shown = fleetrun("schedule", "show", "nightly")

    assert [each["name"] for each in listed] == ["hourly", "nightly"]
    assert "hourly" in fleetrun("schedule", "list").out
    assert "0 0 3 * * ? Asia/Shanghai" in shown.out
    assert "at 03:00:00 every day" in shown.out


def test_changes_go_by_message(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(1)
    fleetrun(*NIGHTLY, "--", "uptime")
    kept(deployment)

    states = []
    for action in ("pause", "resume", "remove"):
        assert fleetrun("schedule", action, "nightly").code == 0
        kept(deployment)
        states.append(fleetrun("schedule", "show", "nightly", "--json").json["status"])

    assert states == ["Paused", "Active", "Removed"]
    assert fleetrun("schedule", "list", "--json").json == []
    assert len(fleetrun("schedule", "list", "--all", "--json").json) == 1


def test_fire_now_tells_the_run_that_it_starts(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(2)
    fleetrun(*NIGHTLY, "--", "uptime")
    kept(deployment)

    said = fleetrun("schedule", "fire-now", "nightly", "--request-id", "by-hand-1", "--json")
    kept(deployment)
    deployment.settle()

    assert said.json["runId"] == run_id_of("nightly@by-hand-1")
    assert fleetrun("status", said.json["runId"]).code == 0


def test_an_unknown_schedule_is_named(deployment: Deployment, fleetrun: CommandLine) -> None:
    said = fleetrun("schedule", "pause", "nobody")

    assert said.code == 2
    assert "there is no schedule 'nobody'" in said.err


def test_an_update_changes_what_is_given_and_keeps_the_rest(deployment: Deployment, fleetrun: CommandLine) -> None:
    fleetrun(*NIGHTLY, "--overlap", "queue", "--end", "2030-01-01T00:00:00", "--timeout", "90", "--", "uptime")
    kept(deployment)

    said = fleetrun("schedule", "update", "nightly", "--frequency", "0 30 3 * * ?", "--end", "none", "--", "df", "-h")
    (body,) = deployment.taken(REQUESTS)
    deployment.receive(body)

    assert (said.code, said.out.strip()) == (0, "nightly: update requested")
    request = decode_request(body)
    assert isinstance(request, ScheduleRequest)
    assert (request.if_revision, request.schedule) == (1, schedule_id_of("nightly"))
    new = request.request
    assert new is not None
    assert new.schedule is not None
    assert (new.command.content, new.timeout, new.targets.tags) == ("df -h", 90, {"env": "demo"})
    assert (new.schedule.frequency, new.schedule.overlap, new.schedule.end_at) == ("0 30 3 * * ?", "queue", None)
    shown = fleetrun("schedule", "show", "nightly", "--json").json
    assert (shown["frequency"], shown["revision"]) == ("0 30 3 * * ? Asia/Shanghai", 2)


def test_a_file_can_be_what_a_schedule_repeats_from_now_on(
    deployment: Deployment, fleetrun: CommandLine, tmp_path: Path
) -> None:
    fleetrun(*NIGHTLY, "--", "uptime")
    kept(deployment)
    path = tmp_path / "event.json"
    path.write_text(json.dumps(invoke_request("anything", timeout=77)))

    said = fleetrun("schedule", "update", "nightly", "--event", str(path), "--json")

    request = decode_request(deployment.taken(REQUESTS)[0])
    assert isinstance(request, ScheduleRequest)
    assert said.json["action"] == "update"
    new = request.request
    assert new is not None
    assert new.schedule is not None
    assert (new.request_id, new.timeout, new.schedule.frequency) == ("nightly", 77, "0 0 3 * * ?")


def test_waiting_shows_what_an_update_came_to_or_that_somebody_was_faster(
    deployment: Deployment, fleetrun: CommandLine
) -> None:
    fleetrun(*NIGHTLY, "--", "uptime")
    kept(deployment)
    with deployment.functions():
        good = fleetrun("schedule", "update", "nightly", "--timeout", "90", "--wait", "--json")
        late = fleetrun("schedule", "update", "nightly", "--timeout", "80", "--if-revision", "1", "--wait")

    assert (good.code, good.json["revision"]) == (0, 2)
    assert late.code == 2
    assert "somebody has updated it" in late.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--frequency", "0 0 3 ? * 5-7"), "write 5,6,7"),
        (("--timeout", "5"), "timeout is 5"),
        (("--event", "x.json", "--", "uptime"), "give one of"),
    ],
)
def test_an_update_that_cannot_be_is_refused_before_it_is_sent(
    deployment: Deployment, fleetrun: CommandLine, words: tuple[str, ...], sentence: str
) -> None:
    fleetrun(*NIGHTLY, "--", "uptime")
    kept(deployment)

    said = fleetrun("schedule", "update", "nightly", *words)

    assert said.code == 2
    assert sentence in said.err
    assert deployment.taken(REQUESTS) == []


def test_a_removed_schedule_is_added_anew_with_the_very_same_words(
    deployment: Deployment, fleetrun: CommandLine
) -> None:
    for words in ((*NIGHTLY, "--", "uptime"), ("schedule", "remove", "nightly"), (*NIGHTLY, "--", "uptime")):
        assert fleetrun(*words).code == 0
        kept(deployment)

    shown = fleetrun("schedule", "show", "nightly", "--json").json
    assert (shown["status"], shown["fired"]) == ("Active", 0)


def test_a_change_names_the_schedule_by_its_id(deployment: Deployment, fleetrun: CommandLine) -> None:
    fleetrun(*NIGHTLY, "--", "uptime")
    kept(deployment)

    fleetrun("schedule", "pause", schedule_id_of("nightly"))

    request = decode_request(deployment.taken(REQUESTS)[0])
    assert isinstance(request, ScheduleRequest)
    assert (request.schedule, request.action) == (schedule_id_of("nightly"), "pause")


def test_a_cloud_schedule_is_sent_stays_scheduled_and_can_be_synced(
    deployment: Deployment, fleetrun: CommandLine
) -> None:
    deployment.fleet(2)
    added = fleetrun(*NIGHTLY, "--by", "cloud", "--", "uptime")
    kept(deployment)
    deployment.step()
    deployment.step()

    status = fleetrun("status", "nightly", "--json").json
    listed = fleetrun("schedule", "list", "--json").json
    shown = fleetrun("schedule", "show", "nightly")
    synced = fleetrun("schedule", "sync", "nightly", "--json")

    assert added.out.strip() == run_id_of("nightly")
    assert (status["status"], status["ended"]) == ("Scheduled", False)
    assert [(each["name"], each["by"], each["status"]) for each in listed] == [("nightly", "cloud", "Scheduled")]
    assert "is a schedule of the cloud: `fleetrun status` shows it" in shown.err
    assert synced.json["runId"] == run_id_of("nightly")
    request = decode_request(deployment.taken(REQUESTS)[0])
    assert isinstance(request, ScheduleRequest)
    assert request.action == "sync"


def test_what_ran_once_cannot_be_synced(deployment: Deployment, fleetrun: CommandLine) -> None:
    deployment.fleet(1)
    deployment.run(invoke_request("deploy-1"))

    said = fleetrun("schedule", "sync", "deploy-1")

    assert said.code == 2
    assert "is no cloud schedule" in said.err
