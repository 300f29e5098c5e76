"""RunStore on Tablestore. Every write says what it was read on; what a condition refuses is answered, not raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from shared.adapters import tablestore_rows as rows
from shared.adapters.tablestore_calls import TableCalls
from shared.adapters.tablestore_writes import Columns, Value, Where, Write
from shared.core import limits
from shared.core.errors import Unavailable
from shared.core.messages import Delivery
from shared.core.model import Chunk, Event, Excluded, Run, StopMark
from shared.ports import ChunkWrite

RUNS = rows.RUNS
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RecentRun:
    """A line of the list of runs, newest first."""

    position: str
    """Where the next page goes on: `recent(day, after=position)`."""
    run_id: str
    accepted_ms: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the last sweep left word of."""

    at_ms: int
    unfinished: int
    overdue: int


class TableRunStore:
    """Raises Unavailable and, when it writes, UnknownOutcome."""

    def __init__(self, calls: TableCalls) -> None:
        self._calls = calls

    # -- run ----------------------------------------------------------------------------------------------------------
    def insert_run(self, run: Run) -> bool:
        columns = rows.run_columns(run) | rows.request_columns(run)
        return self._calls.write(Write("put", RUNS, rows.run_key(run.run_id), columns, exists=False))

    def read_run(self, run_id: str) -> Run | None:
        columns = self._calls.get(RUNS, rows.run_key(run_id))
        return None if columns is None else _run(run_id, columns)

    def read_run_and_stops(self, run_id: str) -> tuple[Run | None, list[StopMark]]:
        start, end = rows.run_key(run_id, rows.HEAD), rows.run_key(run_id, rows.HEAD_COLUMNS_END)
        found = self._calls.get_range(RUNS, start, end)
        heads = [columns for key, columns in found if key["part"] == rows.HEAD]
        stops = [_read(key, rows.stop_of, columns) for key, columns in found if key["part"] != rows.HEAD]
        return (_run(run_id, heads[0]) if heads else None), _by_request(stops)

    def update_run(self, run: Run) -> bool:
        where = Where("version", "==", run.version - 1, pass_if_missing=False)
        key, columns = rows.run_key(run.run_id), rows.run_columns(run)
        return self._calls.write(Write("update", RUNS, key, columns, exists=True, where=(where,)))

    def read_runs(self, run_ids: Sequence[str]) -> dict[str, Run]:
        wanted = sorted(set(run_ids))
        found = self._calls.get_many(RUNS, [rows.run_key(run_id) for run_id in wanted])
        runs: dict[str, Run] = {}
        for run_id, columns in zip(wanted, found, strict=True):
            if columns is not None:
                with suppress(Unavailable):  # that row alone: `read_run` says what is the matter with it
                    runs[run_id] = _run(run_id, columns)
        return runs

    # -- stop marks ---------------------------------------------------------------------------------------------------
    def insert_stop(self, mark: StopMark) -> bool:
        # The list first: a line without a mark is taken off again, a mark without a line would have no safety net.
        line: dict[str, Value] = {"stop_ms": mark.requested_ms}
        self._calls.write(Write("put", rows.UNFINISHED, rows.unheeded_key(mark.run_id), line))
        key = rows.run_key(mark.run_id, rows.stop_part(mark.request_id))
        return self._calls.write(Write("put", RUNS, key, rows.stop_columns(mark), exists=False))

    def read_stops(self, run_id: str) -> list[StopMark]:
        start, end = rows.run_key(run_id, "stop-"), rows.run_key(run_id, rows.HEAD_COLUMNS_END)
        return _by_request(
            [_read(key, rows.stop_of, columns) for key, columns in self._calls.get_range(RUNS, start, end)]
        )

    # -- chunks -------------------------------------------------------------------------------------------------------
    def put_chunks(self, chunks: Sequence[Chunk]) -> bool:
        return all(self._calls.write_many([_planned(chunk) for chunk in chunks]))

    def read_chunks(self, run_id: str, numbers: Sequence[int]) -> list[Chunk]:
        keys = [rows.run_key(run_id, rows.chunk_part(number)) for number in numbers]
        found = self._calls.get_many(RUNS, keys, columns=rows.CHUNK_COLUMNS)
        missing = [number for number, columns in zip(numbers, found, strict=True) if columns is None]
        assert not missing, f"{run_id} has no chunks {missing}"
        return [
            rows.readable(key, rows.chunk_of, columns)
            for key, columns in zip(keys, found, strict=True)
            if columns is not None
        ]

    def update_chunks(self, writes: Sequence[ChunkWrite]) -> bool:
        return all(self._calls.write_many([_updated(write) for write in writes]))

    def read_outputs(self, run_id: str, number: int) -> dict[int, bytes]:
        """Whole outputs of a chunk, by index of the target; only of targets that had any."""
        key = rows.run_key(run_id, rows.chunk_part(number))
        columns = self._calls.get(RUNS, key)
        return {} if columns is None else rows.readable(key, rows.outputs_of, columns)

    # -- excluded -----------------------------------------------------------------------------------------------------
    def put_excluded(self, run_id: str, excluded: Sequence[Excluded], *, plan_no: int) -> None:
        size = limits.EXCLUDED_PER_ROW
        parts = [tuple(excluded[start : start + size]) for start in range(0, len(excluded), size)]
        where = Where("plan_no", "<=", plan_no, pass_if_missing=True)
        self._calls.write_many(
            [
                Write(
                    "put",
                    RUNS,
                    rows.run_key(run_id, rows.excluded_part(number)),
                    rows.excluded_columns(part, plan_no=plan_no),
                    where=(where,),
                )
                for number, part in enumerate(parts, start=1)
            ]
        )

    def read_excluded(self, run: Run) -> list[Excluded]:
        """As the run's plan has them; rows that an older, abandoned plan left behind do not count."""
        if not run.excluded:
            return []
        start, end = rows.run_key(run.run_id, "excluded-"), rows.run_key(run.run_id, "excluded.")
        found = self._calls.get_range(RUNS, start, end)
        plans = [_read(key, rows.plan_no_of, columns) for key, columns in found]
        newest = max(plans, default=0)
        return [
            one
            for (key, columns), plan_no in zip(found, plans, strict=True)
            if plan_no == newest
            for one in _read(key, rows.excluded_of, columns)
        ]

    # -- events -------------------------------------------------------------------------------------------------------
    def put_events(self, events: Sequence[Event], *, base_version: int) -> None:
        where = Where("base_version", "<=", base_version, pass_if_missing=True)
        self._calls.write_many(
            [
                Write(
                    "put",
                    RUNS,
                    rows.run_key(event.run_id, rows.event_part(event.sequence)),
                    rows.event_columns(event, base_version=base_version),
                    where=(where,),
                )
                for event in events
            ]
        )

    def read_events(self, run_id: str, *, after: int, limit: int) -> list[Event]:
        start, end = rows.run_key(run_id, rows.event_part(after + 1)), rows.run_key(run_id, "event.")
        found = self._calls.get_range(RUNS, start, end, limit=limit)
        return [_read(key, partial(rows.event_of, key), columns) for key, columns in found]

    # -- lists --------------------------------------------------------------------------------------------------------
    def announce(self, run: Run) -> None:
        line: dict[str, Value] = {"accepted_ms": run.accepted_ms}
        self._calls.write(Write("put", rows.UNFINISHED, rows.unfinished_key(run.run_id), line))

    def remember(self, run: Run) -> None:
        accepted: dict[str, Value] = {"accepted_ms": run.accepted_ms, "run_id": run.run_id}
        self._calls.write_many(
            [
                Write("put", rows.UNFINISHED, rows.unfinished_key(run.run_id), {"accepted_ms": run.accepted_ms}),
                Write("put", rows.RECENT, rows.recent_key(run), accepted),
            ]
        )

    def forget(self, run_id: str, *, before_ms: int | None = None) -> bool:
        where = () if before_ms is None else (Where("accepted_ms", "<", before_ms, pass_if_missing=True),)
        return self._calls.write(Write("delete", rows.UNFINISHED, rows.unfinished_key(run_id), where=where))

    def unfinished(self, *, after: str, limit: int) -> list[str]:
        start, end = rows.unfinished_key(after), (("shard", rows.SHARD + "!"), ("run_id", ""))
        # The start is part of a range; it is left out here, so one more is read.
        found = self._calls.get_range(rows.UNFINISHED, start, end, limit=limit + 1)
        return [key["run_id"] for key, _ in found if key["run_id"] != after][:limit]

    def unheeded(self, *, after: str, limit: int) -> dict[str, int]:
        start, end = rows.unheeded_key(after), (("shard", rows.STOPS_SHARD + "!"), ("run_id", ""))
        found = self._calls.get_range(rows.UNFINISHED, start, end, limit=limit + 1)
        lines = [(key["run_id"], rows.stop_ms_of(columns)) for key, columns in found if key["run_id"] != after]
        return dict(lines[:limit])

    def heeded(self, run_id: str, *, stop_ms: int) -> bool:
        where = Where("stop_ms", "==", stop_ms, pass_if_missing=False)
        return self._calls.write(Write("delete", rows.UNFINISHED, rows.unheeded_key(run_id), where=(where,)))

    def note_sweep(self, *, at_ms: int, unfinished: int, overdue: int) -> bool:
        columns: dict[str, Value] = {"swept_ms": at_ms, "unfinished": unfinished, "overdue": overdue}
        where = Where("swept_ms", "<", at_ms, pass_if_missing=True)
        return self._calls.write(Write("put", rows.UNFINISHED, rows.SWEEP_KEY, columns, where=(where,)))

    def last_sweep(self) -> Sweep | None:
        columns = self._calls.get(rows.UNFINISHED, rows.SWEEP_KEY)
        return None if columns is None else rows.readable(rows.SWEEP_KEY, _sweep, columns)

    def recent(self, day: str, *, after: str = "", limit: int = limits.RECENT_PER_PAGE_MAX) -> list[RecentRun]:
        """Runs accepted on that day (UTC+8), newest first, after the position `after`."""
        start, end = (("day", day), ("position", after)), (("day", day), ("position", ":"))
        found = self._calls.get_range(rows.RECENT, start, end, limit=limit + 1)
        return [
            RecentRun(key["position"], str(columns["run_id"]), int(columns["accepted_ms"]))
            for key, columns in found
            if key["position"] != after
        ][:limit]

    # -- deliveries ---------------------------------------------------------------------------------------------------
    def begin_delivery(self, message_id: str, *, now_ms: int) -> Delivery:
        key, first = rows.tries_key(message_id), Delivery(begun=1, since_ms=now_ms)
        if self._calls.write(Write("put", RUNS, key, rows.tries_columns(first), exists=False)):
            return first
        columns = self._calls.get(RUNS, key)
        if columns is None:
            return first  # the other has ended at this moment
        before = rows.tries_of(columns)
        after = replace(before, begun=before.begun + 1)
        where = Where("deliveries", "==", before.begun, pass_if_missing=False)
        if not self._calls.write(Write("update", RUNS, key, rows.tries_columns(after), exists=True, where=(where,))):
            return before  # another delivery of it begins or ends at this moment: one count for both
        return after

    def take_back_delivery(self, message_id: str) -> None:
        key = rows.tries_key(message_id)
        columns = self._calls.get(RUNS, key)
        if columns is None:
            return
        counted = rows.tries_of(columns)
        where = (Where("deliveries", "==", counted.begun, pass_if_missing=False),)
        # One that is lost to another delivery leaves a count too many, which loses nothing.
        if counted.begun <= 1:
            self._calls.write(Write("delete", RUNS, key, where=where))
            return
        fewer = rows.tries_columns(replace(counted, begun=counted.begun - 1))
        self._calls.write(Write("update", RUNS, key, fewer, exists=True, where=where))

    def end_delivery(self, message_id: str) -> None:
        self._calls.write(Write("delete", RUNS, rows.tries_key(message_id)))

    def deliveries_begun(self, message_ids: Sequence[str]) -> dict[str, int]:
        wanted = sorted(set(message_ids))
        found = self._calls.get_many(RUNS, [rows.tries_key(message_id) for message_id in wanted])
        return {
            message_id: rows.tries_of(columns).begun
            for message_id, columns in zip(wanted, found, strict=True)
            if columns
        }


