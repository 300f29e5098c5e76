"""The rules of rows on a clock that stands still: versions and life, filters, increments, chosen keys, units."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.tablestore.batches import WriteGroup
from localcloud.tablestore.changes import Increment, PutCell, RowChange, put, update
from localcloud.tablestore.conditions import MUST_BE_MISSING, MUST_EXIST, Cast, Column, Condition
from localcloud.tablestore.definitions import OptionsChange
from localcloud.tablestore.errors import TablestoreError
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.ranges import RangeQuery
from localcloud.tablestore.reads import Selection, TimeRange
from localcloud.tablestore.schema import IndexMeta, KeyColumn, TableMeta, Units
from localcloud.tablestore.values import AUTO_INCREMENT, INF_MAX, INF_MIN
from tests.contract.tablestore.worlds import ONE_KEY, TWO_KEYS, TablestoreWorld, indexed_table

KEY = ("k",)
DAY_MS = 86_400_000
CHOSEN = TableMeta("t", (KeyColumn("part", "STRING"), KeyColumn("n", "INTEGER", is_auto_increment=True)))


def columns(world: TablestoreWorld, selection: Selection = Selection(), key: Any = KEY) -> dict[str, Any] | None:  # noqa: B008
    row = world.service.get_row("t", key, selection).row
    return None if row is None else row.columns


def refused(action: Any) -> tuple[str, str]:
    with pytest.raises(TablestoreError) as caught:
        action()
    return caught.value.code, caught.value.message


# -- versions and life ------------------------------------------------------------------------------------------------
def test_an_explicit_version_must_be_near_now(world: TablestoreWorld) -> None:
    service = world.table(deviation_s=100)

    def write(version_ms: int) -> Any:
        return service.write_row("t", RowChange("put", KEY, (PutCell("n", 1, version_ms),)))

    write(world.now_ms - 100_000)
    write(world.now_ms + 99_999)
    for version_ms in (world.now_ms - 100_001, world.now_ms + 100_000):
        assert refused(lambda at=version_ms: write(at)) == ("OTSParameterInvalid", "Invalid timestamp. Cell:'n'.")


def test_an_explicit_version_must_not_be_expired_already(world: TablestoreWorld) -> None:
    service = world.table(time_to_live_s=10, deviation_s=100)

    service.write_row("t", RowChange("put", KEY, (PutCell("n", 1, world.now_ms - 10_000),)))
    with pytest.raises(TablestoreError):
        service.write_row("t", RowChange("put", KEY, (PutCell("n", 1, world.now_ms - 10_001),)))


def test_a_cell_expires_when_its_own_time_is_up(world: TablestoreWorld) -> None:
    service = world.table(time_to_live_s=100)
    service.put_row("t", KEY, {"old": 1})
    world.advance(60_000)
    service.update_row("t", KEY, {"new": 1})

    world.advance(39_999)
    assert columns(world) == {"new": 1, "old": 1}
    world.advance(1)
    assert columns(world) == {"new": 1}
    world.advance(60_000)
    assert columns(world) is None
    assert refused(lambda: service.put_row("t", KEY, {}, condition=MUST_EXIST))[0] == "OTSConditionCheckFail"
    service.put_row("t", KEY, {"n": 1}, condition=MUST_BE_MISSING)


def test_a_longer_life_takes_effect_at_once(world: TablestoreWorld) -> None:
    service = world.table(time_to_live_s=100)
    service.put_row("t", KEY, {"n": 1})

    service.update_table("t", options=OptionsChange(time_to_live_s=200))
    world.advance(150_000)

    assert columns(world) == {"n": 1}


def test_a_range_forgets_the_rows_that_have_expired(world: TablestoreWorld) -> None:
    service = world.table(indexed_table(), IndexMeta("i", ("status",)), time_to_live_s=10, allow_update=False)
    for number in range(3):
        service.put_row("t", ("p", number), {"status": "new"})
        world.advance(4_000)

    page = service.get_range("t", RangeQuery(("p", INF_MIN), ("p", INF_MAX)))
    service.update_table("t", options=OptionsChange(time_to_live_s=1_000))

    assert [row.key for row in page.rows] == [("p", 1), ("p", 2)]
    assert service.get_row("t", ("p", 0)).row is None  # a longer life finds nothing to bring back
    assert service.get_row("i", ("new", "p", 0)).row is None
    assert service.get_row("i", ("new", "p", 1)).row is not None


def test_the_state_shows_what_a_reader_would_see(world: TablestoreWorld) -> None:
    service = world.table(time_to_live_s=10)
    service.put_row("t", ("gone",), {"n": 1})
    service.put_row("t", KEY, {"old": 1})
    world.advance(6_000)
    service.update_row("t", KEY, {"bytes": b"\xff", "n": 2})
    world.advance(4_000)

    state = service.state()["tables"]["t"]

    assert state == {"indexes": [], "rowCount": 1, "rows": [{"key": {"id": "k"}, "columns": {"bytes": "ff", "n": 2}}]}


def test_fewer_versions_are_seen_at_once(world: TablestoreWorld) -> None:
    service = world.table(versions_max=3)
    for number in range(4):
        service.update_row("t", KEY, {"n": number})
        world.advance(1)
    many = Selection(versions_max=9)

    row = service.get_row("t", KEY, many).row
    service.update_table("t", options=OptionsChange(versions_max=2))
    fewer = service.get_row("t", KEY, many).row

    assert row is not None
    assert fewer is not None
    assert [cell.value for cell in row.cells] == [3, 2, 1]
    assert [cell.value for cell in fewer.cells] == [3, 2]


def test_a_time_range_takes_its_start_and_leaves_its_end(world: TablestoreWorld) -> None:
    service = world.table(versions_max=5)
    start_ms = world.now_ms
    for number in range(4):
        service.update_row("t", KEY, {"n": number})
        world.advance(1)

    row = service.get_row("t", KEY, Selection(versions_max=None, times=TimeRange(start_ms + 1, start_ms + 3))).row

    assert row is not None
    assert [cell.value for cell in row.cells] == [2, 1]
    assert columns(world, Selection(times=TimeRange(start_ms + 9, start_ms + 10))) == {}
    assert columns(world, Selection(("n",), times=TimeRange(start_ms + 9, start_ms + 10))) is None


# -- what a read shows ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("names", "shown"),
    [((), {"a": 1, "b": 2}), (("a",), {"a": 1}), (("a", "none"), {"a": 1}), (("none",), None), (("id",), {})],
)
def test_named_columns_are_shown_and_a_row_without_any_is_not(
    world: TablestoreWorld, names: tuple[str, ...], shown: dict[str, int] | None
) -> None:
    service = world.table()
    service.put_row("t", KEY, {"a": 1, "b": 2})
    selection = Selection(columns=names)

    page = service.get_range("t", RangeQuery((INF_MIN,), (INF_MAX,), selection=selection))

    assert columns(world, selection) == shown
    assert [row.columns for row in page.rows] == ([] if shown is None else [shown])


def test_a_filter_sees_only_what_is_read(world: TablestoreWorld) -> None:
    world.table().put_row("t", KEY, {"a": 1, "b": 2})
    b_is_two = Column("b", "==", 2, pass_if_missing=False)

    assert columns(world, Selection(columns=("a", "b"), filter=b_is_two)) == {"a": 1, "b": 2}
    assert columns(world, Selection(columns=("a",), filter=b_is_two)) is None


def test_columns_between_two_names_are_shown(world: TablestoreWorld) -> None:
    world.table().put_row("t", KEY, {"a": 1, "b": 2, "c": 3})

    assert columns(world, Selection(start_column="b", end_column="c")) == {"b": 2}


@pytest.mark.parametrize(
    ("stored", "cast", "comparator", "value", "holds"),
    [
        ("n=41;", Cast("n=([0-9]+)", "INTEGER"), "==", 41, True),
        ("n=41;", Cast("n=([0-9]+)", "INTEGER"), "==", "41", False),
        ("n=41;", Cast("n=([0-9]+)"), "==", "41", True),
        ("n=4.5;", Cast("[0-9.]+", "DOUBLE"), "<", 5.0, True),
        ("none", Cast("n=([0-9]+)", "INTEGER"), "!=", 1, False),
        ("n=x", Cast("n=(.)", "INTEGER"), "==", 1, False),
        (41, Cast("41"), "==", "41", False),
    ],
)
def test_a_regex_takes_a_part_of_the_text(
    world: TablestoreWorld, stored: Any, cast: Cast, comparator: Any, value: Any, holds: bool
) -> None:
    world.table().put_row("t", KEY, {"c": stored})
    rule = Column("c", comparator, value, pass_if_missing=False, cast=cast)

    assert (columns(world, Selection(filter=rule)) is not None) == holds


# -- increments and chosen keys ---------------------------------------------------------------------------------------
def test_an_increment_answers_the_sum_when_asked(world: TablestoreWorld) -> None:
    service = world.table()
    change = RowChange("update", KEY, (Increment("n", 5),), returns="after", return_columns=("n",))

    rows = [service.write_row("t", change).row for _ in range(2)]

    assert [row and (row.key, row.columns) for row in rows] == [(KEY, {"n": 5}), (KEY, {"n": 10})]


def test_an_increment_that_fails_changes_nothing_of_its_row(world: TablestoreWorld) -> None:
    service = world.table()
    service.put_row("t", KEY, {"n": 2**63 - 1, "m": 1})

    assert refused(lambda: service.update_row("t", KEY, {"m": 2}, increments={"n": 1}))[0] == "OTSParameterInvalid"
    assert columns(world) == {"m": 1, "n": 2**63 - 1}


def test_an_increment_works_after_the_deviation_was_lowered(world: TablestoreWorld) -> None:
    service = world.table(deviation_s=100)
    service.write_row("t", RowChange("put", KEY, (PutCell("n", 1, world.now_ms + 50_000),)))
    service.update_table("t", options=OptionsChange(deviation_s=1))

    service.update_row("t", KEY, increments={"n": 1})

    assert columns(world) == {"n": 2}


def test_chosen_keys_rise_and_never_come_twice(world: TablestoreWorld) -> None:
    service = world.table(CHOSEN)
    change = RowChange("put", ("p", AUTO_INCREMENT), returns="key")
    group = WriteGroup("t", (change, change, change))

    first = [outcome.row for outcome in service.write_batch([group])[0]]  # type: ignore[union-attr]
    for row in first:
        assert row is not None
        service.delete_row("t", row.key)
    second = service.write_row("t", change).row

    assert second is not None
    numbers = [row.key[1] for row in [*first, second] if row is not None]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            put(("p", AUTO_INCREMENT), condition=MUST_BE_MISSING),
            "Invalid expect: EXPECT_NOT_EXIST when modify row with pk auto increment",
        ),
        (
            put(("p", AUTO_INCREMENT), condition=Condition(columns=Column("n", "exists", pass_if_missing=True))),
            "Can't set condition when modify row with pk auto increment",
        ),
        (RowChange("delete", ("p", AUTO_INCREMENT)), "Invalid row to delete which with pk auto increment"),
        (
            put(("p", 1), condition=MUST_BE_MISSING),
            "Invalid expect: EXPECT_NOT_EXIST when modify a specific row for table with pk auto increment",
        ),
    ],
)
def test_chosen_keys_take_no_conditions(world: TablestoreWorld, change: RowChange, message: str) -> None:
    service = world.table(CHOSEN)

    assert refused(lambda: service.write_row("t", change)) == ("OTSParameterInvalid", message)


def test_a_table_may_forbid_updates(world: TablestoreWorld) -> None:
    service = world.table(allow_update=False)
    service.put_row("t", KEY, {"n": 1})

    assert refused(lambda: service.update_row("t", KEY, {"n": 2})) == (
        "OTSParameterInvalid",
        "UpdateRow is not allowed on this table.",
    )
    service.update_table("t", options=OptionsChange(allow_update=True))
    service.update_row("t", KEY, {"n": 2})


# -- capacity units ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("size", "units"), [(4096 - 4, 1), (4096 - 3, 2), (8192 - 4, 2), (8192 - 3, 3)])
def test_a_unit_is_four_kilobytes_begun(world: TablestoreWorld, size: int, units: int) -> None:
    service = world.table()

    written = service.put_row("t", KEY, {"c": "x" * size})  # 2 + 1 for the key, 1 for the column's name
    read = service.get_row("t", KEY)

    assert (written.consumed, read.consumed) == (Units(write=units), Units(read=units))


def test_a_name_counts_by_its_bytes(world: TablestoreWorld) -> None:
    service = world.table()
    names = [f"é{'ü' * 100}{number:02d}" for number in range(30)]  # 204 bytes each, 103 characters

    written = service.put_row("t", KEY, dict.fromkeys(names, 1))

    assert written.consumed == Units(write=2)
    assert service.get_row("t", KEY).consumed == Units(read=2)
    service.put_row("t", ("l",), dict.fromkeys(names, 1))
    assert len(service.split("t", size_bytes=12_000).points) == 1


def test_a_condition_costs_a_read_and_a_range_is_summed_up(world: TablestoreWorld) -> None:
    service = world.table(TWO_KEYS)
    for number in range(10):
        service.put_row("t", ("p", number), {"c": "x" * 1000})  # 4+1 + 6+8 + 1+1000 = 1020 bytes

    page = service.get_range("t", RangeQuery(("p", INF_MIN), ("p", INF_MAX)))
    conditional = service.update_row("t", ("p", 0), {"n": 1}, condition=MUST_EXIST)
    deleted = service.write_row("t", update(("p", 0), delete_columns=["c"]))

    assert page.consumed == Units(read=3)
    assert conditional.consumed == Units(read=1, write=1)
    assert deleted.consumed == Units(write=1)
    assert service.get_row("t", ("p", 99)).consumed == Units(read=1)


# -- indexes and readiness --------------------------------------------------------------------------------------------
def test_a_global_index_lags_and_a_local_one_does_not() -> None:
    world = TablestoreWorld(Limits(index_delay_ms=50))
    service = world.table(
        indexed_table(), IndexMeta("everywhere", ("status",)), IndexMeta("here", ("part", "size"), is_local=True)
    )

    service.put_row("t", ("p", 1), {"status": "new", "size": 5})

    assert service.get_row("here", ("p", 5, 1)).row is not None
    assert service.get_row("everywhere", ("new", "p", 1)).row is None
    world.advance(50)
    assert service.get_row("everywhere", ("new", "p", 1)).row is not None


def test_an_index_lives_as_long_as_its_table_says(world: TablestoreWorld) -> None:
    service = world.table(indexed_table(), IndexMeta("i", ("status",)), allow_update=False)
    service.put_row("t", ("p", 1), {"status": "new"})

    service.update_table("t", options=OptionsChange(time_to_live_s=10))
    world.advance(9_999)
    before = service.get_row("i", ("new", "p", 1)).row
    world.advance(1)

    assert before is not None
    assert service.get_row("i", ("new", "p", 1)).row is None


def test_a_column_of_another_type_keeps_a_row_out_of_the_index(world: TablestoreWorld) -> None:
    service = world.table(indexed_table(), IndexMeta("i", ("size",)))
    service.put_row("t", ("p", 1), {"size": "large"})
    service.put_row("t", ("p", 2), {"size": 2})

    rows = service.get_range("i", RangeQuery((INF_MIN,) * 3, (INF_MAX,) * 3)).rows

    assert [row.key for row in rows] == [(2, "p", 2)]


def test_a_new_table_can_take_a_while_as_in_the_cloud() -> None:
    world = TablestoreWorld(Limits(table_ready_ms=5_000))
    service = world.table(ONE_KEY)

    assert refused(lambda: service.get_row("t", KEY)) == ("OTSTableNotReady", "The table is not ready.")
    assert not service.is_ready("t")
    world.advance(5_000)
    assert service.is_ready("t")
    assert columns(world) is None
