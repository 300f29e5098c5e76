"""ComputeSplitPointsBySize: where to cut a table into parts of about the same size."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.tablestore.capacity import read_units
from localcloud.tablestore.schema import KeyColumn, Units
from localcloud.tablestore.tables import Table
from localcloud.tablestore.values import INF_MAX, INF_MIN, Key, key_size, text_size, value_size


@dataclass(frozen=True, slots=True)
class Splits:
    """Parts lie between the points: from INF_MIN to the first, …, from the last to INF_MAX. All are in one place."""

    schema: tuple[KeyColumn, ...]
    points: tuple[Key, ...]
    consumed: Units


def split(table: Table, *, size_bytes: int) -> Splits:
    """Cuts before the row with which a part would have more than `size_bytes`."""
    points: list[Key] = []
    size = 0
    lowest = (INF_MIN,) * len(table.key_names)
    for key in table.ascending(lowest, (INF_MAX,)):
        row_size = key_size(table.key_names, key) + sum(
            text_size(name) + value_size(value)
            for name, versions in table.rows[key].columns.items()
            for _, value in versions
        )
        if size and size + row_size > size_bytes:
            points.append(key)
            size = 0
        size += row_size
    return Splits(table.record.meta.key, tuple(points), read_units(0))
