"""What every QuotaLedger does: units are granted once, and never beyond the limit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.ports import QuotaLedger, QuotaRow

REGION, DAY = "cn-hangzhou", "2026-01-05"


def granted(ledger: QuotaLedger, run_id: str, *, held: int | None, total: int, limit: int = 500) -> bool:
    return ledger.grant(REGION, DAY, run_id, held=held, total=total, limit=limit)


def test_a_day_that_nobody_touched_is_empty_and_open(ledger: QuotaLedger) -> None:
    assert ledger.read(REGION, DAY, "run-1") == QuotaRow(used=0, closed=False, granted=None)


def test_a_first_grant_counts_for_its_run_and_day_only(ledger: QuotaLedger) -> None:
    assert granted(ledger, "run-1", held=None, total=3)

    assert ledger.read(REGION, DAY, "run-1") == QuotaRow(used=3, closed=False, granted=3)
    assert ledger.read(REGION, DAY, "run-2") == QuotaRow(used=3, closed=False, granted=None)
    assert ledger.read(REGION, "2026-01-06", "run-1").used == 0
    assert ledger.read("cn-beijing", DAY, "run-1").used == 0


def test_repeating_a_grant_changes_nothing(ledger: QuotaLedger) -> None:
    granted(ledger, "run-1", held=None, total=3)

    assert not granted(ledger, "run-1", held=None, total=3)
    assert ledger.read(REGION, DAY, "run-1").used == 3


def test_a_second_grant_raises_by_the_difference(ledger: QuotaLedger) -> None:
    granted(ledger, "run-1", held=None, total=3)

    assert granted(ledger, "run-1", held=3, total=5)
    assert ledger.read(REGION, DAY, "run-1") == QuotaRow(used=5, closed=False, granted=5)


def test_a_grant_on_an_outdated_view_fails(ledger: QuotaLedger) -> None:
    granted(ledger, "run-1", held=None, total=3)

    assert not granted(ledger, "run-1", held=2, total=5)
    assert not granted(ledger, "run-2", held=0, total=5)
    assert ledger.read(REGION, DAY, "run-1").used == 3


def test_the_last_unit_is_granted_and_the_one_after_it_is_not(ledger: QuotaLedger) -> None:
    granted(ledger, "run-1", held=None, total=9, limit=10)

    assert not granted(ledger, "run-2", held=None, total=2, limit=10)
    assert granted(ledger, "run-2", held=None, total=1, limit=10)
    assert not granted(ledger, "run-3", held=None, total=1, limit=10)
    assert ledger.read(REGION, DAY, "run-2").used == 10


def test_more_than_the_whole_day_is_not_granted_even_by_an_empty_one(ledger: QuotaLedger) -> None:
    assert not granted(ledger, "run-1", held=None, total=11, limit=10)
    assert granted(ledger, "run-1", held=None, total=10, limit=10)


def test_what_is_given_back_can_be_granted_again(ledger: QuotaLedger) -> None:
    granted(ledger, "run-1", held=None, total=10, limit=10)

    assert ledger.give_back(REGION, DAY, "run-1", held=10, total=4)
    assert granted(ledger, "run-2", held=None, total=6, limit=10)
    assert ledger.read(REGION, DAY, "run-1") == QuotaRow(used=10, closed=False, granted=4)


def test_giving_back_twice_gives_back_once(ledger: QuotaLedger) -> None:
    granted(ledger, "run-1", held=None, total=10)
    ledger.give_back(REGION, DAY, "run-1", held=10, total=0)

    assert not ledger.give_back(REGION, DAY, "run-1", held=10, total=0)
    assert not ledger.give_back(REGION, DAY, "run-2", held=1, total=0)
    assert ledger.read(REGION, DAY, "run-1") == QuotaRow(used=0, closed=False, granted=0)


def test_a_run_that_gave_all_back_may_ask_again(ledger: QuotaLedger) -> None:
    granted(ledger, "run-1", held=None, total=2)
    ledger.give_back(REGION, DAY, "run-1", held=2, total=0)

    assert granted(ledger, "run-1", held=0, total=1)
    assert ledger.read(REGION, DAY, "run-1").used == 1


def test_a_closed_day_grants_nothing_more_and_still_takes_back(ledger: QuotaLedger) -> None:
    granted(ledger, "run-1", held=None, total=2)
    ledger.close_day(REGION, DAY)
    ledger.close_day(REGION, DAY)

    assert not granted(ledger, "run-1", held=2, total=3)
    assert not granted(ledger, "run-2", held=None, total=1)
    assert ledger.give_back(REGION, DAY, "run-1", held=2, total=1)
    assert ledger.read(REGION, DAY, "run-1") == QuotaRow(used=1, closed=True, granted=1)


def test_closing_a_day_that_nobody_touched_closes_it(ledger: QuotaLedger) -> None:
    ledger.close_day(REGION, DAY)

    assert ledger.read(REGION, DAY, "run-1") == QuotaRow(used=0, closed=True, granted=None)
    assert not granted(ledger, "run-1", held=None, total=1)


def test_two_hundred_threads_for_the_last_fifty_units_get_fifty(ledger: QuotaLedger) -> None:
    granted(ledger, "run-first", held=None, total=450)

    def ask(number: int) -> bool:
        return granted(ledger, f"run-{number:04d}", held=None, total=1)

    with ThreadPoolExecutor(200) as threads:
        won = list(threads.map(ask, range(200)))

    assert sum(won) == 50
    assert ledger.read(REGION, DAY, "run-first").used == 500


def test_twenty_threads_for_one_run_charge_it_once(ledger: QuotaLedger) -> None:
    def ask(_number: int) -> bool:
        return granted(ledger, "run-1", held=None, total=7)

    with ThreadPoolExecutor(20) as threads:
        won = list(threads.map(ask, range(20)))

    assert sum(won) == 1
    assert ledger.read(REGION, DAY, "run-1") == QuotaRow(used=7, closed=False, granted=7)


STEPS = st.lists(
    st.tuples(st.sampled_from(["run-1", "run-2", "run-3"]), st.sampled_from(["more", "less"]), st.integers(1, 6)),
    max_size=25,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, day=st.integers(0, 10**9))
def test_used_is_always_the_sum_of_what_the_runs_hold(ledger: QuotaLedger, steps: list, day: int) -> None:
    name = f"day-{day}"
    before = {run: ledger.read(REGION, name, run).granted for run in ("run-1", "run-2", "run-3")}
    held: dict[str, int | None] = dict(before)
    for run, kind, count in steps:
        now = held[run]
        if kind == "more":
            total = (now or 0) + count
            if ledger.grant(REGION, name, run, held=now, total=total, limit=12):
                held[run] = total
        elif now and ledger.give_back(REGION, name, run, held=now, total=max(0, now - count)):
            held[run] = max(0, now - count)

        row = ledger.read(REGION, name, run)
        assert row.used == sum(value or 0 for value in held.values()) <= 12
        assert row.granted == held[run]
