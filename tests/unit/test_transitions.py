"""The state table itself: closed, reachable, and terminal where it must be."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from shared.core.transitions import CHUNK, ENDS_OF_RUN, OUTCOMES, RUN, TARGET, check, is_allowed

TABLES = {"run": (RUN, "Accepted"), "chunk": (CHUNK, "Planned"), "target": (TARGET, "Planned")}


@pytest.mark.parametrize("name", TABLES)
def test_every_status_is_in_the_table_and_can_be_reached(name: str) -> None:
    table, start = TABLES[name]
    reached, todo = {start}, [start]
    while todo:
        for status in table[todo.pop()] - reached:
            reached.add(status)
            todo.append(status)

    assert reached == set(table)


@pytest.mark.parametrize(("table", "ends"), [(RUN, ENDS_OF_RUN), (TARGET, OUTCOMES), (CHUNK, {"Finished"})])
def test_nothing_follows_an_end_and_something_follows_all_else(
    table: Mapping[str, frozenset[str]], ends: set[str]
) -> None:
    assert {status for status, following in table.items() if not following} == set(ends)


def test_a_move_that_the_table_does_not_know_is_a_bug_and_says_which() -> None:
    with pytest.raises(AssertionError, match="Success → Running is not in the table"):
        check(RUN, "Success", "Running")
    assert is_allowed(RUN, "Success", "Success")
