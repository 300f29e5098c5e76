"""The official Python SDK, unmodified, over a socket: what rows and reads are refused, in the service's words."""

from __future__ import annotations

from collections.abc import Callable
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
from tablestore.metadata import PK_AUTO_INCR, CastType, RegexRule, SingleColumnRegexCondition

from tests.contract.tablestore.worlds import TablestoreServer, running

ANY = Condition(RowExistenceExpectation.IGNORE)
KEY = [("part", "p"), ("number", 1)]
LOW, HIGH = ([("part", mark), ("number", mark)] for mark in (INF_MIN, INF_MAX))
BIG = 2 * 1024 * 1024
BROKEN = RegexRule("(", CastType.VT_INTEGER)


def put(client: Any, key: list[Any] = KEY, columns: Any = (("n", 1),), condition: Condition = ANY) -> Any:
    return client.put_row("t", Row(key, list(columns)), condition)


def update(client: Any, condition: Condition = ANY, **columns: Any) -> Any:
    return client.update_row("t", Row(KEY, columns), condition)


def get(client: Any, key: list[Any] = KEY, **arguments: Any) -> Any:
    return client.get_row("t", key, **{"max_version": 1, **arguments})


def scan(client: Any, start: Any = LOW, end: Any = HIGH, direction: str = "FORWARD", **arguments: Any) -> Any:
    return client.get_range("t", direction, start, end, **{"max_version": 1, **arguments})


def write_batch(client: Any, *items: Any, table: str = "t") -> Any:
    request = BatchWriteRowRequest()
    request.add(TableInBatchWriteRowItem(table, list(items)))
    return client.batch_write_row(request)


def put_item(number: int, value: Any) -> PutRowItem:
    return PutRowItem(Row([("part", "p"), ("number", number)], [("n", value)]), ANY)


def get_batch(client: Any, *keys: list[Any], table: str = "t") -> Any:
    request = BatchGetRowRequest()
    request.add(TableInBatchGetRowItem(table, list(keys), max_version=1))
    return client.batch_get_row(request)


def column_is(value: Any) -> SingleColumnCondition:
    return SingleColumnCondition("n", value, ComparatorType.EQUAL, False)


def of(combinator: Any, *parts: Any) -> CompositeColumnCondition:
    made = CompositeColumnCondition(combinator)
    for part in parts:
        made.add_sub_condition(part)
    return made


