"""A table against the simplest thing that could be one: a dictionary of dictionaries that is sorted when it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from localcloud.tablestore.batches import GetGroup, WriteGroup
from localcloud.tablestore.changes import DeleteColumn, DeleteVersion, Increment, PutCell, RowChange
from localcloud.tablestore.conditions import All, Column, Condition, Not
from localcloud.tablestore.errors import TablestoreError
from localcloud.tablestore.limits import Limits
from localcloud.tablestore.ranges import RangeQuery
from localcloud.tablestore.reads import Selection
from localcloud.tablestore.values import INF_MAX, INF_MIN
from tests.contract.tablestore.worlds import TWO_KEYS, TablestoreWorld

VERSIONS_MAX, TTL_MS, DEVIATION_MS = 2, 100_000, 30_000
PAGE_ROWS = 3
EVERYTHING = Selection(versions_max=9)
Key = tuple[str, int]


@dataclass
class Expected:
    """A row: column → version → value; and when it was written last."""

    columns: dict[str, dict[int, Any]] = field(default_factory=dict)
    written_ms: int = 0

    def seen(self, now_ms: int) -> dict[str, list[tuple[int, Any]]]:
        """What is not expired, newest first."""
        alive = {
            name: sorted(((at, value) for at, value in versions.items() if at > now_ms - TTL_MS), reverse=True)
            for name, versions in sorted(self.columns.items())
        }
        return {name: versions for name, versions in alive.items() if versions}


KEYS = st.tuples(st.sampled_from("pq"), st.integers(0, 2))
NAMES = st.sampled_from("ab")
VALUES = st.one_of(st.integers(-2, 2), st.integers(-2, 2), st.sampled_from(["x", b"x", 0.5, True]))
AGES_MS = st.sampled_from(
    [None, None, None, None, -DEVIATION_MS, -DEVIATION_MS + 1, -1, 0, 1, 5_000, DEVIATION_MS, DEVIATION_MS + 1]
)
CELLS = st.one_of(
    st.tuples(st.just("put"), NAMES, VALUES, AGES_MS),
    st.tuples(st.just("put"), NAMES, VALUES, AGES_MS),
    st.tuples(st.just("add"), NAMES, st.integers(-3, 3), st.none()),
    st.tuples(st.just("drop"), NAMES, st.none(), st.none()),
    st.tuples(st.just("drop one"), NAMES, st.none(), st.integers(0, VERSIONS_MAX)),
)
COMPARATORS = st.sampled_from(["==", "!=", ">", ">=", "<", "<=", "exists", "is missing"])
TESTS = st.tuples(NAMES, COMPARATORS, VALUES, st.booleans(), st.booleans())
CONDITIONS = st.tuples(
    st.sampled_from([None, None, None, True, True, False]),
    st.one_of(st.none(), st.none(), st.tuples(st.sampled_from(["is", "not"]), st.lists(TESTS, min_size=1, max_size=2))),
)
NO_CONDITION = (None, None)
CHANGES = st.tuples(st.sampled_from(["put", "update", "update", "update", "delete"]), KEYS, st.lists(CELLS, max_size=3))


class TableModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = TablestoreWorld(Limits(range_rows_max=PAGE_ROWS))
        self.world.table(
            TWO_KEYS,
            time_to_live_s=TTL_MS // 1000,
            versions_max=VERSIONS_MAX,
            deviation_s=DEVIATION_MS // 1000,
        )
        self.rows: dict[Key, Expected] = {}

    # -- what is done -------------------------------------------------------------------------------------------------
    @initialize(values=st.lists(st.integers(-2, 2), min_size=6, max_size=6))
    def fill(self, values: list[int]) -> None:
        """Without rows most of what follows would meet nothing."""
        for number, value in enumerate(values):
            self.write(("put", ("pq"[number % 2], number // 2), [("put", "a", value, None)]), NO_CONDITION)

    @rule(change=CHANGES, condition=CONDITIONS)
    def write(self, change: Any, condition: Any) -> None:
        sent = self._change(change, condition)
        expected = self._expect(change, condition)

        try:
            self.world.service.write_row("t", sent)
            said = None
        except TablestoreError as error:
            said = error.code

        assert said == expected

    @rule(
        key=KEYS,
        name=NAMES,
        values=st.tuples(st.integers(-2, 2), st.integers(-2, 2), st.integers(-2, 2)),
        ages_ms=st.permutations([-5_000, 1, 5_000]),
        by=st.integers(-1, 1),
    )
    def write_three_versions_and_add(self, key: Key, name: str, values: Any, ages_ms: Any, by: int) -> None:
        cells = [("put", name, value, age_ms) for value, age_ms in zip(values, ages_ms, strict=True)]
        self.write(("update", key, cells), NO_CONDITION)
        self.write(
            ("update", key, [("drop one", name, None, 0)]), (None, ("is", [(name, "==", values[0], True, False)]))
        )
        self.write(("update", key, [("add", name, by, None)]), (None, ("is", [(name, "<", values[1], True, True)])))

    @rule(changes=st.lists(CHANGES, min_size=1, max_size=5, unique_by=lambda change: change[1]))
    def write_a_batch(self, changes: list[Any]) -> None:
        group = WriteGroup("t", tuple(self._change(change, NO_CONDITION) for change in changes))
        if any(self._is_malformed(change) for change in changes):
            return  # refused as a whole: the refusals have their own tests
        expected = [self._expect(change, NO_CONDITION) for change in changes]

        outcomes = self.world.service.write_batch([group])[0]

        said = [outcome.code if isinstance(outcome, TablestoreError) else None for outcome in outcomes]
        assert said == expected

    @rule(seconds=st.sampled_from([0.001, 0.001, 1, 1, 5, 30, 69.999, 70]))
    def wait(self, seconds: float) -> None:
        self.world.advance(round(seconds * 1000))

    # -- what is seen -------------------------------------------------------------------------------------------------
    @rule(keys=st.lists(KEYS, min_size=1, max_size=4), name=NAMES)
    def read_single_rows(self, keys: list[Key], name: str) -> None:
        selection = Selection(columns=(name,))

        got = self.world.service.get_batch([GetGroup("t", tuple(keys), selection)])[0]

        now_ms = self.world.now_ms
        for key, outcome in zip(keys, got, strict=True):
            row = self._alive().get(key)
            newest = row.seen(now_ms).get(name) if row is not None else None
            assert not isinstance(outcome, TablestoreError)
            assert (outcome.row.columns if outcome.row else None) == ({name: newest[0][1]} if newest else None)

    @rule(start=KEYS, end=KEYS, limit=st.integers(1, 5), test=st.one_of(st.none(), TESTS))
    def read_a_range(self, start: Key, end: Key, limit: int, test: Any) -> None:
        if start == end:
            return
        rule_ = None if test is None else _column(test)
        is_backward = start > end

        page = self.world.service.get_range(
            "t", RangeQuery(start, end, is_backward=is_backward, limit=limit, selection=Selection(filter=rule_))
        )

        alive = sorted(key for key in self._alive() if (end < key <= start if is_backward else start <= key < end))
        rows: list[Key] = []
        next_key = None
        for looked_at, key in enumerate(alive[::-1] if is_backward else alive):
            if len(rows) == limit or looked_at == PAGE_ROWS:
                next_key = key
                break
            if test is None or self._holds(self._alive()[key], test):
                rows.append(key)
        assert ([row.key for row in page.rows], page.next_key) == (rows, next_key)

    @invariant()
    def a_scan_sees_everything_in_order(self) -> None:
        found = {}
        start: Any = (INF_MIN, INF_MIN)
        while start is not None:
            page = self.world.service.get_range("t", RangeQuery(start, (INF_MAX, INF_MAX), selection=EVERYTHING))
            assert len(page.rows) <= PAGE_ROWS
            found |= {row.key: row.cells for row in page.rows}
            start = page.next_key

        now_ms = self.world.now_ms
        expected = {
            key: tuple((name, value, at) for name, versions in row.seen(now_ms).items() for at, value in versions)
            for key, row in sorted(self._alive().items())
        }
        assert list(found.items()) == list(expected.items())

    # -- the model ----------------------------------------------------------------------------------------------------
    def _alive(self) -> dict[Key, Expected]:
        now_ms = self.world.now_ms
        return {key: row for key, row in self.rows.items() if row.written_ms > now_ms - TTL_MS or row.seen(now_ms)}

    def _is_malformed(self, change: Any) -> bool:
        kind, _, cells = change
        kinds = [cell[0] for cell in cells]
        added = [cell[1] for cell in cells if cell[0] == "add"]
        return (
            (kind == "put" and set(kinds) - {"put"} != set())
            or (kind == "update" and not cells)
            or (kind == "delete" and bool(cells))
            or any([cell[1] for cell in cells].count(name) > 1 for name in added)
        )

    def _expect(self, change: Any, condition: Any) -> str | None:
        """Changes the model as the table shall be changed; the code of the refusal, if there is one."""
        kind, key, cells = change
        if self._is_malformed(change):
            return "OTSParameterInvalid"
        now_ms = self.world.now_ms
        old = self._alive().get(key)
        exists, tests = condition
        if exists is not None and exists != (old is not None):
            return "OTSConditionCheckFail"
        if tests is not None:
            all_hold = all(self._holds(old or Expected(), test) for test in tests[1])
            if all_hold != (tests[0] == "is"):
                return "OTSConditionCheckFail"
        if kind == "delete":
            self.rows.pop(key, None)
            return None
        columns = {} if old is None or kind == "put" else {name: dict(cell) for name, cell in old.columns.items()}
        for cell in cells:
            if not self._apply(columns, key, cell, now_ms):
                return "OTSParameterInvalid"
        if old is None and kind == "update" and not any(cell[0] in ("put", "add") for cell in cells):
            return None
        self.rows[key] = Expected(columns, now_ms)
        return None

    def _nth_version(self, key: Key, name: str, number: int) -> int:
        """The version that a cell "drop one" means: one that was there before the write, or one that was not."""
        versions = self.rows.get(key, Expected()).columns.get(name, {})
        return [*sorted(versions, reverse=True), *[1] * number, 1][number]

    def _apply(self, columns: dict[str, dict[int, Any]], key: Key, cell: Any, now_ms: int) -> bool:
        """False: refused."""
        kind, name, value, age_ms = cell
        if kind == "drop":
            columns.pop(name, None)
            return True
        versions = columns.setdefault(name, {})
        if kind == "drop one":
            versions.pop(self._nth_version(key, name, age_ms), None)
            return True
        at = now_ms
        if kind == "add":
            seen = Expected({name: versions}).seen(now_ms).get(name)
            if seen:
                if type(seen[0][1]) is not int:
                    return False
                at, value = max(now_ms, seen[0][0]), value + seen[0][1]
        elif age_ms is not None:
            at = now_ms - age_ms
            if not now_ms - DEVIATION_MS <= at < now_ms + DEVIATION_MS:
                return False
        versions[at] = value
        for oldest in sorted(versions)[:-VERSIONS_MAX]:
            del versions[oldest]
        return True

    def _holds(self, row: Expected, test: Any) -> bool:
        name, comparator, value, pass_if_missing, latest_only = test
        versions = row.seen(self.world.now_ms).get(name, [])
        if comparator in ("exists", "is missing"):
            return bool(versions) == (comparator == "exists")
        if not versions:
            return bool(pass_if_missing)
        found = [other for _, other in versions]
        return any(_compares(other, comparator, value) for other in (found[:1] if latest_only else found))

    def _change(self, change: Any, condition: Any) -> RowChange:
        kind, key, cells = change
        exists, tests = condition
        rule_: Any = None
        if tests is not None:
            parts = tuple(_column(test) for test in tests[1])
            rule_ = parts[0] if len(parts) == 1 else All(parts)
            rule_ = rule_ if tests[0] == "is" else Not(rule_)
        return RowChange(kind, key, tuple(self._cell(key, cell) for cell in cells), Condition(exists, rule_))

    def _cell(self, key: Key, cell: Any) -> Any:
        kind, name, value, age_ms = cell
        if kind == "drop one":
            return DeleteVersion(name, self._nth_version(key, name, age_ms))
        at = None if age_ms is None else self.world.now_ms - age_ms
        if kind == "put":
            return PutCell(name, value, at)
        if kind == "add":
            return Increment(name, value)
        return DeleteColumn(name)


def _column(test: Any) -> Column:
    name, comparator, value, pass_if_missing, latest_only = test
    return Column(name, comparator, value, pass_if_missing=pass_if_missing, latest_only=latest_only)


def _compares(left: Any, comparator: str, right: Any) -> bool:
    if type(left) is not type(right):
        return comparator == "!="
    order = (left > right) - (left < right)
    return {"==": order == 0, "!=": order != 0, ">": order > 0, ">=": order >= 0, "<": order < 0, "<=": order <= 0}[
        comparator
    ]


TableModel.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestTableModel = TableModel.TestCase
