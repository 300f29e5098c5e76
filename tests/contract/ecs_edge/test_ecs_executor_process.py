"""Scripts that really run: their output, their ends, what is killed with them, and what they never get to see."""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localcloud.ecs.executor_launch import powershell
from tests.contract.ecs_edge.stage import Notes, Stage, is_alive, play

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found through /proc")

CHILDREN = "setsid sleep 300 & echo $!; sleep 300 & echo $!; echo ready; wait"
"""Starts two children, one of them in a session of its own, and prints their numbers."""


def children(notes: Notes) -> list[int]:
    return [int(word) for word in notes.printed.split() if word.isdigit()]


async def with_children(stage: Stage, **fields: object) -> tuple[Notes, list[int], object]:
    """A script whose two children run."""
    notes, execution = stage.start(CHILDREN, **fields)
    await stage.until(lambda: "started" in notes.names)

    def ready() -> bool:
        stage.advance(1)
        return b"ready" in notes.printed

    await stage.until(ready)
    pids = children(notes)
    assert len(pids) == 2
    assert all(is_alive(pid) for pid in pids)
    return notes, pids, execution


# -- output and ends --------------------------------------------------------------------------------------------------


def test_a_script_ends_with_its_exit_code_and_both_its_outputs(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        notes, _ = stage.start("echo out; echo err >&2; exit 3")

        assert await stage.end_of(notes) == ("finished", 3, b"out\nerr\n", 0)
        assert notes.names == ["started", "finished"]

    play(tmp_path, scenario)


def test_nothing_is_told_from_within_start(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        notes, _ = stage.start("exit 0")
        refused, _ = stage.start("exit 0", working_dir="/no/such/folder")

        assert notes.words == refused.words == []

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (b"", ("finished", 0, b"", 0)),
        (b"printf '\\377\\376\\000x'", ("finished", 0, b"\xff\xfe\x00x", 0)),
        (b"kill -9 $$", ("finished", -1, b"", 0)),
        (b"cat; echo end", ("finished", 0, b"end\n", 0)),
        (b"no-such-program-at-all 2>/dev/null", ("finished", 127, b"", 0)),
        (b"#!/bin/cat\nhello", ("finished", 0, b"#!/bin/cat\nhello", 0)),
        (b"exit 255", ("finished", 255, b"", 0)),
        (b"exec >&- 2>&-; exit 4", ("finished", 4, b"", 0)),
    ],
)
def test_what_a_script_may_do(tmp_path: Path, script: bytes, expected: tuple[object, ...]) -> None:
    async def scenario(stage: Stage) -> None:
        assert await stage.run(script) == expected

    play(tmp_path, scenario)


