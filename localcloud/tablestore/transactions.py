"""Local transactions: a lock on one partition key, and rows that nobody else sees until the commit.

Rules of the local transaction page, 2021: at most 60 s, at most 4 MB written; writes of others fail meanwhile, reads of
others see the old rows. Versions of cells are assigned at the write. A transaction does not survive a restart.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from localcloud.clock import Entry
from localcloud.ids import Ids
from localcloud.tablestore.capacity import change_size
from localcloud.tablestore.cells import StoredRow
from localcloud.tablestore.changes import RowChange
from localcloud.tablestore.errors import (
    invalid,
    other_table_in_transaction,
    outside_transaction,
    row_conflict,
    session_missing,
    transaction_too_large,
)
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.tables import Store, Table
from localcloud.tablestore.values import Key, Value

ID = re.compile(r"[0-9A-F]{32}")


@dataclass(slots=True)
class Transaction:
    """A `RowSource`: the table as the transaction sees it."""

    id: str
    table: Table
    partition: Value
    rows: dict[Key, StoredRow | None] = field(default_factory=dict)
    """What it has written; None where it has removed."""
    size: int = 0
    expiry: Entry | None = None

    def get(self, key: Key) -> StoredRow | None:
        return self.rows[key] if key in self.rows else self.table.get(key)

    def ascending(self, start: Key, end: Key) -> Iterator[Key]:
        mine = sorted(key for key in self.rows if start <= key < end)
        return _without_repeats(heapq.merge(self.table.ascending(start, end), mine))

    def descending(self, start: Key, end: Key) -> Iterator[Key]:
        mine = sorted((key for key in self.rows if end < key <= start), reverse=True)
        return _without_repeats(heapq.merge(self.table.descending(start, end), mine, reverse=True))

    def keep(self, key: Key, row: StoredRow | None, change: RowChange, limits: Limits) -> None:
        """Raises OTSOutOfTransactionDataSizeLimit; then the row is not written."""
        size = self.size + change_size(change, self.table.key_names)
        if size > limits.transaction_bytes_max:
            raise transaction_too_large(limits.transaction_bytes_max)
        self.size = size
        self.rows[key] = row


def _without_repeats(keys: Iterator[Key]) -> Iterator[Key]:
    last: Key | None = None
    for key in keys:
        if key != last:
            yield key
        last = key


def check_lock(table: Table, key: Key, transaction: Transaction | None) -> None:
    """Whether the row may be written: raises OTSRowOperationConflict, OTSDataOutOfRange."""
    if transaction is not None:
        check_inside(transaction, table, key)
    elif table.locks and key[0] in table.locks:
        raise row_conflict()


def check_inside(transaction: Transaction, table: Table, *keys: Key) -> None:
    """Whether all keys belong to the transaction: raises OTSDataOutOfRange."""
    check_own_table(transaction, table)
    for key in keys:
        if key[0] != transaction.partition:
            raise outside_transaction(transaction.partition, key[0])


def check_own_table(transaction: Transaction, table: Table) -> None:
    """Raises OTSDataOutOfRange."""
    if table is not transaction.table:
        raise other_table_in_transaction(transaction.table.name, table.name)


class Transactions:
    """Those that are open."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self._store = store
        self._ids = ids
        self._open: dict[str, Transaction] = {}

    def start(self, table: Table, partition: Value) -> str:
        """Raises OTSRowOperationConflict, OTSParameterInvalid."""
        if not table.record.has_transactions:
            raise invalid("Try to call method using explicit transaction on explicit-transaction-disabled table.")
        if partition in table.locks:
            raise row_conflict()
        transaction = Transaction(self._ids.hexadecimal("tablestore.transactions", 32), table, partition)
        table.locks[partition] = transaction.id
        self._open[transaction.id] = transaction
        transaction.expiry = self._store.timeline.after(
            self._store.limits.transaction_ms_max, self._expiring(transaction.id)
        )
        return transaction.id

    def find(self, transaction_id: str) -> Transaction:
        """Raises OTSParameterInvalid, OTSSessionNotExist."""
        if not ID.fullmatch(transaction_id):
            raise invalid("TransactionID is invalid.")
        transaction = self._open.get(transaction_id)
        if transaction is None:
            raise session_missing()
        return transaction

    def commit(self, transaction_id: str) -> None:
        transaction = self.find(transaction_id)
        self._end(transaction)
        self._store.keep_together(transaction.table, transaction.rows)

    def abort(self, transaction_id: str) -> None:
        self._end(self.find(transaction_id))

    def abort_all_of(self, table: Table) -> None:
        """The table is being deleted."""
        for transaction_id in list(table.locks.values()):
            self._end(self._open[transaction_id])

    @property
    def open_ids(self) -> list[str]:
        return sorted(self._open)

    def _expiring(self, transaction_id: str) -> Callable[[], None]:
        def expire() -> None:
            if transaction_id in self._open:
                self._end(self._open[transaction_id])

        return expire

    def _end(self, transaction: Transaction) -> None:
        del self._open[transaction.id]
        del transaction.table.locks[transaction.partition]
        if transaction.expiry is not None:
            transaction.expiry.cancel()