INVALID, INVALID_KEY = "OTSParameterInvalid", "OTSInvalidPK"
REFUSALS: dict[str, tuple[Callable[[Any], Any], int, str, str]] = {
    "a key of too few columns": (
        lambda c: put(c, KEY[:1]), 400, INVALID_KEY, "Validate PK size fail. Input: 1, Meta: 2.",
    ),
    "a key of other names": (
        lambda c: get(c, [("part", "p"), ("other", 1)]),
        400, INVALID_KEY, "Validate PK name fail. Input: other, Meta: number.",
    ),
    "a key out of order": (
        lambda c: get(c, KEY[::-1]), 400, INVALID_KEY, "Validate PK name fail. Input: number, Meta: part.",
    ),
    "a key of another type": (
        lambda c: get(c, [("part", "p"), ("number", "1")]),
        400, INVALID_KEY, "Validate PK type fail. Input: VT_STRING, Meta: VT_INTEGER.",
    ),
    "an infinity as a key": (
        lambda c: get(c, LOW), 400, INVALID, "VT_INF_MIN is an invalid type for the primary key.",
    ),
    "an infinity as a key to write": (
        lambda c: put(c, HIGH), 400, INVALID, "VT_INF_MAX is an invalid type for the primary key.",
    ),
    "an infinity as a key of a batch": (
        lambda c: get_batch(c, KEY, LOW), 400, INVALID, "VT_INF_MIN is an invalid type for the primary key.",
    ),
    "an infinity as a key of a batch to write": (
        lambda c: write_batch(c, PutRowItem(Row(LOW, [("n", 1)]), ANY)),
        400, INVALID, "VT_INF_MIN is an invalid type for the primary key.",
    ),
    "a chosen key where none is chosen": (
        lambda c: put(c, [("part", "p"), ("number", PK_AUTO_INCR)]),
        400, INVALID_KEY, "Validate PK type fail. Input: VT_AUTO_INCREMENT, Meta: VT_INTEGER.",
    ),
    "a chosen key that is read": (
        lambda c: get(c, [("part", "p"), ("number", PK_AUTO_INCR)]),
        400, INVALID, "PKAutoIncr can't be used for read operations.",
    ),
    "a column with a bad name": (lambda c: put(c, columns=[("#a", 1)]), 400, INVALID, "Invalid column name: '#a'."),
    "a column named like a key's": (
        lambda c: put(c, columns=[("part", 1)]),
        400, INVALID, "Duplicated attribute column name with primary key column: 'part'.",
    ),
    "not a number": (
        lambda c: put(c, columns=[("n", float("nan"))]), 400, INVALID, "NaN can't be set to double value.",
    ),
    "an infinite number": (
        lambda c: put(c, columns=[("n", float("-inf"))]), 400, INVALID, "Infinity can't be set to double value.",
    ),
    "a key too long": (
        lambda c: put(c, [("part", "é" * 513), ("number", 1)]),
        400, INVALID, "The length of primary key column: 'part' exceeds the MaxLength:1024 with CurrentLength:1026.",
    ),
    "a value too long": (
        lambda c: put(c, columns=[("n", bytearray(BIG + 1))]),
        400, INVALID, f"The length of attribute column: 'n' exceeds the MaxLength:{BIG} with CurrentLength:{BIG + 1}.",
    ),
    "a request too large": (
        lambda c: put(c, columns=[("a", "x" * BIG), ("b", "x" * BIG), ("c", "x" * BIG)]),
        413, "OTSRequestBodyTooLarge", "The size of POST data is too large.",
    ),
    "an increment of a text": (
        lambda c: update(c, INCREMENT=[("text", 1)]),
        400, INVALID, "The column to increment is not an integer: 'text'.",
    ),
    "an increment over the edge": (
        lambda c: update(c, INCREMENT=[("most", 1)]), 400, INVALID, "The increment overflows, column: 'most'.",
    ),
    "a column put and incremented": (
        lambda c: update(c, PUT=[("n", 1)], INCREMENT=[("n", 1)]),
        400, INVALID, "The column to increment is changed more than once: 'n'.",
    ),
    "a version from too long ago": (
        lambda c: update(c, PUT=[("n", 1, 1)]), 400, INVALID, "Invalid timestamp. Cell:'n'.",
    ),
    "a version below zero": (
        lambda c: update(c, PUT=[("n", 1, -1)]), 400, INVALID, "Timestamp must be in range [0, INT64_MAX/1000).",
    ),
    "a missing row that must exist": (
        lambda c: c.delete_row("t", Row([("part", "p"), ("number", 99)]), Condition("EXPECT_EXIST")),
        403, "OTSConditionCheckFail", "Condition check failed.",
    ),
    "a row that must be missing": (
        lambda c: put(c, condition=Condition("EXPECT_NOT_EXIST")),
        403, "OTSConditionCheckFail", "Condition check failed.",
    ),
    "a condition that does not hold": (
        lambda c: update(c, Condition("IGNORE", column_is(9)), PUT=[("n", 1)]),
        403, "OTSConditionCheckFail", "Condition check failed.",
    ),
    "eleven filters": (
        lambda c: get(c, column_filter=of(LogicalOperator.OR, *[column_is(number) for number in range(11)])),
        400, INVALID, "The count of filter exceeds the max: 10.",
    ),
    "a not of two": (
        lambda c: get(c, column_filter=of(LogicalOperator.NOT, column_is(1), column_is(2))),
        400, INVALID, "Invalid NOT operator: the number of sub-filters must be 1.",
    ),
    "an and of one": (
        lambda c: get(c, column_filter=of(LogicalOperator.AND, column_is(1))),
        400, INVALID, "Invalid AND/OR operator: the number of sub-filters must be more than 1.",
    ),
    "a broken regex": (
        lambda c: get(c, column_filter=SingleColumnRegexCondition("n", ComparatorType.EQUAL, 1, BROKEN)),
        400, INVALID, "Invalid regex: '('.",
    ),
    "no versions": (
        lambda c: get(c, max_version=None), 400, INVALID, "No version condition is specified while querying row.",
    ),
    "versions below one": (
        lambda c: get(c, max_version=-1),
        400, INVALID, "Invalid max versions: -1. Reason: Max versions must be positive.",
    ),
    "a time range backwards": (
        lambda c: get(c, time_range=(2, 1)), 400, INVALID, "The start time must be less than the end time.",
    ),
    "129 columns to get": (
        lambda c: get(c, columns_to_get=[f"c{number}" for number in range(129)]),
        400, INVALID,
        "The number of columns from the request exceeds the limit, limit count: 128, column count: 129.",
    ),
    "a range backwards": (
        lambda c: scan(c, HIGH, LOW), 400, INVALID, "Begin key must less than end key in FORWARD",
    ),
    "a range forwards": (
        lambda c: scan(c, LOW, HIGH, "BACKWARD"), 400, INVALID, "Begin key must more than end key in BACKWARD",
    ),
    "a range of nothing": (
        lambda c: scan(c, KEY, KEY), 400, INVALID, "Begin key must less than end key in FORWARD",
    ),
    "a limit of none": (lambda c: scan(c, limit=0), 400, INVALID, "The limit must be greater than 0."),
    "a limit below none": (lambda c: scan(c, limit=-1), 400, INVALID, "The limit must be greater than 0."),
    "a batch of no tables": (
        lambda c: c.batch_get_row(BatchGetRowRequest()),
        400, INVALID, "No row specified in the request of BatchGetRow.",
    ),
    "a batch of no tables to write": (
        lambda c: c.batch_write_row(BatchWriteRowRequest()), 400, INVALID, "No row is specified in BatchWriteRow.",
    ),
    "a batch of no rows to write": (
        write_batch, 400, INVALID, "No operation is specified for table: 't'.",
    ),
    "a batch for a missing table": (
        lambda c: get_batch(c, KEY, table="none"), 404, "OTSObjectNotExist", "Requested table does not exist.",
    ),
    "101 rows to get": (lambda c: get_batch(c, *[KEY] * 101), 400, INVALID, "Rows count exceeds the upper limit: 100."),
    "201 rows to write": (
        lambda c: write_batch(c, *[put_item(number, 1) for number in range(201)]),
        400, INVALID, "Rows count exceeds the upper limit: 200.",
    ),
    "more than 4 MB to write": (
        lambda c: write_batch(c, *[put_item(number, "x" * (BIG - 13)) for number in range(2)]),
        400, INVALID,
        f"The total data size of BatchWriteRow request exceeds the limit, limit size: {2 * BIG}, "
        f"data size: {2 * BIG + 14}.",
    ),
    "a row twice with expectations": (
        lambda c: write_batch(c, *[PutRowItem(Row(KEY, [("n", 1)]), Condition("EXPECT_EXIST"))] * 2),
        400, INVALID, "Repeated rows do not support row exist expectation check in BatchModify.",
    ),
    "a row twice with conditions": (
        lambda c: write_batch(
            c, *[UpdateRowItem(Row(KEY, {"PUT": [("n", 1)]}), Condition("IGNORE", column_is(1)))] * 2
        ),
        400, INVALID, "Repeated rows do not support row condition check in BatchModify.",
    ),
    "a row twice with increments": (
        lambda c: write_batch(c, *[UpdateRowItem(Row(KEY, {"INCREMENT": [("n", 1)]}), ANY)] * 2),
        400, INVALID, "Repeated rows do not support increment in BatchModify.",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def table() -> Any:
    with running() as server:
        client = server.client()
        client.create_table(
            TableMeta("t", [("part", ColumnType.STRING), ("number", ColumnType.INTEGER)]),
            TableOptions(),
            ReservedThroughput(CapacityUnit(0, 0)),
        )
        client.put_row("t", Row(KEY, [("n", 1), ("text", "x"), ("most", 2**63 - 1)]), ANY)
        yield client


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_said_in_the_services_words_and_changes_nothing(table: Any, name: str) -> None:
    action, *expected = REFUSALS[name]
    before = rows(table)

    with pytest.raises(OTSServiceError) as caught:
        action(table)

    error = caught.value
    assert [error.http_status, error.code, error.message] == expected
    assert error.request_id
    assert rows(table) == before


def rows(client: Any) -> list[Any]:
    return [(row.primary_key, row.attribute_columns) for row in scan(client)[2]]


def test_a_row_twice_without_conditions_is_written_twice(server: TablestoreServer) -> None:
    client = server.client()
    client.create_table(
        TableMeta("t", [("part", "STRING"), ("number", "INTEGER")]),
        TableOptions(),
        ReservedThroughput(CapacityUnit(0, 0)),
    )

    response = write_batch(
        client, PutRowItem(Row(KEY, [("n", 1)]), ANY), UpdateRowItem(Row(KEY, {"PUT": [("m", 2)]}), ANY)
    )

    assert response.is_all_succeed()
    assert {name: value for name, value, *_ in get(client)[1].attribute_columns} == {"m": 2, "n": 1}


def test_an_empty_group_of_a_batch_reads_nothing(table: Any) -> None:
    assert get_batch(table).get_result_by_table("t") == []
