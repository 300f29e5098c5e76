"""Every error code of Tablestore that is offered, provoked by a signed request; or the reason why no request can."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localcloud.http import Refusal, Request, Response
from localcloud.tablestore import errors
from localcloud.tablestore.batches import GetGroup, WriteGroup
from localcloud.tablestore.changes import put
from localcloud.tablestore.errors import STATUS_OF_CODE, TablestoreError
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.messages import messages
from localcloud.tablestore.plainbuffer import encode_key, encode_rows
from localcloud.tablestore.ranges import RangeQuery
from tests.contract.tablestore.worlds import TablestoreWorld

KEY = ("id",)


def post(world: TablestoreWorld, operation: str, **fields: Any) -> Response:
    message = getattr(messages().table, f"{operation}Request")(**fields)
    return world.handle(world.request(operation, message.SerializeToString()))


def create(world: TablestoreWorld, name: str) -> Response:
    pb = messages().table
    meta = pb.TableMeta(table_name=name, primary_key=[pb.PrimaryKeySchema(name="id", type=pb.STRING)])
    units = pb.ReservedThroughput(capacity_unit=pb.CapacityUnit(read=0, write=0))
    options = pb.TableOptions(time_to_live=-1, max_versions=1)
    return post(world, "CreateTable", table_meta=meta, reserved_throughput=units, table_options=options)


def get(world: TablestoreWorld, **fields: Any) -> Response:
    return post(
        world, "GetRow", **{"table_name": "t", "primary_key": encode_key(KEY, ("a",)), "max_versions": 1, **fields}
    )


def put_row(world: TablestoreWorld, key: str = "a", *, expects: int = 0, **fields: Any) -> Response:
    row = encode_rows(KEY, [((key,), [("n", 1, world.now_ms)])])
    condition = messages().table.Condition(row_existence=expects)
    return post(world, "PutRow", table_name="t", row=row, condition=condition, **fields)


def begin(world: TablestoreWorld) -> str:
    answer = post(world, "StartLocalTransaction", table_name="t", key=encode_key(KEY, ("a",)))
    return str(messages().table.StartLocalTransactionResponse.FromString(answer.body).transaction_id)


def conflicting(world: TablestoreWorld) -> Response:
    begin(world)
    return put_row(world)


def by_get(world: TablestoreWorld) -> Response:
    sent = world.request("ListTable", b"")
    return world.handle(Request("GET", sent.path, "", sent.headers, b"", sent.received_ms))


def oversized(world: TablestoreWorld) -> Response:
    return world.handle(world.request("GetRow", bytes(5 * 1024 * 1024 + 1)))


PROVOKED: dict[str, Callable[[TablestoreWorld], Response]] = {
    "OTSAuthFailed": lambda w: w.handle(w.request("ListTable", b"", x_ots_signature="d3Jvbmc=")),
    "OTSConditionCheckFail": lambda w: put_row(w, "none", expects=1),
    "OTSDataOutOfRange": lambda w: put_row(w, "b", transaction_id=begin(w)),
    "OTSInvalidPK": lambda w: get(w, primary_key=encode_key(("other",), ("a",))),
    "OTSMethodNotAllowed": by_get,
    "OTSObjectAlreadyExist": lambda w: create(w, "t"),
    "OTSObjectNotExist": lambda w: get(w, table_name="none"),
    "OTSOutOfTransactionDataSizeLimit": lambda w: put_row(w, transaction_id=begin(w)),
    "OTSParameterInvalid": lambda w: get(w, primary_key=b"noise"),
    "OTSQuotaExhausted": lambda w: create(w, "other"),
    "OTSRequestBodyTooLarge": oversized,
    "OTSRowOperationConflict": conflicting,
    "OTSSessionNotExist": lambda w: put_row(w, transaction_id="0" * 32),
    "OTSTableNotReady": get,
}
SWITCHED: dict[str, dict[str, Any]] = {
    "OTSOutOfTransactionDataSizeLimit": {"transaction_bytes_max": 3},
    "OTSQuotaExhausted": {"tables_max": 1},
    "OTSTableNotReady": {"table_ready_ms": 5_000},
}
FAULTS_ONLY = {
    "OTSCapacityUnitExhausted": "capacity is never short here",
    "OTSForbiddenUpdateCapacityUnit": "capacity can be reserved on every instance here",
    "OTSInternalServerError": "nothing breaks by itself here",
    "OTSFlowControl": "nothing is throttled by itself: the kind throttle says OTSServerBusy",
    "OTSNoPermissionAccess": "one account, which may do everything",
    "OTSNotEnoughCapacityUnit": "capacity is never short here",
    "OTSOperationConflict": "only known from what the SDKs retry",
    "OTSOperationThrottled": "only known from what the SDKs retry",
    "OTSOutOfColumnCountLimit": "a row has no limit of columns any more; one write of too many is OTSParameterInvalid",
    "OTSOutOfRowSizeLimit": "a row has no limit of bytes any more",
    "OTSPartitionUnavailable": "there are no partitions that move",
    "OTSRequestTimeout": "the server waits for a request as long as the connection lives",
    "OTSServerBusy": "nothing is throttled by itself: the kind throttle says it",
    "OTSServerUnavailable": "the local cloud is up, or it does not answer at all",
    "OTSSessionBusy": "requests are answered one after the other, so that a transaction never has two",
    "OTSTimeout": "operations end at once",
    "OTSTooFrequentReservedThroughputAdjustment": "how often a table is updated is not bounded here",
}


def error_of(response: Response) -> tuple[int, str]:
    """Status and code of a refusal that has a text, a request id and a signature or none."""
    error = messages().table.Error.FromString(response.body)
    assert error.message
    assert dict(response.headers)["x-ots-requestid"]
    return response.status, error.code


def test_every_code_is_provoked_or_has_a_reason_why_not() -> None:
    written = set(re.findall(r'"(OTS\w+)"', Path(errors.__file__).read_text(encoding="utf-8")))

    assert set(PROVOKED) | set(FAULTS_ONLY) == set(STATUS_OF_CODE)
    assert not set(PROVOKED) & set(FAULTS_ONLY)
    assert written == set(STATUS_OF_CODE)


@pytest.mark.parametrize("code", sorted(PROVOKED))
def test_a_code_is_said_with_its_status_and_no_row_has_changed(code: str) -> None:
    world = TablestoreWorld(limits=Limits(**SWITCHED.get(code, {})))
    world.table()
    if code != "OTSTableNotReady":
        put_row(world)
    before = world.service.state()["tables"]

    response = PROVOKED[code](world)

    assert error_of(response) == (STATUS_OF_CODE[code], code)
    assert world.service.state()["tables"] == before


@pytest.mark.parametrize("code", sorted(FAULTS_ONLY))
def test_a_code_that_only_faults_say_has_its_status(code: str) -> None:
    world = TablestoreWorld()

    response = world.endpoint.refuse(world.request("ListTable", b""), Refusal(code=code))

    assert error_of(response) == (STATUS_OF_CODE[code], code)


@pytest.mark.parametrize(("dot", "end"), [(False, "FORWARD"), (True, "FORWARD.")])
def test_a_range_error_ends_as_the_switch_says(dot: bool, end: str) -> None:
    world = TablestoreWorld(limits=Limits(range_errors_end_with_dot=dot))
    world.table()

    with pytest.raises(TablestoreError) as caught:
        world.service.get_range("t", RangeQuery(("b",), ("a",)))

    assert caught.value.message == f"Begin key must less than end key in {end}"


def test_a_row_twice_in_a_batch_can_be_refused_altogether() -> None:
    twice = [WriteGroup("t", (put(("a",), {"n": 1}), put(("a",), {"n": 2})))]
    lenient, strict = TablestoreWorld(), TablestoreWorld(limits=Limits(repeated_rows="refuse"))
    for world in (lenient, strict):
        world.table()

    lenient.service.write_batch(twice)
    with pytest.raises(TablestoreError) as caught:
        strict.service.write_batch(twice)

    assert caught.value.code == "OTSParameterInvalid"
    assert [world.service.state()["tables"]["t"]["rowCount"] for world in (lenient, strict)] == [1, 0]


def test_a_key_that_does_not_fit_fails_its_row_or_the_whole_batch() -> None:
    by_row, whole = TablestoreWorld(), TablestoreWorld(limits=Limits(misfit_keys="request"))
    writes = [WriteGroup("t", (put(("a",), {"n": 1}), put((1,), {"n": 1})))]
    reads = [GetGroup("t", (("a",), (1,)))]
    for world in (by_row, whole):
        world.table()

    written, got = by_row.service.write_batch(writes)[0], by_row.service.get_batch(reads)[0]
    with pytest.raises(TablestoreError) as not_written:
        whole.service.write_batch(writes)
    with pytest.raises(TablestoreError) as not_got:
        whole.service.get_batch(reads)

    assert [isinstance(fate, TablestoreError) for fate in (*written, *got)] == [False, True, False, True]
    assert (not_written.value.code, not_got.value.code) == ("OTSInvalidPK", "OTSInvalidPK")
    assert whole.service.state()["tables"]["t"]["rowCount"] == 0
