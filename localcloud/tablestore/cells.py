"""A row as it is kept: versions of columns, newest first; what of them is visible; what a change makes of them.

A kept row is never changed in place: a change makes a new one. So a failing write leaves nothing behind, and a
transaction can hold rows that others do not see yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.tablestore.changes import CellChange, DeleteColumn, DeleteVersion, Increment, PutCell, RowChange
from localcloud.tablestore.errors import invalid
from localcloud.tablestore.schema import NEVER, TableOptions
from localcloud.tablestore.values import INT64_MAX, INT64_MIN, Key

Versions = tuple[tuple[int, Any], ...]
"""(version in ms, value), newest first."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row with everything in it, also what is no longer visible."""

    key: Key
    columns: dict[str, Versions]
    written_ms: int
    """The last write: with it the life of a row without columns begins anew."""


def visible(versions: Versions, options: TableOptions, now_ms: int) -> Versions:
    """Without what is expired, and not more than the table keeps."""
    if options.time_to_live_s != NEVER:
        oldest_ms = now_ms - options.time_to_live_s * 1000
        versions = tuple(version for version in versions if version[0] > oldest_ms)
    return versions if len(versions) <= options.versions_max else versions[: options.versions_max]


def is_alive(row: StoredRow, options: TableOptions, now_ms: int) -> bool:
    """Whether the row is still there: something of it, or its last write, has not expired."""
    if options.time_to_live_s == NEVER:
        return True
    if row.written_ms > now_ms - options.time_to_live_s * 1000:
        return True
    return any(visible(versions, options, now_ms) for versions in row.columns.values())


def changed(old: StoredRow | None, change: RowChange, options: TableOptions, now_ms: int) -> StoredRow | None:
    """The row after the change; None when there is none. Raises OTSParameterInvalid."""
    if change.kind == "delete":
        return None
    columns: dict[str, Versions] = {} if old is None or change.kind == "put" else dict(old.columns)
    for cell in change.cells:
        _apply(columns, cell, options, now_ms)
    if old is None and change.kind == "update" and not any(map(_adds, change.cells)):
        return None  # deleting from a row that does not exist does not make one
    return StoredRow(change.key, columns, now_ms)


def _adds(cell: CellChange) -> bool:
    return isinstance(cell, PutCell | Increment)


def _apply(columns: dict[str, Versions], cell: CellChange, options: TableOptions, now_ms: int) -> None:
    if isinstance(cell, DeleteColumn):
        columns.pop(cell.name, None)
        return
    versions = columns.get(cell.name, ())
    if isinstance(cell, DeleteVersion):
        left = tuple(version for version in versions if version[0] != cell.version_ms)
        if left:
            columns[cell.name] = left
        else:
            columns.pop(cell.name, None)
        return
    version_ms: int
    value: Any
    if isinstance(cell, Increment):
        version_ms, value = _incremented(visible(versions, options, now_ms), cell, now_ms)
    else:
        version_ms, value = now_ms, cell.value
    if cell.version_ms is not None:
        _check_version(cell.name, cell.version_ms, options, now_ms)
        version_ms = cell.version_ms
    columns[cell.name] = _with(versions, version_ms, value, options.versions_max)


def _incremented(versions: Sequence[tuple[int, Any]], cell: Increment, now_ms: int) -> tuple[int, int]:
    """Adds to the newest version; answers the sum's version, too. The texts are ours."""
    version_ms, value = versions[0] if versions else (0, 0)
    if type(value) is not int:
        raise invalid(f"The column to increment is not an integer: '{cell.name}'.")
    total = value + cell.by
    if not INT64_MIN <= total <= INT64_MAX:
        raise invalid(f"The increment overflows, column: '{cell.name}'.")
    # A version from the future would hide the sum.
    return max(version_ms, now_ms), total


def _check_version(name: str, version_ms: int, options: TableOptions, now_ms: int) -> None:
    """[max(now - deviation, now - time to live), now + deviation): error code page, 2024."""
    back_s = options.deviation_s
    if options.time_to_live_s != NEVER:
        back_s = min(back_s, options.time_to_live_s)
    if not now_ms - back_s * 1000 <= version_ms < now_ms + options.deviation_s * 1000:
        raise invalid(f"Invalid timestamp. Cell:'{name}'.")


def _with(versions: Versions, version_ms: int, value: Any, versions_max: int) -> Versions:
    """A version more, in its place; an equal one is replaced; the oldest make room."""
    new = (version_ms, value)
    if not versions or (versions_max == 1 and version_ms >= versions[0][0]):
        return (new,)
    newer = tuple(version for version in versions if version[0] > version_ms)
    older = tuple(version for version in versions if version[0] < version_ms)
    return (*newer, new, *older)[:versions_max]
