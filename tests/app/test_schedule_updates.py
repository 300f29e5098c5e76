"""Updates of managed schedules on in-memory ports: what goes on, what begins anew, and which of two writers loses."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core import limits
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.model import Run
from tests.app.driving import invoke_request
from tests.app.memory import Ending, linux
from tests.app.schedule_driving import ScheduleDrive, every

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
# The drive begins at 2026-01-05T00:00:00Z.


@pytest.fixture
def drive() -> ScheduleDrive:
    made = ScheduleDrive()
    made.world.directory.add(*(linux(number) for number in range(3)))
    return made


def script_of(run: Run) -> str:
    assert run.request is not None
    return str(run.request.command.content)


def new_script(text: str) -> dict[str, Any]:
    return {"command": {"type": "RunShellScript", "content": text}}


def scripts(drive: ScheduleDrive, name: str) -> dict[str, str]:
    """By fire time."""
    runs = [run for run in drive.world.runs.runs.values() if run.request_id.startswith(f"{name}@")]
    return {run.request_id.partition("@")[2]: script_of(run) for run in runs}


# -- times ------------------------------------------------------------------------------------------------------------
def test_new_times_hold_from_the_update_on_and_the_old_ones_no_more(drive: ScheduleDrive) -> None:
    drive.add("job", "0 30 * * * ?")
    drive.pass_time(HOUR_MS)

    assert drive.update("job", "0 0/20 * * * ?") == "updated"
    assert [minute for minute, _ in drive.world.schedules.lines] == ["2026-01-05T01:20"], "the old line is gone"
    drive.pass_time(HOUR_MS)

    assert drive.runs_of("job") == [
        "2026-01-05T00:30:00Z",
        "2026-01-05T01:20:00Z",
        "2026-01-05T01:40:00Z",
        "2026-01-05T02:00:00Z",
    ]
    assert drive.happened("job", "missed") == []
    assert drive.schedule("job").revision == 2


def test_a_new_script_keeps_the_pace_of_a_rate_and_what_runs_keeps_its_own(drive: ScheduleDrive) -> None:
    drive.world.runner.ending = lambda _invocation, _one: Ending(after_ms=5 * MINUTE_MS)
    drive.add("job", "rate(30m)", request={"timeout": 600, **new_script("old")})
    drive.pass_time(31 * MINUTE_MS)
    assert len(drive.still_going()) == 1

    drive.update("job", "rate(30m)", request={"timeout": 600, **new_script("new")})
    drive.pass_time(30 * MINUTE_MS)

    assert scripts(drive, "job") == {"2026-01-05T00:30:00Z": "old", "2026-01-05T01:00:00Z": "new"}


def test_a_changed_rate_counts_from_the_update(drive: ScheduleDrive) -> None:
    drive.add("job", "rate(1h)")
    drive.pass_time(10 * MINUTE_MS)

    drive.update("job", "rate(20m)")
    drive.pass_time(45 * MINUTE_MS)

    assert drive.runs_of("job") == ["2026-01-05T00:30:00Z", "2026-01-05T00:50:00Z"]


def test_what_is_due_at_the_update_fires_as_it_was_asked_for(drive: ScheduleDrive) -> None:
    drive.add("job", "0 30 * * * ?", request=new_script("old"))
    drive.pass_time(30 * MINUTE_MS - 1)
    drive.world.queue.firings.clear()  # its message is late
    drive.world.clock.advance(1_000)

    assert drive.update("job", "0 0/30 * * * ?", request=new_script("new")) == "updated"
    drive.pass_time(31 * MINUTE_MS)

    assert scripts(drive, "job") == {"2026-01-05T00:30:00Z": "old", "2026-01-05T01:00:00Z": "new"}
    assert len(drive.happened("job", "fired")) == 2


def test_a_firing_that_was_decided_is_not_decided_again_by_a_function_whose_clock_is_behind(
    drive: ScheduleDrive,
) -> None:
    drive.add("job", "0 30 * * * ?")
    drive.pass_time(30 * MINUTE_MS + 500)
    drive.world.clock._now_ms -= 4_000

    assert drive.update("job", "0 0/30 * * * ?") == "updated"
    drive.pass_time(10 * MINUTE_MS)

    assert drive.runs_of("job") == ["2026-01-05T00:30:00Z"]
    assert (len(drive.happened("job", "fired")), drive.happened("job", "missed")) == (1, [])


def test_a_waiting_firing_runs_what_the_schedule_says_when_it_starts(drive: ScheduleDrive) -> None:
    drive.world.runner.ending = lambda _invocation, _one: Ending(after_ms=15 * MINUTE_MS)
    slow = {"timeout": 600, "rateControl": {"maxConcurrency": 3}}
    drive.add("job", "0 0/10 * * * ?", overlap="queue", request={**slow, **new_script("old")})
    drive.pass_time(21 * MINUTE_MS)
    assert drive.schedule("job").waiting

    drive.update("job", "0 0 23 * * ?", overlap="queue", request={**slow, **new_script("new")})
    drive.pass_time(HOUR_MS)

    assert scripts(drive, "job") == {"2026-01-05T00:10:00Z": "old", "2026-01-05T00:20:00Z": "new"}


# -- paused, ended, removed -------------------------------------------------------------------------------------------
def test_a_paused_schedule_stays_paused_and_what_the_old_times_owed_is_told(drive: ScheduleDrive) -> None:
    drive.add("job", "0 30 * * * ?", missed="all", missedWindow=86_400)
    drive.change("job", "pause")
    drive.pass_time(3 * HOUR_MS)

    assert drive.update("job", "0 15 * * * ?", missed="all", missedWindow=86_400) == "updated"
    assert drive.schedule("job").status == "Paused"
    assert drive.world.schedules.lines == {}
    drive.pass_time(HOUR_MS)
    assert drive.runs_of("job") == []
    drive.change("job", "resume")
    drive.pass_time(HOUR_MS)

    (owed,) = drive.happened("job", "missed")
    assert (owed["reason"], owed["count"]) == ("Replaced", 3)
    assert drive.runs_of("job") == ["2026-01-05T03:15:00Z", "2026-01-05T04:15:00Z"]
    assert (drive.schedule("job").fired, drive.schedule("job").missed) == (2, 3)


def test_a_paused_schedule_with_the_same_times_still_makes_up_for_its_pause(drive: ScheduleDrive) -> None:
    drive.add("job", "0 30 * * * ?")
    drive.change("job", "pause")
    drive.pass_time(2 * HOUR_MS)

    drive.update("job", "0 30 * * * ?", missed="latest")
    drive.change("job", "resume")
    drive.pass_time(10 * MINUTE_MS)

    assert drive.runs_of("job") == ["2026-01-05T01:30:00Z"]
    assert [each["reason"] for each in drive.happened("job", "missed")] == ["Late"]


def test_one_that_has_ended_goes_again(drive: ScheduleDrive) -> None:
    drive.add("job", "0 30 * * * ?", endAt="2026-01-05T01:00:00Z")
    drive.pass_time(2 * HOUR_MS)
    assert drive.schedule("job").status == "Ended"

    assert drive.update("job", "0 30 * * * ?", endAt="2026-01-05T03:00:00Z") == "updated"
    drive.pass_time(3 * HOUR_MS)

    assert drive.runs_of("job") == ["2026-01-05T00:30:00Z", "2026-01-05T02:30:00Z"]
    assert drive.happened("job", "missed") == []


def test_a_removed_one_begins_anew_by_an_update(drive: ScheduleDrive) -> None:
    drive.add("job", "0 30 * * * ?")
    drive.pass_time(HOUR_MS)
    drive.change("job", "remove", "remove-1")

    assert drive.update("job", "0 30 * * * ?") == "updated"
    assert drive.change("job", "remove", "remove-1") == "active", "the removal comes again"
    drive.pass_time(HOUR_MS)

    assert drive.runs_of("job") == ["2026-01-05T00:30:00Z", "2026-01-05T01:30:00Z"]
    schedule = drive.schedule("job")
    assert (schedule.status, schedule.fired, schedule.revision) == ("Active", 1, 2)


def test_a_removed_name_is_free_for_another_request_and_not_for_a_late_copy_of_any_that_made_it(
    drive: ScheduleDrive,
) -> None:
    first = invoke_request("job", schedule=every("0 30 * * * ?"))
    second = invoke_request("job", schedule=every("0 15 * * * ?"))
    answers: list[str] = []
    for message in (first, "remove", second, first, "remove", first, second):
        if isinstance(message, str):
            drive.change("job", message)
        else:
            drive.send(message)
            answers.append(drive.last_answer)

    assert answers == ["scheduled", "scheduled", "repeated", "repeated", "repeated"]
    assert drive.schedule("job").status == "Removed"
    assert drive.world.schedules.lines == {}


def test_a_removed_name_is_free_for_the_same_request_when_no_copy_of_it_can_lie_in_a_queue(
    drive: ScheduleDrive,
) -> None:
    request = invoke_request("job", schedule=every("0 0 0 1 1 ?"))
    drive.send(request)
    drive.change("job", "remove")
    drive.world.clock.advance(limits.MESSAGE_AGE_S_MAX * 1000)
    drive.send(request)
    early = drive.last_answer
    drive.world.clock.advance(1)

    drive.send(request)

    assert (early, drive.last_answer) == ("repeated", "scheduled")
    assert drive.schedule("job").status == "Active"


def test_the_request_that_made_a_schedule_may_come_again_after_an_update(drive: ScheduleDrive) -> None:
    request = invoke_request("job", schedule=every("0 30 * * * ?"))
    drive.send(request)
    drive.update("job", "0 15 * * * ?")

    drive.send(request)

    assert drive.last_answer == "repeated"
    assert drive.schedule("job").spec.frequency == "0 15 * * * ?"


# -- which of two wins ------------------------------------------------------------------------------------------------
def test_an_update_of_an_older_revision_is_refused_and_changes_nothing(drive: ScheduleDrive) -> None:
    drive.add("job", "0 30 * * * ?")
    first = drive.update("job", "0 15 * * * ?", if_revision=1)

    second = drive.update("job", "0 45 * * * ?", if_revision=1)

    assert (first, second) == ("updated", "rejected")
    assert drive.schedule("job").spec.frequency == "0 15 * * * ?"


def test_an_update_that_comes_again_is_made_once_and_does_not_undo_a_newer_one(drive: ScheduleDrive) -> None:
    drive.add("job", "0 30 * * * ?")
    drive.update("job", "0 15 * * * ?", request_id="u-1", if_revision=1)
    drive.update("job", "0 45 * * * ?", request_id="u-2")

    again = drive.update("job", "0 15 * * * ?", request_id="u-1", if_revision=1)
    other = drive.update("job", "0 20 * * * ?", request_id="u-1")

    assert (again, other) == ("updated", "rejected")
    assert drive.schedule("job").spec.frequency == "0 45 * * * ?"
    assert drive.schedule("job").revision == 3


def test_a_change_that_changed_nothing_is_remembered_too(drive: ScheduleDrive) -> None:
    drive.add("job", "0 30 * * * ?")
    drive.change("job", "resume", "resume-1")
    drive.update("job", "0 30 * * * ?", request_id="u-0")
    drive.change("job", "pause", "pause-1")
    drive.update("job", "0 15 * * * ?")

    assert drive.change("job", "resume", "resume-1") == "paused"
    assert drive.update("job", "0 30 * * * ?", request_id="u-0") == "updated"
    assert drive.schedule("job").spec.frequency == "0 15 * * * ?"


# -- refusals ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"endAt": "2026-01-05T00:00:01Z"}, "schedule.endAt"),
        ({"frequency": "at(2025-01-01 00:00:00)"}, "schedule.frequency"),
        ({"frequency": "0/10 * * * * ?"}, "schedule.frequency"),
        ({"by": "cloud"}, "request.schedule"),
    ],
)
def test_an_update_is_held_to_what_a_new_schedule_must_keep_to(
    drive: ScheduleDrive, change: dict[str, str], field: str
) -> None:
    drive.add("job", "0 30 * * * ?")

    drive.update("job", **{"frequency": "0 30 * * * ?", **change})

    assert drive.last_answer == "rejected"
    assert drive.refusal()["field"] == field
    assert drive.schedule("job").revision == 1


def test_an_update_under_another_name_is_rejected(drive: ScheduleDrive) -> None:
    drive.add("job", "0 30 * * * ?")
    new = invoke_request("other", schedule=every("0 15 * * * ?"))

    drive.send({"kind": "schedule", "requestId": "u-1", "schedule": "job", "action": "update", "request": new})

    assert drive.refusal()["field"] == "request.requestId"


def test_an_update_of_a_cloud_schedule_says_why_not_and_what_to_do(drive: ScheduleDrive) -> None:
    drive.send(invoke_request("cloudy", schedule={"frequency": "0 30 * * * ?"}))

    drive.update("cloudy", "0 15 * * * ?")

    assert drive.refusal()["code"] == "CloudSchedule"
    assert "stop the run" in drive.refusal()["message"]


# -- faults -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("operation", ["read_schedule", "update_schedule", "put_due", "drop_due"])
@pytest.mark.parametrize("skip", range(5))
@pytest.mark.parametrize(
    ("error", "after_effect"),
    [(Unavailable("down"), False), (UnknownOutcome("lost"), True), (UnknownOutcome("lost"), False)],
    ids=["unavailable", "done-but-unanswered", "not-done-and-unanswered"],
)
def test_a_call_of_an_update_may_fail_and_it_is_made_once(
    drive: ScheduleDrive, operation: str, skip: int, error: Exception, after_effect: bool
) -> None:
    drive.add("job", "0 30 * * * ?")
    drive.pass_time(HOUR_MS)
    drive.world.schedules.fail(operation, error, skip=skip, after_effect=after_effect)

    for _ in range(3):
        try:
            drive.update("job", "0 0/20 * * * ?", request_id="u-1", if_revision=1)
            break
        except (Unavailable, UnknownOutcome):
            continue  # the queue delivers it again
    drive.pass_time(HOUR_MS)

    assert drive.runs_of("job") == [
        "2026-01-05T00:30:00Z",
        "2026-01-05T01:20:00Z",
        "2026-01-05T01:40:00Z",
        "2026-01-05T02:00:00Z",
    ]
    assert drive.schedule("job").revision == 2
    assert len(drive.happened("job", "fired")) == 4
