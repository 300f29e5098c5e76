"""The SDK's own codec in C++: on by default where it can be loaded (Python 3.12), and then what production uses."""

from __future__ import annotations

from typing import Any

import pytest
from tablestore import (
    INF_MAX,
    INF_MIN,
    BatchGetRowRequest,
    BatchWriteRowRequest,
    CapacityUnit,
    ComparatorType,
    Condition,
    DeleteRowItem,
    PutRowItem,
    ReservedThroughput,
    Row,
    RowExistenceExpectation,
    SingleColumnCondition,
    TableInBatchGetRowItem,
    TableInBatchWriteRowItem,
    TableMeta,
    TableOptions,
    UpdateRowItem,
)
from tablestore.error import OTSServiceError

from tests.contract.tablestore.worlds import TablestoreServer

ANY = Condition(RowExistenceExpectation.IGNORE)


@pytest.fixture
def native(server: TablestoreServer) -> Any:
    """A client that fails where its native codec does, in place of falling back to Python."""
    client = server.client(enable_native=True, native_fallback=False)
    protocol = client.protocol
    if not (protocol.encoder._use_native_encoder and protocol.decoder._use_native_decoder):
        pytest.skip("the SDK has no native codec for this Python; it has one for 3.12")
    client.create_table(
        TableMeta("t", [("part", "BINARY"), ("number", "INTEGER"), ("name", "STRING")]),
        TableOptions(max_version=3),
        ReservedThroughput(CapacityUnit(0, 0)),
    )
    return client


def key(number: int) -> list[tuple[str, Any]]:
    return [("part", bytearray(b"\0\xff")), ("number", number), ("name", "ключ")]


def plain(row: Any) -> dict[str, Any]:
    return {name: value for name, value, *_ in row.attribute_columns}


COLUMNS = {
    "int": -(2**63),
    "double": 1e300,
    "true": True,
    "text": "héllo 🌍",
    "empty": "",
    "bytes": bytearray(range(256)),
    "long": "x" * 100_000,
}


def test_every_type_survives_the_native_codec(native: Any) -> None:
    native.put_row("t", Row(key(1), list(COLUMNS.items())), ANY)

    row = native.get_row("t", key(1), max_version=1)[1]

    assert row.primary_key == key(1)
    assert plain(row) == COLUMNS
    assert all(timestamp > 1_700_000_000_000 for _, _, timestamp in row.attribute_columns)
    assert native.get_row("t", key(2), max_version=1)[1] is None


def test_every_change_and_condition_survives_the_native_codec(native: Any) -> None:
    native.put_row("t", Row(key(1), [("n", 1), ("text", "x"), ("gone", 1)]), ANY)
    holds = Condition(RowExistenceExpectation.EXPECT_EXIST, SingleColumnCondition("n", 1, ComparatorType.EQUAL, False))

    native.update_row("t", Row(key(1), {"PUT": [("m", 2)], "INCREMENT": [("n", 41)], "DELETE_ALL": ["gone"]}), holds)
    with pytest.raises(OTSServiceError) as caught:
        native.update_row("t", Row(key(1), {"PUT": [("m", 3)]}), holds)

    assert caught.value.code == "OTSConditionCheckFail"
    assert plain(native.get_row("t", key(1), max_version=1)[1]) == {"m": 2, "n": 42, "text": "x"}
    native.delete_row("t", Row(key(1)), ANY)
    assert native.get_row("t", key(1), max_version=1)[1] is None


def test_batches_and_ranges_survive_the_native_codec(native: Any) -> None:
    native.put_row("t", Row(key(9), [("n", 9)]), ANY)
    absent = Condition(RowExistenceExpectation.EXPECT_NOT_EXIST)
    write = BatchWriteRowRequest()
    items = [
        PutRowItem(Row(key(1), [("n", 1)]), absent),
        UpdateRowItem(Row(key(2), {"INCREMENT": [("n", 2)]}), ANY),
        DeleteRowItem(Row(key(3)), ANY),
        PutRowItem(Row(key(9), [("n", 0)]), absent),
    ]
    write.add(TableInBatchWriteRowItem("t", items))

    written = native.batch_write_row(write)
    read = BatchGetRowRequest()
    read.add(TableInBatchGetRowItem("t", [key(1), key(3), key(9)], max_version=1))
    got = native.batch_get_row(read).get_result_by_table("t")
    bounds = [[("part", mark), ("number", mark), ("name", mark)] for mark in (INF_MIN, INF_MAX)]
    _, next_key, rows, _ = native.get_range("t", "FORWARD", *bounds, limit=2, max_version=1)
    back = native.get_range("t", "BACKWARD", *bounds[::-1], max_version=1)[2]

    assert [(item.index, item.error_code) for item in written.get_put()[1]] == [(3, "OTSConditionCheckFail")]
    assert [item.row and plain(item.row) for item in got] == [{"n": 1}, None, {"n": 9}]
    assert [plain(row)["n"] for row in rows] == [1, 2]
    assert next_key == key(9)
    assert [plain(row)["n"] for row in back] == [9, 2, 1]


def test_versions_survive_the_native_codec(native: Any) -> None:
    native.put_row("t", Row(key(1), [("n", 0)]), ANY)
    now_ms = plain_versions(native)[0]
    native.update_row("t", Row(key(1), {"PUT": [("n", 1, now_ms + 1), ("n", 2, now_ms + 2)]}), ANY)
    native.update_row("t", Row(key(1), {"DELETE": [("n", None, now_ms + 1)]}), ANY)

    assert plain_versions(native) == [now_ms + 2, now_ms]


def plain_versions(client: Any) -> list[int]:
    return [version for _, _, version in client.get_row("t", key(1), max_version=9)[1].attribute_columns]