def test_a_missing_interpreter_is_the_shells_127(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        last = await stage.run("#!/no/such/interpreter\n")

        assert last[:2] == ("finished", 127)

    play(tmp_path, scenario)


def test_the_end_of_the_output_is_kept_and_the_rest_counted(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        last = await stage.run("head -c 100000 /dev/zero | tr '\\0' a; printf end")

        assert last[:2] == ("finished", 0)
        assert (len(last[2]), last[2][-4:], last[3]) == (24_576, b"aend", 100_003 - 24_576)

    play(tmp_path, scenario)


def test_exactly_24_kilobytes_are_not_cut(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        assert (await stage.run("head -c 24576 /dev/zero"))[3] == 0
        assert (await stage.run("head -c 24577 /dev/zero"))[3] == 1

    play(tmp_path, scenario)


def test_what_a_running_script_has_printed_is_told_at_intervals(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        notes, execution = stage.start("echo one; sleep 300")
        await stage.until(lambda: "started" in notes.names)

        def told() -> bool:
            stage.advance(1)
            return "output" in notes.names

        await stage.until(told)
        execution.cancel(True)

        assert notes.words[1] == ("output", b"one\n", 0)
        assert await stage.end_of(notes) == ("cancelled", None, b"one\n", 0)

    play(tmp_path, scenario)


def test_a_child_left_behind_does_not_hold_up_the_end_but_does_not_outlive_us(tmp_path: Path) -> None:
    pids: list[int] = []

    async def scenario(stage: Stage) -> None:
        last = await stage.run("sleep 300 & echo $!")
        pids.append(int(last[2]))

        assert last[:2] == ("finished", 0)
        assert is_alive(pids[0])

    play(tmp_path, scenario)

    assert not is_alive(pids[0])


# -- what a script sees -----------------------------------------------------------------------------------------------


def test_a_script_sees_its_instance_and_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "top-secret")

    async def scenario(stage: Stage) -> None:
        last = await stage.run("env", "i-7", invoke_id="t-9", environment={"EXTRA": "more"})
        seen = dict(line.split("=", 1) for line in last[2].decode().splitlines())

        assert b"top-secret" not in last[2]
        assert seen["ECS_INSTANCE_ID"] == "i-7"
        assert seen["ECS_INSTANCE_NAME"] == seen["HOSTNAME"] == "name-of-i-7"
        assert seen["ECS_INVOKE_ID"] == "t-9"
        assert seen["EXTRA"] == "more"
        assert seen["HOME"] == seen["PWD"] == str(tmp_path / "i-7")
        assert set(seen) <= {
            *("PATH", "HOME", "PWD", "OLDPWD", "USER", "LOGNAME", "SHELL", "LANG", "HOSTNAME", "SHLVL", "_", "EXTRA"),
            *("ECS_INSTANCE_ID", "ECS_INSTANCE_NAME", "ECS_INVOKE_ID", "LOCAL_CLOUD_EXECUTION"),
        }

    play(tmp_path, scenario)


def test_no_open_file_of_ours_is_handed_on(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        with open("/dev/null", "rb") as file:
            os.set_inheritable(file.fileno(), True)
            last = await stage.run("ls /proc/self/fd | wc -l")

        # stdin, stdout, stderr and the one with which ls reads the folder
        assert int(last[2]) == 4

    play(tmp_path, scenario)


def test_an_instance_keeps_its_files_and_shares_them_with_nobody(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.run("echo kept > note")

        assert await stage.run("cat note") == ("finished", 0, b"kept\n", 0)
        assert (await stage.run("cat note 2>/dev/null", "i-2"))[1] == 1

    play(tmp_path, scenario)


@pytest.mark.parametrize("name", ["../../outside", "..", ".", "a/b", "", "x" * 300, "new\nline"])
def test_no_name_of_an_instance_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "instances"

    async def scenario(stage: Stage) -> None:
        last = await stage.run("pwd", name, invoke_id=name)

        assert last[:2] == ("finished", 0)
        assert Path(last[2].decode()[:-1]).parent == folder

    play(folder, scenario)

    assert [path.name for path in tmp_path.iterdir()] == ["instances"]


def test_a_script_is_removed_when_it_has_ended(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        last = await stage.run('echo "$0"')

        assert not Path(last[2].decode().strip()).exists()
        assert list((tmp_path / ".scripts").iterdir()) == []

    play(tmp_path, scenario)


def test_a_working_directory_must_be_there(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()

    async def scenario(stage: Stage) -> None:
        missing = await stage.run("pwd", working_dir=str(tmp_path / "absent"))
        await stage.run("mkdir sub")

        assert missing[:2] == ("failed", "DirectoryNotExists")
        assert "absent" in missing[2]
        assert (await stage.run("pwd", working_dir=str(there)))[2] == f"{there}\n".encode()
        assert (await stage.run("pwd", working_dir="sub"))[2] == f"{tmp_path}/i-1/sub\n".encode()
        assert (await stage.run("pwd", working_dir="/root"))[2] == f"{tmp_path}/i-1\n".encode()

    play(tmp_path, scenario)


def test_only_our_own_user_exists(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        stranger = await stage.run("id", username="no-such-user")

        assert stranger[:2] == ("failed", "AccountNotExists")
        assert "no-such-user" in stranger[2]
        assert (await stage.run("exit 0", username=getpass.getuser()))[:2] == ("finished", 0)
        assert (await stage.run("exit 0", username="root"))[:2] == ("finished", 0)

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("launcher", "expected"),
    [
        ("cat", (0, b"two words\n")),
        ('cat {{ACS::ScriptFileName|Ext(".txt")}}', (0, b"two words\n")),
        ("cat {{ acs :: scriptfilename | ext(.txt) }}", (0, b"two words\n")),
        ("echo 'a  b' {{ACS::ScriptFileName|Ext(.py)}}", (0, b".py\n")),
        ("sh -u", (127, b"")),
    ],
)
def test_a_launcher_is_given_the_script(tmp_path: Path, launcher: str, expected: tuple[int, bytes]) -> None:
    async def scenario(stage: Stage) -> None:
        last = await stage.run("two words\n", launcher=launcher)

        assert (last[0], last[1]) == ("finished", expected[0])
        assert last[2].endswith(expected[1])

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("launcher", "code"),
    [
        ("no-such-launcher -x", "ExecutionException"),
        ("cat {{ACS::InstanceId}}", "InvalidSystemBuiltInParameter"),
        ("cat {{ACS::ScriptFileName}} {{ACS::ScriptFileName}}", "InvalidSystemBuiltInParameter"),
        ("{{x}}", "InvalidSystemBuiltInParameter"),
    ],
)
def test_a_launcher_that_can_not_be_is_named(tmp_path: Path, launcher: str, code: str) -> None:
    async def scenario(stage: Stage) -> None:
        assert (await stage.run("x", launcher=launcher))[:2] == ("failed", code)

    play(tmp_path, scenario)


def test_a_name_that_no_process_can_have_fails_its_script_only(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        assert (await stage.run("exit 0", environment={"X": "a\0b"}))[:2] == ("failed", "ExecutionException")
        assert (await stage.run("exit 0"))[:2] == ("finished", 0)

    play(tmp_path, scenario)


# -- killing ----------------------------------------------------------------------------------------------------------


def test_at_the_timeout_the_process_is_killed_and_its_children_may_stay(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        notes, pids, _ = await with_children(stage, timeout_s=600)
        stage.advance(600)

        last = await stage.end_of(notes)

        assert (last[0], last[2]) == ("timed_out", 0)
        assert last[1].endswith(b"ready\n")
        assert all(is_alive(pid) for pid in pids)

    play(tmp_path, scenario)


def test_at_the_timeout_a_process_tree_is_killed_wherever_it_has_gone(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        notes, pids, _ = await with_children(stage, timeout_s=600, termination_mode="ProcessTree")
        other, others, _ = await with_children(stage, instance_id="i-2", timeout_s=6000)
        stage.advance(600)

        assert (await stage.end_of(notes))[0] == "timed_out"
        await stage.until(lambda: not any(is_alive(pid) for pid in pids))
        assert other.last is None
        assert all(is_alive(pid) for pid in others)

    play(tmp_path, scenario)


@pytest.mark.parametrize("tree", [True, False])
def test_a_cancel_kills_the_process_or_all_of_its_tree(tmp_path: Path, tree: bool) -> None:
    async def scenario(stage: Stage) -> None:
        notes, pids, execution = await with_children(stage)
        execution.cancel(tree)  # type: ignore[attr-defined]
        execution.cancel(tree)  # type: ignore[attr-defined]

        last = await stage.end_of(notes)

        assert last[:2] == ("cancelled", None)
        if tree:
            await stage.until(lambda: not any(is_alive(pid) for pid in pids))
        else:
            assert all(is_alive(pid) for pid in pids)

    play(tmp_path, scenario)


def test_a_cancel_before_the_start_runs_nothing(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        notes, execution = stage.start("touch ran")
        execution.cancel(False)

        assert await stage.end_of(notes) == ("cancelled", None, b"", 0)
        assert notes.names == ["cancelled"]
        assert (await stage.run("ls"))[2] == b""

    play(tmp_path, scenario)


def test_a_cancel_after_the_end_says_nothing(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        notes, execution = stage.start("exit 0")
        await stage.end_of(notes)
        execution.cancel(True)
        stage.advance(100)

        assert notes.names == ["started", "finished"]

    play(tmp_path, scenario)


def test_close_kills_everything_and_says_nothing(tmp_path: Path) -> None:
    found: list[int] = []
    told: list[Notes] = []

    async def scenario(stage: Stage) -> None:
        notes, pids, execution = await with_children(stage)
        found.extend(pids)
        waiting, _ = stage.start("touch ran", "i-2")
        words = list(notes.words)
        stage.executor.close()
        stage.executor.close()
        execution.cancel(True)  # type: ignore[attr-defined]
        stage.advance(1000)
        told.extend((notes, waiting))

        assert notes.words == words
        assert waiting.words == []
        with pytest.raises(RuntimeError):
            stage.start("exit 0")

    play(tmp_path, scenario)

    assert not any(is_alive(pid) for pid in found)
    assert not (tmp_path / "i-2" / "ran").exists()


PARENT = """
import asyncio, sys
from pathlib import Path
from tests.contract.ecs_edge.stage import Stage
from tests.contract.ecs_edge.test_ecs_executor_process import with_children
from localcloud.ecs.executor_process import ProcessExecutor

async def main():
    stage = Stage(lambda timeline: ProcessExecutor(Path(sys.argv[1]), timeline=timeline))
    _, pids, _ = await with_children(stage)
    print(*pids, flush=True)
    await asyncio.sleep(300)

asyncio.run(main())
"""


def test_a_kill_9_of_ours_leaves_nothing_running(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.send_signal(signal.SIGKILL)
        parent.wait()

    async def scenario(stage: Stage) -> None:
        await stage.until(lambda: not any(is_alive(pid) for pid in pids))

    play(tmp_path, scenario)


# -- how many at once -------------------------------------------------------------------------------------------------


def test_an_eleventh_script_on_an_instance_is_refused(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        first = [stage.start("sleep 300") for _ in range(10)]
        eleventh, _ = stage.start("exit 0")
        elsewhere, _ = stage.start("exit 0", "i-2")

        last = await stage.end_of(eleventh)

        assert last[:2] == ("failed", "TaskConcurrencyLimit")
        assert (await stage.end_of(elsewhere))[:2] == ("finished", 0)
        first[0][1].cancel(True)
        await stage.end_of(first[0][0])
        assert (await stage.run("exit 0"))[:2] == ("finished", 0)

    play(tmp_path, scenario)


def test_no_more_than_the_limit_run_at_once_and_the_others_wait(tmp_path: Path) -> None:
    script = f"mkdir {tmp_path}/lock || exit 9; sleep 0.01; rmdir {tmp_path}/lock"

    async def scenario(stage: Stage) -> None:
        all_notes = [stage.start(script, f"i-{number}")[0] for number in range(8)]
        ends = [await stage.end_of(notes) for notes in all_notes]

        assert [end[:2] for end in ends] == [("finished", 0)] * 8

    play(tmp_path, scenario, processes_max=1)


def test_ninety_instances_run_at_the_same_time(tmp_path: Path) -> None:
    """Each waits until all have begun: they only end if all of them run at once."""
    script = f"touch {tmp_path}/here-$ECS_INSTANCE_ID; until [ -e {tmp_path}/go ]; do sleep 0.05; done; echo $HOSTNAME"

    async def scenario(stage: Stage) -> None:
        all_notes = [stage.start(script, f"i-{number}")[0] for number in range(90)]
        await stage.until(lambda: len(list(tmp_path.glob("here-*"))) == 90)
        (tmp_path / "go").touch()

        ends = [await stage.end_of(notes) for notes in all_notes]

        assert ends == [("finished", 0, f"name-of-i-{number}\n".encode(), 0) for number in range(90)]

    play(tmp_path, scenario)


# -- Windows ----------------------------------------------------------------------------------------------------------


def test_a_batch_script_is_simulated(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        last = await stage.run("rem simulate: exit=5 output=done\r\n", command_type="RunBatScript")

        assert last == ("finished", 5, b"done", 0)

    play(tmp_path, scenario)


def test_powershell_runs_where_it_is_installed_and_is_simulated_elsewhere(tmp_path: Path) -> None:
    async def scenario(stage: Stage) -> None:
        last = await stage.run("# simulate: exit=6\nexit 6", command_type="RunPowerShellScript")

        assert last[:2] == ("finished", 6), powershell()

    play(tmp_path, scenario)
