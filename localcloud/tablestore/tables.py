"""A table as it stands in memory, and the store of all tables: every change of a row goes through `Store.keep`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from localcloud.clock import Timeline
from localcloud.journal import Journal
from localcloud.tablestore.cells import StoredRow, is_alive
from localcloud.tablestore.errors import invalid, table_missing, table_not_ready
from localcloud.tablestore.indexes import IndexTable, key_columns, synced
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.schema import IndexRecord, TableMeta, TableRecord, check_table_name
from localcloud.tablestore.sorted_keys import SortedKeys
from localcloud.tablestore.values import Key, Value

TABLES, ROWS, COUNTERS, COMMITS = (f"tablestore.{kind}" for kind in ("tables", "rows", "counters", "commits"))


@dataclass(frozen=True, slots=True)
class Commit:
    """Rows that are written together: what a transaction has made of them; None where it has removed one."""

    table: str
    rows: tuple[tuple[Key, StoredRow | None], ...]


class RowSource(Protocol):
    """Rows as somebody sees them: a table, or a transaction on it."""

    def get(self, key: Key) -> StoredRow | None: ...

    def ascending(self, start: Key, end: Key) -> Iterator[Key]: ...

    def descending(self, start: Key, end: Key) -> Iterator[Key]: ...


class Table:
    """Rows by key, and the keys in order."""

    def __init__(self, record: TableRecord) -> None:
        self.record = record
        self.key_names = tuple(column.name for column in record.meta.key)
        self.key_types = tuple(column.type for column in record.meta.key)
        self.auto_increment_at = next(
            (at for at, column in enumerate(record.meta.key) if column.is_auto_increment), None
        )
        self.last_number = 0
        """The last value of the auto-increment column."""
        self.rows: dict[Key, StoredRow] = {}
        self.keys = SortedKeys()
        self.locks: dict[Value, str] = {}
        """Partition key → the transaction that holds it."""
        self.indexes: dict[str, IndexTable] = {}
        self.ready_ms = 0

    @property
    def name(self) -> str:
        return self.record.meta.name

    def get(self, key: Key) -> StoredRow | None:
        return self.rows.get(key)

    def live(self, source: RowSource, key: Key, now_ms: int) -> StoredRow | None:
        """The row, unless all of it has expired."""
        row = source.get(key)
        return row if row is not None and is_alive(row, self.record.options, now_ms) else None

    def ascending(self, start: Key, end: Key) -> Iterator[Key]:
        return self.keys.ascending(start, end)

    def descending(self, start: Key, end: Key) -> Iterator[Key]:
        return self.keys.descending(start, end)

    def put(self, row: StoredRow) -> None:
        if row.key not in self.rows:
            self.keys.add(row.key)
        self.rows[row.key] = row

    def remove(self, key: Key) -> bool:
        """Whether there was such a row."""
        if self.rows.pop(key, None) is None:
            return False
        self.keys.remove(key)
        return True


class Store:
    """All tables, kept in the journal and restored from it. Index tables are made anew from the rows."""

    def __init__(self, *, timeline: Timeline, journal: Journal, limits: Limits) -> None:
        self.timeline = timeline
        self.limits = limits
        self._journal = journal
        self.tables: dict[str, Table] = {}
        self.index_tables: dict[str, Table] = {}
        self._restore()

    def check_name(self, name: str) -> None:
        """Whether a table can be called so; whether there is one is asked later. Raises OTSParameterInvalid."""
        if name not in self.tables and name not in self.index_tables:
            check_table_name(name, self.limits)

    def table(self, name: str) -> Table:
        """For reads: a table or an index. Raises OTSParameterInvalid, OTSObjectNotExist, OTSTableNotReady."""
        table = self.tables.get(name) or self.index_tables.get(name)
        if table is None:
            check_table_name(name, self.limits)
            raise table_missing()
        if table.ready_ms and self.timeline.clock.now_ms() < table.ready_ms:
            raise table_not_ready()
        return table

    def writable(self, name: str) -> Table:
        """As `table`, but no index."""
        table = self.table(name)
        if name in self.index_tables:
            raise invalid("Can't write index table directly.")
        return table

    # -- tables -------------------------------------------------------------------------------------------------------
    def add(self, record: TableRecord) -> Table:
        table = Table(record)
        self.tables[table.name] = table
        for index in record.indexes:
            self._open_index(table, index)
        self.save(table)
        return table

    def save(self, table: Table) -> None:
        """Keeps the table's record. Its indexes live as long, and are written as often, as it says."""
        for name in table.indexes:
            index = self.index_tables[name]
            index.record = replace(index.record, options=table.record.options)
        self._journal.put(TABLES, table.name, table.record)

    def drop(self, table: Table) -> None:
        """The table's record goes first: rows that a kill leaves behind without one are dropped by the next start."""
        for name in table.indexes:
            del self.index_tables[name]
        del self.tables[table.name]
        self._journal.drop(TABLES, table.name)
        for key in table.rows:
            self._journal.drop(ROWS, _row_id(table, key))
        self._journal.drop(COUNTERS, table.name)

    def add_index(self, table: Table, index: IndexRecord) -> None:
        """The table's record must name it already."""
        self._open_index(table, index)
        self.save(table)
        if index.has_base_rows:
            for key in table.rows:
                self._later(table, index.meta.name, key)

    def drop_index(self, table: Table, name: str) -> None:
        """The table's record must not name it any more."""
        del table.indexes[name], self.index_tables[name]
        self.save(table)

    def _open_index(self, table: Table, index: IndexRecord) -> None:
        meta = TableMeta(index.meta.name, key_columns(index.meta, table.record.meta))
        self.index_tables[meta.name] = Table(
            TableRecord(meta, table.record.options, table.record.reserved, index.created_ms, index.created_ms)
        )
        table.indexes[meta.name] = IndexTable(index, table.record.meta)

    # -- rows ---------------------------------------------------------------------------------------------------------
    def keep(self, table: Table, key: Key, row: StoredRow | None) -> None:
        """Puts the row in the place of the old one (None removes it), in the journal and in the indexes, too."""
        if row is not None:
            table.put(row)
            self._journal.put(ROWS, _row_id(table, key), row)
        elif table.remove(key):
            self._journal.drop(ROWS, _row_id(table, key))
        for name in table.indexes:
            self._later(table, name, key)

    def forget(self, table: Table, expired: Iterable[Key]) -> None:
        """Removes what nobody can see any more, so that ranges do not pass over it again and again."""
        if table.name in self.tables:
            for key in expired:
                self.keep(table, key, None)

    def keep_together(self, table: Table, rows: Mapping[Key, StoredRow | None]) -> None:
        """As `keep`; a kill at any moment leaves all of the rows as they were, or none."""
        self._journal.put(COMMITS, table.name, Commit(table.name, tuple(rows.items())))
        for key, row in rows.items():
            self.keep(table, key, row)
        self._journal.drop(COMMITS, table.name)

    def next_number(self, table: Table, now_ms: int) -> int:
        """Of the auto-increment column: never given before, greater than all before."""
        table.last_number = max(table.last_number + 1, now_ms * 1000)
        self._journal.put(COUNTERS, table.name, table.last_number)
        return table.last_number

    def _later(self, table: Table, index_name: str, key: Key) -> None:
        """Brings the index up to date with the row: local ones at once, global ones after their delay."""
        index = table.indexes[index_name]
        if index.is_local or not self.limits.index_delay_ms:
            self._sync(table, index_name, key)
        else:
            self.timeline.after(self.limits.index_delay_ms, self._syncing(table, index_name, index, key))

    def _syncing(self, table: Table, index_name: str, index: IndexTable, key: Key) -> Callable[[], None]:
        def sync() -> None:
            if table.indexes.get(index_name) is index:
                self._sync(table, index_name, key)

        return sync

    def _sync(self, table: Table, index_name: str, key: Key) -> None:
        index, kept = table.indexes[index_name], self.index_tables[index_name]
        row = synced(index, table.rows.get(key), table.record.options, self.timeline.clock.now_ms())
        old_key = index.placed.pop(key, None)
        if old_key is not None and (row is None or row.key != old_key):
            kept.remove(old_key)
        if row is not None:
            kept.put(row)
            index.placed[key] = row.key

    # -- restoring ----------------------------------------------------------------------------------------------------
    def _restore(self) -> None:
        for name, record in self._journal.load(TABLES, TableRecord):
            self.tables[name] = table = Table(record)
            for index in record.indexes:
                self._open_index(table, index)
        for name, number in self._journal.load(COUNTERS, int):
            if name in self.tables:
                self.tables[name].last_number = number
            else:
                self._journal.drop(COUNTERS, name)
        for row_id, row in self._journal.load(ROWS, StoredRow):
            owner = self.tables.get(row_id.partition(" ")[0])
            if owner is not None:
                owner.put(row)
            else:
                self._journal.drop(ROWS, row_id)
        for table in self.tables.values():
            for name, opened in table.indexes.items():
                for key, row in table.rows.items():
                    if opened.record.has_base_rows or row.written_ms >= opened.record.created_ms:
                        self._sync(table, name, key)
        for name, commit in self._journal.load(COMMITS, Commit):
            if name in self.tables:
                self.keep_together(self.tables[name], dict(commit.rows))


def _row_id(table: Table, key: Key) -> str:
    """A table's name has no space; a key's text form tells all keys apart."""
    return f"{table.name} {key!r}"
