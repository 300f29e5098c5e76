"""What every ScheduleStore does: the in-memory one that the application is tested on, and Tablestore's."""

from __future__ import annotations

import dataclasses

from shared.adapters.schedule_store import TableScheduleStore
from shared.app.schedule_tick import tick
from shared.core.schedule import Due, Said, Start, minute_of
from shared.ports import ScheduleStore
from tests.adapters.clients import table_calls
from tests.adapters.doubles import Doubles
from tests.adapters.values import a_schedule
from tests.app.memory import memory_policy, memory_ports

READS = ("GetRange", "GetRow", "BatchGetRow")


FULL = a_schedule(
    status="Paused",
    next_ms=1_767_571_260_000,
    due_ms=1_767_571_261_000,
    last_run_id="run-1",
    waiting=(1, 2),
    starts=(Start("nightly@2026"),),
    stops=("run-0",),
    says=(Said(3, "schedule.missed", 5, {"count": 2, "more": False, "first": "größer"}),),
    event_seq=3,
    fired=7,
    missed=8,
    changes=("c-1",),
)


def test_a_schedule_is_read_as_it_was_written(schedules: ScheduleStore) -> None:
    assert schedules.insert_schedule(FULL)

    assert schedules.read_schedule(FULL.schedule_id) == FULL


def test_a_schedule_is_inserted_once(schedules: ScheduleStore) -> None:
    assert schedules.insert_schedule(a_schedule())
    assert not schedules.insert_schedule(a_schedule(fired=1))
    assert schedules.read_schedule("sch-nightly") == a_schedule()
    assert schedules.read_schedule("sch-none") is None


def test_an_update_wins_only_on_the_version_it_was_read_on(schedules: ScheduleStore) -> None:
    schedules.insert_schedule(a_schedule())
    mine, theirs = a_schedule().next(fired=1), a_schedule().next(fired=2)

    assert schedules.update_schedule(mine)
    assert not schedules.update_schedule(theirs)
    assert not schedules.update_schedule(a_schedule("other").next())
    assert schedules.read_schedule("sch-nightly") == mine
    assert schedules.read_schedule("sch-other") is None


def test_an_update_clears_what_is_done(schedules: ScheduleStore) -> None:
    schedules.insert_schedule(FULL)

    schedules.update_schedule(FULL.next(starts=(), stops=(), says=(), waiting=()))

    found = schedules.read_schedule(FULL.schedule_id)
    assert found is not None
    assert found.is_settled
    assert found.waiting == ()


def test_schedules_are_listed_by_id_page_after_page(schedules: ScheduleStore) -> None:
    for name in ("c", "a", "b"):
        schedules.insert_schedule(a_schedule(name))

    assert [each.name for each in schedules.schedules(after="", limit=2)] == ["a", "b"]
    assert [each.name for each in schedules.schedules(after="sch-b", limit=2)] == ["c"]


def test_lines_are_read_by_time_up_to_and_with_a_minute(schedules: ScheduleStore) -> None:
    lines = [
        Due("2026-01-05T00:00", "sch-b", 2, 1),
        Due("2026-01-05T00:00", "sch-a", 1, 1),
        Due("2026-01-05T00:01", "sch-c", 60_000, 1),
        Due("2026-01-05T00:02", "sch-d", 120_000, 1),
    ]
    for line in lines:
        schedules.put_due(line)

    found = schedules.due(until="2026-01-05T00:01", limit=10)

    assert [line.schedule_id for line in found] == ["sch-a", "sch-b", "sch-c"]
    assert found[2] == lines[2]
    assert [line.schedule_id for line in schedules.due(until="2026-01-05T00:01", limit=2)] == ["sch-a", "sch-b"]
    assert schedules.due(until="2026-01-04T23:59", limit=10) == []


def test_an_older_view_neither_replaces_nor_drops_a_newer_ones_line(schedules: ScheduleStore) -> None:
    newer = Due("2026-01-05T00:00", "sch-a", 2, 5)
    schedules.put_due(newer)

    schedules.put_due(Due("2026-01-05T00:00", "sch-a", 1, 4))
    schedules.drop_due("2026-01-05T00:00", "sch-a", version=4)

    assert schedules.due(until="2026-01-05T00:00", limit=10) == [newer]
    schedules.drop_due("2026-01-05T00:00", "sch-a", version=5)
    schedules.drop_due("2026-01-05T00:00", "sch-a", version=5)
    assert schedules.due(until="2026-01-05T00:00", limit=10) == []


def test_a_tick_reads_one_range_of_due_and_nothing_else_of_tablestore(cloud: Doubles) -> None:
    ports, world = memory_ports()
    store = TableScheduleStore(table_calls(cloud.url))
    for number in range(300):
        # 50 are due within this minute, the others from the next hour on.
        due_ms = world.clock.now_ms() + (number * 1_000 if number < 50 else 3_600_000 + number * 1_000)
        store.put_due(Due(minute_of(due_ms), f"sch-{number:05d}", due_ms, 1))
    before = {operation: cloud.calls(operation) for operation in READS}

    report = tick(dataclasses.replace(ports, schedules=store), memory_policy())

    assert (report.due, report.sent) == (50, 50)
    assert {operation: cloud.calls(operation) - before[operation] for operation in READS} == {
        "GetRange": 1,
        "GetRow": 0,
        "BatchGetRow": 0,
    }
    assert len(world.queue.firings) == 50
