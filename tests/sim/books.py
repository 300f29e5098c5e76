"""What stands in the rows, as the checkers see it: fed at every write, whichever store the seed plays on.

Two stores are held to one behaviour: our in-memory doubles, and the real row store and quota ledger on the local
cloud's Tablestore.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from localcloud.tablestore.ranges import RangeQuery
from localcloud.tablestore.service import TablestoreService
from localcloud.tablestore.values import INF_MAX, INF_MIN
from shared.adapters import quota_ledger
from shared.adapters import tablestore_rows as rows
from shared.adapters.quota_ledger import TableQuotaLedger
from shared.adapters.run_store import TableRunStore
from shared.adapters.tablestore_writes import Columns, Write
from shared.core.model import Chunk, Run, StopMark
from shared.ports import QuotaLedger, RunStore
from tests.app.memory import MemoryQuotaLedger, MemoryRunStore
from tests.sim.wire import ServiceTables

OnHead = Callable[[Run | None, Run], None]
OnChunk = Callable[[Chunk | None, Chunk], None]
OnClaim = Callable[[Run], None]
OnStop = Callable[[StopMark], None]
OnQuota = Callable[[str, int, int], None]


@dataclass
class Books:
    """`on_head`, `on_chunk`: (before, after); `on_quota`: (day, used, sum of the runs' columns)."""

    heads: dict[str, Run] = field(default_factory=dict)
    chunks: dict[tuple[str, int], Chunk] = field(default_factory=dict)
    event_numbers: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    highest: Counter[str] = field(default_factory=Counter)
    """The most units that ever were in use, by day."""
    open_runs: set[str] = field(default_factory=set)
    """Runs that are not settled."""
    on_head: OnHead = lambda _before, _after: None
    on_chunk: OnChunk = lambda _before, _after: None
    on_claim: OnClaim = lambda _run: None
    on_stop: OnStop = lambda _mark: None
    on_quota: OnQuota = lambda _day, _used, _held: None

    def saw_head(self, after: Run) -> None:
        before = self.heads.get(after.run_id)
        self.on_head(before, after)
        self.heads[after.run_id] = after
        if after.lease_until_ms and (before is None or before.holder != after.holder):
            self.on_claim(after)
        if after.due_ms:
            self.open_runs.add(after.run_id)
        else:
            self.open_runs.discard(after.run_id)

    def saw_chunk(self, after: Chunk) -> None:
        key = (after.run_id, after.number)
        self.on_chunk(self.chunks.get(key), after)
        self.chunks[key] = after

    def saw_stop(self, mark: StopMark) -> None:
        self.on_stop(mark)

    def saw_quota(self, day: str, used: int, held: int) -> None:
        self.highest[day] = max(self.highest[day], used)
        self.on_quota(day, used, held)


class MemoryStores:
    """Our in-memory doubles."""

    name = "memory"

    def __init__(self, books: Books) -> None:
        self._runs, self._quota, self._books = MemoryRunStore(), MemoryQuotaLedger(), books
        self._runs.watch = lambda _before, after: books.saw_head(after)
        self._runs.watch_chunk = books.saw_chunk
        self._runs.watch_event = lambda event: books.event_numbers[event.run_id].add(event.sequence)
        self._runs.watch_stop = books.saw_stop
        self._quota.watch = self._saw_quota

    def _saw_quota(self, region: str, day: str, used: int) -> None:
        self._books.saw_quota(day, used, sum(self._quota.columns[region, day].values()))

    def ports(self, *, release: int) -> tuple[RunStore, QuotaLedger]:
        return self._runs, self._quota

    def unfinished(self) -> int:
        return len(self._runs.unfinished_ids)

    def held(self, day: str) -> dict[str, int]:
        return dict(self._quota.columns.get((_region_of(self._quota), day), {}))

    def is_closed(self, day: str) -> bool:
        return any(closed == day for _, closed in self._quota.closed)


def _region_of(ledger: MemoryQuotaLedger) -> str:
    return next(iter(sorted(region for region, _ in ledger.columns)), "")


class CloudStores:
    """The adapters that ship, on the local cloud's Tablestore."""

    name = "cloud"

    def __init__(self, books: Books, tables: TablestoreService) -> None:
        self._books, self._tables = books, tables
        self._requests: dict[str, Columns] = {}
        self._calls = [ServiceTables(tables, wrote=self._wrote, release=release) for release in (0, 1)]
        self._quota_days = TableQuotaLedger(self._calls[0])  # type: ignore[arg-type]

    def ports(self, *, release: int) -> tuple[RunStore, QuotaLedger]:
        calls = self._calls[release]
        return TableRunStore(calls), TableQuotaLedger(calls)  # type: ignore[arg-type]

    def unfinished(self) -> int:
        everything = RangeQuery((rows.SHARD, INF_MIN), (rows.SHARD, INF_MAX))
        return len(self._tables.get_range(rows.UNFINISHED, everything).rows)

    def held(self, day: str) -> dict[str, int]:
        return self._quota_days.read_day(self._region, day).by_run

    def is_closed(self, day: str) -> bool:
        return self._quota_days.read_day(self._region, day).closed

    @property
    def _region(self) -> str:
        return next((run.region for _, run in sorted(self._books.heads.items())), "")

    def _wrote(self, write: Write) -> None:
        if write.table == rows.RUNS:
            self._wrote_part(dict(write.key), write)
        elif write.table == quota_ledger.QUOTA:
            (_, region), (_, day) = write.key
            row = self._quota_days.read_day(region, day)
            self._books.saw_quota(day, row.used, sum(row.by_run.values()))

    def _wrote_part(self, key: dict[str, str], write: Write) -> None:
        run_id, part = key["run_id"], key["part"]
        columns = dict(write.columns)
        if part == rows.HEAD:
            if write.kind == "put":
                self._requests[run_id] = {name: value for name, value in columns.items() if name.startswith("request")}
            self._books.saw_head(rows.run_of({**self._requests[run_id], **columns}))
        elif part.startswith("chunk-"):
            self._books.saw_chunk(rows.chunk_of(columns))
        elif part.startswith("stop-"):
            self._books.saw_stop(rows.stop_of(columns))
        elif part.startswith("event-"):
            self._books.event_numbers[run_id].add(int(part.removeprefix("event-")))
