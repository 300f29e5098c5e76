"""What the seeds are said to have met is true of the state tables."""

from __future__ import annotations

from collections import Counter

from tests.sim.coverage import REASONS, report, uncovered, wanted


def test_a_reason_is_given_only_for_changes_that_the_tables_allow() -> None:
    assert set(REASONS) <= set(wanted())


def test_a_change_that_nobody_met_and_nothing_excuses_is_named() -> None:
    met = Counter({change: 1 for change in wanted() if change != "run Planned → Running"})

    assert uncovered(met) == ["run Planned → Running"]
    assert "  run Planned → Running: never; NO REASON IS KNOWN" in report(met)
