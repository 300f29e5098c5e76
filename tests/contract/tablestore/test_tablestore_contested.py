"""Filters, transactions and contested points as the vendor's own tests assert them, in our words.

Sources: tests of the SDK for Java (UnifiedFilterRestrictionAndParamCheckingTest, LocalTxnTest, RestrictedItemTest), an
example of the one for Python, and tests of ex_aliyun_ots for Elixir.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.tablestore.batches import GetGroup, WriteGroup
from localcloud.tablestore.changes import delete, put, update
from localcloud.tablestore.conditions import All, Column, Not
from localcloud.tablestore.errors import TablestoreError
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.messages import messages
from localcloud.tablestore.plainbuffer import encode_key
from localcloud.tablestore.ranges import RangeQuery
from localcloud.tablestore.reads import Selection
from localcloud.tablestore.schema import KeyColumn, TableMeta, TableOptions
from localcloud.tablestore.values import INF_MAX, INF_MIN
from tests.contract.tablestore.worlds import ONE_KEY, TablestoreWorld
from tests.wire.tablestore_messages import less_than

INVALID = "OTSParameterInvalid"
UNVERSIONED = Selection(versions_max=None)


def refused(action: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(TablestoreError) as caught:
        action()
    return caught.value.code, caught.value.message


# -- filters ----------------------------------------------------------------------------------------------------------
def single() -> Column:
    return Column("n", "==", 1, pass_if_missing=True)


def chain(depth: int) -> Any:
    """A filter message: a condition in that many NOTs."""
    pb = messages().filter
    rule = less_than("n", 5)
    for _ in range(depth):
        inner = pb.CompositeColumnValueFilter(combinator=pb.LO_NOT, sub_filters=[rule])
        rule = pb.Filter(type=pb.FT_COMPOSITE_COLUMN_VALUE, filter=inner.SerializeToString())
    return rule


def fan(count: int, combinator: int) -> Any:
    """A filter message: that many conditions side by side."""
    pb = messages().filter
    inner = pb.CompositeColumnValueFilter(combinator=combinator, sub_filters=[less_than("n", 5)] * count)
    return pb.Filter(type=pb.FT_COMPOSITE_COLUMN_VALUE, filter=inner.SerializeToString())


@pytest.mark.parametrize(("counted", "conditions"), [("conditions", 10), ("all", 9)])
def test_what_counts_as_a_filter_is_a_switch(counted: Any, conditions: int) -> None:
    service = TablestoreWorld(Limits(filters_counted=counted)).table()

    service.get_row("t", ("a",), Selection(filter=All((single(),) * conditions)))
    said = refused(lambda: service.get_row("t", ("a",), Selection(filter=All((single(),) * (conditions + 1)))))

    assert said == (INVALID, "The count of filter exceeds the max: 10.")
    service.get_row("t", ("a",), Selection(filter=Not(Not(single()))))


@pytest.mark.parametrize(
    ("limits", "rule", "message"),
    [
        (Limits(), fan(11, 2), "The count of filter exceeds the max: 10."),
        (Limits(), fan(11, 1), "The count of filter exceeds the max: 10."),  # that a NOT has one part comes second
        (Limits(), fan(9, 1), "Invalid NOT operator: the number of sub-filters must be 1."),
        (Limits(), fan(1, 2), "Invalid AND/OR operator: the number of sub-filters must be more than 1."),
        (Limits(), chain(1000), "The count of filter exceeds the max: 10."),
        (Limits(filters_max=32, filters_counted="all"), chain(32), "The count of filter exceeds the max: 32."),
        (Limits(filters_max=32, filters_counted="all"), chain(31), ""),
        (Limits(filters_max=32, filters_counted="all"), fan(32, 2), "The count of filter exceeds the max: 32."),
        (Limits(filters_max=32, filters_counted="all"), fan(31, 2), ""),
    ],
)
def test_too_many_filters_are_refused_before_their_form_is_looked_at(limits: Limits, rule: Any, message: str) -> None:
    world = TablestoreWorld(limits)
    world.table()
    key = encode_key(("id",), ("a",))

    answer = world.ask(
        "GetRow",
        messages().table.GetRowRequest(
            table_name="t", primary_key=key, max_versions=1, filter=rule.SerializeToString()
        ),
    )

    assert getattr(answer, "message", "") == message


# -- transactions -----------------------------------------------------------------------------------------------------
def test_a_key_outside_a_transaction_is_named_with_the_transactions_own() -> None:
    service = TablestoreWorld().table()
    service.create_table(TableMeta("u", ONE_KEY.key))
    transaction = service.start_transaction("t", ("key1",))
    whole = RangeQuery(("key1",), ("key2",))

    for action in (
        lambda: service.get_range("t", whole, transaction_id=transaction),
        lambda: service.write_row("t", delete(("key2",)), transaction_id=transaction),
    ):
        assert refused(action) == (
            "OTSDataOutOfRange", "Data out of scope of transaction. Transaction PartKey:key1. Data PartKey:key2",
        )  # fmt: skip
    elsewhere = [WriteGroup("u", (update(("key1",), {"n": 1}),))]
    assert refused(lambda: service.write_batch(elsewhere, transaction_id=transaction))[0] == "OTSDataOutOfRange"


@pytest.mark.parametrize(("sent", "offers"), [(b"", True), (b"\x40\x01", True), (b"\x40\x00", False)])
def test_a_table_can_be_made_without_local_transactions(sent: bytes, offers: bool) -> None:
    pb = messages().table
    world = TablestoreWorld()
    request = pb.CreateTableRequest(
        table_meta=pb.TableMeta(table_name="t", primary_key=[pb.PrimaryKeySchema(name="id", type=pb.STRING)]),
        reserved_throughput=pb.ReservedThroughput(capacity_unit=pb.CapacityUnit(read=0, write=0)),
        table_options=pb.TableOptions(time_to_live=-1, max_versions=1),
    )

    made = world.handle(world.request("CreateTable", request.SerializeToString() + sent))  # enable_local_txn
    answer = world.ask(
        "StartLocalTransaction", pb.StartLocalTransactionRequest(table_name="t", key=encode_key(("id",), ("a",)))
    )

    assert made.status == 200
    disabled = "Try to call method using explicit transaction on explicit-transaction-disabled table."
    assert getattr(answer, "message", "") == ("" if offers else disabled)


# -- switches ---------------------------------------------------------------------------------------------------------
def test_a_missing_table_fails_a_batch_or_its_rows() -> None:
    groups = [WriteGroup("t", (put(("a",), {"n": 1}),)), WriteGroup("none", (delete(("a",)), delete(("b",))))]
    whole, by_row = TablestoreWorld(), TablestoreWorld(Limits(missing_tables="row"))
    for world in (whole, by_row):
        world.table()

    assert refused(lambda: whole.service.write_batch(groups))[0] == "OTSObjectNotExist"
    written, missing = by_row.service.write_batch(groups)

    assert whole.service.get_row("t", ("a",)).row is None
    assert [isinstance(outcome, TablestoreError) for outcome in (*written, *missing)] == [False, True, True]
    assert {outcome.code for outcome in missing if isinstance(outcome, TablestoreError)} == {"OTSObjectNotExist"}


@pytest.mark.parametrize(
    ("texts", "tables", "version"),
    [
        ("pages", "Number of tables exceeded the quota.", "No version condition is specified while querying row."),
        ("java-tests", "Number of tables exceeds the quota:1.", "No version condition is specified."),
    ],
)
def test_contested_texts_are_a_switch(texts: Any, tables: str, version: str) -> None:
    world = TablestoreWorld(Limits(tables_max=1, texts=texts))
    service = world.table()
    everything = RangeQuery((INF_MIN,), (INF_MAX,), selection=UNVERSIONED)

    assert refused(lambda: service.create_table(TableMeta("u", (KeyColumn("id", "STRING"),), ()), TableOptions())) == (
        "OTSQuotaExhausted", tables,
    )  # fmt: skip
    assert refused(lambda: service.get_row("t", ("a",), UNVERSIONED))[1] == version
    assert refused(lambda: service.get_range("t", everything))[1] == version
    in_batch = refused(lambda: service.get_batch([GetGroup("t", (("a",),), UNVERSIONED)]))[1]
    assert in_batch == "No version condition is specified while querying row."
