"""ScheduleStore on Tablestore: tables `schedules` (schedule_id) and `due` (minute, schedule_id).

A line of `due` holds no more than its key and two numbers: a tick reads these, and no schedule.
"""

from __future__ import annotations

import msgspec

from shared.adapters.tablestore_calls import TableCalls
from shared.adapters.tablestore_rows import readable
from shared.adapters.tablestore_writes import Columns, Key, Value, Where, Write
from shared.core.errors import Unavailable
from shared.core.model import SCHEMA
from shared.core.schedule import Due, Schedule

SCHEDULES, DUE = "schedules", "due"
_AFTER_ANY_ID = "~"
"""Above every schedule id."""


class TableScheduleStore:
    """Raises Unavailable and, when it writes, UnknownOutcome."""

    def __init__(self, calls: TableCalls) -> None:
        self._calls = calls

    def insert_schedule(self, schedule: Schedule) -> bool:
        return self._calls.write(Write("put", SCHEDULES, _key(schedule.schedule_id), _columns(schedule), exists=False))

    def read_schedule(self, schedule_id: str) -> Schedule | None:
        columns = self._calls.get(SCHEDULES, _key(schedule_id))
        return None if columns is None else readable(_key(schedule_id), _schedule, columns)

    def update_schedule(self, schedule: Schedule) -> bool:
        where = Where("version", "==", schedule.version - 1, pass_if_missing=False)
        key, columns = _key(schedule.schedule_id), _columns(schedule)
        return self._calls.write(Write("update", SCHEDULES, key, columns, exists=True, where=(where,)))

    def schedules(self, *, after: str, limit: int) -> list[Schedule]:
        found = self._calls.get_range(SCHEDULES, _key(after), _key(_AFTER_ANY_ID), limit=limit + 1)
        # The start is part of a range; it is left out here, so one more is read.
        later = [(key["schedule_id"], columns) for key, columns in found if key["schedule_id"] != after]
        return [readable(_key(schedule_id), _schedule, columns) for schedule_id, columns in later[:limit]]

    def put_due(self, due: Due) -> None:
        """An older view of the schedule does not replace a newer one's line."""
        where = Where("version", "<=", due.version, pass_if_missing=True)
        columns: dict[str, Value] = {"due_ms": due.due_ms, "version": due.version}
        self._calls.write(Write("put", DUE, _due_key(due.minute, due.schedule_id), columns, where=(where,)))

    def drop_due(self, minute: str, schedule_id: str, *, version: int) -> None:
        where = Where("version", "<=", version, pass_if_missing=True)
        self._calls.write(Write("delete", DUE, _due_key(minute, schedule_id), where=(where,)))

    def due(self, *, until: str, limit: int) -> list[Due]:
        found = self._calls.get_range(DUE, _due_key("", ""), _due_key(until, _AFTER_ANY_ID), limit=limit)
        return [
            Due(key["minute"], key["schedule_id"], int(columns["due_ms"]), int(columns["version"]))
            for key, columns in found
        ]


def _key(schedule_id: str) -> Key:
    return (("schedule_id", schedule_id),)


def _due_key(minute: str, schedule_id: str) -> Key:
    return (("minute", minute), ("schedule_id", schedule_id))


def _columns(schedule: Schedule) -> dict[str, Value]:
    return {
        "schema": schedule.schema,
        "version": schedule.version,
        "status": schedule.status,
        "due_ms": schedule.due_ms,
        "body": msgspec.json.encode(schedule).decode(),
    }


def _schedule(columns: Columns) -> Schedule:
    schema = columns["schema"]
    if type(schema) is not int or schema < SCHEMA - 1:
        raise ValueError("its schema is no number of a release")
    if schema not in (SCHEMA, SCHEMA - 1):
        raise Unavailable(
            f"a schedule has schema {schema}; this release reads {SCHEMA - 1} and {SCHEMA}: finish rolling out",
            code="RowSchema",
        )
    return msgspec.json.decode(str(columns["body"]).encode(), type=Schedule)
