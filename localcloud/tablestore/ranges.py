"""GetRange: rows in the order of their keys, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.tablestore.capacity import read_units
from localcloud.tablestore.errors import invalid
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.reads import NEWEST, Row, Selection, see
from localcloud.tablestore.schema import Units
from localcloud.tablestore.tables import RowSource, Table
from localcloud.tablestore.values import Key


@dataclass(frozen=True, slots=True)
class RangeQuery:
    """From `start`, with it, to `end`, without it. INF_MIN and INF_MAX may stand in both."""

    start: Key
    end: Key
    is_backward: bool = False
    limit: int | None = None
    """Of rows that the answer holds. A page ends earlier at the service's own limits."""
    selection: Selection = NEWEST
    start_names: tuple[str, ...] | None = None
    end_names: tuple[str, ...] | None = None

    def check(self, limits: Limits) -> None:
        """Raises OTSParameterInvalid."""
        if self.limit is not None and self.limit <= 0:
            raise invalid("The limit must be greater than 0.")
        dot = "." if limits.range_errors_end_with_dot else ""
        if self.is_backward and not self.start > self.end:
            raise invalid(f"Begin key must more than end key in BACKWARD{dot}")
        if not self.is_backward and not self.start < self.end:
            raise invalid(f"Begin key must less than end key in FORWARD{dot}")


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and where the next page starts; None when the range is done. May be empty and yet not the last."""

    rows: tuple[Row, ...]
    next_key: Key | None
    consumed: Units


def read_page(
    table: Table, source: RowSource, query: RangeQuery, *, limits: Limits, now_ms: int, expired: list[Key]
) -> Page:
    """The first page of the range. Rows that the filter leaves out count as looked at; expired ones do not, and their
    keys are added to `expired`.
    """
    keys = (source.descending if query.is_backward else source.ascending)(query.start, query.end)
    rows: list[Row] = []
    looked_at = size = 0
    for key in keys:
        stored = table.live(source, key, now_ms)
        if stored is None:
            expired.append(key)
            continue
        if len(rows) == query.limit or looked_at == limits.range_rows_max:
            return Page(tuple(rows), key, read_units(size))
        seen = see(stored, query.selection, key_names=table.key_names, options=table.record.options, now_ms=now_ms)
        if looked_at and size + seen.size > limits.range_bytes_max:
            return Page(tuple(rows), key, read_units(size))
        looked_at += 1
        size += seen.size
        if seen.row is not None:
            rows.append(seen.row)
    return Page(tuple(rows), None, read_units(size))
