"""RunStore and QuotaLedger in memory: strict, and held to the same contract as the Tablestore adapters.

Values go through JSON on their way in, as they do in a real row, so nothing unstorable passes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import msgspec

from shared.core.errors import Unavailable
from shared.core.messages import Delivery
from shared.core.model import Chunk, Event, Excluded, Run, StopMark
from shared.ports import ChunkWrite, QuotaRow
from tests.app.memory_faults import Faults, faulty

Value = TypeVar("Value")


def stored(value: Value) -> Value:
    return msgspec.json.decode(msgspec.json.encode(value), type=type(value))


class MemoryRunStore(Faults):
    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()
        self.runs: dict[str, Run] = {}
        self.damaged: set[str] = set()
        """Runs whose head rows cannot be read alone."""
        self.stops: dict[tuple[str, str], StopMark] = {}
        self.chunks: dict[tuple[str, int], Chunk] = {}
        self.outputs: dict[tuple[str, int], dict[int, bytes]] = {}
        self.excluded: dict[str, tuple[int, tuple[Excluded, ...]]] = {}
        self.events: dict[tuple[str, int], tuple[int, Event]] = {}
        self.unfinished_ids: dict[str, int] = {}
        self.unheeded_stops: dict[str, int] = {}
        self.swept: tuple[int, int, int] | None = None
        """When the last sweep ended, unfinished, overdue."""
        self.deliveries: dict[str, Delivery] = {}
        """By message id: those that have begun and not ended."""
        self.recent_runs: dict[tuple[int, str], str] = {}
        self.watch: Callable[[Run | None, Run], None] = lambda _before, _after: None
        """Called with every change of a head row: for invariants."""
        self.watch_chunk: Callable[[Chunk], None] = lambda _after: None
        """Called with every chunk row that is written."""
        self.watch_event: Callable[[Event], None] = lambda _event: None
        """Called with every event row that is written."""
        self.watch_stop: Callable[[StopMark], None] = lambda _mark: None
        """Called with every new stop mark."""

    @faulty
    def insert_run(self, run: Run) -> bool:
        with self._lock:
            if run.run_id in self.runs:
                return False
            self.watch(None, run)
            self.runs[run.run_id] = stored(run)
            return True

    @faulty
    def read_run(self, run_id: str) -> Run | None:
        if run_id in self.damaged:
            raise Unavailable(f"{run_id}/run is damaged", code="RowDamaged")
        return self.runs.get(run_id)

    @faulty
    def read_run_and_stops(self, run_id: str) -> tuple[Run | None, list[StopMark]]:
        return self.runs.get(run_id), self._stops_of(run_id)

    @faulty
    def update_run(self, run: Run) -> bool:
        with self._lock:
            before = self.runs.get(run.run_id)
            if before is None or before.version != run.version - 1:
                return False
            self.watch(before, run)
            # The request is written once, with the run: an update does not touch it, whatever it carries.
            self.runs[run.run_id] = replace(stored(run), request=before.request)
            return True

    @faulty
    def note_sweep(self, *, at_ms: int, unfinished: int, overdue: int) -> bool:
        with self._lock:
            if self.swept is not None and self.swept[0] >= at_ms:
                return False
            self.swept = (at_ms, unfinished, overdue)
            return True

    @faulty
    def begin_delivery(self, message_id: str, *, now_ms: int) -> Delivery:
        with self._lock:
            before = self.deliveries.get(message_id, Delivery(begun=0, since_ms=now_ms))
            self.deliveries[message_id] = replace(before, begun=before.begun + 1)
            return self.deliveries[message_id]

    @faulty
    def take_back_delivery(self, message_id: str) -> None:
        with self._lock:
            counted = self.deliveries.pop(message_id, None)
            if counted is not None and counted.begun > 1:
                self.deliveries[message_id] = replace(counted, begun=counted.begun - 1)

    @faulty
    def end_delivery(self, message_id: str) -> None:
        with self._lock:
            self.deliveries.pop(message_id, None)

    @faulty
    def deliveries_begun(self, message_ids: Sequence[str]) -> dict[str, int]:
        with self._lock:
            return {one: self.deliveries[one].begun for one in message_ids if one in self.deliveries}

    @faulty
    def insert_stop(self, mark: StopMark) -> bool:
        with self._lock:
            self.unheeded_stops[mark.run_id] = mark.requested_ms
            key = (mark.run_id, mark.request_id)
            if key in self.stops:
                return False
            self.stops[key] = stored(mark)
            self.watch_stop(mark)
            return True

    @faulty
    def read_stops(self, run_id: str) -> list[StopMark]:
        return self._stops_of(run_id)

    def _stops_of(self, run_id: str) -> list[StopMark]:
        with self._lock:
            return [self.stops[key] for key in sorted(self.stops) if key[0] == run_id]

    @faulty
    def put_chunks(self, chunks: Sequence[Chunk]) -> bool:
        won = True
        with self._lock:
            _check_distinct([(chunk.run_id, chunk.number) for chunk in chunks])
            for chunk in chunks:
                key = (chunk.run_id, chunk.number)
                if key in self.chunks and self.chunks[key].plan_no >= chunk.plan_no:
                    won = False
                    continue
                self.watch_chunk(chunk)
                self.chunks[key] = stored(chunk)
                self.outputs.pop(key, None)
        return won

    @faulty
    def read_chunks(self, run_id: str, numbers: Sequence[int]) -> list[Chunk]:
        with self._lock:
            missing = [number for number in numbers if (run_id, number) not in self.chunks]
            assert not missing, f"{run_id} has no chunks {missing}"
            return [self.chunks[run_id, number] for number in numbers]

    @faulty
    def update_chunks(self, writes: Sequence[ChunkWrite]) -> bool:
        won = True
        with self._lock:
            _check_distinct([(write.chunk.run_id, write.chunk.number) for write in writes])
            for write in writes:
                chunk = write.chunk
                key = (chunk.run_id, chunk.number)
                before = self.chunks.get(key)
                if before is None or before.version != chunk.version - 1:
                    won = False
                    continue
                assert all(0 <= index < len(chunk.targets) for index in write.outputs), "output of no target"
                self.watch_chunk(chunk)
                self.chunks[key] = stored(chunk)
                self.outputs.setdefault(key, {}).update(write.outputs)
        return won

    def read_outputs(self, run_id: str, number: int) -> dict[int, bytes]:
        return dict(sorted(self.outputs.get((run_id, number), {}).items()))

    @faulty
    def put_excluded(self, run_id: str, excluded: Sequence[Excluded], *, plan_no: int) -> None:
        with self._lock:
            if run_id not in self.excluded or self.excluded[run_id][0] <= plan_no:
                self.excluded[run_id] = (plan_no, tuple(stored(part) for part in excluded))

    def read_excluded(self, run: Run) -> list[Excluded]:
        return list(self.excluded[run.run_id][1]) if run.excluded else []

    @faulty
    def put_events(self, events: Sequence[Event], *, base_version: int) -> None:
        with self._lock:
            _check_distinct([(event.run_id, event.sequence) for event in events])
            for event in events:
                key = (event.run_id, event.sequence)
                if key not in self.events or self.events[key][0] <= base_version:
                    self.watch_event(event)
                    self.events[key] = (base_version, event)

    @faulty
    def read_events(self, run_id: str, *, after: int, limit: int) -> list[Event]:
        with self._lock:
            found = sorted(key for key in self.events if key[0] == run_id and key[1] > after)
            return [self.events[key][1] for key in found[:limit]]

    @faulty
    def announce(self, run: Run) -> None:
        with self._lock:
            self.unfinished_ids[run.run_id] = run.accepted_ms

    @faulty
    def remember(self, run: Run) -> None:
        with self._lock:
            self.unfinished_ids[run.run_id] = run.accepted_ms
            self.recent_runs[-run.accepted_ms, run.run_id] = run.run_id

    @faulty
    def forget(self, run_id: str, *, before_ms: int | None = None) -> bool:
        with self._lock:
            if before_ms is not None and self.unfinished_ids.get(run_id, before_ms) >= before_ms:
                return False
            self.unfinished_ids.pop(run_id, None)
            return True

    @faulty
    def unfinished(self, *, after: str, limit: int) -> list[str]:
        with self._lock:
            return sorted(run_id for run_id in self.unfinished_ids if run_id > after)[:limit]

    @faulty
    def unheeded(self, *, after: str, limit: int) -> dict[str, int]:
        with self._lock:
            return dict(sorted(each for each in self.unheeded_stops.items() if each[0] > after)[:limit])

    @faulty
    def heeded(self, run_id: str, *, stop_ms: int) -> bool:
        with self._lock:
            if self.unheeded_stops.get(run_id) != stop_ms:
                return False
            del self.unheeded_stops[run_id]
            return True

    @faulty
    def read_runs(self, run_ids: Sequence[str]) -> dict[str, Run]:
        with self._lock:
            return {
                run_id: self.runs[run_id] for run_id in run_ids if run_id in self.runs and run_id not in self.damaged
            }


def _check_distinct(keys: Sequence[object]) -> None:
    # BatchWriteRow refuses a row that comes twice with a condition.
    assert len(set(keys)) == len(keys), f"a row comes twice in one batch: {sorted(map(str, keys))}"


class MemoryQuotaLedger(Faults):
    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self.used: dict[tuple[str, str], int] = {}
        self.closed: set[tuple[str, str]] = set()
        self.columns: dict[tuple[str, str], dict[str, int]] = {}
        self.highest: dict[tuple[str, str], int] = {}
        """The most that ever was used of a day: for the invariant."""
        self.watch: Callable[[str, str, int], None] = lambda _region, _day, _used: None
        """Called with region, day and the units in use whenever these change."""

    @faulty
    def grant(self, region: str, day: str, run_id: str, *, held: int | None, total: int, limit: int) -> bool:
        assert total > (held or 0), "a grant raises"
        with self._lock:
            row = (region, day)
            columns = self.columns.setdefault(row, {})
            more = total - (held or 0)
            if columns.get(run_id) != held or row in self.closed or self.used.get(row, 0) > limit - more:
                return False
            columns[run_id] = total
            self.used[row] = self.used.get(row, 0) + more
            self.highest[row] = max(self.highest.get(row, 0), self.used[row])
            self.watch(region, day, self.used[row])
            return True

    @faulty
    def give_back(self, region: str, day: str, run_id: str, *, held: int, total: int) -> bool:
        assert 0 <= total < held, "giving back lowers"
        with self._lock:
            row = (region, day)
            columns = self.columns.setdefault(row, {})
            if columns.get(run_id) != held:
                return False
            columns[run_id] = total
            self.used[row] -= held - total
            self.watch(region, day, self.used[row])
            return True

    @faulty
    def close_day(self, region: str, day: str) -> None:
        with self._lock:
            self.closed.add((region, day))

    @faulty
    def read(self, region: str, day: str, run_id: str) -> QuotaRow:
        with self._lock:
            row = (region, day)
            return QuotaRow(
                used=self.used.get(row, 0),
                closed=row in self.closed,
                granted=self.columns.get(row, {}).get(run_id),
            )
