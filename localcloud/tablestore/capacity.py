"""Capacity units: 4 KB each, rounded up (pricing page, 2021)."""

from __future__ import annotations

from localcloud.tablestore.changes import DeleteColumn, Increment, PutCell, RowChange
from localcloud.tablestore.schema import Units
from localcloud.tablestore.values import key_size, text_size, value_size

UNIT_BYTES = 4096
VERSION_BYTES = 8


def units_of(size: int) -> int:
    """At least one."""
    return max(1, -(-size // UNIT_BYTES))


def read_units(size: int) -> Units:
    return Units(read=units_of(size))


def change_size(change: RowChange, key_names: tuple[str, ...]) -> int:
    """Bytes that the change writes; of what it deletes only the names count."""
    size = key_size(key_names, change.key)
    for cell in change.cells:
        size += text_size(cell.name)
        if isinstance(cell, PutCell):
            size += value_size(cell.value)
        elif isinstance(cell, Increment):
            size += 8
    return size


def request_size(change: RowChange, key_names: tuple[str, ...]) -> int:
    """Bytes that the change has in a BatchWriteRow: a version that is given counts, too (tests of the Java SDK)."""
    size = change_size(change, key_names)
    for cell in change.cells:
        if not isinstance(cell, DeleteColumn) and cell.version_ms is not None:
            size += VERSION_BYTES
    return size


def write_units(change: RowChange, key_names: tuple[str, ...]) -> Units:
    """A condition costs reading the key, too."""
    write = units_of(change_size(change, key_names))
    return Units(write=write) if change.condition.is_trivial else Units(read=1, write=write)
