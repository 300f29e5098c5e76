"""The official Python SDK, unmodified, over a socket: each number of the service, at its bound and beyond."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tablestore import (
    INF_MAX,
    INF_MIN,
    BatchGetRowRequest,
    BatchWriteRowRequest,
    CapacityUnit,
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
)
from tablestore.error import OTSServiceError
from tablestore.metadata import CastType, RegexRule, SecondaryIndexMeta, SingleColumnRegexCondition

from tests.contract.tablestore.worlds import TablestoreServer

ANY = Condition(RowExistenceExpectation.IGNORE)
KEY, LOW, HIGH = ([("id", value)] for value in ("a", INF_MIN, INF_MAX))
BIG, BATCH = 2 * 1024 * 1024, 4 * 1024 * 1024
DEVIATION_MAX = (2**63 - 1) // 1_000_000
LATEST_MS = (2**63 - 1) // 1000 - 1
WHOLE_BATCH = "The total data size of BatchWriteRow request exceeds the limit, limit size: 4194304, data size: 4194305."


def create(
    client: Any,
    name: str = "t",
    *,
    key: Any = (("id", "STRING"),),
    defined: int = 0,
    options: TableOptions | None = None,
    units: tuple[int, int] = (0, 0),
    indexes: Any = None,
) -> None:
    columns = [(f"c{number}", "INTEGER") for number in range(defined)]
    client.create_table(
        TableMeta(name, list(key), columns),
        options or TableOptions(),
        ReservedThroughput(CapacityUnit(*units)),
        secondary_indexes=indexes,
    )


def put(client: Any, columns: Any = (("n", 1),), key: Any = KEY, condition: Condition = ANY) -> None:
    client.put_row("t", Row(list(key), list(columns)), condition)


def get(client: Any, **arguments: Any) -> None:
    client.get_row("t", KEY, **{"max_version": 1, **arguments})


def get_batch(client: Any, count: int) -> None:
    request = BatchGetRowRequest()
    request.add(TableInBatchGetRowItem("t", [[("id", str(number))] for number in range(count)], max_version=1))
    client.batch_get_row(request)


def write_batch(client: Any, *columns: Any) -> None:
    request = BatchWriteRowRequest()
    items = [PutRowItem(Row([("id", f"{number:03}")], list(row)), ANY) for number, row in enumerate(columns)]
    request.add(TableInBatchWriteRowItem("t", items))
    assert client.batch_write_row(request).is_all_succeed()


def bytes_in_a_batch(client: Any, size: int) -> None:
    """2 + 3 for each key, 1 for the column's name."""
    write_batch(client, [("n", "x" * (BIG - 6))], [("n", "x" * (size - BIG - 6))])


def conditions(count: int) -> CompositeColumnCondition:
    both = CompositeColumnCondition(LogicalOperator.AND)
    for _ in range(count):
        both.add_sub_condition(SingleColumnCondition("n", 1, ComparatorType.EQUAL))
    return both


def regex(length: int) -> SingleColumnRegexCondition:
    return SingleColumnRegexCondition("n", ComparatorType.EQUAL, "x", RegexRule("x" * length, CastType.VT_STRING))


def tables(client: Any, count: int) -> None:
    have = len(client.list_table())
    for number in range(have, count):
        create(client, f"u{number}")


def key_columns(client: Any, count: int) -> None:
    create(client, f"u{count}", key=[(f"k{number}", "STRING") for number in range(count)])


def indexes(client: Any, count: int) -> None:
    made = [SecondaryIndexMeta(f"i{count}_{number}", [f"c{number}"], []) for number in range(count)]
    create(client, f"u{count}", defined=32, indexes=made)


def index_key(client: Any, count: int) -> None:
    client.create_secondary_index("t", SecondaryIndexMeta(f"i{count}", [f"c{at}" for at in range(count)], []), False)


def index_columns(client: Any, count: int) -> None:
    client.create_secondary_index(
        "t", SecondaryIndexMeta(f"i{count}", ["id"], [f"c{at}" for at in range(count)]), False
    )


def reserve(client: Any, read: int = 0, write: int = 0) -> None:
    client.update_table("t", reserved_throughput=ReservedThroughput(CapacityUnit(read, write)))


def binary_key(client: Any, length: int) -> None:
    if "b" not in client.list_table():
        create(client, "b", key=[("id", "BINARY")])
    client.put_row("b", Row([("id", bytearray(length))], [("n", 1)]), ANY)


@dataclass(frozen=True)
class Bound:
    """What uses a number, the last one that is taken, the first one that is not, and what is said then."""

    use: Callable[[Any, int], Any]
    taken: int
    beyond: int
    message: str
    code: str = "OTSParameterInvalid"
    status: int = 400


