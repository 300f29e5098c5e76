"""The official Python SDK, unmodified, over a socket: tables, indexes, who may call, and what is not offered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tablestore import (
    INF_MAX,
    INF_MIN,
    AsyncOTSClient,
    CapacityUnit,
    Condition,
    ReservedThroughput,
    Row,
    RowExistenceExpectation,
    TableMeta,
    TableOptions,
)
from tablestore.error import OTSServiceError
from tablestore.metadata import PK_AUTO_INCR, SecondaryIndexMeta, SecondaryIndexType

from tests.contract.tablestore.worlds import ACCOUNT, TablestoreServer

ANY = Condition(RowExistenceExpectation.IGNORE)
NO_UNITS = ReservedThroughput(CapacityUnit(0, 0))
KEY = [("part", "STRING"), ("number", "INTEGER")]
DEFINED = [("status", "STRING"), ("size", "INTEGER")]


def create(client: Any, name: str = "t", **changes: Any) -> None:
    values = {"options": TableOptions(), "units": NO_UNITS, "indexes": None, "defined": []} | changes
    client.create_table(
        TableMeta(name, KEY, values["defined"]), values["options"], values["units"], secondary_indexes=values["indexes"]
    )


def refused(action: Callable[[], Any]) -> tuple[int, str, str]:
    with pytest.raises(OTSServiceError) as caught:
        action()
    error = caught.value
    assert error.request_id
    return error.http_status, error.code, error.message


def test_a_table_is_described_as_it_was_made(server: TablestoreServer) -> None:
    client = server.client()

    create(client, defined=DEFINED, options=TableOptions(86400, 3, 600), units=ReservedThroughput(CapacityUnit(2, 1)))
    made = client.describe_table("t")

    assert made.table_meta.table_name == "t"
    assert made.table_meta.schema_of_primary_key == KEY
    assert made.table_meta.defined_columns == DEFINED
    options = made.table_options
    assert (options.time_to_live, options.max_version, options.max_time_deviation) == (86400, 3, 600)
    units = made.reserved_throughput_details.capacity_unit
    assert (units.read, units.write) == (2, 1)
    assert made.reserved_throughput_details.last_increase_time > 1_700_000_000
    assert made.secondary_indexes == []


def test_tables_are_listed_by_name_and_gone_when_deleted(server: TablestoreServer) -> None:
    client = server.client()
    create(client, "b")
    create(client, "a")

    before = client.list_table()
    client.delete_table("a")

    assert (list(before), list(client.list_table())) == (["a", "b"], ["b"])
    missing = (404, "OTSObjectNotExist", "Requested table does not exist.")
    assert refused(lambda: client.delete_table("a")) == missing
    assert refused(lambda: client.describe_table("a")) == missing
    assert refused(lambda: client.get_row("a", [("part", "x"), ("number", 1)])) == missing


def test_a_second_table_of_the_same_name_is_refused(server: TablestoreServer) -> None:
    client = server.client()
    create(client)

    assert refused(lambda: create(client)) == (409, "OTSObjectAlreadyExist", "Requested table already exists.")


def test_an_update_changes_what_it_names(server: TablestoreServer) -> None:
    client = server.client()
    create(client, units=ReservedThroughput(CapacityUnit(2, 2)))

    options = client.update_table("t", TableOptions(-1, 5, 7)).table_options
    units = client.update_table("t", reserved_throughput=ReservedThroughput(CapacityUnit(1, 2)))

    assert (options.time_to_live, options.max_version, options.max_time_deviation) == (-1, 5, 7)
    details = units.reserved_throughput_details
    assert (details.capacity_unit.read, details.capacity_unit.write) == (1, 2)
    assert details.last_decrease_time > 1_700_000_000
    assert client.describe_table("t").table_options.max_version == 5


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda c: create(c, "1t"), "Invalid table name: '1t'."),
        (lambda c: create(c, "t" * 256), f"Invalid table name: '{'t' * 256}'."),
        (
            lambda c: c.create_table(TableMeta("u", [("a", "STRING"), ("a", "STRING")]), TableOptions(), NO_UNITS),
            "Duplicated primary key name: 'a'.",
        ),
        (
            lambda c: c.create_table(TableMeta("u", [("#a", "STRING")]), TableOptions(), NO_UNITS),
            "Invalid column name: '#a'.",
        ),
        (
            lambda c: c.create_table(
                TableMeta("u", [(f"k{number}", "STRING") for number in range(5)]), TableOptions(), NO_UNITS
            ),
            "The number of primary key columns must be in range: [1, 4].",
        ),
        (
            lambda c: c.create_table(
                TableMeta("u", [("a", "INTEGER", PK_AUTO_INCR), ("b", "STRING")]), TableOptions(), NO_UNITS
            ),
            "First primary key can't be auto increment, table: 'u'.",
        ),
        (
            lambda c: c.create_table(
                TableMeta("u", [("a", "STRING"), ("b", "STRING", PK_AUTO_INCR)]), TableOptions(), NO_UNITS
            ),
            "AUTO_INCREMENT primary key must be integer.",
        ),
        (lambda c: create(c, "u", options=TableOptions(0)), "TimeToLive cannot be 0 or less than -1."),
        (lambda c: create(c, "u", options=TableOptions(-2)), "TimeToLive cannot be 0 or less than -1."),
        (
            lambda c: create(c, "u", options=TableOptions(-1, 0)),
            "The maximum versions cannot be less than or equal to 0.",
        ),
        (
            lambda c: create(c, "u", units=ReservedThroughput(CapacityUnit(5001, 0))),
            "The value of read capacity unit can not be more than 5000.",
        ),
        (
            lambda c: create(c, "u", units=ReservedThroughput(CapacityUnit(0, -1))),
            "The value of write capacity unit can not be less than 0.",
        ),
        (lambda c: create(c, "u", defined=[("part", "STRING")]), "Duplicated attribute column name with primary key"),
        (
            lambda c: create(c, "u", defined=DEFINED, indexes=[SecondaryIndexMeta("i", ["none"], [])]),
            "Column does not exist: 'none'.",
        ),
        (
            lambda c: create(
                c,
                "u",
                defined=DEFINED,
                indexes=[SecondaryIndexMeta("i", ["size"], [], SecondaryIndexType.LOCAL_INDEX)],
            ),
            "The first primary key of a local index must be the partition key of the table.",
        ),
        (
            lambda c: create(
                c,
                "u",
                defined=DEFINED,
                options=TableOptions(-1, 2),
                indexes=[SecondaryIndexMeta("i", ["size"], [])],
            ),
            "The max versions of a table with secondary index must be 1.",
        ),
        (lambda c: c.update_table("t"), "No parameter is specified while updating table."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_table_is_refused(server: TablestoreServer, action: Callable[[Any], Any], message: str) -> None:
    client = server.client()
    create(client)

    status, code, said = refused(lambda: action(client))

    assert (status, code) == (400, "OTSParameterInvalid")
    assert said.startswith(message)
    assert list(client.list_table()) == ["t"]


@pytest.mark.parametrize("kind", [SecondaryIndexType.GLOBAL_INDEX, SecondaryIndexType.LOCAL_INDEX])
def test_an_index_is_read_like_a_table_and_follows_it(server: TablestoreServer, kind: SecondaryIndexType) -> None:
    client = server.client()
    create(client, defined=DEFINED, indexes=[SecondaryIndexMeta("i", ["part", "status"], ["size"], kind)])
    for number, status in enumerate(["done", "new", "done"]):
        row = Row([("part", "p"), ("number", number)], [("status", status), ("size", number * 10), ("other", 1)])
        client.put_row("t", row, ANY)
    client.put_row("t", Row([("part", "p"), ("number", 9)], [("size", 1)]), ANY)
    client.update_row("t", Row([("part", "p"), ("number", 2)], {"PUT": [("status", "new")]}), ANY)

    low, high = (
        [("part", "p"), ("status", "new"), ("number", INF_MIN)],
        [("part", "p"), ("status", "new"), ("number", INF_MAX)],
    )
    _, _, rows, _ = client.get_range("i", "FORWARD", low, high, max_version=1)
    _, gone, _ = client.get_row("i", [("part", "p"), ("status", "done"), ("number", 2)], max_version=1)

    assert [row.primary_key[2][1] for row in rows] == [1, 2]
    assert [[(name, value) for name, value, *_ in row.attribute_columns] for row in rows] == [
        [("size", 10)],
        [("size", 20)],
    ]
    assert gone is None
    index = client.describe_table("t").secondary_indexes[0]
    assert (index.index_name, index.primary_key_names, index.defined_column_names, index.index_type) == (
        "i", ["part", "status"], ["size"], kind,
    )  # fmt: skip
    assert refused(lambda: client.put_row("i", Row([*low[:2], ("number", 1)], [("size", 1)]), ANY)) == (
        400, "OTSParameterInvalid", "Can't write index table directly.",
    )  # fmt: skip


@pytest.mark.parametrize(("with_base", "expected"), [(True, [1, 2]), (False, [2])])
def test_an_index_made_later_holds_old_rows_when_it_was_asked_to(
    server: TablestoreServer, with_base: bool, expected: list[int]
) -> None:
    client = server.client()
    create(client, defined=DEFINED)
    client.put_row("t", Row([("part", "p"), ("number", 1)], [("status", "new")]), ANY)

    client.create_secondary_index("t", SecondaryIndexMeta("i", ["status"], []), with_base)
    client.put_row("t", Row([("part", "p"), ("number", 2)], [("status", "new")]), ANY)

    bounds = [[("status", mark), ("part", mark), ("number", mark)] for mark in (INF_MIN, INF_MAX)]
    rows = client.get_range("i", "FORWARD", *bounds, max_version=1)[2]
    assert [row.primary_key[2][1] for row in rows] == expected
    assert refused(lambda: client.create_secondary_index("t", SecondaryIndexMeta("i", ["size"], []), False))[:2] == (
        409, "OTSObjectAlreadyExist",
    )  # fmt: skip
    client.delete_secondary_index("t", "i")
    assert client.describe_table("t").secondary_indexes == []
    assert refused(lambda: client.delete_secondary_index("t", "i"))[:2] == (404, "OTSObjectNotExist")
    assert refused(lambda: client.get_range("i", "FORWARD", *bounds, max_version=1))[:2] == (404, "OTSObjectNotExist")


def test_version_four_signatures_are_understood_and_answered(server: TablestoreServer) -> None:
    client = server.client(region=ACCOUNT.region)

    create(client)
    client.put_row("t", Row([("part", "p"), ("number", 1)], [("n", 1)]), ANY)

    assert client.get_row("t", [("part", "p"), ("number", 1)], max_version=1)[1] is not None
    assert refused(lambda: client.describe_table("none"))[:2] == (404, "OTSObjectNotExist")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"secret": "wrong"}, "Signature mismatch."),
        ({"secret": "wrong", "region": ACCOUNT.region}, "Signature mismatch."),
        ({"id": "nobody"}, "The AccessKeyID does not exist."),
        ({"instance": "elsewhere"}, "The instance is not found."),
        ({"sts_token": "made-up"}, "The STS token is invalid."),
        ({"region": "cn-beijing"}, "The region of the signature is 'cn-beijing', not 'cn-hangzhou'."),
    ],
)
def test_who_is_not_known_is_denied(server: TablestoreServer, changes: dict[str, str], message: str) -> None:
    client = server.client(**changes)

    assert refused(client.list_table) == (403, "OTSAuthFailed", message)


def test_the_asynchronous_client_is_served_like_the_other(server: TablestoreServer) -> None:
    create(server.client())

    async def put_and_count() -> int:
        keys = ACCOUNT.access_key_id, ACCOUNT.access_key_secret, ACCOUNT.tablestore_instance
        async with AsyncOTSClient(server.served.url, *keys) as client:
            rows = [Row([("part", "p"), ("number", number)], [("n", number)]) for number in range(20)]
            await asyncio.gather(*(client.put_row("t", row, ANY) for row in rows))
            bounds = [[("part", mark), ("number", mark)] for mark in (INF_MIN, INF_MAX)]
            _, _, found, _ = await client.get_range("t", "FORWARD", *bounds, max_version=1)
            return len(found)

    assert asyncio.run(put_and_count()) == 20


@pytest.mark.parametrize("ending", ["/", "/some/prefix"])
def test_what_an_address_adds_to_the_path_does_no_harm(server: TablestoreServer, ending: str) -> None:
    create(server.client())

    assert list(server.client(endpoint=server.served.url + ending).list_table()) == ["t"]


def test_listings_of_what_is_not_offered_are_empty(server: TablestoreServer) -> None:
    client = server.client()
    create(client)

    assert list(client.list_search_index()) == list(client.list_search_index("t")) == []
    assert list(client.list_timeseries_table()) == []


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("SQLQuery", lambda c: c.exe_sql_query("select * from t")),
        ("DescribeSearchIndex", lambda c: c.describe_search_index("t", "i")),
        ("DeleteSearchIndex", lambda c: c.delete_search_index("t", "i")),
        ("ComputeSplits", lambda c: c.compute_splits("t", "i")),
        ("DeleteTimeseriesTable", lambda c: c.delete_timeseries_table("t")),
        ("DescribeTimeseriesTable", lambda c: c.describe_timeseries_table("t")),
        ("ListKnowledgeBase", lambda c: c.list_knowledge_base({})),
        ("ListMemoryStores", lambda c: c.list_memory_stores({})),
    ],
)
def test_what_is_not_offered_is_refused_by_its_name(
    server: TablestoreServer, operation: str, action: Callable[[Any], Any]
) -> None:
    client = server.client()

    assert refused(lambda: action(client)) == (
        400, "OTSParameterInvalid", f"Unsupported operation: '{operation}'.",
    )  # fmt: skip
