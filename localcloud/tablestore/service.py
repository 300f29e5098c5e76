"""The service: what can be done with tables and rows, as synchronous methods on plain values.

    service = TablestoreService(account=account, timeline=timeline, ids=ids, journal=NoJournal())
    service.create_table(TableMeta("runs", (KeyColumn("run_id", "STRING"), KeyColumn("part", "STRING"))))
    service.update_row("runs", ("run-1", "run"), {"status": "new"}, condition=MUST_BE_MISSING)
    service.get_row("runs", ("run-1", "run")).row.columns

Every refusal is a `TablestoreError` with Tablestore's code, status and text; then nothing has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from localcloud.account import Account
from localcloud.clock import Timeline
from localcloud.ids import Ids
from localcloud.journal import Journal
from localcloud.tablestore import changes, definitions
from localcloud.tablestore.batches import (
    GetGroup,
    GotOutcome,
    WriteGroup,
    WriteOutcome,
    check_selection,
    get_batch,
    get_one,
    write_batch,
)
from localcloud.tablestore.changes import RowChange
from localcloud.tablestore.conditions import ALWAYS, Condition
from localcloud.tablestore.definitions import OptionsChange
from localcloud.tablestore.errors import invalid
from localcloud.tablestore.keys import check_bound, check_read_key
from localcloud.tablestore.limits import STRICT, Limits
from localcloud.tablestore.ranges import Page, RangeQuery, read_page
from localcloud.tablestore.reads import NEWEST, GotRow, Selection, see
from localcloud.tablestore.rows import Written, check_change, write_row
from localcloud.tablestore.schema import Encryption, IndexMeta, Stream, TableMeta, TableOptions, TableRecord, Units
from localcloud.tablestore.splits import Splits, split
from localcloud.tablestore.tables import RowSource, Store, Table
from localcloud.tablestore.transactions import Transaction, Transactions, check_inside
from localcloud.tablestore.values import Key, Value


class TablestoreService:
    """One instance with its tables. Restores from `journal` what an earlier one has kept there."""

    def __init__(
        self,
        *,
        account: Account,
        timeline: Timeline,
        ids: Ids,
        journal: Journal,
        limits: Limits = STRICT,
    ) -> None:
        self.account = account
        self.limits = limits
        self.timeline = timeline
        self._store = Store(timeline=timeline, journal=journal, limits=limits)
        self._transactions = Transactions(self._store, ids)

    # -- tables -------------------------------------------------------------------------------------------------------
    def create_table(
        self,
        meta: TableMeta,
        options: TableOptions = TableOptions(),  # noqa: B008  frozen
        *,
        reserved: Units = Units(),  # noqa: B008  frozen
        indexes: Sequence[IndexMeta] = (),
        stream: Stream | None = None,
        encryption: Encryption | None = None,
        has_transactions: bool = True,
    ) -> None:
        """Raises OTSParameterInvalid, OTSObjectAlreadyExist, OTSQuotaExhausted."""
        definitions.create_table(
            self._store,
            meta,
            options,
            reserved=reserved,
            indexes=indexes,
            stream=stream,
            encryption=encryption,
            has_transactions=has_transactions,
        )

    def list_tables(self) -> list[str]:
        """Names in order; indexes are not tables."""
        return sorted(self._store.tables)

    def describe_table(self, name: str) -> TableRecord:
        """Of a table or an index. Raises OTSObjectNotExist."""
        return definitions.describe_table(self._store, name)

    def is_ready(self, name: str) -> bool:
        """Whether rows of the table can be read and written. Raises OTSObjectNotExist."""
        return definitions.is_ready(self._store, name)

    def update_table(
        self,
        name: str,
        *,
        options: OptionsChange | None = None,
        reserved: Units | None = None,
        stream: Stream | None = None,
    ) -> TableRecord:
        """What is None stays. Answers the record as it is afterwards."""
        return definitions.update_table(self._store, name, options=options, reserved=reserved, stream=stream)

    def delete_table(self, name: str) -> None:
        """With its rows and indexes; open transactions on it end."""
        self._transactions.abort_all_of(definitions.deletable(self._store, name))
        definitions.delete_table(self._store, name)

    def create_index(self, table: str, index: IndexMeta, *, include_base_rows: bool = False) -> None:
        """Raises OTSParameterInvalid, OTSObjectNotExist, OTSObjectAlreadyExist."""
        definitions.create_index(self._store, table, index, include_base_rows=include_base_rows)

    def drop_index(self, table: str, name: str) -> None:
        """Raises OTSObjectNotExist."""
        definitions.drop_index(self._store, table, name)

    # -- rows ---------------------------------------------------------------------------------------------------------
    def get_row(
        self,
        table: str,
        key: Key,
        selection: Selection = NEWEST,
        *,
        key_names: tuple[str, ...] | None = None,
        transaction_id: str | None = None,
    ) -> GotRow:
        """`row` is None when there is no such row, or the selection shows nothing of it."""
        self._store.check_name(table)
        check_selection(selection, self.limits)
        found = self._store.table(table)
        source: RowSource = found
        if transaction_id is not None:
            transaction = self._transactions.find(transaction_id)
            check_read_key(found, key, key_names, self.limits)
            check_inside(transaction, found, key)
            source = transaction
        return get_one(self._store, found, source, key, selection=selection, key_names=key_names)

    def write_row(self, table: str, change: RowChange, *, transaction_id: str | None = None) -> Written:
        """Raises OTSConditionCheckFail when the condition does not hold."""
        self._store.check_name(table)
        check_change(change, self.limits)
        if change.kind == "update" and not change.cells:
            raise invalid("Attribute column is missing.")
        found = self._store.writable(table)
        return write_row(self._store, found, change, self._transaction(transaction_id))

    def put_row(self, table: str, key: Key, columns: Mapping[str, Value], *, condition: Condition = ALWAYS) -> Written:
        """Replaces the whole row."""
        return self.write_row(table, changes.put(key, columns, condition=condition))

    def update_row(
        self,
        table: str,
        key: Key,
        columns: Mapping[str, Value] = {},
        *,
        increments: Mapping[str, int] = {},
        delete_columns: Iterable[str] = (),
        condition: Condition = ALWAYS,
    ) -> Written:
        """Sets, adds to and removes the named columns."""
        return self.write_row(
            table,
            changes.update(key, columns, increments=increments, delete_columns=delete_columns, condition=condition),
        )

    def delete_row(self, table: str, key: Key, *, condition: Condition = ALWAYS) -> Written:
        return self.write_row(table, changes.delete(key, condition=condition))

    def get_batch(self, groups: Sequence[GetGroup]) -> list[list[GotOutcome]]:
        """For each group the rows of its keys, or the error of that row. Raises for the whole request."""
        return get_batch(self._store, groups)

    def write_batch(
        self, groups: Sequence[WriteGroup], *, transaction_id: str | None = None
    ) -> list[list[WriteOutcome]]:
        """For each group the outcomes of its changes, or the error of that row. Raises for the whole request."""
        return write_batch(self._store, groups, self._transaction(transaction_id))

    def get_range(self, table: str, query: RangeQuery, *, transaction_id: str | None = None) -> Page:
        """One page. Go on from its `next_key` until that is None."""
        self._store.check_name(table)
        check_selection(query.selection, self.limits)
        found = self._store.table(table)
        check_bound(found, query.start, query.start_names, self.limits)
        check_bound(found, query.end, query.end_names, self.limits)
        query.check(self.limits)
        source: RowSource = found
        if transaction_id is not None:
            source = transaction = self._transactions.find(transaction_id)
            check_inside(transaction, found, query.start, query.end)
        now_ms = self.timeline.clock.now_ms()
        expired: list[Key] = []
        page = read_page(found, source, query, limits=self.limits, now_ms=now_ms, expired=expired)
        if source is found:
            self._store.forget(found, expired)
        return page

    def split(self, table: str, *, size_bytes: int) -> Splits:
        """Keys that cut the table into parts of about `size_bytes`."""
        return split(self._store.table(table), size_bytes=size_bytes)

    # -- transactions -------------------------------------------------------------------------------------------------
    def start_transaction(self, table: str, key: Key, *, key_names: tuple[str, ...] | None = None) -> str:
        """`key` is the partition key alone. Answers the transaction's id. Raises OTSRowOperationConflict."""
        found = self._store.writable(table)
        if len(key) != 1:
            raise invalid("StartLocalTransaction support only one primary key.")
        definitions.check_partition_key(found, key, key_names, self.limits)
        return self._transactions.start(found, key[0])

    def commit_transaction(self, transaction_id: str) -> None:
        """Raises OTSSessionNotExist when it has ended or expired."""
        self._transactions.commit(transaction_id)

    def abort_transaction(self, transaction_id: str) -> None:
        """Raises OTSSessionNotExist when it has ended or expired."""
        self._transactions.abort(transaction_id)

    def _transaction(self, transaction_id: str | None) -> Transaction | None:
        return None if transaction_id is None else self._transactions.find(transaction_id)

    # -- looking in from outside --------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """All tables with all their rows as plain data, for the state dump. Binary values are shown as hexadecimal."""
        now_ms = self.timeline.clock.now_ms()
        return {
            "tables": {name: _table_state(table, now_ms) for name, table in sorted(self._store.tables.items())},
            "transactions": self._transactions.open_ids,
        }


def _table_state(table: Table, now_ms: int) -> dict[str, Any]:
    rows = []
    for key in sorted(table.rows):
        stored = table.live(table, key, now_ms)
        if stored is None:
            continue
        seen = see(stored, NEWEST, key_names=table.key_names, options=table.record.options, now_ms=now_ms)
        assert seen.row is not None, key
        rows.append(
            {
                "key": dict(zip(table.key_names, map(_shown, key), strict=True)),
                "columns": {name: _shown(value) for name, value in seen.row.columns.items()},
            }
        )
    return {"indexes": sorted(table.indexes), "rowCount": len(rows), "rows": rows}


def _shown(value: Value) -> Value:
    return value.hex() if isinstance(value, bytes) else value
