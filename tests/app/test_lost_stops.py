"""The sweep knows of stops that nobody has seen: a stop's own message may be lost, and its run due tomorrow."""

from __future__ import annotations

import contextlib

from shared.core import limits
from shared.core.errors import UnknownOutcome
from shared.core.model import StopMark
from tests.app.driving import Drive, invoke_request
from tests.app.memory import linux
from tests.app.test_stops_while_held import deferred_run


def test_a_stop_whose_wakeup_was_lost_is_found_by_the_sweep() -> None:
    drive = Drive(daily_quota=1)
    run_id = deferred_run(drive)
    drive.world.queue.wakeups.clear()
    drive.world.runs.fail("read_run_and_stops", UnknownOutcome("lost"))
    stop = {"kind": "stop", "requestId": "stop-1", "runId": run_id}
    with contextlib.suppress(UnknownOutcome):  # marked; and its message is never delivered again
        drive.send(stop)

    drive.sweep()
    assert not drive.world.queue.wakeups, "it may be on its way yet"
    drive.world.clock.advance(limits.SWEEP_GRACE_MS)
    drive.sweep()
    drive.settle(steps=3)

    assert drive.run(run_id).status == "Stopped"
    assert run_id in drive.world.runs.unheeded_stops
    drive.sweep()
    assert not drive.world.runs.unheeded_stops


def test_a_stop_that_waits_for_its_run_stays_on_the_list_as_long_as_the_request_may_come() -> None:
    drive = Drive()
    drive.world.directory.add(linux(1))
    drive.send({"kind": "stop", "requestId": "early", "runId": "run-0123456789abcdef0123"})

    drive.world.clock.advance(limits.MESSAGE_AGE_S_MAX * 1000 - 1)
    drive.sweep()
    assert drive.world.runs.unheeded_stops
    drive.world.clock.advance(1)
    drive.sweep()

    assert not drive.world.runs.unheeded_stops


def test_a_stop_whose_mark_comes_late_is_found_all_the_same() -> None:
    drive = Drive(daily_quota=1)
    run_id = deferred_run(drive)
    came_ms = drive.world.clock.now_ms()
    drive.world.runs.unheeded_stops[run_id] = came_ms  # its mark is on its way, through slow tables
    drive.world.clock.advance(limits.SWEEP_GRACE_MS)
    drive.sweep()
    drive.world.runs.stops[run_id, "late"] = StopMark(run_id, "late", (), requested_ms=came_ms)
    drive.world.queue.wakeups.clear()

    drive.world.clock.advance(60_000)
    drive.sweep()
    drive.settle(steps=3)

    assert drive.run(run_id).status == "Stopped"


def test_a_line_whose_mark_never_came_is_taken_off_in_the_end() -> None:
    drive = Drive(daily_quota=1)
    run_id = deferred_run(drive)
    drive.world.runs.unheeded_stops[run_id] = drive.world.clock.now_ms()

    drive.world.clock.advance(limits.STOP_WRITTEN_MS)
    drive.sweep()

    assert not drive.world.runs.unheeded_stops


def test_a_stop_that_was_seen_costs_the_sweep_one_look() -> None:
    drive = Drive()
    drive.world.directory.add(linux(1))
    run_id = drive.send(invoke_request())
    drive.send({"kind": "stop", "requestId": "stop-1", "runId": run_id})
    drive.settle()
    drive.world.clock.advance(limits.SWEEP_GRACE_MS)
    before = drive.world.runs.count("read_run_and_stops")

    for _ in range(3):
        drive.sweep()

    assert drive.world.runs.count("read_run_and_stops") == before + 1
