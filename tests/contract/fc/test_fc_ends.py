"""Every kind of end of a function instance: timeout, memory, exit, kill, and that of the local cloud itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from localcloud.mns.values import Outgoing
from tests.contract.fc.real import (
    COUNTS,
    WAIT_S_MAX,
    WAITS_FOR_FILE,
    RealWorld,
    error_of,
    is_running,
    linux_only,
    play,
    process_state,
    until,
)
from tests.contract.fc.worlds import queue_trigger


def test_a_call_is_killed_at_its_timeout_and_its_stacks_are_in_the_log(tmp_path) -> None:
    code = "import time\ndef slow():\n    time.sleep(60)\ndef handler(event, context):\n    slow()"

    async def story(real: RealWorld) -> None:
        real.function("f", code, timeout=1)

        outcome = await real.call("f")

        assert outcome.error_type == "UnhandledInvocationError"
        assert error_of(outcome) == {"errorMessage": "Function timed out after 1 seconds"}
        assert b" in slow" in outcome.log
        assert real.workers.instances("f") == []

    play(tmp_path, story)


def test_a_shorter_patience_of_the_caller_wins_over_the_functions_timeout(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", "import time\ndef handler(event, context):\n    time.sleep(60)", timeout=600)

        outcome = await real.call("f", timeout_s_max=0.2)

        assert error_of(outcome) == {"errorMessage": "Function timed out after 0.2 seconds"}

    play(tmp_path, story)


@linux_only
def test_a_timeout_ends_also_a_function_that_ignores_signals_and_the_children_it_left(tmp_path) -> None:
    code = """
        import pathlib, signal, subprocess, time
        def handler(event, context):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            child = subprocess.Popen(["sleep", "60"])
            pathlib.Path(event.decode()).write_text(str(child.pid))
            time.sleep(60)
    """

    async def story(real: RealWorld) -> None:
        real.function("f", code, timeout=1)

        outcome = await real.call("f", str(tmp_path / "child").encode())

        assert "timed out" in error_of(outcome)["errorMessage"]
        child = int((tmp_path / "child").read_text())
        await until("the end of the child", lambda: process_state(child) in ("", "Z"))

    play(tmp_path, story)


@linux_only
def test_a_function_that_takes_more_memory_than_it_has_is_ended(tmp_path) -> None:
    code = "import time\ndef handler(event, context):\n    held = bytearray(200 << 20)\n    time.sleep(30)"

    async def story(real: RealWorld) -> None:
        real.function("f", code, memory=128)

        outcome = await real.call("f")

        assert outcome.error_type == "UnhandledInvocationError"
        assert "more than its memory of 128 MB" in error_of(outcome)["errorMessage"]
        assert real.workers.instances("f") == []

    play(tmp_path, story)


@linux_only
def test_a_short_peak_above_the_memory_ends_the_function_too(tmp_path) -> None:
    code = "def handler(event, context):\n    len(bytearray(200 << 20))\n    return 1"

    async def story(real: RealWorld) -> None:
        real.function("f", code, memory=128)

        outcome = await real.call("f")

        assert "more than its memory of 128 MB" in error_of(outcome)["errorMessage"]
        assert real.workers.instances("f") == []

    play(tmp_path, story)


@pytest.mark.parametrize("ending", ["os._exit(3)", "sys.exit(3)", "os.kill(os.getpid(), 9)"])
def test_a_process_that_ends_itself_is_told_as_an_unexpected_exit(tmp_path, ending: str) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", f"import os, sys\ndef handler(event, context):\n    print('last words')\n    {ending}")

        outcome = await real.call("f")

        assert outcome.error_type == "UnhandledInvocationError"
        message = error_of(outcome)["errorMessage"]
        assert message.startswith("Process exited unexpectedly before completing request (duration: ")
        assert b"last words" in outcome.log

    play(tmp_path, story)


def test_a_call_whose_instance_is_killed_reports_the_exit_and_the_next_runs_in_another(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", WAITS_FOR_FILE)
        event = str(tmp_path).encode()
        call = asyncio.ensure_future(real.call("f", event))
        await is_running(tmp_path)

        killed = real.fc.kill_instance("f")

        outcome = await call
        assert outcome.instance_id == killed
        assert error_of(outcome)["errorMessage"].startswith("Process exited unexpectedly")
        (tmp_path / "go").touch()
        assert (await real.call("f", event)).error_type is None

    play(tmp_path, story)


def test_a_queue_trigger_repeats_the_batch_whose_instance_was_killed(tmp_path) -> None:
    code = """
        import json, os, pathlib, time
        def handler(event, context):
            place = pathlib.Path(json.loads(event)[0]["data"]["messageBody"])
            (place / f"running-{os.getpid()}").touch()
            while not (place / "go").exists():
                time.sleep(0.005)
    """

    async def story(real: RealWorld) -> None:
        real.mns.create_queue("q")
        real.function("f", code)
        real.fc.create_trigger(queue_trigger())
        real.mns.send("q", Outgoing(str(tmp_path)))
        await is_running(tmp_path)

        real.fc.kill_instance("f")
        await until("the failure", lambda: real.fc.counters.of("f")["errors"] == 1)
        real.clock.freeze()
        (tmp_path / "go").touch()
        real.timeline.advance_to(real.clock.now_ms() + 1_000)

        await until("the repetition", lambda: real.fc.counters.of("f") == counts(calls=2, errors=1))
        await until("the deletion", lambda: real.mns.queue("q").inactive == 0)

    play(tmp_path, story)


def test_random_kills_lose_no_message_of_a_queue(tmp_path) -> None:
    code = """
        import json, pathlib, time
        def handler(event, context):
            for one in json.loads(event):
                time.sleep(0.002)
                with (pathlib.Path(__file__).parent / "done").open("a") as done:
                    done.write(one["data"]["messageBody"] + "\\n")
    """
    sent = [f"message-{number}" for number in range(40)]

    async def story(real: RealWorld) -> None:
        real.mns.create_queue("q")
        real.function("f", code)
        real.fc.create_trigger(queue_trigger(maximumTasks=2, batchWindow={"CountBasedWindow": 2}))
        real.clock.freeze()
        for body in sent:
            real.mns.send("q", Outgoing(body))
        kills = 0
        while (state := real.mns.queue("q")).active + state.inactive:
            await asyncio.sleep(0.005)
            # Pauses between repeats are over at once; what runs is hit now and then.
            real.timeline.advance_to(real.clock.now_ms() + 500)
            if kills < 8 and real.fc.kill_instance("f") is not None:
                kills += 1
        assert kills == 8

    play(tmp_path, story)

    done = (tmp_path / "f-code" / "done").read_text().split()
    assert sorted(set(done)) == sorted(sent)


def counts(*, calls: int, errors: int) -> dict[str, int]:
    return {"calls": calls, "errors": errors, "refused": 0, "running": 0}


PARENT = """
import asyncio, os, sys
from pathlib import Path
from tests.contract.fc.real import RealWorld

