"""What a read asks for, and what of a kept row it sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from localcloud.tablestore.cells import StoredRow, Versions, visible
from localcloud.tablestore.conditions import ColumnPage, RowFilter, matches
from localcloud.tablestore.errors import invalid
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.schema import TableOptions, Units, check_column_name
from localcloud.tablestore.values import INT64_MAX, Key, Value, key_size, text_size, value_size


class Cell(NamedTuple):
    """One version of one column."""

    name: str
    value: Any
    version_ms: int


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read: cells by name, the versions of one name newest first."""

    key: Key
    cells: tuple[Cell, ...] = ()

    @property
    def columns(self) -> dict[str, Value]:
        """Name → newest value."""
        newest: dict[str, Value] = {}
        for name, value, _ in self.cells:
            newest.setdefault(name, value)
        return newest


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Versions from `start_ms` up to, without, `end_ms`."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a row is wanted. The default: the newest version of every column."""

    columns: tuple[str, ...] = ()
    """None named: all."""
    versions_max: int | None = 1
    times: TimeRange | None = None
    filter: RowFilter | None = None
    page: ColumnPage | None = None
    start_column: str | None = None
    """The first name that is wanted."""
    end_column: str | None = None
    """The first name behind that is not."""

    def check(self, limits: Limits, *, in_batch: bool = False) -> None:
        """Raises OTSParameterInvalid."""
        if len(self.columns) > limits.columns_to_get_max:
            raise invalid(
                "The number of columns from the request exceeds the limit, "
                f"limit count: {limits.columns_to_get_max}, column count: {len(self.columns)}."
            )
        for name in self.columns:
            check_column_name(name, limits)
        if self.versions_max is None and self.times is None:
            where = " while querying row" if in_batch or limits.texts == "pages" else ""
            raise invalid(f"No version condition is specified{where}.")
        if self.versions_max is not None and self.versions_max <= 0:
            raise invalid(f"Invalid max versions: {self.versions_max}. Reason: Max versions must be positive.")
        if self.times is not None:
            if not 0 <= self.times.start_ms <= INT64_MAX or not 0 <= self.times.end_ms <= INT64_MAX:
                raise invalid("Timestamp must be in range [0, INT64_MAX/1000).")
            if self.times.start_ms >= self.times.end_ms:
                raise invalid("The start time must be less than the end time.")


NEWEST = Selection()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a read found in a row: the row, or None when it is not for this read; and its size in bytes."""

    row: Row | None
    size: int


@dataclass(frozen=True, slots=True)
class GotRow:
    """The answer of GetRow."""

    row: Row | None
    consumed: Units


def see(
    stored: StoredRow, selection: Selection, *, key_names: tuple[str, ...], options: TableOptions, now_ms: int
) -> Seen:
    """What `selection` shows of the row.

    Not for this read: none of the named columns is there (with a version in the time range), or the filter does not
    hold. Naming a key column counts as a column that is there. Where none is named, a row without anything in the time
    range is its key (tests of the SDK for Go).
    """
    found = _wanted(stored, selection, options, now_ms)
    size = key_size(key_names, stored.key)
    hidden = bool(selection.columns) and not found and not any(name in key_names for name in selection.columns)
    if hidden or (selection.filter is not None and not matches(selection.filter, lambda name: found.get(name, ()))):
        return Seen(None, size + _size(found))
    names = list(found)
    if selection.page is not None:
        names = names[selection.page.offset : selection.page.offset + selection.page.limit]
    cells = []
    for name in names:
        for version_ms, value in found[name][: selection.versions_max]:
            cells.append(Cell(name, value, version_ms))
            size += text_size(name) + value_size(value)
    return Seen(Row(stored.key, tuple(cells)), size)


def _wanted(stored: StoredRow, selection: Selection, options: TableOptions, now_ms: int) -> dict[str, Versions]:
    """The columns that are wanted and visible, by name in order, with all versions that are wanted."""
    columns = stored.columns
    names = sorted(name for name in set(selection.columns) if name in columns) if selection.columns else sorted(columns)
    if selection.start_column is not None:
        names = [name for name in names if name >= selection.start_column]
    if selection.end_column is not None:
        names = [name for name in names if name < selection.end_column]
    found = {}
    for name in names:
        versions = visible(columns[name], options, now_ms)
        if selection.times is not None:
            start_ms, end_ms = selection.times.start_ms, selection.times.end_ms
            versions = tuple(version for version in versions if start_ms <= version[0] < end_ms)
        if versions:
            found[name] = versions
    return found


def _size(found: Mapping[str, Versions]) -> int:
    return sum(text_size(name) + value_size(value) for name, versions in found.items() for _, value in versions)
