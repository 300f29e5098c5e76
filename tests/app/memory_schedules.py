"""ScheduleStore in memory: strict, held to the same contract as Tablestore's, and counting the rows that are read."""

from __future__ import annotations

import bisect

import msgspec

from shared.core.schedule import STATUSES, Due, Schedule
from tests.app.memory_faults import Faults, faulty


class MemoryScheduleStore(Faults):
    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, bytes] = {}
        self.lines: dict[tuple[str, str], Due] = {}
        self._keys: list[tuple[str, str]] = []
        self.rows_read = 0
        """Rows of both tables that were handed out or looked for."""

    @faulty
    def insert_schedule(self, schedule: Schedule) -> bool:
        if schedule.schedule_id in self.rows:
            return False
        self.rows[schedule.schedule_id] = msgspec.json.encode(schedule)
        return True

    @faulty
    def read_schedule(self, schedule_id: str) -> Schedule | None:
        self.rows_read += 1
        return self._stored(schedule_id)

    def _stored(self, schedule_id: str) -> Schedule | None:
        body = self.rows.get(schedule_id)
        return None if body is None else msgspec.json.decode(body, type=Schedule)

    @faulty
    def update_schedule(self, schedule: Schedule) -> bool:
        before = self._stored(schedule.schedule_id)
        if before is None or before.version != schedule.version - 1:
            return False
        assert before.status == schedule.status or schedule.status in STATUSES[before.status], schedule
        assert schedule.event_seq >= before.event_seq
        self.rows[schedule.schedule_id] = msgspec.json.encode(schedule)
        return True

    @faulty
    def schedules(self, *, after: str, limit: int) -> list[Schedule]:
        found = [schedule_id for schedule_id in sorted(self.rows) if schedule_id > after][:limit]
        self.rows_read += len(found)
        return [msgspec.json.decode(self.rows[schedule_id], type=Schedule) for schedule_id in found]

    @faulty
    def put_due(self, due: Due) -> None:
        key = (due.minute, due.schedule_id)
        if key not in self.lines:
            bisect.insort(self._keys, key)
        if key not in self.lines or self.lines[key].version <= due.version:
            self.lines[key] = due

    @faulty
    def drop_due(self, minute: str, schedule_id: str, *, version: int) -> None:
        key = (minute, schedule_id)
        if key in self.lines and self.lines[key].version <= version:
            del self.lines[key]
            self._keys.remove(key)

    @faulty
    def due(self, *, until: str, limit: int) -> list[Due]:
        end = bisect.bisect_right(self._keys, (until, "~"))
        found = [self.lines[key] for key in self._keys[:end][:limit]]
        self.rows_read += len(found)
        return found
