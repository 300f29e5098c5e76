"""Managed schedules on in-memory ports: what fires, what is let go, and what an operator can do about it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from shared.core import limits
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.schedule import Due, jitter_ms, minute_of, schedule_id_of
from tests.app.driving import invoke_request
from tests.app.memory import START_MS, Ending, linux
from tests.app.schedule_driving import ScheduleDrive, at, every

HOUR_MS = 3_600_000
# START_MS is 2026-01-05T00:00:00Z, 08:00 of a Monday in UTC+8.


@pytest.fixture
def drive() -> ScheduleDrive:
    made = ScheduleDrive()
    made.world.directory.add(*(linux(number) for number in range(3)))
    return made


ONE_BY_ONE: dict[str, Any] = {"rateControl": {"maxConcurrency": 1}, "timeout": 600}
"""A run of three targets takes three times as long as a script."""


def slowly(drive: ScheduleDrive, ms: int) -> None:
    """Scripts take so long from now on."""
    drive.world.runner.ending = lambda _invocation, _one: Ending(after_ms=ms)


# -- firing -----------------------------------------------------------------------------------------------------------
def test_each_fire_time_becomes_a_run_of_its_own(drive: ScheduleDrive) -> None:
    drive.add("hourly", "0 30 * * * ?")

    drive.pass_time(3 * HOUR_MS)

    assert drive.runs_of("hourly") == ["2026-01-05T00:30:00Z", "2026-01-05T01:30:00Z", "2026-01-05T02:30:00Z"]
    assert drive.still_going() == []
    fired = drive.happened("hourly", "fired")
    assert [each["fireTime"] for each in fired] == drive.runs_of("hourly")
    assert drive.check_settled(fired[0]["runId"]).counts == {"Success": 3}


def test_targets_are_resolved_afresh_each_time(drive: ScheduleDrive) -> None:
    drive.add("hourly", "0 30 * * * ?")
    drive.pass_time(HOUR_MS)
    drive.world.directory.add(linux(9))

    drive.pass_time(HOUR_MS)

    first, second = drive.happened("hourly", "fired")
    assert drive.run(first["runId"]).requested == 3
    assert drive.run(second["runId"]).requested == 4


def test_ten_second_periods_fire_inside_the_minute_at_their_second(drive: ScheduleDrive) -> None:
    slowly(drive, 1_000)
    seen: list[int] = []
    drive.world.runs.watch = lambda before, after: seen.append(after.accepted_ms) if before is None else None
    drive.add("often", "0/10 * * * * ?", force=True)

    drive.pass_time(5 * 60_000)

    assert [(moment - START_MS) // 1000 for moment in seen] == list(range(10, 301, 10))
    assert len(drive.runs_of("often")) == 30


def test_a_schedule_begins_and_ends_when_it_says(drive: ScheduleDrive) -> None:
    drive.add("bounded", "0 0 * * * ?", startAt="2026-01-05T10:00:00", endAt="2026-01-05T04:00:00Z")

    drive.pass_time(8 * HOUR_MS)

    assert drive.runs_of("bounded") == ["2026-01-05T02:00:00Z", "2026-01-05T03:00:00Z", "2026-01-05T04:00:00Z"]
    assert drive.schedule("bounded").status == "Ended"
    assert drive.world.schedules.lines == {}


def test_at_fires_once_and_is_over(drive: ScheduleDrive) -> None:
    drive.add("once", "at(2026-01-05 09:00:00)")

    drive.pass_time(3 * HOUR_MS)

    assert drive.runs_of("once") == ["2026-01-05T01:00:00Z"]
    assert drive.schedule("once").status == "Ended"


def test_jitter_delays_each_firing_by_its_own_time_and_never_changes_its_identity(drive: ScheduleDrive) -> None:
    accepted: dict[str, int] = {}
    drive.world.runs.watch = lambda before, after: accepted.setdefault(after.request_id, after.accepted_ms) and None
    schedule = drive.add("spread", "0 0 * * * ?", jitter=600)

    drive.pass_time(6 * HOUR_MS + 600_000)

    delays = {name: accepted[name] - at(name.partition("@")[2]) for name in accepted}
    assert len(delays) == 6
    assert all(delay == jitter_ms(schedule, at(name.partition("@")[2])) for name, delay in delays.items())
    assert len(set(delays.values())) > 1
    assert all(0 <= delay <= 600_000 for delay in delays.values())


# -- adding -----------------------------------------------------------------------------------------------------------
def test_the_same_request_twice_is_one_schedule_and_another_body_is_rejected(drive: ScheduleDrive) -> None:
    request = invoke_request("nightly", schedule=every("0 0 3 * * ?"))

    answers = []
    for changed in (request, request, {**request, "timeout": 99}):
        drive.send(changed)
        answers.append(drive.last_answer)

    assert answers == ["scheduled", "repeated", "rejected"]
    assert len(drive.world.schedules.rows) == 1
    assert len(drive.world.schedules.lines) == 1


@pytest.mark.parametrize(
    ("spec", "code", "field"),
    [
        (every("0 0 0 30 2 ?"), "ImpossibleDate", "schedule.frequency"),
        (every("at(2020-01-01 00:00:00)"), "ExpressionExpired", "schedule.frequency"),
        (every("0 0 3 * * ?", endAt="2026-01-05T00:00:01Z"), "BadRequest", "schedule.endAt"),
        (every("0/10 * * * * ?"), "TooManyUnits", "schedule.frequency"),
        (every("0 0 3 ? * 5-7"), "BadRequest", "schedule.frequency"),
        (every("0 0 3 * * ?", jitter=-1), "BadRequest", "schedule.jitter"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_rejected_by_its_field(
    drive: ScheduleDrive, spec: dict[str, Any], code: str, field: str
) -> None:
    drive.send(invoke_request("bad", schedule=spec, timeout=10))

    assert drive.last_answer == "rejected"
    (rejected,) = drive.world.runs.runs.values()
    (event,) = drive.events(rejected.run_id)
    assert (event["data"]["code"], event["data"]["field"]) == (code, field)
    assert drive.world.schedules.rows == {}


def test_units_a_day_are_counted_with_the_targets_of_now(drive: ScheduleDrive) -> None:
    drive.world.directory.add(*(linux(number) for number in range(100)))
    drive.send(invoke_request("fits", schedule=every("0 0/6 * * * ?")))  # 240 firings of 2 calls
    drive.send(invoke_request("does-not", schedule=every("0 0/5 * * * ?")))  # 288 firings of 2 calls: 576 units
    drive.send(invoke_request("forced", schedule=every("0 0/5 * * * ?", force=True)))

    assert sorted(drive.world.schedules.rows) == sorted(schedule_id_of(name) for name in ("fits", "forced"))


# -- missed firings ---------------------------------------------------------------------------------------------------
def outage(drive: ScheduleDrive, ms: int) -> None:
    drive.is_down = True
    drive.pass_time(ms)
    drive.is_down = False


def test_missed_firings_are_let_go_and_told_once(drive: ScheduleDrive) -> None:
    drive.add("hourly", "0 30 * * * ?")
    outage(drive, 3 * HOUR_MS)

    drive.pass_time(HOUR_MS)

    assert drive.runs_of("hourly") == ["2026-01-05T03:30:00Z"]
    (missed,) = drive.happened("hourly", "missed")
    assert missed == {
        "scheduleId": schedule_id_of("hourly"),
        "requestId": "hourly",
        "reason": "Late",
        "count": 3,
        "more": False,
        "first": "2026-01-05T00:30:00Z",
        "last": "2026-01-05T02:30:00Z",
    }
    assert drive.schedule("hourly").missed == 3


def test_the_latest_missed_firing_is_made_up_for_if_it_is_not_too_old(drive: ScheduleDrive) -> None:
    drive.add("fresh", "0 30 * * * ?", missed="latest")
    drive.add("stale", "0 30 * * * ?", missed="latest", missedWindow=1_000)
    outage(drive, 3 * HOUR_MS)

    drive.pass_time(10 * 60_000)

    assert drive.runs_of("fresh") == ["2026-01-05T02:30:00Z"]
    assert drive.runs_of("stale") == []
    assert [each["count"] for each in drive.happened("fresh", "missed")] == [2]
    assert [each["count"] for each in drive.happened("stale", "missed")] == [3]


def test_all_missed_firings_are_made_up_for_one_after_the_other_up_to_the_cap(drive: ScheduleDrive) -> None:
    drive.add("all", "0 0/10 * * * ?", missed="all", missedMax=3, missedWindow=7_200, overlap="queue")
    outage(drive, HOUR_MS + 5 * 60_000)

    drive.pass_time(4 * 60_000)

    assert drive.runs_of("all") == ["2026-01-05T00:40:00Z", "2026-01-05T00:50:00Z", "2026-01-05T01:00:00Z"]
    assert drive.still_going() == []
    assert [(each["count"], each["last"]) for each in drive.happened("all", "missed")] == [(3, "2026-01-05T00:30:00Z")]
    starts = sorted(run.accepted_ms for run in drive.world.runs.runs.values())
    assert len(set(starts)) == 3, "one after the other"


def test_a_long_outage_of_a_frequent_schedule_is_counted_up_to_a_bound(drive: ScheduleDrive) -> None:
    drive.add("often", "0 * * * * ?", force=True)
    outage(drive, 48 * HOUR_MS)

    drive.pass_time(60_000)

    (late,) = (each for each in drive.happened("often", "missed") if each["reason"] == "Late")
    assert (late["count"] >= limits.MISSED_COUNT_MAX, late["more"]) == (True, True)


def test_a_firing_that_is_a_little_late_is_not_missed(drive: ScheduleDrive) -> None:
    drive.add("hourly", "0 0 * * * ?")
    drive.pass_time(HOUR_MS - 30_000)
    outage(drive, 100_000)

    drive.pass_time(60_000)

    assert drive.runs_of("hourly") == ["2026-01-05T01:00:00Z"]
    assert drive.happened("hourly", "missed") == []


# -- overlap ----------------------------------------------------------------------------------------------------------
def test_overlap_skip_lets_a_firing_go_while_the_previous_run_goes(drive: ScheduleDrive) -> None:
    slowly(drive, 5 * 60_000)
    drive.add("slow", "0 0/10 * * * ?", request=ONE_BY_ONE)

    drive.pass_time(HOUR_MS - 60_000)

    assert drive.runs_of("slow") == ["2026-01-05T00:10:00Z", "2026-01-05T00:30:00Z", "2026-01-05T00:50:00Z"]
    assert [(each["reason"], each["first"]) for each in drive.happened("slow", "missed")] == [
        ("Overlap", "2026-01-05T00:20:00Z"),
        ("Overlap", "2026-01-05T00:40:00Z"),
    ]


def test_overlap_queue_starts_a_firing_when_the_previous_run_has_ended(drive: ScheduleDrive) -> None:
    slowly(drive, 5 * 60_000)
    drive.add("slow", "0 0/10 * * * ?", overlap="queue", endAt="2026-01-05T00:30:00Z", request=ONE_BY_ONE)

    drive.pass_time(2 * HOUR_MS)

    assert drive.runs_of("slow") == ["2026-01-05T00:10:00Z", "2026-01-05T00:20:00Z", "2026-01-05T00:30:00Z"]
    runs = sorted(drive.world.runs.runs.values(), key=lambda run: run.accepted_ms)
    assert all(later.accepted_ms >= earlier.finished_ms for earlier, later in pairwise(runs))
    assert drive.schedule("slow").status == "Ended"
    assert drive.happened("slow", "missed") == []


def test_a_full_queue_lets_firings_go(drive: ScheduleDrive) -> None:
    slowly(drive, 9 * 60_000)
    drive.add("stuck", "0 0/10 * * * ?", overlap="queue", request=ONE_BY_ONE)

    drive.pass_time(4 * HOUR_MS)

    assert len(drive.schedule("stuck").waiting) == limits.WAITING_MAX
    assert {each["reason"] for each in drive.happened("stuck", "missed")} == {"QueueFull"}


def test_overlap_stop_previous_stops_it_and_starts_the_newest_firing(drive: ScheduleDrive) -> None:
    slowly(drive, 9 * 60_000)
    drive.add("newest", "0 0/10 * * * ?", overlap="stop-previous", request=ONE_BY_ONE)

    drive.pass_time(22 * 60_000)

    assert drive.runs_of("newest") == ["2026-01-05T00:10:00Z", "2026-01-05T00:20:00Z"]
    first, second = (drive.run(each["runId"]) for each in drive.happened("newest", "fired"))
    assert first.status == "Stopped"
    assert second.status == "Running"
    assert second.accepted_ms < at("2026-01-05T00:22:00Z")


# -- changes ----------------------------------------------------------------------------------------------------------
def test_a_paused_schedule_does_not_fire_and_what_it_missed_follows_the_policy(drive: ScheduleDrive) -> None:
    drive.add("paused", "0 30 * * * ?", missed="latest")
    assert drive.change("paused", "pause") == "paused"
    drive.pass_time(3 * HOUR_MS)
    assert drive.runs_of("paused") == []
    assert drive.world.schedules.lines == {}

    assert drive.change("paused", "resume") == "active"
    drive.pass_time(HOUR_MS)

    assert drive.runs_of("paused") == ["2026-01-05T02:30:00Z", "2026-01-05T03:30:00Z"]
    assert [each["count"] for each in drive.happened("paused", "missed")] == [2]


def test_a_change_that_comes_again_later_does_not_undo_a_newer_one(drive: ScheduleDrive) -> None:
    drive.add("hourly", "0 30 * * * ?")
    drive.change("hourly", "pause", "change-1")
    drive.change("hourly", "resume", "change-2")

    assert drive.change("hourly", "pause", "change-1") == "active"
    assert drive.schedule("hourly").status == "Active"


def test_a_removed_schedule_is_over_and_its_request_does_not_bring_it_back(drive: ScheduleDrive) -> None:
    drive.add("gone", "0 30 * * * ?")
    assert drive.change("gone", "remove") == "removed"

    drive.send(invoke_request("gone", schedule=every("0 30 * * * ?"), timeout=10))
    drive.pass_time(2 * HOUR_MS)

    assert drive.last_answer == "repeated"
    assert drive.runs_of("gone") == []
    assert drive.world.schedules.lines == {}
    assert drive.change("gone", "resume") == "rejected"
    assert drive.change("gone", "remove") == "removed"


def test_fire_now_starts_one_run_however_often_its_message_comes(drive: ScheduleDrive) -> None:
    drive.add("nightly", "0 0 3 * * ?")
    drive.change("nightly", "pause")

    assert [drive.change("nightly", "fire-now", "by-hand-1") for _ in range(3)] == ["fired"] * 3
    drive.pass_time(60_000)

    assert drive.runs_of("nightly") == ["by-hand-1"]
    (fired,) = drive.happened("nightly", "fired")
    assert fired["byHand"]
    assert drive.check_settled(fired["runId"]).status == "Success"


def test_a_change_of_an_unknown_schedule_is_rejected(drive: ScheduleDrive) -> None:
    assert drive.change("nobody", "pause") == "rejected"


def test_a_schedule_can_be_named_by_its_id_too(drive: ScheduleDrive) -> None:
    drive.add("hourly", "0 30 * * * ?")

    assert drive.change(schedule_id_of("hourly"), "pause") == "paused"


# -- cost and faults --------------------------------------------------------------------------------------------------
def test_a_tick_with_100_000_schedules_of_which_50_are_due_reads_50_rows(drive: ScheduleDrive) -> None:
    for number in range(100_000):
        due_ms = START_MS + (number * 1_000 if number < 50 else 3_600_000 + number * 1_000)
        drive.world.schedules.lines[minute_of(due_ms), f"sch-{number:06d}"] = Due(
            minute_of(due_ms), f"sch-{number:06d}", due_ms, 1
        )
    drive.world.schedules._keys = sorted(drive.world.schedules.lines)

    drive.tick()

    assert drive.world.schedules.rows_read == 50
    assert drive.world.schedules.calls == ["due"]
    assert len(drive.world.queue.firings) == 50
    assert [due_ms - START_MS for due_ms, _ in drive.world.queue.firings] == [number * 1_000 for number in range(50)]


STORE_CALLS = ("read_schedule", "update_schedule", "put_due", "drop_due", "insert_schedule")


@pytest.mark.parametrize("operation", STORE_CALLS)
@pytest.mark.parametrize("skip", range(8))
@pytest.mark.parametrize(
    ("error", "after_effect"),
    [(Unavailable("down"), False), (UnknownOutcome("lost"), True), (UnknownOutcome("lost"), False)],
    ids=["unavailable", "done-but-unanswered", "not-done-and-unanswered"],
)
def test_a_call_to_the_rows_may_fail_anywhere_and_each_firing_still_happens_once(
    operation: str, skip: int, error: Exception, after_effect: bool
) -> None:
    drive = ScheduleDrive()
    drive.world.directory.add(linux(1))
    drive.world.schedules.fail(operation, error, skip=skip, after_effect=after_effect)
    request = invoke_request("hourly", schedule=every("0 0/10 * * * ?"))
    for _ in range(2):
        try:
            drive.send(request, message_id="m-1")
            break
        except (Unavailable, UnknownOutcome):
            continue  # the queue delivers it again

    drive.pass_time(HOUR_MS)

    assert drive.runs_of("hourly") == [f"2026-01-05T00:{minute}:00Z" for minute in range(10, 60, 10)] + [
        "2026-01-05T01:00:00Z"
    ]
    assert len(drive.happened("hourly", "fired")) == 6
    assert drive.happened("hourly", "missed") == []


@pytest.mark.parametrize(
    ("port", "operation"),
    [("runs", "insert_run"), ("runs", "remember"), ("publisher", "publish"), ("queue", "send_firing")],
)
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_call_of_a_firing_may_fail_and_it_still_happens_once(port: str, operation: str, after_effect: bool) -> None:
    drive = ScheduleDrive()
    drive.world.directory.add(linux(1))
    drive.add("hourly", "0 0/10 * * * ?")
    getattr(drive.world, port).fail(operation, UnknownOutcome("lost"), times=2, after_effect=after_effect)

    drive.pass_time(HOUR_MS)

    assert len(drive.runs_of("hourly")) == 6
    assert len(drive.happened("hourly", "fired")) == 6
