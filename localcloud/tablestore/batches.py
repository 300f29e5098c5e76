"""BatchGetRow and BatchWriteRow: each row succeeds or fails on its own; some errors refuse the whole request.

Whole: too many rows, missing tables, parameters that are wrong whatever the table is. Per row: a key that does not fit
the table, a failed condition, a lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from localcloud.tablestore.capacity import read_units, request_size
from localcloud.tablestore.changes import Increment, RowChange
from localcloud.tablestore.errors import TablestoreError, invalid, table_missing
from localcloud.tablestore.keys import check_key, check_read_key, check_readable
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.reads import NEWEST, GotRow, Selection, see
from localcloud.tablestore.rows import Written, check_change, check_filter, write_row
from localcloud.tablestore.tables import RowSource, Store, Table
from localcloud.tablestore.transactions import Transaction, check_own_table
from localcloud.tablestore.values import Key

GotOutcome = GotRow | TablestoreError
WriteOutcome = Written | TablestoreError


@dataclass(frozen=True, slots=True)
class GetGroup:
    """Rows to read from one table."""

    table: str
    keys: tuple[Key, ...]
    selection: Selection = NEWEST
    key_names: tuple[tuple[str, ...], ...] | None = None
    """For each key its names as the caller spelled them."""


@dataclass(frozen=True, slots=True)
class WriteGroup:
    """Rows to write into one table."""

    table: str
    changes: tuple[RowChange, ...]


def get_one(
    store: Store,
    table: Table,
    source: RowSource,
    key: Key,
    *,
    selection: Selection,
    key_names: tuple[str, ...] | None,
) -> GotRow:
    """One row. Raises OTSInvalidPK, OTSParameterInvalid."""
    check_read_key(table, key, key_names, store.limits)
    now_ms = store.timeline.clock.now_ms()
    stored = table.live(source, key, now_ms)
    if stored is None:
        return GotRow(None, read_units(0))
    seen = see(stored, selection, key_names=table.key_names, options=table.record.options, now_ms=now_ms)
    return GotRow(seen.row, read_units(seen.size))


def check_selection(selection: Selection, limits: Limits, *, in_batch: bool = False) -> None:
    """Raises OTSParameterInvalid."""
    selection.check(limits, in_batch=in_batch)
    if selection.filter is not None:
        check_filter(selection.filter, limits)


def get_batch(store: Store, groups: Sequence[GetGroup]) -> list[list[GotOutcome]]:
    """For each group the outcomes of its keys, in their order. Raises for the whole request."""
    if not groups:
        raise invalid("No row specified in the request of BatchGetRow.")
    _check_count(sum(len(group.keys) for group in groups), store.limits.batch_get_rows_max)
    _check_tables(store, [group.table for group in groups])
    for group in groups:
        check_selection(group.selection, store.limits, in_batch=True)
    tables = [store.table(group.table) for group in groups]
    check = check_readable if store.limits.misfit_keys == "row" else check_read_key
    for table, group in zip(tables, groups, strict=True):
        for key, names in zip(group.keys, group.key_names or (None,) * len(group.keys), strict=True):
            check(table, key, names, store.limits)
    return [_get_group(store, table, group) for table, group in zip(tables, groups, strict=True)]


def _get_group(store: Store, table: Table, group: GetGroup) -> list[GotOutcome]:
    outcomes: list[GotOutcome] = []
    for at, key in enumerate(group.keys):
        names = None if group.key_names is None else group.key_names[at]
        try:
            outcomes.append(get_one(store, table, table, key, selection=group.selection, key_names=names))
        except TablestoreError as error:
            outcomes.append(error)
    return outcomes


def write_batch(
    store: Store, groups: Sequence[WriteGroup], transaction: Transaction | None
) -> list[list[WriteOutcome]]:
    """For each group the outcomes of its changes, in their order. Raises for the whole request: nothing is written."""
    tables = _checked(store, groups, transaction)
    outcomes: list[list[WriteOutcome]] = []
    for table, group in zip(tables, groups, strict=True):
        if table is None:
            outcomes.append([table_missing() for _ in group.changes])
        else:
            outcomes.append([_write_one(store, table, change, transaction) for change in group.changes])
    return outcomes


def _checked(store: Store, groups: Sequence[WriteGroup], transaction: Transaction | None) -> list[Table | None]:
    """The tables; None for one that is missing and fails its rows only."""
    limits = store.limits
    if not groups:
        raise invalid("No row is specified in BatchWriteRow.")
    for group in groups:
        if not group.changes:
            raise invalid(f"No operation is specified for table: '{group.table}'.")
    _check_count(sum(len(group.changes) for group in groups), limits.batch_write_rows_max)
    _check_tables(store, [group.table for group in groups])
    for group in groups:
        for change in group.changes:
            check_change(change, limits)
    tables = [_writable(store, group.table) for group in groups]
    size = 0
    for table, group in zip(tables, groups, strict=True):
        names = () if table is None else table.key_names
        size += sum(request_size(change, change.key_names or names) for change in group.changes)
        _check_repeated(group, limits)
        if table is not None and limits.misfit_keys == "request":
            for change in group.changes:
                check_key(table, change.key, change.key_names, limits)
    if size > limits.batch_write_bytes_max:
        raise invalid(
            "The total data size of BatchWriteRow request exceeds the limit, "
            f"limit size: {limits.batch_write_bytes_max}, data size: {size}."
        )
    for table in tables:
        if transaction is not None and table is not None:
            check_own_table(transaction, table)
    return tables


def _writable(store: Store, name: str) -> Table | None:
    is_missing = name not in store.tables and name not in store.index_tables
    return None if is_missing and store.limits.missing_tables == "row" else store.writable(name)


def _write_one(store: Store, table: Table, change: RowChange, transaction: Transaction | None) -> WriteOutcome:
    try:
        return write_row(store, table, change, transaction)
    except TablestoreError as error:
        return error


def _check_count(count: int, limit: int) -> None:
    if count > limit:
        raise invalid(f"Rows count exceeds the upper limit: {limit}.")


def _check_tables(store: Store, names: Sequence[str]) -> None:
    for name in names:
        store.check_name(name)
    for name, count in Counter(names).items():
        if count > 1:
            raise invalid(f"Duplicated table name: '{name}'.")


def _check_repeated(group: WriteGroup, limits: Limits) -> None:
    """A row may come more than once only without conditions and increments (SDK tests and error code page, 2021)."""
    by_key: dict[Key, list[RowChange]] = {}
    for change in group.changes:
        by_key.setdefault(change.key, []).append(change)
    for changes in by_key.values():
        if len(changes) == 1:
            continue
        if limits.repeated_rows == "refuse":
            raise invalid("Repeated rows are not supported in BatchModify.")  # the text is ours
        if any(change.condition.exists is not None for change in changes):
            raise invalid("Repeated rows do not support row exist expectation check in BatchModify.")
        if any(change.condition.columns is not None for change in changes):
            raise invalid("Repeated rows do not support row condition check in BatchModify.")
        if any(isinstance(cell, Increment) for change in changes for cell in change.cells):
            raise invalid("Repeated rows do not support increment in BatchModify.")
