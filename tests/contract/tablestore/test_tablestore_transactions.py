"""Local transactions: one partition key is locked, others see the old rows until the commit, all or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from tablestore import (
    INF_MAX,
    INF_MIN,
    BatchWriteRowRequest,
    CapacityUnit,
    Condition,
    PutRowItem,
    ReservedThroughput,
    Row,
    RowExistenceExpectation,
    TableInBatchWriteRowItem,
    TableMeta,
    TableOptions,
)
from tablestore.error import OTSServiceError

from localcloud.tablestore.batches import WriteGroup
from localcloud.tablestore.changes import delete, put
from localcloud.tablestore.errors import TablestoreError
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.ranges import RangeQuery
from localcloud.tablestore.values import INF_MAX as HIGHEST
from localcloud.tablestore.values import INF_MIN as LOWEST
from tests.contract.tablestore.worlds import TWO_KEYS, TablestoreServer, TablestoreWorld

ANY = Condition(RowExistenceExpectation.IGNORE)
KEY = [("part", "p"), ("number", 1)]
LOW, HIGH = ([("part", "p"), ("number", mark)] for mark in (INF_MIN, INF_MAX))


def created(server: TablestoreServer) -> Any:
    client = server.client()
    client.create_table(
        TableMeta("t", [("part", "STRING"), ("number", "INTEGER")]),
        TableOptions(),
        ReservedThroughput(CapacityUnit(0, 0)),
    )
    client.put_row("t", Row(KEY, [("n", 1)]), ANY)
    return client


def numbers(client: Any, transaction: str | None = None) -> list[int]:
    rows = client.get_range("t", "FORWARD", LOW, HIGH, max_version=1, transaction_id=transaction)[2]
    return [row.attribute_columns[0][1] for row in rows]


def code(action: Any) -> str:
    with pytest.raises((OTSServiceError, TablestoreError)) as caught:
        action()
    found: str = caught.value.code
    return found


def write_through_every_call(client: Any, transaction: str) -> None:
    client.put_row("t", Row([("part", "p"), ("number", 2)], [("n", 2)]), ANY, transaction_id=transaction)
    client.update_row("t", Row(KEY, {"INCREMENT": [("n", 9)]}), ANY, transaction_id=transaction)
    client.put_row("t", Row([("part", "p"), ("number", 3)], [("n", 3)]), ANY, transaction_id=transaction)
    client.delete_row("t", Row([("part", "p"), ("number", 3)]), ANY, transaction_id=transaction)
    request = BatchWriteRowRequest()
    request.add(
        TableInBatchWriteRowItem("t", [PutRowItem(Row([("part", "p"), ("number", 0)], [("n", 0)]), ANY)]),
    )
    request.set_transaction_id(transaction)
    assert client.batch_write_row(request).is_all_succeed()


def test_others_see_the_rows_of_a_transaction_after_its_commit(server: TablestoreServer) -> None:
    client = created(server)
    transaction = client.start_local_transaction("t", KEY[:1])

    write_through_every_call(client, transaction)
    inside, outside = numbers(client, transaction), numbers(client)
    own = client.get_row("t", KEY, max_version=1, transaction_id=transaction)[1]
    client.commit_transaction(transaction)

    assert (inside, outside, numbers(client)) == ([0, 10, 2], [1], [0, 10, 2])
    assert own.attribute_columns[0][1] == 10
    assert code(lambda: client.commit_transaction(transaction)) == "OTSSessionNotExist"


def test_nobody_sees_the_rows_of_a_transaction_that_was_aborted(server: TablestoreServer) -> None:
    client = created(server)
    transaction = client.start_local_transaction("t", KEY[:1])

    write_through_every_call(client, transaction)
    client.abort_transaction(transaction)

    assert numbers(client) == [1]
    assert code(lambda: numbers(client, transaction)) == "OTSSessionNotExist"
    client.put_row("t", Row(KEY, [("n", 5)]), ANY)
    assert numbers(client) == [5]


def test_a_locked_partition_takes_no_other_writes_and_no_second_transaction(server: TablestoreServer) -> None:
    client = created(server)
    client.start_local_transaction("t", KEY[:1])

    assert code(lambda: client.put_row("t", Row(KEY, [("n", 2)]), ANY)) == "OTSRowOperationConflict"
    assert code(lambda: client.start_local_transaction("t", KEY[:1])) == "OTSRowOperationConflict"
    request = BatchWriteRowRequest()
    rows = [Row([("part", part), ("number", 1)], [("n", 7)]) for part in ("p", "free")]
    request.add(TableInBatchWriteRowItem("t", [PutRowItem(row, ANY) for row in rows]))
    succeeded, failed = client.batch_write_row(request).get_put()

    assert [item.index for item in succeeded] == [1]
    assert [item.error_code for item in failed] == ["OTSRowOperationConflict"]
    assert numbers(client) == [1]


def test_what_is_no_transaction_is_refused(server: TablestoreServer) -> None:
    client = created(server)
    transaction = client.start_local_transaction("t", KEY[:1])
    elsewhere = Row([("part", "q"), ("number", 1)], [("n", 1)])

    assert code(lambda: client.commit_transaction("nonsense")) == "OTSParameterInvalid"
    assert code(lambda: client.abort_transaction("0" * 32)) == "OTSSessionNotExist"
    assert code(lambda: client.put_row("t", elsewhere, ANY, transaction_id=transaction)) == "OTSDataOutOfRange"
    assert code(lambda: client.start_local_transaction("t", KEY)) == "OTSParameterInvalid"
    assert code(lambda: client.start_local_transaction("t", [("other", "p")])) == "OTSInvalidPK"
    assert code(lambda: client.start_local_transaction("t", [("part", 1)])) == "OTSInvalidPK"
    assert code(lambda: client.start_local_transaction("none", KEY[:1])) == "OTSObjectNotExist"


def test_a_transaction_ends_after_a_minute_and_leaves_nothing(world: TablestoreWorld) -> None:
    service = world.table(TWO_KEYS)
    transaction = service.start_transaction("t", ("p",))
    service.write_row("t", put(("p", 1), {"n": 1}), transaction_id=transaction)

    world.advance(59_999)
    service.write_row("t", put(("p", 2), {"n": 2}), transaction_id=transaction)
    world.advance(1)

    assert code(lambda: service.commit_transaction(transaction)) == "OTSSessionNotExist"
    assert service.get_row("t", ("p", 1)).row is None
    service.put_row("t", ("p", 1), {"n": 3})


def test_a_transaction_takes_only_so_many_bytes() -> None:
    world = TablestoreWorld(Limits(transaction_bytes_max=60))
    service = world.table(TWO_KEYS)
    transaction = service.start_transaction("t", ("p",))

    service.write_row("t", put(("p", 1), {"n": "x" * 36}), transaction_id=transaction)  # 4+1+6+8 + 1+36 = 56 bytes

    assert (
        code(lambda: service.write_row("t", delete(("p", 1)), transaction_id=transaction))
        == "OTSOutOfTransactionDataSizeLimit"
    )
    service.commit_transaction(transaction)
    assert service.get_row("t", ("p", 1)).row is not None


def test_a_deleted_table_ends_its_transactions(world: TablestoreWorld) -> None:
    service = world.table(TWO_KEYS)
    transaction = service.start_transaction("t", ("p",))

    service.delete_table("t")
    world.table(TWO_KEYS)

    assert code(lambda: service.commit_transaction(transaction)) == "OTSSessionNotExist"
    service.put_row("t", ("p", 1), {"n": 1})


def test_a_transaction_reads_its_rows_among_the_others_both_ways(world: TablestoreWorld) -> None:
    service = world.table(TWO_KEYS)
    for number in range(0, 10, 2):
        service.put_row("t", ("p", number), {"n": 0})
    transaction = service.start_transaction("t", ("p",))
    changes = (put(("p", 3), {"n": 1}), put(("p", 4), {"n": 1}), delete(("p", 6)), delete(("p", 7)))
    service.write_batch([WriteGroup("t", changes)], transaction_id=transaction)
    low, high = ("p", LOWEST), ("p", HIGHEST)

    up = service.get_range("t", RangeQuery(low, high), transaction_id=transaction)
    down = service.get_range("t", RangeQuery(high, low, is_backward=True, limit=3), transaction_id=transaction)

    assert [row.key[1] for row in up.rows] == [0, 2, 3, 4, 8]
    assert [row.key[1] for row in down.rows] == [8, 4, 3]
    assert down.next_key == ("p", 2)
