"""What is done to a row, as values; and `put`, `update` and `delete`, which make them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from localcloud.tablestore.conditions import ALWAYS, Condition
from localcloud.tablestore.values import Key, Value


@dataclass(frozen=True, slots=True)
class PutCell:
    """Sets a version of a column; without `version_ms` the version is now."""

    name: str
    value: Value
    version_ms: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteVersion:
    """Removes one version of a column."""

    name: str
    version_ms: int


@dataclass(frozen=True, slots=True)
class DeleteColumn:
    """Removes all versions of a column."""

    name: str


@dataclass(frozen=True, slots=True)
class Increment:
    """Adds to the newest version, which makes a new one. A missing column counts as 0."""

    name: str
    by: int
    version_ms: int | None = None


CellChange = PutCell | DeleteVersion | DeleteColumn | Increment
Returns = Literal["nothing", "key", "after"]
"""What a write answers: nothing, the key, or the columns `return_columns` as they are afterwards."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row's change. `kind` put replaces the whole row, update changes the named columns, delete removes it."""

    kind: Literal["put", "update", "delete"]
    key: Key
    cells: tuple[CellChange, ...] = ()
    condition: Condition = ALWAYS
    returns: Returns = "nothing"
    return_columns: tuple[str, ...] = ()
    key_names: tuple[str, ...] | None = None
    """The key's names as the caller spelled them, to be checked; None when it spelled none."""


def put(key: Key, columns: Mapping[str, Value] = {}, *, condition: Condition = ALWAYS) -> RowChange:
    """Replaces the whole row by `columns`."""
    return RowChange("put", key, _puts(columns), condition)


def update(
    key: Key,
    columns: Mapping[str, Value] = {},
    *,
    increments: Mapping[str, int] = {},
    delete_columns: Iterable[str] = (),
    condition: Condition = ALWAYS,
) -> RowChange:
    """Sets, adds and removes columns; the others stay."""
    cells: tuple[CellChange, ...] = (
        *_puts(columns),
        *(Increment(name, by) for name, by in increments.items()),
        *(DeleteColumn(name) for name in delete_columns),
    )
    return RowChange("update", key, cells, condition)


def delete(key: Key, *, condition: Condition = ALWAYS) -> RowChange:
    """Removes the row."""
    return RowChange("delete", key, (), condition)


def _puts(columns: Mapping[str, Value]) -> tuple[PutCell, ...]:
    return tuple(PutCell(name, value) for name, value in columns.items())
