"""Tables, options and indexes: messages ↔ values."""

from __future__ import annotations

from typing import Any, cast

from localcloud.tablestore.definitions import OptionsChange
from localcloud.tablestore.errors import invalid
from localcloud.tablestore.messages import text, texts
from localcloud.tablestore.schema import (
    DefinedColumn,
    Encryption,
    IndexMeta,
    KeyColumn,
    Stream,
    TableMeta,
    TableOptions,
    TableRecord,
    Units,
)
from localcloud.tablestore.values import ColumnType, KeyType

KEY_TYPES = {1: "INTEGER", 2: "STRING", 3: "BINARY", 5: "BOOLEAN"}
COLUMN_TYPES: dict[int, ColumnType] = {1: "INTEGER", 2: "DOUBLE", 3: "BOOLEAN", 4: "STRING", 7: "BINARY"}
NUMBER_OF_KEY_TYPE = {name: number for number, name in KEY_TYPES.items()}
NUMBER_OF_COLUMN_TYPE = {name: number for number, name in COLUMN_TYPES.items()}
ASYNC, SYNC = 0, 1
GLOBAL, LOCAL = 0, 1
AUTO_INCREMENT_OPTION = 1
STATUS_TAG = 4 << 3
"""Of DescribeTableResponse.table_status: field 4, a number."""
ACTIVE, LOADING = 1, 3
LOCAL_TRANSACTIONS = 8
"""Number of CreateTableRequest.enable_local_txn: in the SDKs for Java and Go, not in the .proto of the Python SDK."""


def read_meta(message: Any) -> TableMeta:
    """From TableMeta. A type that no key can have passes; the service refuses it by its name."""
    key = tuple(
        KeyColumn(text(column.name), cast("KeyType", KEY_TYPES[column.type]), column.HasField("option"))
        for column in message.primary_key
    )
    defined = tuple(DefinedColumn(text(column.name), COLUMN_TYPES[column.type]) for column in message.defined_column)
    return TableMeta(text(message.table_name), key, defined)


def read_options(message: Any) -> TableOptions:
    """From the TableOptions of CreateTable."""
    if not message.HasField("time_to_live"):
        raise invalid("Time-to-live is missing while creating table.")
    if not message.HasField("max_versions"):
        raise invalid("MaxVersions is missing while creating table.")
    defaults = TableOptions()
    return TableOptions(
        message.time_to_live,
        message.max_versions,
        message.deviation_cell_version_in_sec
        if message.HasField("deviation_cell_version_in_sec")
        else defaults.deviation_s,
        message.allow_update if message.HasField("allow_update") else defaults.allow_update,
    )


def read_options_change(message: Any) -> OptionsChange:
    """From the TableOptions of UpdateTable."""

    def given(name: str) -> Any:
        return getattr(message, name) if message.HasField(name) else None

    return OptionsChange(
        given("time_to_live"),
        given("max_versions"),
        given("deviation_cell_version_in_sec"),
        given("allow_update"),
    )


def check_units_given(message: Any) -> None:
    """From CapacityUnit of an UpdateTable. Raises OTSParameterInvalid; that "not given" is told as -1 is unverified."""
    if not message.HasField("read") and not message.HasField("write"):
        raise invalid("Invalid Capacity Unit for UpdateTable: Either read(-1) or write(-1) should be non-negative.")


def read_units(message: Any, *, old: Units) -> Units:
    """From CapacityUnit; what is not given stays."""
    return Units(
        message.read if message.HasField("read") else old.read,
        message.write if message.HasField("write") else old.write,
    )


def read_index(message: Any) -> IndexMeta:
    return IndexMeta(
        text(message.name), texts(message.primary_key), texts(message.defined_column), message.index_type == LOCAL
    )


def read_has_transactions(request: Any) -> bool:
    """From CreateTableRequest.enable_local_txn; a table of which nothing is said has them, too."""
    from google.protobuf.unknown_fields import UnknownFieldSet  # late, as protobuf itself: see messages.py

    said = [field.data for field in UnknownFieldSet(request) if field.field_number == LOCAL_TRANSACTIONS]
    return said[-1] != 0 if said else True


def read_stream(message: Any) -> Stream:
    return Stream(message.enable_stream, message.expiration_time)


def read_encryption(message: Any) -> Encryption:
    return Encryption(
        message.enable,
        message.key_type if message.HasField("key_type") else None,
        message.key_id if message.HasField("key_id") else None,
        message.role_arn if message.HasField("role_arn") else None,
    )


def write_units(message: Any, units: Units) -> None:
    """Into CapacityUnit; both are always said."""
    message.read, message.write = units.read, units.write


def write_description(record: TableRecord, response: Any, *, is_ready: bool) -> None:
    """Into DescribeTableResponse."""
    # The status is not in the .proto of the Python SDK; that of the SDK for Node.js requires it.
    response.MergeFromString(bytes([STATUS_TAG, ACTIVE if is_ready else LOADING]))
    response.table_meta.table_name = record.meta.name
    for column in record.meta.key:
        write_key_column(column, response.table_meta.primary_key.add())
    for defined in record.meta.defined:
        response.table_meta.defined_column.add(name=defined.name, type=NUMBER_OF_COLUMN_TYPE[defined.type])
    write_state(record, response)
    if record.encryption is not None and record.encryption.is_enabled:
        details = response.sse_details
        details.enable = True
        for name in ("key_type", "key_id", "role_arn"):
            value = getattr(record.encryption, name)
            if value is not None:
                setattr(details, name, value)
    for index in record.indexes:
        response.index_metas.add(
            name=index.meta.name,
            primary_key=index.meta.key,
            defined_column=index.meta.columns,
            index_update_mode=SYNC if index.meta.is_local else ASYNC,
            index_type=LOCAL if index.meta.is_local else GLOBAL,
        )


def write_key_column(column: KeyColumn, message: Any) -> None:
    message.name, message.type = column.name, NUMBER_OF_KEY_TYPE[column.type]
    if column.is_auto_increment:
        message.option = AUTO_INCREMENT_OPTION


def write_state(record: TableRecord, response: Any) -> None:
    """What DescribeTableResponse and UpdateTableResponse have in common. Times are in seconds."""
    details = response.reserved_throughput_details
    write_units(details.capacity_unit, record.reserved)
    details.last_increase_time = record.increased_ms // 1000
    if record.decreased_ms is not None:
        details.last_decrease_time = record.decreased_ms // 1000
    options = record.options
    response.table_options.time_to_live = options.time_to_live_s
    response.table_options.max_versions = options.versions_max
    response.table_options.deviation_cell_version_in_sec = options.deviation_s
    response.table_options.allow_update = options.allow_update
    if record.stream is not None:
        stream = response.stream_details
        stream.enable_stream = record.stream.is_enabled
        if record.stream.is_enabled:
            stream.stream_id = f"{record.meta.name}_{record.stream.enabled_ms * 1000}"
            stream.expiration_time = record.stream.expiration_hours
            stream.last_enable_time = record.stream.enabled_ms * 1000
