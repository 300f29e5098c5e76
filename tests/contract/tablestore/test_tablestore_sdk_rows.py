"""The official Python SDK, unmodified, over a socket: rows."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tablestore import (
    INF_MAX,
    INF_MIN,
    BatchGetRowRequest,
    BatchWriteRowRequest,
    CapacityUnit,
    ColumnType,
    ComparatorType,
    CompositeColumnCondition,
    Condition,
    DeleteRowItem,
    LogicalOperator,
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
from tablestore.metadata import PK_AUTO_INCR, CastType, RegexRule, ReturnType, SingleColumnRegexCondition

from localcloud.tablestore.limits import SMALL_PAGES
from tests.contract.tablestore.worlds import TablestoreServer, running

ANY = Condition(RowExistenceExpectation.IGNORE)
KEY = [("id", "a")]


def table(client: Any, name: str = "t", key: list[tuple[str, ...]] | None = None, **options: int) -> None:
    client.create_table(
        TableMeta(name, key or [("id", "STRING")]), TableOptions(**options), ReservedThroughput(CapacityUnit(0, 0))
    )


def plain(row: Any) -> dict[str, Any]:
    return {name: value for name, value, *_ in row.attribute_columns}


def test_every_type_comes_back_as_it_was_put(server: TablestoreServer) -> None:
    client = server.client()
    table(client, key=[("s", "STRING"), ("i", "INTEGER"), ("b", "BINARY")])
    key = [("s", "ключ"), ("i", -(2**63)), ("b", bytearray(b"\0\xff"))]
    columns = {
        "int": 2**63 - 1,
        "double": -0.5,
        "true": True,
        "false": False,
        "text": "héllo 🌍",
        "bytes": bytearray(range(256)),
        "empty": "",
        "none": bytearray(),
        "long": "x" * 100_000,
    }

    consumed, returned = client.put_row("t", Row(key, list(columns.items())), ANY)
    _, row, token = client.get_row("t", key, max_version=1)

    assert (consumed.read, consumed.write) == (0, 25)
    assert returned is None
    assert row.primary_key == key
    assert plain(row) == columns
    assert {name: type(value) for name, value in plain(row).items()} == {n: type(v) for n, v in columns.items()}
    assert [name for name, *_ in row.attribute_columns] == sorted(columns)
    assert all(timestamp > 1_700_000_000_000 for _, _, timestamp in row.attribute_columns)
    assert not token


def test_a_missing_row_is_none(server: TablestoreServer) -> None:
    client = server.client()
    table(client)

    consumed, row, _ = client.get_row("t", KEY, max_version=1)

    assert row is None
    assert (consumed.read, consumed.write) == (1, 0)


def test_update_puts_deletes_and_adds(server: TablestoreServer) -> None:
    client = server.client()
    table(client)
    client.put_row("t", Row(KEY, [("n", 1), ("gone", "x"), ("stays", 2.5)]), ANY)

    client.update_row("t", Row(KEY, {"PUT": [("new", True)], "DELETE_ALL": ["gone"], "INCREMENT": [("n", 41)]}), ANY)
    _, row, _ = client.get_row("t", KEY, max_version=1)

    assert plain(row) == {"n": 42, "new": True, "stays": 2.5}


def test_a_condition_that_does_not_hold_is_a_403(server: TablestoreServer) -> None:
    client = server.client()
    table(client)
    client.put_row("t", Row(KEY, [("version", 1)]), Condition(RowExistenceExpectation.EXPECT_NOT_EXIST))

    for condition in (
        Condition(RowExistenceExpectation.EXPECT_NOT_EXIST),
        Condition(RowExistenceExpectation.IGNORE, SingleColumnCondition("version", 2, ComparatorType.EQUAL)),
        Condition(RowExistenceExpectation.EXPECT_EXIST, SingleColumnCondition("other", 1, ComparatorType.EQUAL, False)),
    ):
        with pytest.raises(OTSServiceError) as caught:
            client.update_row("t", Row(KEY, {"PUT": [("version", 9)]}), condition)

        error = caught.value
        assert (error.http_status, error.code) == (403, "OTSConditionCheckFail")
        assert error.message == "Condition check failed."
        assert error.request_id

    assert plain(client.get_row("t", KEY, max_version=1)[1]) == {"version": 1}


def test_a_nested_condition_holds(server: TablestoreServer) -> None:
    client = server.client()
    table(client)
    client.put_row("t", Row(KEY, [("a", 1), ("b", "x")]), ANY)
    either = CompositeColumnCondition(LogicalOperator.OR)
    either.add_sub_condition(SingleColumnCondition("a", 5, ComparatorType.GREATER_THAN))
    either.add_sub_condition(SingleColumnCondition("b", "x", ComparatorType.EQUAL))
    neither = CompositeColumnCondition(LogicalOperator.NOT)
    neither.add_sub_condition(either)

    _, found, _ = client.get_row("t", KEY, column_filter=either, max_version=1)
    _, hidden, _ = client.get_row("t", KEY, column_filter=neither, max_version=1)

    assert plain(found) == {"a": 1, "b": "x"}
    assert hidden is None


def test_a_regex_condition_compares_a_part_of_the_text(server: TablestoreServer) -> None:
    client = server.client()
    table(client)
    client.put_row("t", Row(KEY, [("json", '{"age": 41}')]), ANY)

    def found(above: int) -> bool:
        rule = RegexRule('"age": ([0-9]+)', CastType.VT_INTEGER)
        condition = SingleColumnRegexCondition("json", ComparatorType.GREATER_THAN, above, rule)
        return client.get_row("t", KEY, column_filter=condition, max_version=1)[1] is not None

    assert [found(40), found(41)] == [True, False]


def test_ranges_go_both_ways_and_stop_at_the_limit(server: TablestoreServer) -> None:
    client = server.client()
    table(client, key=[("part", "STRING"), ("number", "INTEGER")])
    for number in range(5):
        client.put_row("t", Row([("part", "p"), ("number", number)], [("n", number)]), ANY)
    low, high = [("part", "p"), ("number", INF_MIN)], [("part", "p"), ("number", INF_MAX)]

    _, next_up, up, _ = client.get_range("t", "FORWARD", low, high, limit=2, max_version=1)
    _, next_down, down, _ = client.get_range("t", "BACKWARD", high, low, limit=2, max_version=1)
    _, end, rest, _ = client.get_range("t", "FORWARD", next_up, high, max_version=1)

    assert [plain(row)["n"] for row in up] == [0, 1]
    assert next_up == [("part", "p"), ("number", 2)]
    assert [plain(row)["n"] for row in down] == [4, 3]
    assert next_down == [("part", "p"), ("number", 2)]
    assert [plain(row)["n"] for row in rest] == [2, 3, 4]
    assert end is None


def test_xget_range_reads_all_of_small_pages() -> None:
    with running(SMALL_PAGES) as server:
        client = server.client()
        table(client)
        for number in range(50):
            client.put_row("t", Row([("id", f"{number:03d}")], [("n", number)]), ANY)
        condition = SingleColumnCondition("n", 45, ComparatorType.GREATER_EQUAL)
        consumed = CapacityUnit(0, 0)

        rows = list(
            client.xget_range(
                "t",
                "FORWARD",
                [("id", INF_MIN)],
                [("id", INF_MAX)],
                consumed,
                column_filter=condition,
                max_version=1,
            )
        )

        assert [plain(row)["n"] for row in rows] == [45, 46, 47, 48, 49]
        assert consumed.read == 8


def test_an_empty_range_has_no_rows(server: TablestoreServer) -> None:
    client = server.client()
    table(client)

    consumed, next_key, rows, _ = client.get_range("t", "FORWARD", [("id", INF_MIN)], [("id", INF_MAX)], max_version=1)

    assert (next_key, rows, consumed.read) == (None, [], 1)


def test_rows_of_a_batch_succeed_or_fail_each_on_its_own(server: TablestoreServer) -> None:
    client = server.client()
    table(client)
    client.put_row("t", Row(KEY, [("n", 1)]), ANY)
    absent = Condition(RowExistenceExpectation.EXPECT_NOT_EXIST)
    request = BatchWriteRowRequest()
    items = [
        PutRowItem(Row(KEY, [("n", 2)]), absent),
        PutRowItem(Row([("id", "b")], [("n", 2)]), absent),
        UpdateRowItem(Row([("id", "c")], {"INCREMENT": [("n", 3)]}), ANY),
        DeleteRowItem(Row([("id", "d")]), ANY),
        PutRowItem(Row([("wrong", "e")], [("n", 2)]), ANY),
    ]
    request.add(TableInBatchWriteRowItem("t", items))

    response = client.batch_write_row(request)

    puts, failed_puts = response.get_put()
    assert not response.is_all_succeed()
    assert [item.index for item in puts] == [1]
    assert (puts[0].consumed.read, puts[0].consumed.write) == (1, 1)
    assert [(item.index, item.error_code, item.error_message) for item in failed_puts] == [
        (0, "OTSConditionCheckFail", "Condition check failed."),
        (4, "OTSInvalidPK", "Validate PK name fail. Input: wrong, Meta: id."),
    ]
    assert len(response.get_update()[0]) == len(response.get_delete()[0]) == 1


def test_a_batch_reads_rows_in_the_order_of_their_keys(server: TablestoreServer) -> None:
    client = server.client()
    table(client)
    table(client, "u")
    client.put_row("t", Row(KEY, [("n", 1)]), ANY)
    client.put_row("u", Row(KEY, [("n", 2), ("m", 3)]), ANY)
    request = BatchGetRowRequest()
    request.add(TableInBatchGetRowItem("t", [[("id", "none")], KEY, [("bad", 1)]], max_version=1))
    request.add(TableInBatchGetRowItem("u", [KEY], columns_to_get=["m"], max_version=1))

    response = client.batch_get_row(request)

    first, second, third = response.get_result_by_table("t")
    assert (first.is_ok, first.row) == (True, None)
    assert plain(second.row) == {"n": 1}
    assert (third.is_ok, third.error_code) == (False, "OTSInvalidPK")
    assert plain(response.get_result_by_table("u")[0].row) == {"m": 3}


def test_the_table_chooses_an_auto_increment_key(server: TablestoreServer) -> None:
    client = server.client()
    client.create_table(
        TableMeta("t", [("id", "STRING"), ("number", "INTEGER", PK_AUTO_INCR)]),
        TableOptions(),
        ReservedThroughput(CapacityUnit(0, 0)),
    )
    row = Row([("id", "a"), ("number", PK_AUTO_INCR)], [("n", 1)])

    keys = [client.put_row("t", row, ANY, ReturnType.RT_PK)[1].primary_key for _ in range(3)]

    numbers = [key[1][1] for key in keys]
    assert numbers == sorted(set(numbers))
    assert plain(client.get_row("t", keys[0], max_version=1)[1]) == {"n": 1}


def test_versions_can_be_read_and_deleted(server: TablestoreServer) -> None:
    client = server.client()
    table(client, max_version=3)
    now_ms = server.served.call(server.clock.now_ms)
    for back in range(4):
        client.update_row("t", Row(KEY, {"PUT": [("n", back, now_ms - back)]}), ANY)
    client.update_row("t", Row(KEY, {"DELETE": [("n", None, now_ms - 1)]}), ANY)

    _, row, _ = client.get_row("t", KEY, max_version=9)
    _, one, _ = client.get_row("t", KEY, time_range=now_ms - 2, max_version=None)
    _, some, _ = client.get_row("t", KEY, time_range=(now_ms, now_ms + 1), max_version=9)

    assert [(value, now_ms - version) for _, value, version in row.attribute_columns] == [(0, 0), (2, 2)]
    assert plain(one) == {"n": 2}
    assert plain(some) == {"n": 0}


def test_compare_and_set_by_four_threads_never_overshoots(server: TablestoreServer) -> None:
    client = server.client()
    table(client)
    client.put_row("t", Row(KEY, [("used", 0)]), ANY)
    limit, won, refused = 100, [0, 0, 0, 0], []
    start = threading.Barrier(4)

    def take(at: int) -> None:
        below = Condition(
            RowExistenceExpectation.EXPECT_EXIST, SingleColumnCondition("used", limit, ComparatorType.LESS_THAN, False)
        )
        start.wait()
        while True:
            try:
                client.update_row("t", Row(KEY, {"INCREMENT": [("used", 1)]}), below)
            except OTSServiceError as error:
                refused.append(error.code)
                return
            won[at] += 1

    threads = [threading.Thread(target=take, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert refused == ["OTSConditionCheckFail"] * 4
    assert sum(won) == limit
    assert plain(client.get_row("t", KEY, max_version=1)[1]) == {"used": limit}


@pytest.mark.parametrize("options", [{}, {"enable_native": False}], ids=["default codec", "python codec"])
def test_both_codecs_of_the_sdk_understand_us(server: TablestoreServer, options: dict[str, bool]) -> None:
    client = server.client(**options)
    table(client, key=[("part", "BINARY"), ("number", "INTEGER")])
    key = [("part", bytearray(b"\1")), ("number", 7)]
    columns = {"a": 1, "b": "é", "c": bytearray(b"\2"), "d": 1.5, "e": True}

    client.put_row("t", Row(key, list(columns.items())), ANY)
    client.update_row(
        "t",
        Row(key, {"PUT": [("f", 2)], "DELETE_ALL": ["e"], "INCREMENT": [("a", 1)]}),
        Condition(RowExistenceExpectation.EXPECT_EXIST, SingleColumnCondition("b", "é", ComparatorType.EQUAL, False)),
    )
    request = BatchGetRowRequest()
    request.add(TableInBatchGetRowItem("t", [key], max_version=1))
    batch = client.batch_get_row(request).get_result_by_table("t")[0].row
    bounds = [[("part", mark), ("number", mark)] for mark in (INF_MIN, INF_MAX)]
    ranged = client.get_range("t", "FORWARD", *bounds, max_version=1)[2][0]
    single = client.get_row("t", key, max_version=1)[1]

    expected = {"a": 2, "b": "é", "c": bytearray(b"\2"), "d": 1.5, "f": 2}
    assert [plain(row) for row in (single, batch, ranged)] == [expected] * 3
    assert [row.primary_key for row in (single, batch, ranged)] == [key] * 3
    client.delete_row("t", Row(key), ANY)
    assert client.get_row("t", key, max_version=1)[1] is None


def test_column_types_are_what_the_sdk_names(server: TablestoreServer) -> None:
    client = server.client()
    table(client, key=[("a", ColumnType.STRING), ("b", ColumnType.INTEGER), ("c", ColumnType.BINARY)])

    meta = client.describe_table("t").table_meta

    assert meta.schema_of_primary_key == [("a", "STRING"), ("b", "INTEGER"), ("c", "BINARY")]
