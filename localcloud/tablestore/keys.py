"""Whether a key fits its table. Texts as the tests of the Java SDK expect them."""

from __future__ import annotations

from localcloud.tablestore.errors import invalid, invalid_key
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.tables import Table
from localcloud.tablestore.values import AUTO_INCREMENT, INF_MAX, INF_MIN, INT64_MAX, INT64_MIN, Key

WIRE_TYPES = {
    int: "VT_INTEGER",
    str: "VT_STRING",
    bytes: "VT_BLOB",
    bool: "VT_BOOLEAN",
    float: "VT_DOUBLE",
}
WIRE_TYPE_OF = {"INTEGER": "VT_INTEGER", "STRING": "VT_STRING", "BINARY": "VT_BLOB"}
PYTHON_TYPES: dict[str, type] = {"INTEGER": int, "STRING": str, "BINARY": bytes}


def check_key(table: Table, key: Key, names: tuple[str, ...] | None, limits: Limits) -> None:
    """Of one row. Raises OTSInvalidPK, and OTSParameterInvalid for values too long."""
    if len(key) != len(table.key_names):
        raise invalid_key(f"Validate PK size fail. Input: {len(key)}, Meta: {len(table.key_names)}.")
    if names is not None and names != table.key_names:
        given, own = next(pair for pair in zip(names, table.key_names, strict=True) if pair[0] != pair[1])
        raise invalid_key(f"Validate PK name fail. Input: {given}, Meta: {own}.")
    for at, value in enumerate(key):
        if type(value) is not PYTHON_TYPES[table.key_types[at]]:
            _refuse_type(table, at, value)
        elif isinstance(value, int):
            if not INT64_MIN <= value <= INT64_MAX:
                raise invalid(f"Integer out of range: {value}.")
        elif isinstance(value, str | bytes):
            check_key_length(table.key_names[at], value, limits)


def _refuse_type(table: Table, at: int, value: object) -> None:
    if value is AUTO_INCREMENT and at == table.auto_increment_at:
        return
    given = WIRE_TYPES.get(type(value), f"VT_{value!r}")
    raise invalid_key(f"Validate PK type fail. Input: {given}, Meta: {WIRE_TYPE_OF[table.key_types[at]]}.")


def check_free_of_table(key: Key, names: tuple[str, ...] | None, limits: Limits) -> None:
    """What no key of any table can hold: refused before the table is looked at. Raises OTSParameterInvalid.

    A value too long is told with the name that the caller gave it; without `names`, `check_key` tells it.
    """
    for at, value in enumerate(key):
        kind = type(value)
        if kind is int:
            continue
        if kind is str or kind is bytes:
            if names is not None:
                check_key_length(names[at], value, limits)
        elif value is not AUTO_INCREMENT:
            name = WIRE_TYPES.get(kind, f"VT_{value!r}")
            raise invalid(f"{name} is an invalid type for the primary key.")


def check_column_count(key: Key, limits: Limits, *, own: int = 0) -> None:
    """Not more columns than a table can have; an index, whose `own` key may be longer, not more than it has."""
    if len(key) > max(limits.key_columns_max, own):
        raise invalid(f"The number of primary key columns must be in range: [1, {limits.key_columns_max}].")


def check_readable(table: Table, key: Key, names: tuple[str, ...] | None, limits: Limits) -> None:
    """As `check_free_of_table`; the table's choice cannot be read. Raises OTSParameterInvalid."""
    check_column_count(key, limits, own=len(table.key_names))
    check_free_of_table(key, names, limits)
    if AUTO_INCREMENT in key:
        raise invalid("PKAutoIncr can't be used for read operations.")


def check_read_key(table: Table, key: Key, names: tuple[str, ...] | None, limits: Limits) -> None:
    """As `check_key` and `check_readable`."""
    check_readable(table, key, names, limits)
    check_key(table, key, names, limits)


def check_bound(table: Table, key: Key, names: tuple[str, ...] | None, limits: Limits) -> None:
    """Of a range: INF_MIN and INF_MAX fit everywhere."""
    if any(value is INF_MIN or value is INF_MAX for value in key):
        neutral = {"INTEGER": 0, "STRING": "", "BINARY": b""}
        types = (*table.key_types, *["INTEGER"] * len(key))
        key = tuple(
            neutral[types[at]] if value is INF_MIN or value is INF_MAX else value for at, value in enumerate(key)
        )
    check_read_key(table, key, names, limits)


def check_key_length(name: str, value: str | bytes, limits: Limits) -> None:
    """Raises OTSParameterInvalid."""
    if len(value) * 4 <= limits.key_value_bytes_max:
        return  # whatever its characters
    length = len(value.encode()) if isinstance(value, str) else len(value)
    if length > limits.key_value_bytes_max:
        raise invalid(
            f"The length of primary key column: '{name}' exceeds the MaxLength:{limits.key_value_bytes_max} "
            f"with CurrentLength:{length}."
        )
