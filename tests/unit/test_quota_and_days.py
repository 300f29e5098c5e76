"""Stage 4 and its calendar: UTC+8 days, and how much to ask for."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from shared.core import limits
from shared.core.days import DAY_MS, day_of, iso, next_day_start_ms, quiet_until_ms, turn_ms
from shared.core.quota import Ask, Settled, next_ask

moments = st.integers(0, 4_102_444_800_000)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def test_the_day_begins_at_midnight_of_utc8_not_of_utc() -> None:
    assert day_of(ms("2026-01-05T15:59:59+00:00")) == "2026-01-05"
    assert day_of(ms("2026-01-05T16:00:00+00:00")) == "2026-01-06"


@given(moments)
def test_the_next_day_is_the_first_moment_with_another_name(now_ms: int) -> None:
    start_ms = next_day_start_ms(now_ms)

    assert day_of(start_ms - 1) == day_of(now_ms)
    assert day_of(start_ms) != day_of(now_ms)
    expected = datetime.fromtimestamp(now_ms / 1000, timezone(timedelta(hours=8))) + timedelta(days=1)
    assert day_of(start_ms) == f"{expected:%Y-%m-%d}"


def test_around_midnight_no_unit_is_spent() -> None:
    midnight = ms("2026-01-05T16:00:00+00:00")
    margin = limits.CALL_MS_MAX + limits.CLOCK_SKEW_MS_MAX

    assert quiet_until_ms(midnight - margin) == 0
    assert quiet_until_ms(midnight - margin + 1) == midnight + limits.CLOCK_SKEW_MS_MAX
    assert quiet_until_ms(midnight) == midnight + limits.CLOCK_SKEW_MS_MAX
    assert quiet_until_ms(midnight + limits.CLOCK_SKEW_MS_MAX) == 0


@given(moments)
def test_a_call_begun_in_time_is_counted_on_its_day_however_the_clocks_differ(now_ms: int) -> None:
    if quiet_until_ms(now_ms) == 0:
        for skew in (-limits.CLOCK_SKEW_MS_MAX, limits.CLOCK_SKEW_MS_MAX):
            assert day_of(now_ms + skew) == day_of(now_ms)
        assert day_of(now_ms + limits.CALL_MS_MAX) == day_of(now_ms)


def test_times_in_events_are_rfc_3339_with_milliseconds() -> None:
    assert iso(ms("2026-01-05T16:00:00+00:00") + 7) == "2026-01-05T16:00:00.007Z"


@given(
    wanted=st.integers(0, 600),
    granted=st.none() | st.integers(0, 600),
    used=st.integers(0, 700),
    closed=st.booleans(),
    limit=st.integers(0, 600),
)
def test_never_more_is_asked_for_than_wanted_or_left(
    wanted: int, granted: int | None, used: int, closed: bool, limit: int
) -> None:
    step = next_ask(wanted_total=wanted, granted=granted, used=used, closed=closed, limit=limit)

    if isinstance(step, Ask):
        assert not closed
        assert (granted or 0) < step.total <= wanted
        assert used + step.total - (granted or 0) <= limit
    else:
        assert step.total == (granted or 0)
        assert step.short is (closed or step.total < wanted)


def test_a_closed_day_gives_nothing_even_to_whom_it_owes() -> None:
    step = next_ask(wanted_total=3, granted=3, used=3, closed=True, limit=500)

    assert step == Settled(3, short=True, closed=True)


run_ids = st.integers(0, 16**20 - 1).map(lambda number: f"run-{number:020x}")
START_MS = next_day_start_ms(1_767_600_000_000)


@given(run_ids, run_ids, st.integers(0, 40 * DAY_MS), st.integers(0, 40 * DAY_MS))
def test_a_run_that_has_waited_a_day_longer_never_asks_after_the_other(
    first: str, second: str, waited_ms: int, other_ms: int
) -> None:
    longer_ms, shorter_ms = max(waited_ms, other_ms), min(waited_ms, other_ms)

    earlier = turn_ms(first, accepted_ms=START_MS - 1 - longer_ms, start_ms=START_MS)
    later = turn_ms(second, accepted_ms=START_MS - 1 - shorter_ms, start_ms=START_MS)

    assert 0 <= earlier < limits.MIDNIGHT_SPREAD_MS
    assert earlier <= later or longer_ms // DAY_MS == shorter_ms // DAY_MS


def test_the_runs_of_one_day_do_not_all_come_in_one_second() -> None:
    turns = [
        turn_ms(f"run-{number * 7919:020x}", accepted_ms=START_MS - 5_000, start_ms=START_MS) for number in range(1_000)
    ]

    busiest = max(Counter(turn // 1_000 for turn in turns).values())
    assert busiest < 200
