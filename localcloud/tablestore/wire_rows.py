"""Rows, changes and selections: messages ↔ values. What cannot be read is refused with OTSParameterInvalid."""

from __future__ import annotations

from typing import Any, Literal, get_args

from localcloud.tablestore.changes import (
    CellChange,
    DeleteColumn,
    DeleteVersion,
    Increment,
    PutCell,
    Returns,
    RowChange,
)
from localcloud.tablestore.conditions import ALWAYS, ColumnPage, Condition
from localcloud.tablestore.errors import invalid
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.messages import text, texts
from localcloud.tablestore.plainbuffer import (
    DELETE_ALL,
    DELETE_ONE,
    INCREMENT,
    WireCell,
    WireRow,
    decode_row,
    encode_rows,
)
from localcloud.tablestore.reads import Row, Selection, TimeRange
from localcloud.tablestore.values import Key
from localcloud.tablestore.wire_filters import read_filter

Kind = Literal["put", "update", "delete"]
NamedKey = tuple[tuple[str, ...], Key]
RETURNS: tuple[Returns, ...] = get_args(Returns)
"""In the order of ReturnType's numbers."""
EXPECTATIONS: tuple[bool | None, ...] = (None, True, False)
"""In the order of RowExistenceExpectation's numbers."""


def read_key(data: bytes) -> NamedKey:
    """Names and values of a key that stands alone."""
    row = decode_row(data)
    if row.cells:
        raise invalid("Attribute column cannot be given while reading data.")
    if row.has_delete_marker:
        raise invalid("Delete marker cannot be given.")
    return _named_key(row)


def _named_key(row: WireRow) -> NamedKey:
    for cell in row.key:
        if cell.value is None:
            raise invalid(f"Cell data broken, PK value cannot be NULL, name: {cell.name}.")
        if cell.operation is not None:
            raise invalid(f"OpType cannot be given for primary key name: '{cell.name}'.")
        if cell.version_ms is not None:
            raise invalid(f"Timestamp cannot be given for primary key name: '{cell.name}'.")
    names = tuple([cell.name for cell in row.key])
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise invalid(f"Duplicated primary key name: '{twice}'.")
    return names, tuple([cell.value for cell in row.key])


def read_change(kind: Kind, data: bytes, condition: Any, return_content: Any, limits: Limits) -> RowChange:
    """A change from its row, its Condition and its ReturnContent."""
    row = decode_row(data)
    names, key = _named_key(row)
    if kind == "delete":
        if row.cells:
            raise invalid("Invalid delete row request: unexpected cells in request.")
        if not row.has_delete_marker:
            raise invalid("Invalid request of delete row: missing RowDeleteMarker in request.")
    elif row.has_delete_marker:
        raise invalid("Invalid request of put/update row: unexpected RowDeleteMarker in request.")
    read = _put_cell if kind == "put" else _change
    return RowChange(
        kind,
        key,
        tuple([read(cell) for cell in row.cells]),
        read_condition(condition, limits),
        RETURNS[return_content.return_type],
        texts(return_content.return_column_names),
        names,
    )


def _put_cell(cell: WireCell) -> CellChange:
    if cell.operation is not None:
        raise invalid(f"OpType cannot be given for column name: '{cell.name}' in PutRow.")
    if cell.value is None:
        raise invalid("Invalid request of put row: find cells without values.")
    return PutCell(cell.name, cell.value, cell.version_ms)


def _change(cell: WireCell) -> CellChange:
    name, value, operation, version_ms = cell
    if operation is None:
        if value is None:
            raise invalid(f"Invalid cell: {name}. Reason: missing value.")
        return PutCell(name, value, version_ms)
    if operation == INCREMENT:
        if type(value) is not int:
            raise invalid(f"Invalid cell: {name}. Reason: the value to increment by must be an integer.")
        return Increment(name, value, version_ms)
    if operation not in (DELETE_ALL, DELETE_ONE):
        raise invalid(f"Invalid op type of cell: {operation}.")
    if value is not None:
        raise invalid("Column value cannot be given when type is DELETE_ONE_VERSION,DELETE_ALL_VERSION.")
    if operation == DELETE_ONE:
        if version_ms is None:
            raise invalid("Timestamp must be given when type is DELETE_ONE_VERSION.")
        return DeleteVersion(name, version_ms)
    if version_ms is not None:
        raise invalid("Timestamp cannot be given when type is DELETE_ALL_VERSION.")
    return DeleteColumn(name)


def read_condition(condition: Any, limits: Limits) -> Condition:
    """From a Condition message."""
    exists = EXPECTATIONS[condition.row_existence]
    if not condition.column_condition:
        return ALWAYS if exists is None else Condition(exists)
    rule = read_filter(condition.column_condition, limits)
    if isinstance(rule, ColumnPage):
        raise invalid("Invalid condition: ColumnPaginationFilter.")
    return Condition(exists, rule)


def read_selection(request: Any, limits: Limits) -> Selection:
    """From the fields that GetRow, GetRange and the tables of BatchGetRow have in common."""
    if request.token:
        # Rows are never cut, so no token of ours is out there.
        raise invalid("Invalid token.")
    versions_max = request.max_versions if request.HasField("max_versions") else None
    rule = read_filter(request.filter, limits) if request.filter else None
    return Selection(
        columns=texts(request.columns_to_get),
        versions_max=versions_max,
        times=_times(request.time_range, versions_max) if request.HasField("time_range") else None,
        filter=None if isinstance(rule, ColumnPage) else rule,
        page=rule if isinstance(rule, ColumnPage) else None,
        start_column=text(request.start_column) if request.HasField("start_column") else None,
        end_column=text(request.end_column) if request.HasField("end_column") else None,
    )


def _times(times: Any, versions_max: int | None) -> TimeRange:
    has_range = times.HasField("start_time") or times.HasField("end_time")
    if not times.HasField("specific_time"):
        if not times.HasField("start_time") or not times.HasField("end_time"):
            raise invalid("Start and end time must be given at the same time.")
        return TimeRange(times.start_time, times.end_time)
    # "tiemstamp" is the service's spelling.
    if has_range and versions_max is not None:
        raise invalid("Specific tiemstamp, time range and max versions cannot be given at the same time.")
    if has_range:
        raise invalid("Specific tiemstamp and time range cannot be given at the same time.")
    if versions_max is not None:  # not even 1, which the SDK for Python sends unless told otherwise
        raise invalid("Specific tiemstamp and max versions cannot be given at the same time.")
    if times.specific_time < 0:
        raise invalid("Specific timestamp cannot be less than 0.")
    return TimeRange(times.specific_time, times.specific_time + 1)


def encoded(names: tuple[str, ...], *rows: Row | None) -> bytes:
    """Rows of a reply; b"" for none."""
    return encode_rows(names, [(row.key, row.cells) for row in rows if row is not None])
