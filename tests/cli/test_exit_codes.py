"""What an operator gets who is wrong, whose keys are wrong, or whose cloud is not there: a sentence and a code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click import Group

from cli import exits
from cli.local import local_environment
from cli.main import fleetrun as group
from shared.core.transitions import ENDS_OF_RUN, RUN
from tests.app.driving import invoke_request
from tests.cli.command_line import CommandLine, command_line
from tests.cli.deployment import Deployment

ROOT = Path(__file__).resolve().parents[2]
RUN_ID = "run-0123456789abcdef0123"
SECRET = "a-secret-that-must-not-be-shown"

TALKING = [
    ["invoke", "--instance", "i-1", "--", "uptime"],
    ["status", RUN_ID],
    ["status", RUN_ID, "--wait"],
    ["results", RUN_ID],
    ["stop", RUN_ID],
    ["events"],
    ["events", RUN_ID],
    ["runs"],
    ["quota"],
    ["dlq", "list"],
    ["dlq", "show", "some-id"],
    ["dlq", "redrive", "--all"],
]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between tries take no time."""
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("words", [*TALKING, ["call", "sweep_runs", "events/sweep_runs/direct.json"]])
def test_a_cloud_that_is_not_there_ends_with_3(words: list[str], nowhere: str) -> None:
    said = command_line(nowhere)(*words)

    assert said.code == 3
    assert "cannot be reached" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("words", TALKING)
def test_a_wrong_key_is_refused_and_never_shown(words: list[str], fleetrun: CommandLine) -> None:
    said = fleetrun.with_(ALIBABA_CLOUD_ACCESS_KEY_SECRET=SECRET)(*words)

    assert said.code == 2
    assert said.err.startswith("fleetrun: ")
    assert SECRET not in said.out + said.err
    assert "Traceback" not in said.err


def test_an_unknown_key_is_refused(fleetrun: CommandLine) -> None:
    said = fleetrun.with_(ALIBABA_CLOUD_ACCESS_KEY_ID="LTAI5tSomebodyElse")("runs")

    assert said.code == 2


