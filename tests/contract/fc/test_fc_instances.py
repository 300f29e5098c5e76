"""The life of function instances: start, reuse, freeze, limits, and every kind of end. Processes are real."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.fc.errors import FcError
from localcloud.fc.limits import STRICT
from localcloud.mns.values import Outgoing
from tests.contract.fc.real import WAIT_S_MAX, RealWorld, error_of, play, process_state, until
from tests.contract.fc.worlds import queue_trigger

COUNTS = """
    calls = 0
    def handler(event, context):
        global calls
        calls += 1
        return calls
"""
WAITS_FOR_FILE = """
    import os, pathlib, time
    def handler(event, context):
        place = pathlib.Path(event.decode())
        (place / f"running-{os.getpid()}").touch()
        while not (place / "go").exists():
            time.sleep(0.005)
        return os.getpid()
"""
linux_only = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


async def is_running(folder: Path, count: int = 1) -> None:
    await until(f"{count} running calls", lambda: len(list(folder.glob("running-*"))) >= count)


def test_an_instance_is_used_again_and_keeps_its_globals(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", COUNTS)

        assert [await real.returned("f") for _ in range(3)] == [1, 2, 3]
        assert len(real.workers.instances("f")) == 1

    play(tmp_path, story)


def test_calls_at_the_same_time_run_in_instances_of_their_own(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", WAITS_FOR_FILE)
        event = str(tmp_path).encode()
        calls = [asyncio.ensure_future(real.returned("f", event)) for _ in range(2)]
        await is_running(tmp_path, 2)
        (tmp_path / "go").touch()

        pids = await asyncio.gather(*calls)

        assert len(set(pids)) == 2
        assert real.fc.state()["functions"]["f"]["calls"] == {"calls": 2, "errors": 0, "refused": 0, "running": 0}

    play(tmp_path, story)


def test_the_call_beyond_the_reserved_concurrency_is_throttled(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", WAITS_FOR_FILE)
        real.fc.put_concurrency("f", 1)
        event = str(tmp_path).encode()
        running = asyncio.ensure_future(real.returned("f", event))
        await is_running(tmp_path)

        with pytest.raises(FcError) as refused:
            await real.call("f", event)

        assert (refused.value.code, refused.value.status) == ("ResourceThrottled", 429)
        (tmp_path / "go").touch()
        await running
        await real.returned("f", event)
        real.fc.put_concurrency("f", 0)
        with pytest.raises(FcError, match="0 instances"):
            await real.call("f", event)

    play(tmp_path, story)


@linux_only
def test_an_instance_is_frozen_between_calls_and_goes_on_where_it_was(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", COUNTS)
        await real.returned("f")
        (pid,) = real.workers.pids("f")

        await until("the freeze", lambda: process_state(pid) == "T")

        assert await real.returned("f") == 2
        assert real.workers.pids("f") == [pid]

    play(tmp_path, story)


@linux_only
def test_freezing_can_be_switched_off(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", COUNTS)
        await real.returned("f")
        (pid,) = real.workers.pids("f")

        await until("the wait for a frame", lambda: process_state(pid) == "S")

    play(tmp_path, story, limits=replace(STRICT, freezes=False))


def test_the_initializer_runs_once_before_the_first_call(tmp_path) -> None:
    code = """
        seen = []
        def initializer(context):
            seen.append("initialized")
            print("initializing")
        def handler(event, context):
            seen.append("called")
            return seen
    """

    async def story(real: RealWorld) -> None:
        real.function("f", code, initializer="index.initializer")

        first = await real.call("f", request_id="r-1")

        assert json.loads(first.body) == ["initialized", "called"]
        assert first.log.startswith(b"FC Initialize Start RequestId: r-1\ninitializing\nFC Initialize End")
        assert await real.returned("f") == ["initialized", "called", "called"]

    play(tmp_path, story)


def test_a_failing_initializer_is_an_initialization_error_and_costs_the_instance(tmp_path) -> None:
    code = "def initializer(context):\n    raise RuntimeError('no database')\ndef handler(e, c):\n    return 1"

    async def story(real: RealWorld) -> None:
        real.function("f", code, initializer="index.initializer")

        outcome = await real.call("f")

        assert outcome.error_type == "InitializationError"
        assert error_of(outcome)["errorMessage"] == "no database"
        assert real.workers.instances("f") == []

    play(tmp_path, story)


def test_an_initializer_is_killed_at_its_timeout(tmp_path) -> None:
    code = "import time\ndef initializer(context):\n    time.sleep(60)\ndef handler(e, c):\n    return 1"

    async def story(real: RealWorld) -> None:
        real.function("f", code, initializer="index.initializer", initializer_timeout=1)

        outcome = await real.call("f")

        assert outcome.error_type == "InitializationError"
        assert error_of(outcome) == {"errorMessage": "Function initializer timed out after 1 seconds"}

    play(tmp_path, story)


def test_pre_stop_runs_when_an_idle_instance_goes_after_ten_minutes(tmp_path) -> None:
    code = """
        import pathlib
        def stop(context):
            (pathlib.Path(__file__).parent / "stopped").write_text(context.request_id)
        def handler(event, context):
            return 1
    """

    async def story(real: RealWorld) -> None:
        real.function("f", code, pre_stop="index.stop", pre_stop_timeout=10)
        await real.returned("f")
        (pid,) = real.workers.pids("f")
        assert not (tmp_path / "f-code" / "stopped").exists()

        real.timeline.advance_to(real.clock.now_ms() + 600_001)

        await until("the end of the process", lambda: process_state(pid) in ("", "Z"))
        assert (tmp_path / "f-code" / "stopped").exists()
        assert real.workers.instances("f") == []

    play(tmp_path, story)


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


def test_a_provisioned_instance_is_ready_before_the_first_call_and_replaced_when_killed(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", COUNTS)
        real.fc.put_provision("f", 1)
        await real.fc.idle()
        (first,) = real.workers.instances("f")

        assert real.fc.kill_instance("f") == first

        await until("the replacement", lambda: real.workers.instances("f") not in ([], [first]))
        (second,) = real.workers.instances("f")
        assert (await real.call("f")).instance_id == second

    play(tmp_path, story)


@linux_only
def test_a_changed_function_is_run_by_new_instances(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", COUNTS)
        await real.returned("f")
        old = real.workers.instances("f")
        (pid,) = real.workers.pids("f")

        record = real.fc.functions.find("f")
        real.fc.update_function("f", replace(record.function.spec, timeout=9), attributes={})

        assert await real.returned("f") == 1
        assert real.workers.instances("f") != old
        await until("the end of the old one", lambda: process_state(pid) in ("", "Z"))

    play(tmp_path, story)


def test_a_published_version_keeps_running_as_it_was(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", "def handler(event, context):\n    return 'old'")
        fc, function = real.fc, real.fc.functions.find("f").function
        kept = {"f": replace(function, generation=fc.functions.next_generation())}
        fc.versions.publish("functions/f", kept, "first")
        fc.versions.create_alias("functions/f", "prod", "1", description="", weights={})
        new = real.files("new", {"index.py": "def handler(event, context):\n    return 'new'"})
        fc.update_function("f", replace(function.spec, code_dir=new), attributes={})

        bodies = [(await real.call("f", qualifier=name)).body for name in ("", "LATEST", "1", "prod")]

        assert bodies == [b"new", b"new", b"old", b"old"]
        with pytest.raises(FcError, match="beta"):
            await real.call("f", qualifier="beta")

    play(tmp_path, story)


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