def _read(key: Mapping[str, str], read: Callable[[Columns], T], columns: Columns) -> T:
    return rows.readable(tuple(key.items()), read, columns)


def _run(run_id: str, columns: Columns) -> Run:
    return rows.readable(rows.run_key(run_id), rows.run_of, columns)


def _sweep(columns: Columns) -> Sweep:
    return Sweep(int(columns["swept_ms"]), int(columns["unfinished"]), int(columns["overdue"]))


def _by_request(stops: list[StopMark]) -> list[StopMark]:
    return sorted(stops, key=lambda mark: mark.request_id)


def _planned(chunk: Chunk) -> Write:
    where = Where("plan_no", "<", chunk.plan_no, pass_if_missing=True)
    key = rows.run_key(chunk.run_id, rows.chunk_part(chunk.number))
    return Write("put", RUNS, key, rows.chunk_columns(chunk), where=(where,))


def _updated(write: ChunkWrite) -> Write:
    chunk = write.chunk
    where = Where("version", "==", chunk.version - 1, pass_if_missing=False)
    key = rows.run_key(chunk.run_id, rows.chunk_part(chunk.number))
    columns = rows.chunk_columns(chunk) | rows.output_columns(write.outputs)
    return Write("update", RUNS, key, columns, exists=True, where=(where,))
