"""What a table is: its key, its options, its predefined columns, its indexes; and what of that is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from localcloud.tablestore.errors import invalid
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.values import INT64_MAX, ColumnType, KeyType

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ANY_NAME = re.compile(r"[^#].*", re.DOTALL)
NEVER = -1
"""As `time_to_live_s`: cells live for ever."""


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """A column of the key. The first one is the partition key."""

    name: str
    type: KeyType
    is_auto_increment: bool = False


@dataclass(frozen=True, slots=True)
class DefinedColumn:
    """A predefined attribute column: only these can go into a secondary index."""

    name: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class TableMeta:
    """Name and columns; never changes."""

    name: str
    key: tuple[KeyColumn, ...]
    defined: tuple[DefinedColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class TableOptions:
    """The defaults are those of the Python SDK."""

    time_to_live_s: int = NEVER
    versions_max: int = 1
    deviation_s: int = 86_400
    """An explicit version must not be further from now than this."""
    allow_update: bool = True


@dataclass(frozen=True, slots=True)
class Units:
    """Capacity units: reserved ones, or those that a call has used."""

    read: int = 0
    write: int = 0


@dataclass(frozen=True, slots=True)
class IndexMeta:
    """A secondary index. `key` names its first key columns; the rest of the table's key is added behind them."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...] = ()
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class IndexRecord:
    """An index as it was made."""

    meta: IndexMeta
    created_ms: int
    has_base_rows: bool
    """Whether rows written before it are in it, too."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The change stream of a table. Only kept and described; reading it is not offered."""

    is_enabled: bool
    expiration_hours: int = 0
    enabled_ms: int = 0


@dataclass(frozen=True, slots=True)
class Encryption:
    """Kept and described; the local cloud encrypts nothing. Fields as in SSESpecification."""

    is_enabled: bool
    key_type: int | None = None
    key_id: bytes | None = None
    role_arn: bytes | None = None


@dataclass(frozen=True, slots=True)
class TableRecord:
    """Everything that DescribeTable tells."""

    meta: TableMeta
    options: TableOptions
    reserved: Units
    created_ms: int
    increased_ms: int
    decreased_ms: int | None = None
    indexes: tuple[IndexRecord, ...] = field(default=())
    stream: Stream | None = None
    encryption: Encryption | None = None
    has_transactions: bool = True
    """Whether local transactions are allowed."""


def check_meta(meta: TableMeta, limits: Limits) -> None:
    """Raises OTSParameterInvalid."""
    check_table_name(meta.name, limits)
    if not 1 <= len(meta.key) <= limits.key_columns_max:
        raise invalid(f"The number of primary key columns must be in range: [1, {limits.key_columns_max}].")
    for column in meta.key:
        check_column_name(column.name, limits)
        if column.type not in ("INTEGER", "STRING", "BINARY"):
            raise invalid(f"{column.type} is an invalid type for the primary key.")
    check_distinct((column.name for column in meta.key), "Duplicated primary key name: '{}'.")
    increments = [column for column in meta.key if column.is_auto_increment]
    if len(increments) > 1:
        raise invalid("AUTO_INCREMENT primary key count must <= 1.")
    if any(column.type != "INTEGER" for column in increments):
        raise invalid("AUTO_INCREMENT primary key must be integer.")
    if meta.key[0].is_auto_increment:
        raise invalid(f"First primary key can't be auto increment, table: '{meta.name}'.")
    _check_defined(meta, limits)


def _check_defined(meta: TableMeta, limits: Limits) -> None:
    if len(meta.defined) > limits.defined_columns_max:
        raise invalid(f"The number of defined columns must be in range: [0, {limits.defined_columns_max}].")
    key_names = {column.name for column in meta.key}
    for column in meta.defined:
        check_column_name(column.name, limits)
        if column.name in key_names:
            raise invalid(f"Duplicated attribute column name with primary key column: '{column.name}'.")
    check_distinct((column.name for column in meta.defined), "Duplicated defined column name: '{}'.")


def check_options(options: TableOptions, limits: Limits) -> None:
    """Raises OTSParameterInvalid."""
    seconds = options.time_to_live_s
    if seconds != NEVER and seconds < max(1, limits.time_to_live_s_min):
        raise invalid("TimeToLive cannot be 0 or less than -1.")
    if options.versions_max <= 0:
        raise invalid("The maximum versions cannot be less than or equal to 0.")
    if not 0 <= options.deviation_s <= INT64_MAX // 1_000_000:
        raise invalid("The maximum deviation must be in range [0, INT64_MAX/1000000].")


def check_units(units: Units, limits: Limits) -> None:
    """Raises OTSParameterInvalid."""
    for name, value in (("read", units.read), ("write", units.write)):
        if value < 0:
            raise invalid(f"The value of {name} capacity unit can not be less than 0.")
        if value > limits.reserved_units_max:
            raise invalid(f"The value of {name} capacity unit can not be more than {limits.reserved_units_max}.")


def check_index_counts(index: IndexMeta, limits: Limits) -> None:
    """What is refused whatever the table is, even when there is none. Raises OTSParameterInvalid."""
    if not 1 <= len(index.key) <= limits.key_columns_max:
        raise invalid(f"The number of primary key columns must be in range: [1, {limits.key_columns_max}] in index.")
    if len(index.columns) > limits.defined_columns_max:
        raise invalid(f"The number of attribute columns must be in range: [0, {limits.defined_columns_max}] in index.")


def check_index(index: IndexMeta, table: TableMeta, options: TableOptions, limits: Limits) -> None:
    """Raises OTSParameterInvalid. The texts are ours, except for those about counts and names.

    The table's key columns may stand among the columns: the index has them anyway.
    """
    check_table_name(index.name, limits)
    check_index_counts(index, limits)
    key_names = [column.name for column in table.key]
    types: dict[str, str] = {column.name: column.type for column in table.key}
    types |= {column.name: column.type for column in table.defined}
    check_distinct(index.key, "Duplicated primary key name: '{}'.")
    check_distinct(index.columns, "Duplicated defined column name: '{}'.")
    for name in (*index.key, *index.columns):
        if name not in types:
            raise invalid(f"Column does not exist: '{name}'.")
    for name in index.key:
        if types[name] not in ("INTEGER", "STRING", "BINARY"):
            raise invalid(f"{types[name]} is an invalid type for the primary key.")
    for name in index.columns:
        if name in index.key:
            raise invalid(f"Duplicated attribute column name with primary key column: '{name}'.")
    if index.is_local and index.key[0] != key_names[0]:
        raise invalid("The first primary key of a local index must be the partition key of the table.")
    if options.versions_max != 1:
        raise invalid("The max versions of a table with secondary index must be 1.")
    if options.time_to_live_s != NEVER and options.allow_update:
        raise invalid("The time to live of a table with secondary index must be -1, or its rows must not be updated.")


def check_table_name(name: str, limits: Limits) -> None:
    if not NAME.fullmatch(name) or len(name) > limits.name_bytes_max:
        raise invalid(f"Invalid table name: '{name}'.")


def check_column_name(name: str, limits: Limits) -> None:
    """Raises OTSParameterInvalid."""
    if NAME.fullmatch(name) and len(name) <= limits.name_bytes_max:
        return
    if limits.column_names == "any" and ANY_NAME.fullmatch(name) and len(name.encode()) <= limits.name_bytes_max:
        return
    raise invalid(f"Invalid column name: '{name}'.")


def check_distinct(names: Iterable[str], message: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise invalid(message.format(name))
        seen.add(name)