async def main():
    real = RealWorld(Path(sys.argv[1]))
    await real.fc.start()
    real.function("f", "def handler(event, context):\\n    return 1")
    real.function("g", "import time\\ndef handler(event, context):\\n    time.sleep(60)")
    await real.call("f")
    asyncio.ensure_future(real.call("g"))
    while len(real.workers.pids("g")) < 1:
        await asyncio.sleep(0.005)
    print(*real.workers.pids("f"), *real.workers.pids("g"), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@linux_only
def test_no_worker_outlives_a_local_cloud_that_is_killed_neither_frozen_nor_busy(tmp_path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2

    parent.send_signal(signal.SIGKILL)
    parent.wait()

    end = time.monotonic() + WAIT_S_MAX
    while any(process_state(pid) not in ("", "Z") for pid in pids):
        assert time.monotonic() < end, "a worker is still there"
        time.sleep(0.005)
    parent.stdout.close()


def test_after_close_no_process_is_left(tmp_path) -> None:
    pids = []

    async def story(real: RealWorld) -> None:
        real.function("f", COUNTS)
        real.function("g", WAITS_FOR_FILE)
        await real.returned("f")
        call = asyncio.ensure_future(real.call("g", str(tmp_path).encode()))
        await is_running(tmp_path)
        pids.extend(real.workers.pids("f") + real.workers.pids("g"))
        await real.fc.close()
        assert (await call).error_type == "UnhandledInvocationError"

    play(tmp_path, story)

    assert len(pids) == 2
    assert [process_state(pid) for pid in pids] == ["", ""]
