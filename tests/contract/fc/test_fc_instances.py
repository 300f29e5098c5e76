"""The life of function instances: start, reuse, freeze, hooks, change. Processes are real."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from localcloud.fc.errors import FcError
from localcloud.fc.limits import STRICT
from tests.contract.fc.real import (
    COUNTS,
    WAITS_FOR_FILE,
    RealWorld,
    error_of,
    is_running,
    linux_only,
    play,
    process_state,
    until,
)


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


def test_the_bound_of_a_version_counts_the_calls_of_that_version_only(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", WAITS_FOR_FILE)
        fc = real.fc
        fc.versions.publish("functions/f", {"f": replace(fc.functions.find("f").function, generation=9)}, "")
        fc.functions.find("f").on_demand["1"] = 1
        event = str(tmp_path).encode()
        of_latest = asyncio.ensure_future(real.returned("f", event))
        await is_running(tmp_path)
        of_version = asyncio.ensure_future(real.call("f", event, qualifier="1"))
        await is_running(tmp_path, 2)

        with pytest.raises(FcError, match="all of its 1 instances busy"):
            await real.call("f", event, qualifier="1")

        (tmp_path / "go").touch()
        await asyncio.gather(of_latest, of_version)

    play(tmp_path, story)


def test_provisioned_instances_do_not_count_for_the_bound_of_a_version(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", WAITS_FOR_FILE)
        fc = real.fc
        fc.versions.publish("functions/f", {"f": replace(fc.functions.find("f").function, generation=9)}, "")
        fc.functions.find("f").on_demand["1"] = 0
        fc.put_provision("f", 1, qualifier="1")
        await until("it is provisioned", lambda: len(real.workers.instances("f")) == 1)
        event = str(tmp_path).encode()
        running = asyncio.ensure_future(real.call("f", event, qualifier="1"))
        await is_running(tmp_path)

        with pytest.raises(FcError, match="all of its 0 instances busy"):
            await real.call("f", event, qualifier="1")

        (tmp_path / "go").touch()
        assert (await running).error_type is None

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
