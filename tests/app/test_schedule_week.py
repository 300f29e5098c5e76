"""A week of managed schedules on the frozen clock, with an outage; ticks get lost, doubled and late, messages vanish,
functions die. Each fire time yields at most one run, and what yields none follows the policy (invariant 7).

The fire times that there should be come from the brute force of tests/unit/cron_oracle.py, not from what is tested.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.core import limits
from shared.core.errors import Unavailable, UnknownOutcome
from tests.app.driving import Crash
from tests.app.memory import START_MS, Ending, linux
from tests.app.schedule_driving import ScheduleDrive, Timer, at
from tests.unit import cron_oracle

HOUR_MS = 3_600_000
START = datetime.fromtimestamp(START_MS / 1000, timezone.utc)
OUTAGE_MS = (50 * HOUR_MS, 53 * HOUR_MS)
"""From and to, since the start."""

SCHEDULES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "hourly": ("0 17 * * * ?", "Asia/Shanghai", {}),
    "workdays": ("0 0 8,20 ? * MON-FRI", "America/New_York", {"missed": "latest", "missedWindow": 86_400}),
    "made-up": ("0 0/30 * * * ?", "UTC", {"missed": "all", "missedWindow": 86_400, "overlap": "queue", "jitter": 60}),
    "replaced": ("0 0/20 * * * ?", "Europe/Berlin", {"overlap": "stop-previous"}),
    "often": (
        "0/10 * * * * ?",
        "UTC",
        {"startAt": "2026-01-06T12:00:00", "endAt": "2026-01-06T13:00:00", "force": True},
    ),
}


def week(seed: int) -> ScheduleDrive:
    chance = random.Random(f"{seed}:week")
    timer = Timer(random.Random(f"{seed}:timer"), lost=0.05, doubled=0.1, late_ms=20_000, lost_messages=0.02)
    drive = ScheduleDrive(timer=timer, daily_quota=5_000)
    drive.world.directory.add(*(linux(number) for number in range(2)))
    drive.world.runner.ending = lambda _invocation, _one: Ending(after_ms=chance.choice([1_000, 3_000, 8_000]))
    for name, (frequency, zone, spec) in SCHEDULES.items():
        drive.add(name, f"{frequency} {zone}", **spec)
    for _ in range(60):
        port, operation = chance.choice(
            [
                (drive.world.schedules, "update_schedule"),
                (drive.world.schedules, "put_due"),
                (drive.world.schedules, "drop_due"),
                (drive.world.schedules, "due"),
                (drive.world.runs, "insert_run"),
                (drive.world.publisher, "publish"),
                (drive.world.queue, "send_firing"),
            ]
        )
        error = chance.choice([Unavailable("down"), UnknownOutcome("lost"), Crash()])
        port.fail(operation, error, skip=chance.randrange(1_500), after_effect=chance.random() < 0.5)
    drive.pass_time(OUTAGE_MS[0])
    drive.is_down = True
    drive.pass_time(OUTAGE_MS[1] - OUTAGE_MS[0])
    drive.is_down = False
    drive.pass_time(7 * 24 * HOUR_MS - OUTAGE_MS[1])
    return drive


@lru_cache
def expected(name: str) -> list[str]:
    """The fire times of the week, by brute force."""
    frequency, zone, spec = SCHEDULES[name]
    bounds = [spec.get(bound) for bound in ("startAt", "endAt")]
    after, until = (datetime.fromisoformat(f"{each}+00:00") if each else None for each in bounds)
    times = cron_oracle.fires(
        frequency,
        ZoneInfo(zone),
        after=START if after is None else after - timedelta(seconds=1),
        until=until or START + timedelta(days=7),
    )
    return [f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in times]


@pytest.fixture(scope="module", params=[0])
def drive(request: pytest.FixtureRequest) -> ScheduleDrive:
    return week(request.param)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_each_fire_time_yields_at_most_one_run_and_is_accounted_for(drive: ScheduleDrive, name: str) -> None:
    wanted = expected(name)
    runs, schedule = drive.runs_of(name), drive.schedule(name)

    assert len(set(runs)) == len(runs)
    assert set(runs) <= set(wanted), "a run at a time that is none"
    assert sorted(each["fireTime"] for each in drive.happened(name, "fired")) == runs
    let_go = sum(each["count"] for each in drive.happened(name, "missed"))
    last = schedule.next_ms or at("2026-01-12T00:00:00Z") + 1
    decided = [each for each in wanted if at(each) < last]
    assert len(runs) + let_go + len(schedule.waiting) == len(decided), "a firing was lost, or decided twice"
    assert (schedule.fired, schedule.missed) == (len(runs), let_go)
    assert len(wanted) - len(decided) <= 1, "a schedule fell behind"


def test_what_the_outage_swallowed_follows_the_policies(drive: ScheduleDrive) -> None:
    begin, end = (START + timedelta(milliseconds=each) for each in OUTAGE_MS)
    grace = timedelta(milliseconds=limits.FIRE_GRACE_MS + 60_000)
    swallowed = [
        f"{begin:%Y-%m-%dT%H:%M:%SZ}" < each < f"{end - grace:%Y-%m-%dT%H:%M:%SZ}" for each in expected("hourly")
    ]

    hourly = set(drive.runs_of("hourly"))
    made_up = set(drive.runs_of("made-up"))

    assert sum(swallowed) >= 2
    assert not hourly & {each for each, gone in zip(expected("hourly"), swallowed, strict=True) if gone}
    # The last one of the week is still on its way: jitter.
    assert made_up | {"2026-01-12T00:00:00Z"} == set(expected("made-up")), "all are made up for: six fit the cap"
    reasons = Counter(each["reason"] for each in drive.happened("hourly", "missed"))
    assert set(reasons) == {"Late"}


def test_without_an_outage_nothing_would_be_late(drive: ScheduleDrive) -> None:
    """Lost, doubled and late ticks alone cost no firing of a schedule that is not in a hurry."""
    begin, end = (START + timedelta(milliseconds=each) for each in OUTAGE_MS)
    outside = [each for each in expected("hourly") if not f"{begin:%Y-%m-%dT%H}" <= each[:13] <= f"{end:%Y-%m-%dT%H}"]

    assert set(outside) - set(drive.runs_of("hourly")) == set()


def test_every_run_has_ended_and_no_instance_ran_one_twice(drive: ScheduleDrive) -> None:
    drive.settle()

    assert drive.still_going() == []
    assert max(drive.world.runner.executions.values()) == 1
    assert len({run.request_id for run in drive.world.runs.runs.values()}) == len(drive.world.runs.runs)
