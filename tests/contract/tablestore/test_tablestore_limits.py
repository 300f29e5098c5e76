"""Each limit: one below, the limit itself, and one above."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from localcloud.tablestore.batches import GetGroup, WriteGroup
from localcloud.tablestore.changes import put
from localcloud.tablestore.conditions import All, Any_, Column, Condition
from localcloud.tablestore.errors import TablestoreError
from localcloud.tablestore.limits import STRICT, Limits
from localcloud.tablestore.ranges import RangeQuery
from localcloud.tablestore.reads import Selection
from localcloud.tablestore.schema import DefinedColumn, IndexMeta, KeyColumn, TableMeta, TableOptions, Units
from localcloud.tablestore.values import INF_MAX, INF_MIN
from tests.contract.tablestore.worlds import ONE_KEY, TWO_KEYS, TablestoreWorld, indexed_table

KEY = ("k",)
BIG = 2 * 1024 * 1024
ALL_OF_T = RangeQuery((INF_MIN,), (INF_MAX,))
SMALL = Limits(range_rows_max=4, range_bytes_max=1000)


def single(number: int = 0) -> Column:
    return Column("n", "==", number, pass_if_missing=True)


def tables(world: TablestoreWorld, count: int) -> None:
    for number in range(count):
        world.table(TableMeta(f"u{number}", ONE_KEY.key))


def keys(world: TablestoreWorld, count: int) -> None:
    world.table(TableMeta("u", tuple(KeyColumn(f"k{number}", "STRING") for number in range(count))))


def defined(world: TablestoreWorld, count: int) -> None:
    columns = tuple(DefinedColumn(f"c{number}", "STRING") for number in range(count))
    world.table(TableMeta("u", ONE_KEY.key, columns))


def indexes(world: TablestoreWorld, count: int) -> None:
    world.table(indexed_table("u"), *(IndexMeta(f"i{number}", ("size",)) for number in range(count)))


def batch(world: TablestoreWorld, *rows: Any) -> None:
    world.service.write_batch([WriteGroup("t", tuple(put((f"{at}",), row) for at, row in enumerate(rows)))])


def condition(world: TablestoreWorld, rule: Any) -> None:
    world.service.put_row("t", KEY, {"n": 0}, condition=Condition(columns=rule))


def units(world: TablestoreWorld, count: int) -> None:
    world.service.update_table("t", reserved=Units(count, 0))


LIMITS: dict[str, tuple[int, Callable[[TablestoreWorld, int], Any]]] = {
    "tables": (STRICT.tables_max - 1, tables),  # "t" is one of them
    "key columns": (4, keys),
    "predefined columns": (32, defined),
    "indexes": (5, indexes),
    "bytes of a table's name": (255, lambda w, n: w.table(TableMeta("u" * n, ONE_KEY.key))),
    "bytes of a column's name": (255, lambda w, n: w.service.put_row("t", KEY, {"c" * n: 1})),
    "bytes of a text key": (1024, lambda w, n: w.service.put_row("t", ("x" * n,), {"n": 1})),
    "bytes of a text key of two bytes each": (
        1024, lambda w, n: w.service.put_row("t", ("é" * (n // 2) + "x" * (n % 2),), {"n": 1})
    ),
    "bytes of a text": (BIG, lambda w, n: w.service.put_row("t", KEY, {"c": "x" * n})),
    "bytes of a binary": (BIG, lambda w, n: w.service.put_row("t", KEY, {"c": b"x" * n})),
    "bytes of a text of two bytes each": (
        BIG, lambda w, n: w.service.put_row("t", KEY, {"c": "é" * (n // 2) + "x" * (n % 2)})
    ),
    "columns of a written row": (
        1024, lambda w, n: w.service.put_row("t", KEY, {f"c{number}": 1 for number in range(n)})
    ),
    "columns to get": (
        128, lambda w, n: w.service.get_row("t", KEY, Selection(columns=tuple(f"c{number}" for number in range(n))))
    ),
    "filters": (10, lambda w, n: condition(w, All(tuple(single() for _ in range(n))))),
    "filters in filters": (10, lambda w, n: condition(w, Any_((single(), All(tuple(single() for _ in range(n - 1))))))),
    "rows of a batch to get": (100, lambda w, n: w.service.get_batch([GetGroup("t", (KEY,) * n)])),
    "rows of a batch to write": (200, lambda w, n: batch(w, *[{"n": 1}] * n)),
    "bytes of a batch to write": (
        # Per row: 2 + 1 for the key, 1 + size for the column.
        2 * BIG, lambda w, n: batch(w, {"a": "x" * (BIG - 4)}, {"a": "x" * (n - BIG - 4)})
    ),
    "reserved units": (5000, units),
    "largest integer": (2**63 - 1, lambda w, n: w.service.put_row("t", KEY, {"n": n})),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_lets_through_what_it_names_and_no_more(name: str) -> None:
    limit, use = LIMITS[name]

    for number in (limit - 1, limit):
        world = TablestoreWorld()
        world.table()
        use(world, number)
    world = TablestoreWorld()
    world.table()
    with pytest.raises(TablestoreError) as caught:
        use(world, limit + 1)

    assert caught.value.code == ("OTSQuotaExhausted" if name == "tables" else "OTSParameterInvalid")


@pytest.mark.parametrize(
    ("size", "status"), [(5 * 1024 * 1024 - 1, 400), (5 * 1024 * 1024, 400), (5 * 1024 * 1024 + 1, 413)]
)
def test_a_request_of_five_megabytes_is_read_and_a_larger_one_is_not(size: int, status: int) -> None:
    world = TablestoreWorld()

    assert world.handle(world.request("PutRow", b"\xff" * size)).status == status


@pytest.mark.parametrize(("rows", "looked_at"), [(3, 3), (4, 4), (5, 4)])
def test_a_page_ends_after_the_rows_that_fit(rows: int, looked_at: int) -> None:
    world = TablestoreWorld(SMALL)
    service = world.table()
    for number in range(rows):
        service.put_row("t", (f"{number}",), {"n": number})

    page = service.get_range("t", ALL_OF_T)

    assert len(page.rows) == looked_at
    assert page.next_key == (("4",) if rows > 4 else None)


@pytest.mark.parametrize(("size", "count"), [(499, 2), (500, 2), (501, 1)])
def test_a_page_ends_before_the_row_that_makes_it_too_large(size: int, count: int) -> None:
    world = TablestoreWorld(SMALL)
    service = world.table()
    for number in range(2):
        service.put_row("t", (f"{number}",), {"n": "x" * (size - 4)})  # 2 + 1 for the key, 1 for the column's name

    page = service.get_range("t", ALL_OF_T)

    assert len(page.rows) == count
    assert page.next_key == (None if count == 2 else ("1",))


def test_a_row_larger_than_a_page_is_a_page_alone() -> None:
    world = TablestoreWorld(SMALL)
    service = world.table()
    for number in range(2):
        service.put_row("t", (f"{number}",), {"n": "x" * 2000})

    first = service.get_range("t", ALL_OF_T)

    assert ([row.key for row in first.rows], first.next_key) == ([("0",)], ("1",))


def test_rows_that_a_filter_leaves_out_end_a_page_too() -> None:
    world = TablestoreWorld(SMALL)
    service = world.table()
    for number in range(6):
        service.put_row("t", (f"{number}",), {"n": number})
    only_five = Selection(filter=Column("n", "==", 5, pass_if_missing=False))

    first = service.get_range("t", RangeQuery((INF_MIN,), (INF_MAX,), selection=only_five))
    assert (first.rows, first.next_key) == ((), ("4",))
    second = service.get_range("t", RangeQuery(("4",), (INF_MAX,), selection=only_five))

    assert ([row.key for row in second.rows], second.next_key) == ([("5",)], None)


def test_five_thousand_rows_are_a_page(world: TablestoreWorld) -> None:
    service = world.table(TWO_KEYS)
    for number in range(5001):
        service.put_row("t", ("p", number), {})
    low, high = ("p", INF_MIN), ("p", INF_MAX)

    up = service.get_range("t", RangeQuery(low, high))
    down = service.get_range("t", RangeQuery(high, low, is_backward=True, limit=5001))

    assert (len(up.rows), up.next_key) == (5000, ("p", 5000))
    assert (len(down.rows), down.next_key) == (5000, ("p", 0))


@pytest.mark.parametrize(("seconds", "passes"), [(86_399, False), (86_400, True), (-1, True), (0, False), (-2, False)])
def test_the_shortest_life_can_be_that_of_the_console(seconds: int, passes: bool) -> None:
    world = TablestoreWorld(Limits(time_to_live_s_min=86_400))

    try:
        world.service.create_table(ONE_KEY, TableOptions(time_to_live_s=seconds))
        passed = True
    except TablestoreError:
        passed = False

    assert passed == passes
