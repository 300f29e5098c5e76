"""Secondary indexes: which row of the index a row of the table makes.

An index row has the index's key columns, then the rest of the table's key, and the columns that the index names. A row
that lacks one of the key columns, or has another type in it, is not in the index (secondary index page, 2021).
"""

from __future__ import annotations

from typing import Any

from localcloud.tablestore.cells import StoredRow, visible
from localcloud.tablestore.schema import IndexMeta, IndexRecord, KeyColumn, TableMeta, TableOptions
from localcloud.tablestore.values import Key, type_name


class IndexTable:
    """An index and where each row of its table stands in it."""

    def __init__(self, record: IndexRecord, table: TableMeta) -> None:
        self.record = record
        self.is_local = record.meta.is_local
        self.key = key_columns(record.meta, table)
        self.table_key = tuple(column.name for column in table.key)
        self.placed: dict[Key, Key] = {}
        """The table's key → the index's key."""


def key_columns(index: IndexMeta, table: TableMeta) -> tuple[KeyColumn, ...]:
    """The whole key of the index table."""
    types: dict[str, Any] = {column.name: column.type for column in table.defined}
    types |= {column.name: column.type for column in table.key}
    names = (*index.key, *(column.name for column in table.key if column.name not in index.key))
    return tuple(KeyColumn(name, types[name]) for name in names)


def synced(index: IndexTable, row: StoredRow | None, options: TableOptions, now_ms: int) -> StoredRow | None:
    """The index row that belongs to the row of the table; None when there is none."""
    if row is None:
        return None
    columns = {name: visible(versions, options, now_ms) for name, versions in row.columns.items()}
    values: dict[str, Any] = {name: versions[0][1] for name, versions in columns.items() if versions}
    values |= dict(zip(index.table_key, row.key, strict=True))
    key = []
    for column in index.key:
        value = values.get(column.name)
        if type_name(value) != column.type:
            return None
        key.append(value)
    kept = {name: columns[name] for name in index.record.meta.columns if columns.get(name)}
    return StoredRow(tuple(key), kept, row.written_ms)
