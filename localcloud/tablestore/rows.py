"""Writing one row: check what can be checked without the table, then the key, then the condition; then change it."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

from localcloud.tablestore.capacity import write_units
from localcloud.tablestore.cells import StoredRow, changed, visible
from localcloud.tablestore.changes import CellChange, DeleteColumn, Increment, PutCell, RowChange
from localcloud.tablestore.conditions import Column, RowFilter, columns_of, compiled, count_of, matches
from localcloud.tablestore.errors import condition_failed, invalid
from localcloud.tablestore.keys import check_column_count, check_free_of_table, check_key
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.reads import Cell, Row
from localcloud.tablestore.schema import TableOptions, Units, check_column_name
from localcloud.tablestore.tables import Store, Table
from localcloud.tablestore.transactions import Transaction, check_lock
from localcloud.tablestore.values import AUTO_INCREMENT, INT64_MAX, INT64_MIN, Key, Value, type_name


@dataclass(frozen=True, slots=True)
class Written:
    """The answer of a write: what it has used, and the row if the change asked for one."""

    consumed: Units
    row: Row | None = None


def check_change(change: RowChange, limits: Limits) -> None:
    """What is refused whatever the table is. Raises OTSParameterInvalid."""
    check_column_count(change.key, limits)
    check_free_of_table(change.key, change.key_names, limits)
    if change.kind == "delete" and change.cells:
        raise invalid("Invalid delete row request: unexpected cells in request.")
    if change.kind == "put" and not all(isinstance(cell, PutCell) for cell in change.cells):
        raise invalid("Invalid request of put row: find cells without values.")
    if len(change.cells) > limits.columns_per_write_max:
        raise invalid(
            "The number of attribute columns exceeds the limit, "
            f"limit count: {limits.columns_per_write_max}, column count: {len(change.cells)}."
        )
    for cell in change.cells:
        check_column_name(cell.name, limits)
        if isinstance(cell, PutCell):
            check_value(cell.name, cell.value, limits)
        if not isinstance(cell, DeleteColumn) and cell.version_ms is not None:
            _check_version(cell.version_ms)
        if isinstance(cell, Increment) and not INT64_MIN <= cell.by <= INT64_MAX:
            raise invalid(f"Integer out of range: {cell.by}.")
    if any(isinstance(cell, Increment) for cell in change.cells):
        _check_increments(change.cells)
    if change.condition.columns is not None:
        check_filter(change.condition.columns, limits)


def check_value(name: str, value: Value, limits: Limits) -> None:
    """Raises OTSParameterInvalid."""
    if type(value) is str or type(value) is bytes:
        if len(value) * 4 <= limits.column_value_bytes_max:
            return  # whatever its characters
        length = len(value.encode()) if isinstance(value, str) else len(value)
        if length > limits.column_value_bytes_max:
            raise invalid(
                f"The length of attribute column: '{name}' exceeds the MaxLength:{limits.column_value_bytes_max} "
                f"with CurrentLength:{length}."
            )
    elif type(value) is float:
        if math.isnan(value):
            raise invalid("NaN can't be set to double value.")
        if math.isinf(value):
            raise invalid("Infinity can't be set to double value.")
    elif type(value) is int:
        if not INT64_MIN <= value <= INT64_MAX:
            raise invalid(f"Integer out of range: {value}.")
    elif type_name(value) is None:
        raise invalid(f"{type(value).__name__} is an invalid type for the attribute column.")


def _check_version(version_ms: int) -> None:
    """What no table takes; its options say the rest."""
    if not 0 <= version_ms < INT64_MAX // 1000:
        raise invalid("Timestamp must be in range [0, INT64_MAX/1000).")


def check_filter(rule: RowFilter, limits: Limits) -> None:
    """Raises OTSParameterInvalid."""
    columns = columns_of(rule)
    if (len(columns) if limits.filters_counted == "conditions" else count_of(rule)) > limits.filters_max:
        raise invalid(f"The count of filter exceeds the max: {limits.filters_max}.")
    for column in columns:
        check_column_name(column.name, limits)
        check_value(column.name, column.value, limits)
        if column.cast is not None:
            _check_regex(column, limits)


def _check_regex(column: Column, limits: Limits) -> None:
    assert column.cast is not None
    regex = column.cast.regex
    if len(regex.encode()) > limits.regex_bytes_max:
        raise invalid(f"The length of regex exceeds the max: {limits.regex_bytes_max}.")
    try:
        compiled(regex)
    except (re.error, RecursionError, OverflowError) as error:
        raise invalid(f"Invalid regex: '{regex}'.") from error


def _check_increments(cells: tuple[CellChange, ...]) -> None:
    """A column that is incremented is changed once. The text is ours (atomic counter page, 2021)."""
    counts = Counter(cell.name for cell in cells)
    for cell in cells:
        if isinstance(cell, Increment) and counts[cell.name] > 1:
            raise invalid(f"The column to increment is changed more than once: '{cell.name}'.")


def write_row(store: Store, table: Table, change: RowChange, transaction: Transaction | None) -> Written:
    """Writes, or raises and has written nothing. `check_change` must have passed."""
    if change.kind == "update" and not change.cells:
        raise invalid("Invalid update row request: missing cells in request.")
    check_key(table, change.key, change.key_names, store.limits)
    for cell in change.cells:
        if cell.name in table.key_names:
            raise invalid(f"Duplicated attribute column name with primary key column: '{cell.name}'.")
    options = table.record.options
    if change.kind == "update" and not options.allow_update:
        raise invalid("UpdateRow is not allowed on this table.")
    now_ms = store.timeline.clock.now_ms()
    consumed = write_units(change, table.key_names)
    key = change.key if table.auto_increment_at is None else _chosen_key(store, table, change, now_ms)
    check_lock(table, key, transaction)
    old = table.live(table if transaction is None else transaction, key, now_ms)
    check_condition(old, change, options, now_ms)
    if key is not change.key:
        change = _with_key(change, key)
    new = changed(old, change, options, now_ms)
    if transaction is None:
        store.keep(table, key, new)
    else:
        transaction.keep(key, new, change, store.limits)
    return Written(consumed, returned(change, new, options, now_ms))


def check_condition(old: StoredRow | None, change: RowChange, options: TableOptions, now_ms: int) -> None:
    """Raises OTSConditionCheckFail."""
    condition = change.condition
    if condition.exists is not None and condition.exists != (old is not None):
        raise condition_failed()
    if condition.columns is None:
        return
    columns = {} if old is None else old.columns
    if not matches(condition.columns, lambda name: visible(columns.get(name, ()), options, now_ms)):
        raise condition_failed()


def returned(change: RowChange, new: StoredRow | None, options: TableOptions, now_ms: int) -> Row | None:
    """The row that the change asked for. "after": the newest version of each column that it named."""
    if change.returns == "nothing":
        return None
    if change.returns == "key" or new is None:
        return Row(change.key)
    cells = []
    for name in sorted(set(change.return_columns)):
        versions = visible(new.columns.get(name, ()), options, now_ms)
        cells += [Cell(name, value, version_ms) for version_ms, value in versions[:1]]
    return Row(change.key, tuple(cells))


def _chosen_key(store: Store, table: Table, change: RowChange, now_ms: int) -> Key:
    """The key with the table's choice in it."""
    at = table.auto_increment_at
    assert at is not None
    condition = change.condition
    if change.key[at] is not AUTO_INCREMENT:
        if condition.exists is False:
            raise invalid(
                "Invalid expect: EXPECT_NOT_EXIST when modify a specific row for table with pk auto increment"
            )
        return change.key
    if change.kind == "delete":
        raise invalid("Invalid row to delete which with pk auto increment")
    if condition.exists is not None:
        expect = "EXPECT_EXIST" if condition.exists else "EXPECT_NOT_EXIST"
        raise invalid(f"Invalid expect: {expect} when modify row with pk auto increment")
    if condition.columns is not None:
        raise invalid("Can't set condition when modify row with pk auto increment")
    return (*change.key[:at], store.next_number(table, now_ms), *change.key[at + 1 :])


def _with_key(change: RowChange, key: Key) -> RowChange:
    return RowChange(
        change.kind, key, change.cells, change.condition, change.returns, change.return_columns, change.key_names
    )
