"""Requests to Tablestore as protobuf messages, and what an answer says."""

from __future__ import annotations

from typing import Any

from localcloud.http import Response
from localcloud.tablestore.crc8 import crc8
from localcloud.tablestore.messages import messages
from localcloud.tablestore.plainbuffer import encode_key, encode_rows, encode_variant
from localcloud.tablestore.values import INF_MAX, INF_MIN

INCREMENT_OF_N_BY_5 = bytes.fromhex("0304010000006e05090000000005000000000000000604")
"""A cell without its checksum, as the SDK encodes it."""


def error_of(response: Response) -> tuple[int, str, str]:
    error = messages().table.Error.FromString(response.body)
    return response.status, error.code, error.message


def update_with_an_increment(**return_content: Any) -> Any:
    key = encode_key(("id",), ("a",))
    key_checksum = key[-3]
    cell_checksum = crc8(b"n" + encode_variant(5) + b"\4")
    row = key[:-2] + b"\2" + INCREMENT_OF_N_BY_5 + bytes([0x0A, cell_checksum, 0x09])
    row += bytes([crc8(bytes([key_checksum, cell_checksum, 0]))])
    pb = messages().table
    condition = pb.Condition(row_existence=0, column_condition=less_than("n", 100).SerializeToString())
    content = pb.ReturnContent(**return_content) if return_content else None
    return pb.UpdateRowRequest(table_name="t", row_change=row, condition=condition, return_content=content)


def less_than(name: str, value: Any) -> Any:
    """A filter: the column is there and its newest version is less than the value."""
    pb = messages().filter
    single = pb.SingleColumnValueFilter(
        comparator=pb.CT_LESS_THAN,
        column_name=name,
        column_value=encode_variant(value),
        filter_if_missing=True,
        latest_version_only=True,
    )
    return pb.Filter(type=pb.FT_SINGLE_COLUMN_VALUE, filter=single.SerializeToString())


def get_row(**fields: Any) -> Any:
    return messages().table.GetRowRequest(
        **{"table_name": "t", "primary_key": encode_key(("id",), ("a",)), "max_versions": 1, **fields}
    )


def range_of(**fields: Any) -> Any:
    low, high = (encode_key(("id",), (mark,)) for mark in (INF_MIN, INF_MAX))
    return messages().table.GetRangeRequest(
        **{
            "table_name": "t",
            "direction": 0,
            "inclusive_start_primary_key": low,
            "exclusive_end_primary_key": high,
            "max_versions": 1,
            **fields,
        }
    )


def batch_write() -> Any:
    pb = messages().table
    request = pb.BatchWriteRowRequest()
    row = encode_rows(("id",), [(("b",), [("n", 2, 1)])])
    request.tables.add(table_name="t").rows.add(
        type=1, row_change=row, condition=pb.Condition(row_existence=0), return_content=pb.ReturnContent()
    )
    return request


def requests() -> dict[str, Any]:
    pb = messages().table
    return {
        "UpdateRow": update_with_an_increment(return_type=2, return_column_names=["n"]),
        "GetRow": get_row(filter=less_than("n", 100).SerializeToString(), columns_to_get=["n", "s"]),
        "GetRange": range_of(limit=5, filter=less_than("s", "y").SerializeToString()),
        "BatchWriteRow": batch_write(),
        "DescribeTable": pb.DescribeTableRequest(table_name="t"),
        "StartLocalTransaction": pb.StartLocalTransactionRequest(table_name="t", key=encode_key(("id",), ("a",))),
    }
