"""A chunk in doubt that is sent again on another day is paid for again, whatever fails between (sim seed 1034446)."""

from __future__ import annotations

import pytest

from shared.core.days import day_of, next_day_start_ms
from shared.core.errors import Unavailable, UnknownOutcome
from tests.app.driving import Drive, invoke_request
from tests.app.memory import linux

LATE_MS = 120_000


def in_doubt_since_yesterday(drive: Drive) -> str:
    """A run whose only call has got no answer, and it is another day."""
    drive.world.directory.add(linux(1))
    drive.world.runner.fail("invoke", UnknownOutcome("lost"))
    run_id = drive.send(invoke_request())
    while not any(chunk.status == "Unconfirmed" for chunk in drive.world.runs.chunks.values()):
        assert drive.step()
    drive.world.clock.advance_to(next_day_start_ms(drive.world.clock.now_ms()) + LATE_MS)
    return run_id


@pytest.mark.parametrize("lost_writes", [1, 2, 3])
def test_a_doubt_whose_intent_failed_is_not_taken_for_paid(lost_writes: int) -> None:
    drive = Drive()
    run_id = in_doubt_since_yesterday(drive)
    today = day_of(drive.world.clock.now_ms())
    # The claim is written; the intent is not, and perhaps the commit neither.
    drive.world.runs.fail("update_run", Unavailable("down"), times=lost_writes, skip=1)
    drive.settle()

    run = drive.check_settled(run_id)
    assert drive.world.runner.calls_by_day[today] == 1
    assert run.spent[today] == 1
    assert run.status == "Success"


def test_a_doubt_is_paid_for_once_a_day_however_often_it_is_sent() -> None:
    drive = Drive()
    run_id = in_doubt_since_yesterday(drive)
    today = day_of(drive.world.clock.now_ms())
    drive.world.runner.fail("invoke", Unavailable("not now"), times=2)
    drive.settle()

    assert drive.check_settled(run_id).spent[today] == 1
