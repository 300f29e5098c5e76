"""A batch answers success while rows in it failed: each row's answer is read, and only failed rows go again."""

from __future__ import annotations

import time

import pytest
from tablestore.protobuf import table_store_pb2 as pb

from localcloud.account import Account
from localcloud.http import Response
from localcloud.tablestore.signatures import reply_headers
from shared.adapters.tablestore_calls import TableCalls
from shared.adapters.tablestore_writes import Write
from shared.core.errors import FleetrunError, Unavailable, UnknownOutcome
from tests.adapters.canned import Canned, canned
from tests.adapters.clients import Sleepless, table_calls

ACCOUNT = Account()
WRITES = [Write("put", "runs", (("run_id", "r"), ("part", str(number))), {"a": number}) for number in range(3)]


def signed(operation: str, body: bytes) -> Response:
    now_ms = time.time_ns() // 1_000_000
    signer = (ACCOUNT.access_key_id, ACCOUNT.access_key_secret.encode())
    return Response(200, reply_headers(operation, body, request_id="r", now_ms=now_ms, signer=signer), body)


def written(*codes: str) -> Response:
    """A BatchWriteRow answer: "" = ok, else the row's error code."""
    answer = pb.BatchWriteRowResponse()
    table = answer.tables.add(table_name="runs")
    for code in codes:
        row = table.rows.add(is_ok=not code)
        if code:
            row.error.code, row.error.message = code, "m"
        else:
            row.consumed.capacity_unit.write = 1
    return signed("BatchWriteRow", answer.SerializeToString())


def read(*codes: str) -> Response:
    answer = pb.BatchGetRowResponse()
    table = answer.tables.add(table_name="runs")
    for code in codes:
        row = table.rows.add(is_ok=not code)
        if code:
            row.error.code, row.error.message = code, "m"
        else:
            row.consumed.capacity_unit.read = 1
            row.row = b""
    return signed("BatchGetRow", answer.SerializeToString())


def rows_in(server: Canned, index: int) -> int:
    request = server.requests[index]
    kind = pb.BatchWriteRowRequest if request.path.endswith("BatchWriteRow") else pb.BatchGetRowRequest
    table = kind.FromString(request.body).tables[0]
    return len(table.rows if isinstance(table, pb.TableInBatchWriteRowRequest) else table.primary_key)


def write_many(server: Canned) -> list[bool]:
    calls: TableCalls = table_calls(server.url, Sleepless())
    return calls.write_many(WRITES)


def test_only_the_rows_that_were_busy_go_again() -> None:
    with canned(
        written("", "OTSServerBusy", "OTSRowOperationConflict"), written("", "OTSServerBusy"), written("")
    ) as it:
        won = write_many(it)

    assert won == [True, True, True]
    assert [rows_in(it, index) for index in range(3)] == [3, 2, 1]


def test_each_row_whose_condition_failed_is_told_apart_and_does_not_go_again() -> None:
    with canned(written("", "OTSConditionCheckFail", "OTSServerBusy"), written("OTSConditionCheckFail")) as it:
        won = write_many(it)

    assert won == [True, False, False]
    assert rows_in(it, 1) == 1


@pytest.mark.parametrize(
    ("codes", "family"),
    [
        (("OTSServerBusy", "OTSServerBusy", "OTSServerBusy"), Unavailable),
        (("OTSConditionCheckFail", "OTSServerBusy", "OTSServerBusy"), Unavailable),
        (("", "OTSServerBusy", "OTSServerBusy"), UnknownOutcome),
        (("", "", "OTSTimeout"), UnknownOutcome),
        (("OTSServerBusy", "OTSTimeout", "OTSServerBusy"), UnknownOutcome),
        (("OTSParameterInvalid",) * 3, Unavailable),
        (("", "OTSParameterInvalid", ""), UnknownOutcome),
    ],
)
def test_a_batch_is_unavailable_only_if_nothing_at_all_was_written(
    codes: tuple[str, ...], family: type[FleetrunError]
) -> None:
    later = tuple(code for code in codes if code not in ("", "OTSConditionCheckFail"))
    with canned(written(*codes), written(*later)) as it, pytest.raises(family) as raised:
        write_many(it)

    assert type(raised.value) is family


def test_only_the_rows_that_could_not_be_read_are_read_again() -> None:
    keys = [write.key for write in WRITES]
    with canned(read("", "OTSServerBusy", "OTSTimeout"), read("", "")) as it:
        found = table_calls(it.url).get_many("runs", keys)

    assert found == [None, None, None]
    assert [rows_in(it, index) for index in range(2)] == [3, 2]


def test_rows_that_stay_unreadable_make_the_read_unavailable() -> None:
    with canned(read("OTSServerBusy", "", ""), read("OTSServerBusy")) as it, pytest.raises(Unavailable) as raised:
        table_calls(it.url).get_many("runs", [write.key for write in WRITES])

    assert (raised.value.code, len(it.requests)) == ("OTSServerBusy", 4)
