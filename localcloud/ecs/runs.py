"""The invocations there are, each with a row per instance: kept, found by tag, command and instance, forgotten in time.

Strategy: a living `Run` holds the invocation and its latest rows, both frozen values. The journal gets the invocation
once and a row whenever it changes; a row that is not in the journal has never left Pending. Indexes hold the numbers of
invocations, so that a look-up by tag costs what it finds, however many invocations there are.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from msgspec.structs import replace

from localcloud.clock import Clock, Entry
from localcloud.ecs.errors import EcsError
from localcloud.ecs.limits import Limits
from localcloud.ecs.statuses import ENDS
from localcloud.ecs.values import Invocation, Row
from localcloud.journal import Journal

INVOCATIONS = "ecs.invocations"
ROWS = "ecs.rows"
HISTORY = "ecs.history"


@dataclass(slots=True)
class Run:
    """A living invocation. `rows` by instance id, in the order of the call."""

    invocation: Invocation
    rows: dict[str, Row]
    open_rows: int = 0
    """Rows that have not ended."""
    history: dict[str, list[Row]] = field(default_factory=dict)
    """Firings of a schedule that have ended, by instance, oldest first."""
    timer: Entry | None = None
    """Of the next firing."""

    @property
    def has_ended(self) -> bool:
        return self.open_rows == 0


class Runs:
    """All invocations of the account."""

    def __init__(self, *, clock: Clock, journal: Journal, limits: Limits) -> None:
        self._clock = clock
        self._journal = journal
        self._limits = limits
        self._runs: dict[int, Run] = {}
        self._numbers_by_id: dict[str, int] = {}
        self._index: dict[tuple[str, ...], dict[int, None]] = {}
        self.on_end: Callable[[Run], None] = lambda _run: None
        """Told when the last open row of an invocation has ended."""
        self._restore()
        self._next_numbers = itertools.count(max(self._runs, default=0) + 1)

    def next_number(self) -> int:
        return next(self._next_numbers)

    def add(self, invocation: Invocation, rows: list[Row]) -> Run:
        """Takes a new invocation in; forgets what is too old or too much."""
        run = self._take(invocation, {row.instance_id: row for row in rows})
        self._journal.put(INVOCATIONS, invocation.invoke_id, invocation)
        for row in rows:
            if row.status != "Pending":
                self._journal.put(ROWS, _row_key(run, row.instance_id), row)
        self.forget()
        return run

    def get(self, region: str, invoke_id: str) -> Run:
        """Raises InvalidInvokeId.NotFound."""
        run = self.find(region, invoke_id)
        if run is None:
            raise EcsError("InvalidInvokeId.NotFound", f"There is no invocation {invoke_id[:64]} in {region}.")
        return run

    def find(self, region: str, invoke_id: str) -> Run | None:
        number = self._numbers_by_id.get(invoke_id)
        run = None if number is None else self._runs[number]
        return run if run is not None and run.invocation.region == region else None

    def set_row(self, run: Run, row: Row) -> None:
        """Puts the new value of a row in the old one's place; `updated_ms` becomes now."""
        self.put_row(run, replace(row, updated_ms=self._clock.now_ms()))

    def put_row(self, run: Run, row: Row) -> None:
        """As `set_row`, with a row whose `updated_ms` is right."""
        had_ended = run.rows[row.instance_id].status in ENDS
        run.rows[row.instance_id] = row
        self._journal.put(ROWS, _row_key(run, row.instance_id), row)
        run.open_rows += had_ended - (row.status in ENDS)
        if run.open_rows == 0 and not had_ended:
            self.on_end(run)

    def show_output(self, run: Run, instance_id: str, output: bytes, dropped: int) -> None:
        """Output of a script that still runs. It is not kept: after a kill nobody could say how it went on."""
        row = run.rows[instance_id]
        run.rows[instance_id] = replace(row, output=output, dropped=dropped, updated_ms=self._clock.now_ms())

    def add_history(self, run: Run, row: Row) -> None:
        """Keeps the firing that has just ended."""
        firings = run.history.setdefault(row.instance_id, [])
        firings.append(row)
        self._journal.put(HISTORY, _firing_key(run, row), row)
        if len(firings) > self._limits.history_per_row_max:
            self._journal.drop(HISTORY, _firing_key(run, firings.pop(0)))

    def change(self, run: Run, invocation: Invocation, new_rows: list[Row]) -> None:
        """ModifyInvocationAttribute: another text, other parameters, more instances."""
        for row in new_rows:
            run.rows[row.instance_id] = row
            run.open_rows += row.status not in ENDS
            self._journal.put(ROWS, _row_key(run, row.instance_id), row)
        self._unindex(run)
        run.invocation = invocation
        self._put_in_index(run)
        self._journal.put(INVOCATIONS, invocation.invoke_id, invocation)

    def select(
        self, region: str, *, command_id: str = "", instance_id: str = "", tags: tuple[tuple[str, str], ...] = ()
    ) -> list[Run]:
        """Newest first."""
        self.forget()
        asked: list[tuple[str, ...]] = [
            ("tag", region, key, value) if value else ("key", region, key) for key, value in tags
        ]
        if command_id:
            asked.append(("command", region, command_id))
        if instance_id:
            asked.append(("instance", region, instance_id))
        sets = sorted((self._index.get(key, {}) for key in asked or [("region", region)]), key=len)
        numbers = sorted((one for one in sets[0] if all(one in other for other in sets[1:])), reverse=True)
        return [self._runs[number] for number in numbers]

    def is_there(self, invoke_id: str) -> bool:
        """In any region."""
        return invoke_id in self._numbers_by_id

    def alive(self) -> Iterator[Run]:
        """Those that have not ended, oldest first."""
        return (run for run in list(self._runs.values()) if not run.has_ended)

    def of_instance(self, region: str, instance_id: str) -> list[Run]:
        """Those that have not ended and hold the instance, oldest first."""
        numbers = sorted(self._index.get(("instance", region, instance_id), {}))
        return [run for number in numbers if not (run := self._runs[number]).has_ended]

    def is_command_running(self, region: str, command_id: str) -> bool:
        numbers = self._index.get(("command", region, command_id), {})
        return any(not self._runs[number].has_ended for number in numbers)

    def everywhere(self) -> Iterator[Run]:
        """All of them, oldest first."""
        return iter(list(self._runs.values()))

    def forget(self) -> None:
        """Drops ended invocations that are older than `retention_ms`, or beyond the newest `invocations_kept_max`."""
        oldest_ms = self._clock.now_ms() - self._limits.retention_ms
        excess = len(self._runs) - self._limits.invocations_kept_max
        doomed: list[Run] = []
        for run in self._runs.values():
            if run.invocation.created_ms > oldest_ms and len(doomed) >= excess:
                break
            if run.has_ended:
                doomed.append(run)
        for run in doomed:
            self._drop(run)

    def retag(self, region: str, invoke_id: str, change: Callable[[dict[str, str]], None]) -> None:
        """Raises InvalidResourceId.NotFound."""
        run = self.find(region, invoke_id)
        if run is None:
            raise EcsError("InvalidResourceId.NotFound")
        tags = dict(run.invocation.tags)
        change(tags)
        self.change(run, replace(run.invocation, tags=tags), [])

    def _take(self, invocation: Invocation, rows: dict[str, Row]) -> Run:
        run = Run(invocation, rows, sum(row.status not in ENDS for row in rows.values()))
        self._runs[invocation.number] = run
        self._numbers_by_id[invocation.invoke_id] = invocation.number
        self._put_in_index(run)
        return run

    def _drop(self, run: Run) -> None:
        invocation = run.invocation
        self._unindex(run)
        del self._runs[invocation.number]
        del self._numbers_by_id[invocation.invoke_id]
        for instance_id, row in run.rows.items():
            self._journal.drop(ROWS, _row_key(run, row.instance_id))
            for firing in run.history.get(instance_id, ()):
                self._journal.drop(HISTORY, _firing_key(run, firing))
        self._journal.drop(INVOCATIONS, invocation.invoke_id)

    def _put_in_index(self, run: Run) -> None:
        for key in _keys(run.invocation):
            self._index.setdefault(key, {})[run.invocation.number] = None

    def _unindex(self, run: Run) -> None:
        for key in _keys(run.invocation):
            holders = self._index[key]
            holders.pop(run.invocation.number, None)
            if not holders:
                del self._index[key]

    def _restore(self) -> None:
        kept = sorted((one for _, one in self._journal.load(INVOCATIONS, Invocation)), key=lambda one: one.number)
        for invocation in kept:
            created_ms = invocation.created_ms
            self._take(invocation, {one: Row(one, created_ms, created_ms) for one in invocation.instance_ids})
        for key, row in self._journal.load(ROWS, Row):
            run = self._of_key(key)
            if run is not None:
                run.rows[row.instance_id] = row
        for key, firing in self._journal.load(HISTORY, Row):
            run = self._of_key(key)
            if run is not None:
                run.history.setdefault(firing.instance_id, []).append(firing)
        for run in self._runs.values():
            run.open_rows = sum(row.status not in ENDS for row in run.rows.values())

    def _of_key(self, key: str) -> Run | None:
        number = self._numbers_by_id.get(key.partition("/")[0])
        return None if number is None else self._runs[number]


def _keys(invocation: Invocation) -> Iterator[tuple[str, ...]]:
    region = invocation.region
    yield "region", region
    yield "command", region, invocation.command_id
    for key, value in invocation.tags.items():
        yield "tag", region, key, value
        yield "key", region, key
    for instance_id in invocation.instance_ids:
        yield "instance", region, instance_id


def _row_key(run: Run, instance_id: str) -> str:
    return f"{run.invocation.invoke_id}/{instance_id}"


def _firing_key(run: Run, row: Row) -> str:
    return f"{run.invocation.invoke_id}/{row.instance_id}/{row.repeats}"
