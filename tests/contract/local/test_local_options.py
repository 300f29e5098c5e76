"""What can be chosen about a local cloud: switches, faults, the clock, what is forgotten and what is written down."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from cli.local import local
from localcloud.ecs.limits import STRICT as ECS
from localcloud.faults import Rule, read_rule
from localcloud.mns.limits import Range
from localcloud.switches import BadSwitch, switched
from localcloud.threaded import RunningCloud, local_cloud

ROOT = Path(__file__).resolve().parents[3]


def ask(cloud: RunningCloud, path: str) -> tuple[int, bytes]:
    try:
        with urlopen(cloud.url + path, timeout=20) as response:
            return response.status, response.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


# -- switches ---------------------------------------------------------------------------------------------------------
def test_a_switch_changes_one_field_of_one_service() -> None:
    limits = switched({"ecs.stop_model": "documented", "fc.freezes": False})

    assert (limits.ecs.stop_model, limits.fc.freezes) == ("documented", False)
    assert limits.ecs != ECS
    assert limits.mns == switched({}).mns


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("ecs.dry_run_costs_quota", "true", True),
        ("ecs.invocations_per_day", "7", 7),
        ("ecs.stop_finished", "refuse", "refuse"),
        ("mns.polling_wait_seconds", "0..10", Range(0, 10)),
        ("tablestore.range_rows_max", "7", 7),
    ],
)
def test_text_is_read_as_the_field_asks(name: str, text: str, read: Any) -> None:
    service, _, field = name.partition(".")

    assert getattr(getattr(switched({name: text}), service), field) == read


def test_call_rates_are_given_as_an_object() -> None:
    rates = switched({"ecs.call_rates": '{"RunCommand": {"per_minute": 2}}'}).ecs.call_rates

    assert rates["RunCommand"].per_minute == 2


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("stop_model", "agent", "SERVICE.FIELD, the services are ecs, mns, tablestore, fc"),
        ("oss.x", "1", "the services are ecs"),
        ("ecs.stop", "agent", "there is none, only .*stop_model"),
        ("ecs.stop_model", "polite", "cannot be 'polite'"),
        ("ecs.invocations_per_day", "many", "cannot be 'many'"),
        ("mns.priority", "1", r"a range looks like 0\.\.30"),
        ("mns.priority", "1..x", r"cannot be '1\.\.x'"),
    ],
)
def test_a_wrong_switch_is_told_by_its_name(name: str, value: str, said: str) -> None:
    with pytest.raises(BadSwitch, match=said):
        switched({name: value})


def test_a_switch_reaches_the_service_that_it_is_about() -> None:
    names = {
        "ecs.page_size_default": 3,
        "mns.queues_max": 0,
        "tablestore.tables_max": 0,
        "fc.instances_per_function": 2,
    }

    with local_cloud(deploys=False, instances=4, switches=names) as cloud:
        seen = cloud.do(
            lambda it: [
                it.services.ecs.limits.page_size_default,
                it.services.mns.limits.queues_max,
                it.services.tablestore.limits.tables_max,
                it.services.fc.limits.instances_per_function,
            ]
        )

    assert seen == [3, 0, 0, 2]


# -- faults, clock, forgetting ----------------------------------------------------------------------------------------
def test_the_options_faults_are_in_force_from_the_start_and_after_a_reset() -> None:
    rule = Rule("error-before", service="ecs", code="ServiceUnavailable", status=503, count=1)

    with local_cloud(deploys=False, instances=1, faults=(rule,)) as cloud:
        first, second = ask(cloud, "/?Action=DescribeRegions")[0], ask(cloud, "/?Action=DescribeRegions")[0]
        cloud.do_async(lambda it: it.reset())
        third = ask(cloud, "/?Action=DescribeRegions")[0]

    assert (first, third) == (503, 503)
    assert second != 503


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("kind=throttle", Rule("throttle")),
        (
            "kind=delay, service=mns, operation=SendMessage, delayMs=250, probability=0.5, count=3",
            Rule("delay", service="mns", operation="SendMessage", delay_ms=250, probability=0.5, count=3),
        ),
        ("kind=error-after,code=Busy,status=503", Rule("error-after", code="Busy", status=503)),
    ],
)
def test_a_rule_is_read_from_one_word(text: str, rule: Rule) -> None:
    assert read_rule(text) == rule


def test_a_frozen_clock_stands_where_it_was_put() -> None:
    with local_cloud(deploys=False, instances=1, frozen_at_ms=1_800_000_000_000) as cloud:
        before = cloud.do(lambda it: it.clock_state())
        cloud.do(lambda it: it.advance_clock(60_000))
        after = cloud.do(lambda it: it.clock_state())

    assert (before["nowMs"], before["frozen"]) == (1_800_000_000_000, True)
    assert after["nowMs"] == 1_800_000_060_000


def test_kept_state_is_forgotten_on_demand_only(tmp_path: Path) -> None:
    def queues(**fields: Any) -> list[str]:
        with local_cloud(deploys=False, instances=1, data=tmp_path / "kept", **fields) as cloud:
            names = cloud.do(lambda it: sorted(it.state()["mns"]["queues"]))
            cloud.do(lambda it: it.services.mns.create_queue("mine") if not names else None)
        return names

    assert [queues(), queues(), queues(forgets=True)] == [[], ["mine"], []]


# -- the command ------------------------------------------------------------------------------------------------------
def test_the_command_takes_all_of_it_and_writes_down_state_and_requests(tmp_path: Path) -> None:
    state, requests = tmp_path / "state.json", tmp_path / "requests.jsonl"
    words = ["--port", "0", "--empty", "--instances", "3", "--simulated", "--clock", "2030-01-01T00:00:00Z"]
    words += ["--fault", "kind=throttle,service=ecs,count=1", "--set", "mns.queues_max=1"]
    words += ["--save-state", str(state), "--save-requests", str(requests)]

    with subprocess.Popen(
        [sys.executable, "-m", "cli", "local", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().removeprefix("ready: ").strip()
        try:
            with urlopen(f"{url}/_local/clock", timeout=20) as response:
                clock = json.load(response)
            with pytest.raises(HTTPError, match="400") as throttled:
                urlopen(f"{url}/?Action=DescribeRegions", timeout=20)
            told = throttled.value.read()
        finally:
            # Both at once, as impatient people and their shells do it.
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)
        said = process.stderr.read()

    assert (process.returncode, said) == (0, "")
    assert (clock["nowMs"], clock["frozen"]) == (1_893_456_000_000, True)
    assert b"Throttling" in told
    assert set(json.loads(state.read_text())) == {"ecs", "mns", "tablestore", "fc"}
    (logged,) = [json.loads(line) for line in requests.read_text().splitlines()]
    assert (logged["operation"], logged["faults"]) == ("DescribeRegions", ["fault-1"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--clock", "noon"], "--clock 'noon': real, frozen, or a time with its zone"),
        (["--clock", "2026-12-01T04:00:00"], "a time with its zone"),
        (["--fault", "throttle"], "it must look like name=value"),
        (["--fault", "kind=boom"], "boom"),
        (["--fault", "kind=delay,delay=3"], "delay"),
        (["--fault", "kind=throttle,probability=2"], "it lies from 0 to 1"),
    ],
)
def test_what_cannot_be_chosen_is_refused_before_anything_starts(words: list[str], said: str) -> None:
    result = CliRunner().invoke(local, ["--port", "0", *words])

    assert result.exit_code == 2
    assert said in result.output
