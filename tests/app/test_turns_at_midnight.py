"""Where units are short day after day, runs get theirs in the order of the days on which they came: none waits for
ever (sim seed 15015381 of access: the same one came last on twelve days)."""

from __future__ import annotations

import pytest

from shared.core.days import DAY_MS, next_day_start_ms
from tests.app.driving import Drive, invoke_request
from tests.app.memory import linux

RUNS_A_DAY = 3


def test_with_a_unit_a_day_each_run_is_done_before_those_of_a_later_day() -> None:
    drive = Drive(daily_quota=1)
    drive.world.directory.add(linux(1))
    came: dict[str, int] = {}
    for day in range(3):
        for number in range(RUNS_A_DAY):
            came[drive.send(invoke_request(f"day-{day}-{number}"))] = day
        step_to(drive, drive.world.clock.now_ms() + DAY_MS)

    drive.settle()

    ended = sorted(came, key=lambda run_id: drive.run(run_id).finished_ms)
    assert [drive.run(run_id).status for run_id in ended] == ["Success"] * len(came)
    assert [came[run_id] for run_id in ended] == sorted(came.values())


@pytest.mark.parametrize("after_midnight_ms", [-10_000, 1_000, 6_000, 14_000])
def test_what_comes_at_each_midnight_anew_does_not_go_before_who_has_waited(after_midnight_ms: int) -> None:
    drive = Drive(daily_quota=1)
    drive.world.directory.add(linux(1))
    drive.send(invoke_request("first"))
    waiting = drive.send(invoke_request("waiting"))

    for day in range(3):
        midnight_ms = next_day_start_ms(drive.world.clock.now_ms())
        step_to(drive, midnight_ms + after_midnight_ms)
        drive.send(invoke_request(f"nightly-{day}"))
        step_to(drive, midnight_ms + 60_000)

    assert drive.run(waiting).status == "Success"


def step_to(drive: Drive, until_ms: int) -> None:
    while (due_ms := drive.world.queue.next_due_ms()) is not None and due_ms <= until_ms:
        drive.step()
    drive.world.clock.advance_to(until_ms)