BOUNDS: dict[str, Bound] = {
    "tables": Bound(tables, 64, 65, "Number of tables exceeded the quota.", "OTSQuotaExhausted", 403),
    "bytes of a table's name": Bound(lambda c, n: create(c, "u" * n), 255, 256, f"Invalid table name: '{'u' * 256}'."),
    "the shortest table's name": Bound(lambda c, n: create(c, "u" * n), 1, 0, "Invalid table name: ''."),
    "bytes of a column's name": Bound(
        lambda c, n: put(c, [("c" * n, 1)]), 255, 256, f"Invalid column name: '{'c' * 256}'."
    ),
    "the shortest column's name": Bound(lambda c, n: put(c, [("c" * n, 1)]), 1, 0, "Invalid column name: ''."),
    "key columns": Bound(key_columns, 4, 5, "The number of primary key columns must be in range: [1, 4]."),
    "the fewest key columns": Bound(key_columns, 1, 0, "The number of primary key columns must be in range: [1, 4]."),
    "bytes of a text key": Bound(
        lambda c, n: put(c, key=[("id", "x" * n)]), 1024, 1025,
        "The length of primary key column: 'id' exceeds the MaxLength:1024 with CurrentLength:1025.",
    ),
    "bytes of a binary key": Bound(
        binary_key, 1024, 1025,
        "The length of primary key column: 'id' exceeds the MaxLength:1024 with CurrentLength:1025.",
    ),
    "bytes of a text": Bound(
        lambda c, n: put(c, [("c", "x" * n)]), BIG, BIG + 1,
        "The length of attribute column: 'c' exceeds the MaxLength:2097152 with CurrentLength:2097153.",
    ),
    "bytes of a binary": Bound(
        lambda c, n: put(c, [("c", bytearray(n))]), BIG, BIG + 1,
        "The length of attribute column: 'c' exceeds the MaxLength:2097152 with CurrentLength:2097153.",
    ),
    "columns of a written row": Bound(
        lambda c, n: put(c, [(f"c{at}", 1) for at in range(n)]), 1024, 1025,
        "The number of attribute columns exceeds the limit, limit count: 1024, column count: 1025.",
    ),
    "columns to get": Bound(
        lambda c, n: get(c, columns_to_get=[f"c{at}" for at in range(n)]), 128, 129,
        "The number of columns from the request exceeds the limit, limit count: 128, column count: 129.",
    ),
    "rows of a batch to get": Bound(get_batch, 100, 101, "Rows count exceeds the upper limit: 100."),
    "rows of a batch to write": Bound(
        lambda c, n: write_batch(c, *[[("n", 1)]] * n), 200, 201, "Rows count exceeds the upper limit: 200."
    ),
    "bytes of a batch to write": Bound(bytes_in_a_batch, BATCH, BATCH + 1, WHOLE_BATCH),
    "conditions of a filter": Bound(
        lambda c, n: get(c, column_filter=conditions(n)), 10, 11, "The count of filter exceeds the max: 10."
    ),
    "conditions of a write": Bound(
        lambda c, n: put(c, condition=Condition(RowExistenceExpectation.IGNORE, conditions(n))), 10, 11,
        "The count of filter exceeds the max: 10.",
    ),
    "the fewest parts of a filter": Bound(
        lambda c, n: get(c, column_filter=conditions(n)), 2, 1,
        "Invalid AND/OR operator: the number of sub-filters must be more than 1.",
    ),
    "bytes of a regular expression": Bound(
        lambda c, n: get(c, column_filter=regex(n)), 256, 257, "The length of regex exceeds the max: 256."
    ),
    "predefined columns": Bound(
        lambda c, n: create(c, f"u{n}", defined=n), 32, 33, "The number of defined columns must be in range: [0, 32]."
    ),
    "indexes": Bound(indexes, 5, 6, "Number of index per table exceeds the quota:5."),
    "key columns of an index": Bound(
        index_key, 4, 5, "The number of primary key columns must be in range: [1, 4] in index."
    ),
    "columns of an index": Bound(
        index_columns, 32, 33, "The number of attribute columns must be in range: [0, 32] in index."
    ),
    "reserved read units": Bound(
        lambda c, n: reserve(c, read=n), 5000, 5001, "The value of read capacity unit can not be more than 5000."
    ),
    "the fewest reserved write units": Bound(
        lambda c, n: reserve(c, write=n), 0, -1, "The value of write capacity unit can not be less than 0."
    ),
    "the shortest life": Bound(
        lambda c, n: create(c, f"u{n}", options=TableOptions(n)), 1, 0, "TimeToLive cannot be 0 or less than -1."
    ),
    "no end of life": Bound(
        lambda c, n: create(c, f"u{n + 2}", options=TableOptions(n)), -1, -2, "TimeToLive cannot be 0 or less than -1."
    ),
    "the fewest versions": Bound(
        lambda c, n: create(c, f"u{n}", options=TableOptions(-1, n)), 1, 0,
        "The maximum versions cannot be less than or equal to 0.",
    ),
    "the largest deviation": Bound(
        lambda c, n: create(c, f"u{n}", options=TableOptions(-1, 1, n)), DEVIATION_MAX, DEVIATION_MAX + 1,
        "The maximum deviation must be in range [0, INT64_MAX/1000000].",
    ),
    "the smallest deviation": Bound(
        lambda c, n: create(c, f"u{n + 1}", options=TableOptions(-1, 1, n)), 0, -1,
        "The maximum deviation must be in range [0, INT64_MAX/1000000].",
    ),
    "the latest version": Bound(
        lambda c, n: c.put_row("wide", Row(KEY, [("n", 1, n)]), ANY), LATEST_MS, LATEST_MS + 1,
        "Timestamp must be in range [0, INT64_MAX/1000).",
    ),
    "versions that are read": Bound(
        lambda c, n: get(c, max_version=n), 1, 0, "Invalid max versions: 0. Reason: Max versions must be positive."
    ),
    "the smallest limit of a range": Bound(
        lambda c, n: c.get_range("t", "FORWARD", LOW, HIGH, [], n, max_version=1), 1, 0,
        "The limit must be greater than 0.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUNDS)
def test_a_number_is_taken_at_its_bound_and_refused_beyond(server: TablestoreServer, name: str) -> None:
    bound, client = BOUNDS[name], server.client()
    create(client, defined=32)
    create(client, "wide", options=TableOptions(-1, 1, DEVIATION_MAX))

    bound.use(client, bound.taken)
    before = server.served.call(server.service.state)
    with pytest.raises(OTSServiceError) as caught:
        bound.use(client, bound.beyond)

    error = caught.value
    assert (error.http_status, error.code, error.message) == (bound.status, bound.code, bound.message)
    assert server.served.call(server.service.state) == before


def test_a_page_holds_five_thousand_rows_or_four_megabytes(server: TablestoreServer) -> None:
    client = server.client()
    create(client)
    client.put_row("t", Row([("id", "large-0")], [("n", "x" * (BIG - 10))]), ANY)
    client.put_row("t", Row([("id", "large-1")], [("n", "x" * (BIG - 10))]), ANY)
    server.served.call(lambda: [server.service.put_row("t", (f"{number:04}",), {}) for number in range(5001)])

    def page(start: str, end: str) -> tuple[int, Any]:
        bounds = ([("id", start)], [("id", end)])
        _, following, rows, _ = client.get_range("t", "FORWARD", *bounds, max_version=1)
        return len(rows), following

    assert page("0", "5000") == (5000, None)
    assert page("0", "5001") == (5000, [("id", "5000")])
    assert page("large", "larger") == (2, None)  # 2 + 7 for each key, 1 for each column's name: 4 MB
    client.put_row("t", Row([("id", "large-1")], [("n", "x" * (BIG - 9))]), ANY)
    assert page("large", "larger") == (1, [("id", "large-1")])


def test_a_body_of_more_than_five_megabytes_is_too_large(server: TablestoreServer) -> None:
    client = server.client()
    create(client)
    put(client, [("a", "x" * BIG), ("b", "x" * BIG), ("c", "x" * (BIG // 2 - 1000))])

    with pytest.raises(OTSServiceError) as caught:
        put(client, [("a", "x" * BIG), ("b", "x" * BIG), ("c", "x" * (BIG // 2))])

    error = caught.value
    assert (error.http_status, error.code) == (413, "OTSRequestBodyTooLarge")
    assert error.message == "The size of POST data is too large."


@pytest.mark.parametrize(
    ("off_ms", "taken"), [(-86_400_000, True), (-86_400_001, False), (86_399_999, True), (86_400_000, False)]
)
def test_a_version_may_be_a_day_from_now_unless_told_otherwise(
    server: TablestoreServer, off_ms: int, taken: bool
) -> None:
    client = server.client()
    create(client)
    now_ms = server.served.call(lambda: (server.clock.freeze(), server.clock.now_ms())[1])

    def write() -> None:
        put(client, [("n", 1, now_ms + off_ms)])

    if taken:
        write()
    else:
        with pytest.raises(OTSServiceError) as caught:
            write()
        assert (caught.value.code, caught.value.message) == ("OTSParameterInvalid", "Invalid timestamp. Cell:'n'.")


def test_a_transaction_lives_for_a_minute_and_holds_four_megabytes(server: TablestoreServer) -> None:
    client = server.client()
    create(client)
    server.served.call(server.clock.freeze)

    def write(transaction: str, length: int) -> None:
        client.update_row("t", Row(KEY, {"PUT": [("n", "x" * length)]}), ANY, None, transaction)  # 2 + 1 and 1

    late = client.start_local_transaction("t", KEY)
    server.served.call(lambda: server.service.timeline.advance_to(server.clock.now_ms() + 59_999))
    write(late, BIG - 4)
    write(late, BIG - 4)
    with pytest.raises(OTSServiceError) as too_much:
        write(late, 0)
    server.served.call(lambda: server.service.timeline.advance_to(server.clock.now_ms() + 1))
    with pytest.raises(OTSServiceError) as too_late:
        client.commit_transaction(late)

    assert (too_much.value.code, too_much.value.http_status) == ("OTSOutOfTransactionDataSizeLimit", 400)
    assert (too_late.value.code, too_late.value.message) == (
        "OTSSessionNotExist", "Session not exist or may be timeout.",
    )  # fmt: skip
