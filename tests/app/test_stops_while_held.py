"""A stop that comes while somebody holds the run is heeded soon, even if the run is not due before tomorrow."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from shared.app.advance import advance
from shared.app.ask_stop import ask_to_stop
from shared.app.hold import claim
from shared.core import limits
from shared.core.errors import Fenced
from shared.core.requests import StopRequest
from shared.core.wakeups import WakeUp
from tests.app.driving import Drive, invoke_request
from tests.app.memory import linux
from tests.app.test_every_call_may_fail import Troubled

SOON_MS = 10_000
STOP = {"kind": "stop", "requestId": "stop-1"}


def deferred_run(drive: Drive) -> str:
    """A run that waits for tomorrow's units."""
    drive.world.directory.add(*(linux(number) for number in range(120)))
    run_id = drive.send(invoke_request())
    for _ in range(200):
        if drive.run(run_id).status == "Deferred" or not drive.step():
            break
    run = drive.run(run_id)
    assert run.status == "Deferred"
    assert run.due_ms > drive.world.clock.now_ms() + 10 * SOON_MS
    return run_id


@pytest.mark.parametrize("way", ["queue", "http"])
def test_a_stop_that_finds_the_run_held_is_heeded_soon_after_the_holder_is_done(way: str) -> None:
    drive = Drive(daily_quota=1)
    run_id = deferred_run(drive)
    run, stops = drive.ports.runs.read_run_and_stops(run_id)
    assert run is not None
    holder = claim(drive.ports, drive.policy, run, stops, event_sent=run.event_sent)
    due_ms = run.due_ms

    if way == "queue":
        drive.send({"kind": "stop", "requestId": "stop-1", "runId": run_id})
    else:
        ask_to_stop(drive.ports, StopRequest(request_id="stop-1", run_id=run_id))
    holder.take_up(drive.ports.runs.read_chunks(run_id, sorted(run.active)))
    holder.again_at(due_ms)
    holder.commit()  # it has not seen the stop, and is not due before tomorrow
    asked_ms = drive.world.clock.now_ms()
    while drive.run(run_id).status == "Deferred":
        assert drive.step()

    assert drive.run(run_id).halted == "StopRequested"
    assert drive.world.clock.now_ms() - asked_ms < SOON_MS


@pytest.mark.parametrize("way", ["queue", "http"])
def test_a_stop_that_is_looked_at_while_the_run_is_held_does_not_wait_for_the_lease(way: str) -> None:
    drive = Drive(daily_quota=1)
    run_id = deferred_run(drive)
    run, stops = drive.ports.runs.read_run_and_stops(run_id)
    assert run is not None
    claim(drive.ports, drive.policy, run, stops, event_sent=run.event_sent)

    if way == "queue":
        drive.send({"kind": "stop", "requestId": "stop-1", "runId": run_id})
    else:
        ask_to_stop(drive.ports, StopRequest(request_id="stop-1", run_id=run_id))
        for body in drive.world.queue.take_due():
            drive.deliver(body)

    first_ms = min(due_ms for due_ms, _ in drive.world.queue.wakeups)
    assert first_ms - drive.world.clock.now_ms() <= limits.STOP_HELD_MS


def stop_while_a_faster_step_goes_by(at: int) -> tuple[Drive, str, int]:
    """A step that read the marks before the stop's came, and commits in front of the n-th call of the stop's own."""
    drive = Drive(daily_quota=1)
    run_id = deferred_run(drive)
    run, stops = drive.ports.runs.read_run_and_stops(run_id)
    assert run is not None
    ports, calls = drive.ports, 0

    def go_by() -> None:
        with contextlib.suppress(Fenced):  # it comes too late: the stop's own step has the run
            faster = claim(ports, drive.policy, run, stops, event_sent=run.event_sent)
            faster.take_up(ports.runs.read_chunks(run_id, sorted(run.active)))
            faster.again_at(run.due_ms)
            faster.commit()

    def trip(_name: str, act: Callable[[], Any]) -> Any:
        nonlocal calls
        calls += 1
        if calls == at:
            go_by()
        return act()

    drive.ports = dataclasses.replace(ports, runs=Troubled(ports.runs, trip), queue=Troubled(ports.queue, trip))
    drive.send(STOP | {"runId": run_id})
    drive.ports = ports
    return drive, run_id, calls


def test_a_stop_whose_own_step_loses_to_a_faster_one_is_heeded_soon() -> None:
    calls = stop_while_a_faster_step_goes_by(0)[2]
    assert calls > 5

    lost = 0
    for at in range(1, calls + 1):
        drive, run_id, _ = stop_while_a_faster_step_goes_by(at)
        asked_ms = drive.world.clock.now_ms()
        lost += drive.run(run_id).status == "Deferred"
        while drive.run(run_id).status == "Deferred":
            assert drive.step()

        assert drive.run(run_id).halted == "StopRequested"
        assert drive.world.clock.now_ms() - asked_ms < SOON_MS, f"overtaken at call {at}"
    assert lost, "the stop's own step never lost"


def test_without_a_stop_a_replaced_wake_up_is_stale() -> None:
    drive = Drive(daily_quota=1)
    run_id = deferred_run(drive)

    assert advance(drive.ports, drive.policy, WakeUp(run_id=run_id, wakeup_no=0)) == "stale"
