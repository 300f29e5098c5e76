"""Each operation of the API: request message → call of the service → response message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localcloud.tablestore.batches import GetGroup, WriteGroup
from localcloud.tablestore.errors import TablestoreError, invalid
from localcloud.tablestore.messages import messages, text
from localcloud.tablestore.plainbuffer import encode_key
from localcloud.tablestore.ranges import RangeQuery
from localcloud.tablestore.reads import GotRow
from localcloud.tablestore.rows import Written
from localcloud.tablestore.schema import Units
from localcloud.tablestore.service import TablestoreService
from localcloud.tablestore.wire_rows import Kind, encoded, read_change, read_key, read_selection
from localcloud.tablestore.wire_tables import (
    check_units_given,
    read_encryption,
    read_has_transactions,
    read_index,
    read_meta,
    read_options,
    read_options_change,
    read_stream,
    read_units,
    write_description,
    write_key_column,
    write_state,
    write_units,
)

KINDS: dict[int, Kind] = {1: "put", 2: "update", 3: "delete"}
"""By OperationType."""
SPLIT_UNIT_BYTES = 100 * 1024 * 1024

Operation = Callable[[TablestoreService, Any, Any], None]
"""(service, request, response): fills the response."""


# -- tables -----------------------------------------------------------------------------------------------------------
def create_table(service: TablestoreService, request: Any, response: Any) -> None:  # noqa: ARG001  says nothing
    service.create_table(
        read_meta(request.table_meta),
        read_options(request.table_options),
        reserved=read_units(request.reserved_throughput.capacity_unit, old=Units()),
        indexes=[read_index(index) for index in request.index_metas],
        stream=read_stream(request.stream_spec) if request.HasField("stream_spec") else None,
        encryption=read_encryption(request.sse_spec) if request.HasField("sse_spec") else None,
        has_transactions=read_has_transactions(request),
    )


def list_table(service: TablestoreService, request: Any, response: Any) -> None:  # noqa: ARG001  asks nothing
    response.table_names.extend(service.list_tables())


def describe_table(service: TablestoreService, request: Any, response: Any) -> None:
    name = text(request.table_name)
    write_description(service.describe_table(name), response, is_ready=service.is_ready(name))


def update_table(service: TablestoreService, request: Any, response: Any) -> None:
    reserved = None
    if request.HasField("reserved_throughput"):
        old = service.describe_table(text(request.table_name)).reserved
        check_units_given(request.reserved_throughput.capacity_unit)
        reserved = read_units(request.reserved_throughput.capacity_unit, old=old)
    record = service.update_table(
        text(request.table_name),
        options=read_options_change(request.table_options) if request.HasField("table_options") else None,
        reserved=reserved,
        stream=read_stream(request.stream_spec) if request.HasField("stream_spec") else None,
    )
    write_state(record, response)


def delete_table(service: TablestoreService, request: Any, response: Any) -> None:  # noqa: ARG001  says nothing
    service.delete_table(text(request.table_name))


def create_index(service: TablestoreService, request: Any, response: Any) -> None:  # noqa: ARG001  says nothing
    service.create_index(
        text(request.main_table_name), read_index(request.index_meta), include_base_rows=request.include_base_data
    )


def drop_index(service: TablestoreService, request: Any, response: Any) -> None:  # noqa: ARG001  says nothing
    service.drop_index(text(request.main_table_name), text(request.index_name))


def compute_split_points(service: TablestoreService, request: Any, response: Any) -> None:
    unit = request.split_size_unit_in_byte if request.HasField("split_size_unit_in_byte") else SPLIT_UNIT_BYTES
    if request.split_size <= 0 or unit <= 0:
        raise invalid("The split size must be greater than 0.")
    splits = service.split(text(request.table_name), size_bytes=request.split_size * unit)
    write_units(response.consumed.capacity_unit, splits.consumed)
    for column in splits.schema:
        write_key_column(column, response.schema.add())
    names = tuple(column.name for column in splits.schema)
    response.split_points.extend(encode_key(names, point) for point in splits.points)
    response.locations.add(location="", repeat=len(splits.points) + 1)


# -- rows -------------------------------------------------------------------------------------------------------------
def get_row(service: TablestoreService, request: Any, response: Any) -> None:
    names, key = read_key(request.primary_key)
    got = service.get_row(
        text(request.table_name),
        key,
        read_selection(request, service.limits),
        key_names=names,
        transaction_id=_transaction_id(request),
    )
    write_units(response.consumed.capacity_unit, got.consumed)
    response.row = encoded(names, got.row)


def put_row(service: TablestoreService, request: Any, response: Any) -> None:
    _write("put", request.row, service, request, response)


def update_row(service: TablestoreService, request: Any, response: Any) -> None:
    _write("update", request.row_change, service, request, response)


def delete_row(service: TablestoreService, request: Any, response: Any) -> None:
    _write("delete", request.primary_key, service, request, response)


def _write(kind: Kind, row: bytes, service: TablestoreService, request: Any, response: Any) -> None:
    change = read_change(kind, row, request.condition, request.return_content, service.limits)
    written = service.write_row(text(request.table_name), change, transaction_id=_transaction_id(request))
    _fill_written(written, change.key_names or (), response)


def _fill_written(written: Written, names: tuple[str, ...], response: Any) -> None:
    write_units(response.consumed.capacity_unit, written.consumed)
    if written.row is not None:
        response.row = encoded(names, written.row)


def batch_get_row(service: TablestoreService, request: Any, response: Any) -> None:
    groups = []
    for table in request.tables:
        keys = [read_key(data) for data in table.primary_key]
        if any(table.token):
            raise invalid("Invalid token.")
        groups.append(
            GetGroup(
                text(table.table_name),
                tuple(key for _, key in keys),
                read_selection(table, service.limits),
                tuple(names for names, _ in keys),
            )
        )
    for group, outcomes in zip(groups, service.get_batch(groups), strict=True):
        rows = response.tables.add(table_name=group.table).rows
        for names, outcome in zip(group.key_names or (), outcomes, strict=True):
            _fill_outcome(rows.add(), outcome, names)


def batch_write_row(service: TablestoreService, request: Any, response: Any) -> None:
    groups = [
        WriteGroup(
            text(table.table_name),
            tuple(
                read_change(KINDS[row.type], row.row_change, row.condition, row.return_content, service.limits)
                for row in table.rows
            ),
        )
        for table in request.tables
    ]
    outcomes_of_groups = service.write_batch(groups, transaction_id=_transaction_id(request))
    for group, outcomes in zip(groups, outcomes_of_groups, strict=True):
        rows = response.tables.add(table_name=group.table).rows
        for change, outcome in zip(group.changes, outcomes, strict=True):
            _fill_outcome(rows.add(), outcome, change.key_names or ())


def _fill_outcome(row: Any, outcome: GotRow | Written | TablestoreError, names: tuple[str, ...]) -> None:
    """Into the answer for one row of a batch."""
    if isinstance(outcome, TablestoreError):
        row.is_ok = False
        row.error.code, row.error.message = outcome.code, outcome.message
        if outcome.consumed is not None:
            write_units(row.consumed.capacity_unit, Units(*outcome.consumed))
        return
    row.is_ok = True
    write_units(row.consumed.capacity_unit, outcome.consumed)
    if outcome.row is not None:
        row.row = encoded(names, outcome.row)


def get_range(service: TablestoreService, request: Any, response: Any) -> None:
    start_names, start = read_key(request.inclusive_start_primary_key)
    end_names, end = read_key(request.exclusive_end_primary_key)
    query = RangeQuery(
        start,
        end,
        is_backward=request.direction == messages().table.BACKWARD,
        limit=request.limit if request.HasField("limit") else None,
        selection=read_selection(request, service.limits),
        start_names=start_names,
        end_names=end_names,
    )
    page = service.get_range(text(request.table_name), query, transaction_id=_transaction_id(request))
    write_units(response.consumed.capacity_unit, page.consumed)
    response.rows = encoded(start_names, *page.rows)
    if page.next_key is not None:
        response.next_start_primary_key = encode_key(start_names, page.next_key)


# -- transactions -----------------------------------------------------------------------------------------------------
def start_local_transaction(service: TablestoreService, request: Any, response: Any) -> None:
    names, key = read_key(request.key)
    response.transaction_id = service.start_transaction(text(request.table_name), key, key_names=names)


def commit_transaction(service: TablestoreService, request: Any, response: Any) -> None:  # noqa: ARG001  says nothing
    service.commit_transaction(text(request.transaction_id))


def abort_transaction(service: TablestoreService, request: Any, response: Any) -> None:  # noqa: ARG001  says nothing
    service.abort_transaction(text(request.transaction_id))


def _transaction_id(request: Any) -> str | None:
    return text(request.transaction_id) if request.HasField("transaction_id") else None


OPERATIONS: dict[str, Operation] = {
    "CreateTable": create_table,
    "ListTable": list_table,
    "DescribeTable": describe_table,
    "UpdateTable": update_table,
    "DeleteTable": delete_table,
    "CreateIndex": create_index,
    "DropIndex": drop_index,
    "ComputeSplitPointsBySize": compute_split_points,
    "GetRow": get_row,
    "PutRow": put_row,
    "UpdateRow": update_row,
    "DeleteRow": delete_row,
    "BatchGetRow": batch_get_row,
    "BatchWriteRow": batch_write_row,
    "GetRange": get_range,
    "StartLocalTransaction": start_local_transaction,
    "CommitTransaction": commit_transaction,
    "AbortTransaction": abort_transaction,
}
"""What is offered."""
EMPTY_LISTS = ("ListSearchIndex", "ListTimeseriesTable", "ListStream", "tunnel/list")
"""Listings of what is not offered: an empty message, which is no byte at all."""
