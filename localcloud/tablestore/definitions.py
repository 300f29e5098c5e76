"""Making, changing and removing tables and indexes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from localcloud.tablestore.errors import index_missing, invalid, invalid_key, table_exists, too_many_tables
from localcloud.tablestore.keys import PYTHON_TYPES, WIRE_TYPE_OF, WIRE_TYPES, check_key_length
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.schema import (
    Encryption,
    IndexMeta,
    IndexRecord,
    Stream,
    TableMeta,
    TableOptions,
    TableRecord,
    Units,
    check_index,
    check_index_counts,
    check_meta,
    check_options,
    check_units,
)
from localcloud.tablestore.tables import Store, Table
from localcloud.tablestore.values import Key


@dataclass(frozen=True, slots=True)
class OptionsChange:
    """What is None stays as it is."""

    time_to_live_s: int | None = None
    versions_max: int | None = None
    deviation_s: int | None = None
    allow_update: bool | None = None


def create_table(
    store: Store,
    meta: TableMeta,
    options: TableOptions,
    *,
    reserved: Units,
    indexes: Sequence[IndexMeta],
    stream: Stream | None,
    encryption: Encryption | None,
    has_transactions: bool,
) -> None:
    """Raises OTSParameterInvalid, OTSObjectAlreadyExist, OTSQuotaExhausted."""
    limits = store.limits
    check_meta(meta, limits)
    check_options(options, limits)
    check_units(reserved, limits)
    _check_index_count(len(indexes), limits)
    for index in indexes:
        check_index(index, meta, options, limits)
    names = [meta.name, *(index.name for index in indexes)]
    if len(set(names)) < len(names) or any(_is_taken(store, name) for name in names):
        raise table_exists()
    if len(store.tables) >= limits.tables_max:
        raise too_many_tables(limits.tables_max, as_java_tests=limits.texts == "java-tests")
    now_ms = store.timeline.clock.now_ms()
    records = tuple(IndexRecord(index, now_ms, has_base_rows=True) for index in indexes)
    table = store.add(
        TableRecord(
            meta,
            options,
            reserved,
            created_ms=now_ms,
            increased_ms=now_ms,
            indexes=records,
            stream=None if stream is None else replace(stream, enabled_ms=now_ms),
            encryption=encryption,
            has_transactions=has_transactions,
        )
    )
    table.ready_ms = now_ms + limits.table_ready_ms if limits.table_ready_ms else 0


def describe_table(store: Store, name: str) -> TableRecord:
    """Of a table or an index; also while it is not ready. Raises OTSObjectNotExist."""
    table = store.tables.get(name)
    return table.record if table is not None else store.table(name).record


def is_ready(store: Store, name: str) -> bool:
    """A table needs a while after its creation. Raises OTSObjectNotExist."""
    table = store.tables.get(name) or store.table(name)
    return table.ready_ms <= store.timeline.clock.now_ms()


def update_table(
    store: Store, name: str, *, options: OptionsChange | None, reserved: Units | None, stream: Stream | None
) -> TableRecord:
    """Answers the record as it is afterwards. Raises OTSParameterInvalid, OTSObjectNotExist."""
    store.check_name(name)
    if options is None and reserved is None and stream is None:
        raise invalid("No parameter is specified while updating table.")
    if options == OptionsChange():
        raise invalid("No parameter is specified in table options.")
    table = store.writable(name)
    record = table.record
    now_ms = store.timeline.clock.now_ms()
    if options is not None:
        given = {
            field: getattr(options, field) for field in OptionsChange.__slots__ if getattr(options, field) is not None
        }
        changed = replace(record.options, **given)
        check_options(changed, store.limits)
        for index in record.indexes:
            check_index(index.meta, record.meta, changed, store.limits)
        record = replace(record, options=changed)
    if reserved is not None:
        check_units(reserved, store.limits)
        record = _with_units(record, reserved, now_ms)
    if stream is not None:
        was_enabled = record.stream is not None and record.stream.is_enabled
        enabled_ms = record.stream.enabled_ms if record.stream is not None and was_enabled else now_ms
        record = replace(record, stream=replace(stream, enabled_ms=enabled_ms))
    table.record = record
    store.save(table)
    return record


def _with_units(record: TableRecord, units: Units, now_ms: int) -> TableRecord:
    old = record.reserved
    if units.read > old.read or units.write > old.write:
        record = replace(record, increased_ms=now_ms)
    if units.read < old.read or units.write < old.write:
        record = replace(record, decreased_ms=now_ms)
    return replace(record, reserved=units)


def deletable(store: Store, name: str) -> Table:
    """The table. A table may be deleted before it is ready; an index is dropped, not deleted."""
    return store.tables.get(name) or store.writable(name)


def delete_table(store: Store, name: str) -> None:
    """Raises OTSObjectNotExist."""
    store.drop(deletable(store, name))


def create_index(store: Store, table_name: str, index: IndexMeta, *, include_base_rows: bool) -> None:
    """Raises OTSParameterInvalid, OTSObjectNotExist, OTSObjectAlreadyExist."""
    check_index_counts(index, store.limits)
    table = store.writable(table_name)
    record = table.record
    check_index(index, record.meta, record.options, store.limits)
    if _is_taken(store, index.name):
        raise table_exists()
    _check_index_count(len(record.indexes) + 1, store.limits)
    added = IndexRecord(index, store.timeline.clock.now_ms(), include_base_rows)
    table.record = replace(record, indexes=(*record.indexes, added))
    store.add_index(table, added)


def drop_index(store: Store, table_name: str, index_name: str) -> None:
    """Raises OTSObjectNotExist."""
    table = store.writable(table_name)
    left = tuple(index for index in table.record.indexes if index.meta.name != index_name)
    if len(left) == len(table.record.indexes):
        raise index_missing()
    table.record = replace(table.record, indexes=left)
    store.drop_index(table, index_name)


def check_partition_key(table: Table, key: Key, names: tuple[str, ...] | None, limits: Limits) -> None:
    """Raises OTSInvalidPK, OTSParameterInvalid."""
    value = key[0]
    name, type_ = table.key_names[0], table.key_types[0]
    if names is not None and names != (name,):
        raise invalid_key(f"Validate PK name fail. Input: {names[0]}, Meta: {name}.")
    if type(value) is not PYTHON_TYPES[type_]:
        given = WIRE_TYPES.get(type(value), f"VT_{value!r}")
        raise invalid_key(f"Validate PK type fail. Input: {given}, Meta: {WIRE_TYPE_OF[type_]}.")
    if isinstance(value, str | bytes):
        check_key_length(name, value, limits)


def _is_taken(store: Store, name: str) -> bool:
    return name in store.tables or name in store.index_tables


def _check_index_count(count: int, limits: Limits) -> None:
    if count > limits.indexes_max:
        raise invalid(f"Number of index per table exceeds the quota:{limits.indexes_max}.")
