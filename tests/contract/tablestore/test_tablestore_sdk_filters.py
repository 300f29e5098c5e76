"""The official Python SDK, unmodified, over a socket: what each comparator and switch of a filter means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tablestore import (
    INF_MAX,
    INF_MIN,
    CapacityUnit,
    ComparatorType,
    CompositeColumnCondition,
    Condition,
    LogicalOperator,
    ReservedThroughput,
    Row,
    RowExistenceExpectation,
    SingleColumnCondition,
    TableMeta,
    TableOptions,
)
from tablestore.error import OTSServiceError
from tablestore.metadata import SingleColumnRegexCondition

from tests.contract.tablestore.worlds import running

ANY = Condition(RowExistenceExpectation.IGNORE)
BOUNDS = [[("id", mark)] for mark in (INF_MIN, INF_MAX)]


@pytest.fixture(scope="module")
def table() -> Iterator[Any]:
    """Rows "1", "2", "3" with n = 1, 2, 3; "none" without n; "text" with n = "2"; "old" with n = 2, once 9."""
    with running() as server:
        client = server.client()
        client.create_table(
            TableMeta("t", [("id", "STRING")]), TableOptions(max_version=2), ReservedThroughput(CapacityUnit(0, 0))
        )
        for name, value in (("1", 1), ("2", 2), ("3", 3), ("text", "2"), ("old", 9)):
            client.put_row("t", Row([("id", name)], [("n", value)]), ANY)
        client.put_row("t", Row([("id", "none")], [("m", 1)]), ANY)
        newest_ms = client.get_row("t", [("id", "old")], max_version=1)[1].attribute_columns[0][2]
        client.update_row("t", Row([("id", "old")], {"PUT": [("n", 2, newest_ms + 1)]}), ANY)
        yield client


def found(client: Any, rule: Any) -> set[str]:
    rows = client.get_range("t", "FORWARD", *BOUNDS, column_filter=rule, max_version=1)[2]
    return {row.primary_key[0][1] for row in rows}


@pytest.mark.parametrize(
    ("comparator", "expected"),
    [
        (ComparatorType.EQUAL, {"2", "old"}),
        (ComparatorType.NOT_EQUAL, {"1", "3", "text"}),
        (ComparatorType.GREATER_THAN, {"3"}),
        (ComparatorType.GREATER_EQUAL, {"2", "3", "old"}),
        (ComparatorType.LESS_THAN, {"1"}),
        (ComparatorType.LESS_EQUAL, {"1", "2", "old"}),
    ],
)
@pytest.mark.parametrize("pass_if_missing", [True, False])
def test_a_comparator_means_what_it_says(
    table: Any, comparator: Any, expected: set[str], pass_if_missing: bool
) -> None:
    rule = SingleColumnCondition("n", 2, comparator, pass_if_missing)

    assert found(table, rule) == expected | ({"none"} if pass_if_missing else set())


def test_a_row_without_the_column_passes_unless_it_is_told_not_to(table: Any) -> None:
    assert "none" in found(table, SingleColumnCondition("n", 2, ComparatorType.EQUAL))


@pytest.mark.parametrize(("latest_only", "expected"), [(True, set()), (False, {"old"})])
def test_older_versions_count_when_they_are_asked_for(table: Any, latest_only: bool, expected: set[str]) -> None:
    assert found(table, SingleColumnCondition("n", 9, ComparatorType.EQUAL, False, latest_only)) == expected


@pytest.mark.parametrize(
    ("combinator", "expected"), [(LogicalOperator.AND, {"2", "old"}), (LogicalOperator.OR, {"1", "2", "3", "old"})]
)
def test_parts_of_a_filter_are_combined(table: Any, combinator: Any, expected: set[str]) -> None:
    rule = CompositeColumnCondition(combinator)
    rule.add_sub_condition(SingleColumnCondition("n", 2, ComparatorType.GREATER_EQUAL, False))
    rule.add_sub_condition(SingleColumnCondition("n", 2, ComparatorType.LESS_EQUAL, False))

    assert found(table, rule) == expected


def test_a_not_turns_its_part_around(table: Any) -> None:
    rule = CompositeColumnCondition(LogicalOperator.NOT)
    rule.add_sub_condition(SingleColumnCondition("n", 2, ComparatorType.EQUAL, False))

    assert found(table, rule) == {"1", "3", "none", "text"}


@pytest.mark.parametrize(("other", "holds"), [(1, False), (2, True)])
def test_a_write_meets_the_same_conditions(table: Any, other: int, holds: bool) -> None:
    rule = SingleColumnCondition("n", other, ComparatorType.EQUAL, False)
    change = Row([("id", "2")], {"PUT": [("touched", True)]})

    if holds:
        table.update_row("t", change, Condition(RowExistenceExpectation.EXPECT_EXIST, rule))
    else:
        with pytest.raises(OTSServiceError, match="Condition check failed"):
            table.update_row("t", change, Condition(RowExistenceExpectation.EXPECT_EXIST, rule))


def test_a_column_can_be_asked_for_alone(table: Any) -> None:
    assert found(table, SingleColumnRegexCondition("n", ComparatorType.EXIST)) == {"1", "2", "3", "old", "text"}
    assert found(table, SingleColumnRegexCondition("n", ComparatorType.NOT_EXIST)) == {"none"}
