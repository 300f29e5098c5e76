"""`fleetrun local` and what stands on it, as processes: talked to, restarted on its data, gone at the end."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.local_process import NotStarted, local_process
from tests.cli.command_line import CommandLine, Said, command_line

ROOT = Path(__file__).resolve().parents[2]
GONE_S_MAX = 20.0
SMALL = ("--port", "0", "--instances", "12")


@contextmanager
def a_local_cloud(*options: str) -> Iterator[CommandLine]:
    with local_process([*SMALL, *options]) as local:
        yield command_line(local.wait_ready())


@pytest.fixture(scope="module")
def fleetrun() -> Iterator[CommandLine]:
    """One local cloud for the tests of this module; each sends requests of its own."""
    with a_local_cloud() as found:
        yield found


Process = tuple[int, str]
"""Its id, and when it started: an id alone may be somebody else's by now."""


def living() -> dict[Process, int]:
    """Every process that is no zombie, with its parent."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    found[int(entry.name), fields[19]] = int(fields[1])
    return found


def family_of(pid: int) -> set[Process]:
    """The process and all that it started, directly or not."""
    everyone, family = living(), set[Process]()
    generation = {each for each in everyone if each[0] == pid}
    while generation:
        family |= generation
        parents = {each[0] for each in generation}
        generation = {each for each, parent in everyone.items() if parent in parents} - family
    return family


def until_gone(family: set[Process]) -> None:
    end = time.monotonic() + GONE_S_MAX
    while left := family & set(living()):
        assert time.monotonic() < end, f"still there: {left}"
        time.sleep(0.05)


# -- one local cloud, talked to ---------------------------------------------------------------------------------------
def test_a_script_runs_on_real_instances_and_its_output_comes_back(fleetrun: CommandLine) -> None:
    said = fleetrun("invoke", "--tag", "env=demo", "--name", "web-00*", "--", 'printf "I am $HOSTNAME"', "--wait")
    run_id = said.out.split()[0]
    lines = fleetrun("results", run_id, "--json").json

    assert said.code == 0, said.out + said.err
    assert lines
    assert {line["output"] for line in lines} == {f"I am {line['name']}" for line in lines}


def test_failures_and_the_excluded_are_told_and_the_code_is_1(fleetrun: CommandLine) -> None:
    said = fleetrun(
        "invoke", "--tag", "env=demo", "--request-id", "fails-1", "--wait", "--json", "--", "echo no >&2; exit 4"
    )

    assert said.code == 1
    assert {each["exitCode"] for each in said.json["failed"]} == {4}
    assert "no\n" in {each["output"] for each in said.json["failed"]}
    assert said.json["excluded"]
    assert sum(said.json["counts"].values()) == said.json["requested"] == 12
    assert fleetrun("runs", "--instance", said.json["failed"][0]["instanceId"], "--json").json


def test_a_running_script_is_stopped(fleetrun: CommandLine) -> None:
    fleetrun("invoke", "--tag", "env=demo", "--request-id", "sleeps-1", "--timeout", "600", "--", "sleep 600")
    said = fleetrun("stop", "sleeps-1", "--wait", "--json")

    assert said.code == 1
    assert said.json["status"] == "Stopped"


def test_hostile_output_comes_through_whole_and_is_shown_harmless(fleetrun: CommandLine) -> None:
    script = r"printf '\033[2J\033]0;x\007<b>\342\200\256 \377\376'"
    fleetrun("invoke", "--tag", "env=demo", "--name", "web-001", "--request-id", "hostile-1", "--wait", "--", script)

    (line,) = fleetrun("results", "hostile-1", "--json").json
    shown = fleetrun("results", "hostile-1", "--output").out

    assert base64.b64decode(line["outputBase64"]) == b"\x1b[2J\x1b]0;x\x07<b>\xe2\x80\xae \xff\xfe"
    assert "\x1b" not in shown
    assert "\\x1b[2J" in shown
    assert "<b>" in shown


def test_a_bad_message_can_be_looked_up_and_sent_again(fleetrun: CommandLine) -> None:
    from shared.adapters.credentials import Credentials
    from shared.adapters.mns import MnsAccounts

    account = MnsAccounts(
        fleetrun.environment["FLEETRUN_ENDPOINT"], Credentials("LTAI5tLocalCloud", "local-cloud-secret")
    )
    queue = account.get().get_queue("fleetrun-requests")
    from mns.queue import Message

    message_id = queue.send_message(Message('{"kind": "invoke", "requestId": "bad-1", "tagets": {}}')).message_id
    said = _until_ended(fleetrun, message_id)
    (letter,) = fleetrun("dlq", "list", "--json").json

    assert said.code == 2
    assert letter["field"] == "tagets"
    assert letter["messageId"] == message_id
    assert fleetrun("dlq", "redrive", letter["id"]).code == 0


def _until_ended(fleetrun: CommandLine, name: str) -> Said:
    end = time.monotonic() + GONE_S_MAX
    while True:
        said = fleetrun("status", name)
        if "there is no run" not in said.err and said.code != 1:  # 1: its row is there, the rejection is not done
            return said
        assert time.monotonic() < end, said
        time.sleep(0.05)


def test_a_function_can_be_called_by_its_name(fleetrun: CommandLine) -> None:
    said = fleetrun("call", "sweep_runs", "events/sweep_runs/direct.json", "--json")
    unknown = fleetrun("call", "no_such_function", "events/sweep_runs/direct.json")

    assert said.code == 0, said.err
    assert set(said.json["answer"]) == {"unfinished", "overdue", "woken", "forgotten", "unreadable", "unheeded"}
    assert unknown.code == 2


def test_no_sdk_writes_to_the_terminal(fleetrun: CommandLine) -> None:
    """As a process of its own: here, pytest has the handlers of the root logger."""
    refused = subprocess.run(
        [sys.executable, "-m", "cli", "call", "no_such_function", "events/sweep_runs/direct.json"],
        cwd=ROOT,
        env=dict(fleetrun.environment),
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 2
    assert refused.stderr.startswith("fleetrun: no_such_function: FunctionNotFound")
    assert len(refused.stderr.splitlines()) == 1


def test_the_doctor_finds_the_local_cloud_well(fleetrun: CommandLine) -> None:
    said = fleetrun("doctor")

    assert said.code == 0, said.out
    assert "FAIL" not in said.out


def test_a_port_that_is_taken_is_said_and_ends_with_3() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        with local_process(["--port", port, "--instances", "1"]) as local, pytest.raises(NotStarted) as refused:
            local.wait_ready()

    assert refused.value.exit_code == 3
    assert f"cannot serve on 127.0.0.1:{port}" in str(refused.value)
    assert "--port" in str(refused.value)


# -- its life ---------------------------------------------------------------------------------------------------------
def test_its_state_survives_and_its_processes_do_not_when_its_starter_is_killed(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    program = (
        "import sys; from cli.local_process import local_process\n"
        f"with local_process({[*SMALL, *data]!r}) as local:\n"
        "    print(local.wait_ready(), local.pid, flush=True); sys.stdin.read()\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert starter.stdout is not None
    url, pid = starter.stdout.readline().decode().split()
    before = command_line(url)
    ended = before("invoke", "--tag", "env=demo", "--request-id", "kept-1", "--wait", "--json", "--", "uptime")
    quota, family = before("quota", "--json").json, family_of(int(pid))
    assert len(family) > 4, "the cloud and a worker for each function"

    starter.kill()
    starter.communicate(timeout=GONE_S_MAX)

    until_gone(family)
    with a_local_cloud(*data) as after:
        assert after("status", "kept-1", "--json").json["counts"] == ended.json["counts"]
        assert after("results", "kept-1", "--json").json
        assert after("quota", "--json").json == quota


def test_the_demo_ends_as_it_says_and_leaves_nothing(tmp_path: Path) -> None:
    event = tmp_path / "mine.json"
    request = json.loads((ROOT / "events/demo.json").read_text())
    event.write_text(json.dumps({**request, "targets": {"tags": {"env": "demo"}, "name": "web-*"}}))

    demo = subprocess.run(
        [sys.executable, "-m", "cli", "demo", "--port", "0", "--instances", "12", "--event", str(event), "--json"],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(demo.stdout)

    assert demo.returncode == 0, demo.stderr
    assert told["ended"] is True
    assert sum(told["counts"].values()) == told["requested"]
    assert told["differences"] is None


def test_ctrl_c_in_the_demo_stops_everything(tmp_path: Path) -> None:
    event = tmp_path / "long.json"
    request = json.loads((ROOT / "events/demo.json").read_text())
    request["command"]["content"] = "sleep 600"
    event.write_text(json.dumps({**request, "timeout": 600}))
    demo = subprocess.Popen(
        [sys.executable, "-m", "cli", "demo", "--port", "0", "--instances", "12", "--event", str(event)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stderr is not None
    for line in demo.stderr:
        if line.startswith("Running"):
            break
    family = family_of(demo.pid)

    demo.send_signal(signal.SIGINT)
    _, err = demo.communicate(timeout=GONE_S_MAX)

    assert demo.returncode == 130
    assert "everything is stopped" in err
    until_gone(family)
