"""What the vendor's own tests assert of the service, in our words: order of checks, texts, and what counts.

Sources: tests of the SDKs for Java (SecondaryIndexTest, RestrictedItemTest, ParameterLegalityTest), PHP (PutRowTest),
Python (table_operation_test of 5.2.1, examples), Go (api_test).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.tablestore.batches import GetGroup, WriteGroup
from localcloud.tablestore.changes import DeleteVersion, PutCell, RowChange, put
from localcloud.tablestore.conditions import Column
from localcloud.tablestore.definitions import OptionsChange
from localcloud.tablestore.errors import TablestoreError
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.messages import messages
from localcloud.tablestore.plainbuffer import decode_rows, encode_key, encode_rows
from localcloud.tablestore.ranges import RangeQuery
from localcloud.tablestore.reads import Selection
from localcloud.tablestore.schema import DefinedColumn, IndexMeta, TableMeta
from localcloud.tablestore.values import INF_MAX, INF_MIN, INT64_MAX
from tests.contract.tablestore.worlds import ONE_KEY, TWO_KEYS, TablestoreWorld
from tests.wire.tablestore_messages import get_row, range_of

INVALID = "OTSParameterInvalid"
MANY = tuple(f"c{number}" for number in range(33))
FIVE_COLUMNS = "The number of primary key columns must be in range: [1, 4]."
TOO_LONG = "The length of primary key column: 'id' exceeds the MaxLength:1024 with CurrentLength:1025."
LATE = "Timestamp must be in range [0, INT64_MAX/1000)."
LATEST_MS = INT64_MAX // 1000 - 1
UNVERSIONED = Selection(versions_max=None)


def refused(action: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(TablestoreError) as caught:
        action()
    return caught.value.code, caught.value.message


def with_columns(world: TablestoreWorld) -> None:
    world.table(TableMeta("t", ONE_KEY.key, tuple(DefinedColumn(name, "STRING") for name in MANY[:32])))


# -- indexes ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("index", "message"),
    [
        (IndexMeta("i", ()), "The number of primary key columns must be in range: [1, 4] in index."),
        (IndexMeta("i", MANY[:5]), "The number of primary key columns must be in range: [1, 4] in index."),
        (IndexMeta("i", ("id",), MANY), "The number of attribute columns must be in range: [0, 32] in index."),
    ],
)
def test_an_index_of_too_many_columns_is_refused_even_where_there_is_no_table(index: IndexMeta, message: str) -> None:
    world = TablestoreWorld()
    with_columns(world)

    assert refused(lambda: world.service.create_index("t", index)) == (INVALID, message)
    assert refused(lambda: world.service.create_index("none", index)) == (INVALID, message)
    assert refused(lambda: world.table(TableMeta("u", ONE_KEY.key), index)) == (INVALID, message)


def test_a_sixth_index_is_refused_in_the_services_words() -> None:
    world = TablestoreWorld()
    with_columns(world)
    for number in range(5):
        world.service.create_index("t", IndexMeta(f"i{number}", (f"c{number}",)))

    said = refused(lambda: world.service.create_index("t", IndexMeta("i5", ("c5",))))

    assert said == (INVALID, "Number of index per table exceeds the quota:5.")


def test_an_index_may_name_key_columns_of_its_table_among_its_columns() -> None:
    world = TablestoreWorld()
    meta = TableMeta("t", TWO_KEYS.key, (DefinedColumn("size", "INTEGER"), DefinedColumn("note", "STRING")))
    index = IndexMeta("i", ("size",), ("part", "number", "note"))

    service = world.table(meta, index)
    service.put_row("t", ("p", 1), {"size": 3, "note": "x"})

    assert service.describe_table("t").indexes[0].meta == index
    row = service.get_row("i", (3, "p", 1)).row
    assert row is not None
    assert row.columns == {"note": "x"}
    assert refused(lambda: service.create_index("t", IndexMeta("j", ("size",), ("size",))))[0] == INVALID


def test_the_whole_key_of_an_index_may_be_longer_than_that_of_a_table() -> None:
    world = TablestoreWorld()
    columns = tuple(DefinedColumn(name, "INTEGER") for name in "abcd")
    service = world.table(TableMeta("t", TWO_KEYS.key, columns), IndexMeta("i", tuple("abcd")))
    service.put_row("t", ("p", 1), dict.fromkeys("abcd", 0))

    assert service.get_row("i", (0, 0, 0, 0, "p", 1)).row is not None
    assert refused(lambda: service.get_row("i", (0,) * 7))[1] == FIVE_COLUMNS


# -- names ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["postal code", ".a", "a:", "阿里巴巴", "'", "\n", "1", "é" * 127, "c" * 255])
def test_a_column_may_have_almost_any_name(name: str) -> None:
    world = TablestoreWorld()
    service = world.table()

    service.put_row("t", ("a",), {name: 1})

    row = service.get_row("t", ("a",), Selection(columns=(name,))).row
    assert row is not None
    assert row.columns == {name: 1}
    strict = TablestoreWorld(Limits(column_names="identifier"))
    strict.table()
    may_pass = name == "c" * 255
    if may_pass:
        strict.service.put_row("t", ("a",), {name: 1})
    else:
        said = refused(lambda: strict.service.put_row("t", ("a",), {name: 1}))
        assert said == (INVALID, f"Invalid column name: '{name}'.")


@pytest.mark.parametrize("name", ["", "#", "#abc", "#阿里巴巴", "# ", "c" * 256, "é" * 128])
def test_a_bad_column_name_is_refused_wherever_it_stands(name: str) -> None:
    world = TablestoreWorld()
    service = world.table()
    bad = Selection(columns=(name,), versions_max=None)  # the missing version comes second
    everything = ((INF_MIN,), (INF_MAX,))

    for action in (
        lambda: service.put_row("t", ("a",), {name: 1}),
        lambda: service.update_row("t", ("a",), delete_columns=[name]),
        lambda: service.write_batch([WriteGroup("t", (put(("a",), {name: 1}),))]),
        lambda: service.get_row("t", (1, 2), bad),  # so does the key that does not fit
        lambda: service.get_batch([GetGroup("t", (("a",),), bad)]),
        lambda: service.get_range("t", RangeQuery(*everything, selection=bad)),
        lambda: service.get_row("t", ("a",), Selection(filter=Column(name, "==", 1, pass_if_missing=True))),
    ):
        assert refused(action) == (INVALID, f"Invalid column name: '{name}'.")


@pytest.mark.parametrize("name", ["", "0", "#", "中文", "T#", "3t", "-", "t" * 256])
def test_a_bad_table_name_comes_before_everything_else(name: str) -> None:
    service = TablestoreWorld().service
    wrong = {"#": 1}

    for action in (
        lambda: service.update_table(name, options=OptionsChange()),
        lambda: service.describe_table(name),
        lambda: service.delete_table(name),
        lambda: service.put_row(name, ("x" * 1025,), wrong),
        lambda: service.delete_row(name, (1,) * 5),
        lambda: service.get_row(name, ("a",), UNVERSIONED),
        lambda: service.get_range(name, RangeQuery(("b",), ("a",), selection=UNVERSIONED)),
        lambda: service.get_batch([GetGroup(name, (("a",),), UNVERSIONED)]),
        lambda: service.write_batch([WriteGroup(name, (put(("a",), wrong),))]),
    ):
        assert refused(action) == (INVALID, f"Invalid table name: '{name}'.")


def test_a_name_that_is_not_ascii_travels_there_and_back() -> None:
    pb = messages().table
    world = TablestoreWorld()
    world.table()
    row = encode_rows(("id",), [(("a",), [("名 字", 7, world.now_ms)])])

    world.ask("PutRow", pb.PutRowRequest(table_name="t", row=row, condition=pb.Condition(row_existence=0)))
    answer = world.ask(
        "GetRow",
        pb.GetRowRequest(
            table_name="t", primary_key=encode_key(("id",), ("a",)), max_versions=1, columns_to_get=["名 字"]
        ),
    )

    assert answer.row == row


# -- keys -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("key", "message"), [(("k",) * 5, FIVE_COLUMNS), (("x" * 1025,), TOO_LONG)])
def test_a_key_that_no_table_can_have_fails_a_whole_request(key: tuple[Any, ...], message: str) -> None:
    world = TablestoreWorld()
    service = world.table()
    names = ("id", "b", "c", "d", "e")[: len(key)]
    fine = put(("a",), {"n": 1})
    bad = RowChange("put", key, (PutCell("n", 1),), key_names=names)

    for action in (
        lambda: service.write_row("t", bad),
        lambda: service.write_row("none", bad),
        lambda: service.write_batch([WriteGroup("t", (fine, bad))]),
        lambda: service.get_row("t", key, key_names=names),
        lambda: service.get_batch([GetGroup("t", (("a",), key), key_names=(("id",), names))]),
        lambda: service.get_range("t", RangeQuery(key, (INF_MAX,) * len(key), start_names=names, end_names=names)),
    ):
        assert refused(action) == (INVALID, message)
    assert service.get_row("t", ("a",)).row is None


def test_a_longer_key_than_the_tables_fails_its_row_only() -> None:
    service = TablestoreWorld().table()

    outcomes = service.write_batch([WriteGroup("t", (put(("a",), {"n": 1}), put(("a", 1), {"n": 1})))])[0]

    assert not isinstance(outcomes[0], TablestoreError)
    assert isinstance(outcomes[1], TablestoreError)
    assert outcomes[1].message == "Validate PK size fail. Input: 2, Meta: 1."


# -- versions and sizes -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("version_ms", [-1, LATEST_MS + 1, INT64_MAX])
def test_a_version_that_no_table_takes_fails_the_whole_request(version_ms: int) -> None:
    service = TablestoreWorld().table(versions_max=3, deviation_s=INT64_MAX // 1_000_000)
    late = RowChange("put", ("a",), (PutCell("n", 1, version_ms),))
    removed = RowChange("update", ("a",), (DeleteVersion("n", version_ms),))

    assert refused(lambda: service.write_row("t", late)) == (INVALID, LATE)
    assert refused(lambda: service.write_row("t", removed)) == (INVALID, LATE)
    assert refused(lambda: service.write_batch([WriteGroup("t", (put(("b",), {}), late))])) == (INVALID, LATE)
    assert service.get_row("t", ("b",)).row is None


@pytest.mark.parametrize("version_ms", [0, LATEST_MS])
def test_the_first_and_the_last_version_are_taken(version_ms: int) -> None:
    service = TablestoreWorld().table(versions_max=3, deviation_s=INT64_MAX // 1_000_000)

    service.write_row("t", RowChange("put", ("a",), (PutCell("n", 1, version_ms),)))

    row = service.get_row("t", ("a",)).row
    assert row is not None
    assert row.cells[0].version_ms == version_ms


def test_a_version_that_is_given_counts_in_the_size_of_a_batch() -> None:
    world = TablestoreWorld(Limits(batch_write_bytes_max=20))
    service = world.table()
    cell = PutCell("n", "x" * 6, world.now_ms)  # 2 + 1 for the key, 1 + 6, and 8

    service.write_batch([WriteGroup("t", (RowChange("put", ("a",), (cell,)),))])
    said = refused(lambda: service.write_batch([WriteGroup("t", (RowChange("put", ("ab",) * 1, (cell, cell)),))]))

    assert said == (
        INVALID, "The total data size of BatchWriteRow request exceeds the limit, limit size: 20, data size: 34.",
    )  # fmt: skip


# -- reads by time ----------------------------------------------------------------------------------------------------
def batch_get(**fields: Any) -> Any:
    pb = messages().table
    group = pb.TableInBatchGetRowRequest(
        **{"table_name": "t", "primary_key": [encode_key(("id",), ("a",))], "max_versions": 1, **fields}
    )
    return pb.BatchGetRowRequest(tables=[group])


READS: dict[str, tuple[Callable[..., Any], Callable[[Any], bytes]]] = {
    "GetRow": (get_row, lambda answer: answer.row),
    "GetRange": (range_of, lambda answer: answer.rows),
    "BatchGetRow": (batch_get, lambda answer: answer.tables[0].rows[0].row),
}


@pytest.mark.parametrize("versions", [1, 3])
@pytest.mark.parametrize("operation", READS)
def test_one_moment_and_a_number_of_versions_cannot_be_asked_for_at_once(operation: str, versions: int) -> None:
    world = TablestoreWorld()
    world.table()
    ask, _ = READS[operation]
    moment = messages().table.TimeRange(specific_time=world.now_ms)

    said = world.ask(operation, ask(time_range=moment, max_versions=versions))

    assert said.code == INVALID
    assert said.message == "Specific tiemstamp and max versions cannot be given at the same time."


@pytest.mark.parametrize(("names", "keys"), [((), [["a"]]), (("n",), [])])
@pytest.mark.parametrize("operation", READS)
def test_a_row_with_nothing_in_the_time_range_is_its_key_unless_columns_are_named(
    operation: str, names: tuple[str, ...], keys: list[list[str]]
) -> None:
    world = TablestoreWorld()
    world.table().put_row("t", ("a",), {"n": 1})
    ask, rows_of = READS[operation]
    later = messages().table.TimeRange(start_time=world.now_ms + 1, end_time=world.now_ms + 2)

    answer = world.ask(operation, ask(time_range=later, columns_to_get=names))

    encoded = rows_of(answer)
    rows = decode_rows(encoded) if encoded else []
    assert [[cell.value for cell in row.key] for row in rows] == keys
    assert [row.cells for row in rows] == [()] * len(keys)
