"""A removed schedule fires no more, and says what it owed: no fire time without a run goes untold (sim 2006401)."""

from __future__ import annotations

import pytest

from shared.core.errors import Unavailable
from tests.app.memory import Ending, linux
from tests.app.schedule_driving import MINUTE_MS, ScheduleDrive

HOUR_MS = 60 * MINUTE_MS


@pytest.fixture
def drive() -> ScheduleDrive:
    made = ScheduleDrive()
    made.world.directory.add(linux(1))
    return made


def test_what_it_owed_when_it_was_removed_is_told_as_missed(drive: ScheduleDrive) -> None:
    drive.add("job", "0 30 * * * ?", missed="all", missedWindow=86_400)
    drive.change("job", "pause")
    drive.pass_time(3 * HOUR_MS)

    assert drive.change("job", "remove") == "removed"

    (owed,) = drive.happened("job", "missed")
    assert (owed["reason"], owed["count"]) == ("Removed", 3)
    assert (owed["first"], owed["last"]) == ("2026-01-05T00:30:00Z", "2026-01-05T02:30:00Z")
    assert drive.schedule("job").missed == 3
    drive.pass_time(3 * HOUR_MS)
    assert drive.runs_of("job") == []


def test_a_firing_that_waits_for_the_one_before_is_told_too(drive: ScheduleDrive) -> None:
    drive.world.runner.ending = lambda _invocation, _one: Ending(after_ms=15 * MINUTE_MS)
    drive.add("job", "0 0/10 * * * ?", overlap="queue", request={"timeout": 600, "rateControl": {"maxConcurrency": 3}})
    drive.pass_time(21 * MINUTE_MS)
    assert len(drive.schedule("job").waiting) == 1

    drive.change("job", "remove")

    assert drive.runs_of("job") == ["2026-01-05T00:10:00Z"]
    (owed,) = drive.happened("job", "missed")
    assert (owed["reason"], owed["first"], owed["count"]) == ("Removed", "2026-01-05T00:20:00Z", 1)


def test_one_that_owes_nothing_goes_silently(drive: ScheduleDrive) -> None:
    drive.add("job", "0 30 * * * ?")
    drive.pass_time(HOUR_MS)

    drive.change("job", "remove")

    assert drive.happened("job", "missed") == []


def test_what_could_not_be_told_is_told_when_the_removal_comes_again(drive: ScheduleDrive) -> None:
    drive.add("job", "0 30 * * * ?", missed="all", missedWindow=86_400)
    drive.change("job", "pause")
    drive.pass_time(HOUR_MS)
    drive.world.publisher.fail("publish", Unavailable("down"))

    with pytest.raises(Unavailable):
        drive.change("job", "remove", "remove-1")
    assert drive.change("job", "remove", "remove-1") == "removed"

    assert len(drive.happened("job", "missed")) == 1
