"""Stage 7: the table of ends, tried on every small combination of outcomes."""

from __future__ import annotations

from itertools import combinations_with_replacement

import pytest

from shared.core.model import Chunk, Run, Target
from shared.core.roll_up import counts_over_run, end_of, is_all_ended
from shared.core.transitions import ENDS_OF_RUN, OUTCOMES


def run_of(**changes: object) -> Run:
    run = Run(run_id="run-x", request_id="x", request=None, body_hash="", region="cn-hangzhou", accepted_ms=0)
    return run.next(**changes)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("halted", ["", "StopRequested", "MaxErrorsExceeded"])
def test_only_all_success_is_success(size: int, halted: str) -> None:
    for outcomes in combinations_with_replacement(sorted(OUTCOMES), size):
        counts = {outcome: outcomes.count(outcome) for outcome in set(outcomes)}
        end = end_of(run_of(requested=size, halted=halted, spent={"d": 1}), counts)

        assert end in ENDS_OF_RUN
        assert (end == "Success") is (set(outcomes) == {"Success"})
        if not set(outcomes) & {"Success"}:
            assert end in ("Failed", "Stopped")


@pytest.mark.parametrize(
    ("counts", "halted", "spent", "end"),
    [
        ({"Success": 2}, "", {"d": 1}, "Success"),
        ({"Success": 1, "Failed": 1}, "", {"d": 1}, "PartialFailed"),
        ({"Success": 1, "Excluded": 1}, "", {"d": 1}, "PartialFailed"),
        ({"Success": 1, "Unknown": 1}, "", {"d": 1}, "PartialFailed"),
        ({"Failed": 1, "Unknown": 1}, "", {"d": 1}, "Failed"),
        ({"Success": 1, "Terminated": 1}, "StopRequested", {"d": 1}, "Stopped"),
        ({"Success": 2}, "StopRequested", {"d": 1}, "Success"),
        ({"NotStarted": 2}, "StopRequested", {}, "Stopped"),
        ({"NotStarted": 2}, "QuotaExhausted", {}, "Rejected"),
        ({"NotStarted": 1, "Success": 1}, "QuotaExhausted", {"d": 1}, "PartialFailed"),
        ({"NotStarted": 1, "Failed": 1}, "MaxErrorsExceeded", {"d": 1}, "Failed"),
    ],
)
def test_the_table_of_ends(counts: dict[str, int], halted: str, spent: dict[str, int], end: str) -> None:
    assert end_of(run_of(requested=2, halted=halted, spent=spent), counts) == end


def test_targets_of_chunks_that_were_not_read_are_still_planned() -> None:
    run = run_of(requested=10, closed_counts={"Success": 3})
    chunk = Chunk("run-x", 2, 0, (Target("i-1", status="Running"), Target("i-2", status="Success", ended_no=1)))

    assert counts_over_run(run, [chunk]) == {"Planned": 5, "Running": 1, "Success": 4}


def test_counting_more_targets_than_there_are_is_a_bug_and_says_so() -> None:
    with pytest.raises(AssertionError, match="counts 3 of 2 targets"):
        counts_over_run(run_of(requested=2, closed_counts={"Success": 3}), [])


def test_a_run_has_ended_when_every_chunk_was_taken_up_and_closed() -> None:
    assert is_all_ended(run_of(planned_chunks=2, opened=2))
    assert not is_all_ended(run_of(planned_chunks=2, opened=1))
    assert not is_all_ended(run_of(planned_chunks=2, opened=2, active={2: 0}))