@pytest.mark.parametrize(
    "name", ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "FLEETRUN_REGION", "FLEETRUN_ENDPOINT"]
)
def test_what_is_missing_in_the_environment_is_named(name: str, nowhere: str) -> None:
    said = command_line(nowhere).without(name, "FLEETRUN_ACCOUNT_ID")("runs")

    assert said.code == 2
    assert name in said.err
    assert "fleetrun local --print-env" in said.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLEETRUN_ENDPOINT", "127.0.0.1:7150"),
        ("FLEETRUN_DAILY_QUOTA", "many"),
        ("FLEETRUN_REGION", "Hangzhou"),
        ("FLEETRUN_TABLESTORE_INSTANCE", "x"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(name: str, value: str, nowhere: str) -> None:
    said = command_line(nowhere).with_(**{name: value})("runs")

    assert said.code == 2
    assert f"{name} is '{value}'" in said.err


def test_the_endpoint_option_goes_before_the_environment(fleetrun: CommandLine, nowhere: str) -> None:
    elsewhere = fleetrun.with_(FLEETRUN_ENDPOINT=nowhere, FLEETRUN_MNS_ENDPOINT=nowhere)

    said = elsewhere("runs", "--endpoint", fleetrun.environment["FLEETRUN_ENDPOINT"])

    assert said.code == 0


def test_without_an_endpoint_the_real_cloud_is_meant_and_https() -> None:
    from cli.settings import settings_of

    here = {**local_environment("http://127.0.0.1:1"), "FLEETRUN_ENDPOINT": ""}
    found = settings_of(here, endpoint=None)

    addresses = (found.ecs_endpoint, found.mns_endpoint, found.tablestore_endpoint, found.fc_endpoint)
    assert all(address.startswith("https://") for address in addresses)
    assert all(".aliyuncs.com" in address for address in addresses)


@pytest.mark.parametrize(
    "words", [["frobnicate"], ["status"], ["runs", "--limit", "0"], ["runs", "--limit", "many"], ["runs", "now"]]
)
def test_bad_usage_ends_with_2(words: list[str], nowhere: str) -> None:
    said = command_line(nowhere)(*words)

    assert said.code == 2
    assert "Usage: fleetrun" in said.err


def test_a_mistake_of_ours_does_not_look_like_a_failed_run(
    fleetrun: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_named: object) -> None:
        raise RuntimeError(f"it had {SECRET} in its hands")

    monkeypatch.setattr("cli.runs.recent_runs", broken)
    said = fleetrun.with_(ALIBABA_CLOUD_SECURITY_TOKEN=SECRET)("runs")

    assert said.code == exits.BUG
    assert "a mistake in fleetrun itself" in said.err
    assert SECRET not in said.err


def test_every_status_of_a_run_has_its_exit_code() -> None:
    codes = {status: exits.of_run(status) for status in RUN}

    assert {status for status, code in codes.items() if code == 0} == {"Success"}
    assert {status for status, code in codes.items() if code == 2} == {"Rejected"}
    assert {status for status, code in codes.items() if code == 1} == set(RUN) - {"Success", "Rejected"}
    assert set(RUN) >= ENDS_OF_RUN


def _commands(found: Group, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    names = []
    for name, command in found.commands.items():
        names += _commands(command, (*words, name)) if isinstance(command, Group) else [(*words, name)]
    return names


@pytest.mark.parametrize("words", _commands(group), ids=" ".join)
def test_every_command_explains_itself_and_prints_json(words: tuple[str, ...], nowhere: str) -> None:
    said = command_line(nowhere)(*words, "--help")

    assert said.code == 0
    assert f"Usage: fleetrun {' '.join(words)}" in said.out
    assert "--json" in said.out


def test_the_help_names_every_command_of_the_readme_and_the_exit_codes(nowhere: str) -> None:
    said = command_line(nowhere)("--help")

    for name in (
        "local",
        "invoke",
        "status",
        "results",
        "stop",
        "events",
        "runs",
        "quota",
        "dlq",
        "demo",
        "call",
        "package",
    ):
        assert f"\n  {name} " in said.out
    assert "3 cloud unreachable" in " ".join(said.out.split())


def test_the_command_loads_no_sdk_before_it_is_needed() -> None:
    program = (
        "import sys, cli.main; heavy = {'mns', 'tablestore', 'aliyunsdkcore', 'fc2', 'rich', 'requests', 'starlette',"
        " 'yaml', 'msgspec'}; print(sorted(heavy & set(sys.modules)))"
    )

    finished = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert finished.stdout == "[]\n"


def test_the_real_entry_ends_with_the_code(nowhere: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "cli", "quota", "--day", "never"],
        cwd=ROOT,
        env=local_environment(nowhere),
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 2
    assert "a day looks like" in finished.stderr


@pytest.mark.parametrize("words", [["local", "--print-env", "--json"], ["runs", "--json"], ["runs"], ["quota"]])
def test_a_reader_who_went_away_is_no_failed_run(
    words: list[str], deployment: Deployment, fleetrun: CommandLine
) -> None:
    deployment.fleet(1)
    deployment.run(invoke_request("deploy-1"))
    unread, written = os.pipe()
    os.close(unread)

    finished = subprocess.run(
        [sys.executable, "-m", "cli", *words],
        cwd=ROOT,
        env=dict(fleetrun.environment),
        stdout=written,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(written)

    assert finished.returncode == 141, finished.stderr
    assert finished.stderr == b""


def test_a_terminal_without_unicode_gets_escapes(nowhere: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "cli", "call", "sweep_runs", "größe-🦀.json"],
        cwd=ROOT,
        env={**local_environment(nowhere), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )

    assert finished.returncode == 2
    assert finished.stderr == b"fleetrun: gr\\xf6\\xdfe-\\U0001f980.json: No such file or directory\n"


# -- local, without starting it ---------------------------------------------------------------------------------------
def test_print_env_is_what_a_shell_takes_over(nowhere: str) -> None:
    said = command_line(nowhere)("local", "--port", "7200", "--print-env")
    script = f'{said.out}\nprintf %s "$FLEETRUN_ENDPOINT $ALIBABA_CLOUD_ACCESS_KEY_ID $FLEETRUN_ACCOUNT_ID"'

    told = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout

    assert said.code == 0
    assert told == "http://127.0.0.1:7200 LTAI5tLocalCloud 1234567890123456"


def test_print_env_follows_the_options_and_quotes_for_the_shell(nowhere: str) -> None:
    words = ("--access-key-id", "me", "--access-key-secret", "it's; a $secret", "--region", "cn-beijing", "--print-env")
    said = command_line(nowhere)("local", *words)
    told = subprocess.run(
        ["sh", "-c", f'{said.out}\nprintf %s "$ALIBABA_CLOUD_ACCESS_KEY_SECRET"'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert told == "it's; a $secret"
    assert command_line(nowhere)("local", *words, "--json").json["FLEETRUN_REGION"] == "cn-beijing"


def test_print_env_takes_back_what_would_win_against_it(nowhere: str) -> None:
    real = command_line(nowhere).with_(ALIBABA_CLOUD_SECURITY_TOKEN="t", FLEETRUN_MNS_ENDPOINT="https://1.mns")
    script = f"{real('local', '--print-env').out}\nenv"

    told = subprocess.run(["sh", "-c", script], env=dict(real.environment), capture_output=True, text=True, check=True)

    names = {line.partition("=")[0] for line in told.stdout.splitlines()}
    assert "FLEETRUN_ENDPOINT" in names
    assert not {"ALIBABA_CLOUD_SECURITY_TOKEN", "FLEETRUN_MNS_ENDPOINT"} & names


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["local", "--port", "0", "--print-env"], "--print-env needs the port"),
        (["local", "--port", "70000"], "70000"),
        (["local", "--instances", "-1"], "-1"),
        (["local", "--parameter", "DailyQuota"], "--parameter 'DailyQuota': it must look like name=value"),
        (["call", "sweep_runs", "no-such-file.json"], "no-such-file.json: No such file"),
        (["package", "--version", "../../elsewhere"], "--version '../../elsewhere'"),
        (["demo", "--event", "no-such-file.json"], "no-such-file.json: No such file"),
        (["demo", "--event", "events/stop_runs/direct.json"], "is no invoke request; the demo sends one"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(words: list[str], sentence: str, nowhere: str) -> None:
    said = command_line(nowhere)(*words)

    assert said.code == 2
    assert sentence in " ".join(said.err.split())


def test_json_is_one_value_for_a_program(fleetrun: CommandLine) -> None:
    for words in (["runs"], ["quota"], ["dlq", "list"], ["dlq", "redrive", "--all"]):
        json.loads(fleetrun(*words, "--json").out)
