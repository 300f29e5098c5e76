"""Rate control in numbers: what may start now, and what can go wrong at most."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.rate import Bounds, allowance, bounds_of, chunk_size, is_exceeded, wave_sizes
from shared.core.requests import RateControl

bounds = st.builds(
    Bounds,
    in_flight_max=st.none() | st.integers(1, 300),
    failures_max=st.none() | st.integers(0, 300),
)


@given(bounds, st.integers(0, 300), st.integers(0, 300))
def test_even_if_everything_in_flight_fails_the_bound_is_passed_by_one_at_most(
    given_bounds: Bounds, in_flight: int, failures: int
) -> None:
    room = allowance(given_bounds, in_flight=in_flight, failures=failures)

    assert room >= 0
    if room and given_bounds.failures_max is not None:
        assert failures + in_flight + room <= given_bounds.failures_max + 1
    if room and given_bounds.in_flight_max is not None:
        assert in_flight + room <= given_bounds.in_flight_max


@given(bounds)
def test_a_chunk_can_always_be_sent_when_nothing_has_happened_yet(given_bounds: Bounds) -> None:
    size = chunk_size(given_bounds, per_chunk_max=50)

    assert 1 <= size <= 50
    assert size <= allowance(given_bounds, in_flight=0, failures=0)


def test_a_concurrency_above_one_chunk_is_filled_evenly() -> None:
    assert chunk_size(Bounds(60, None), per_chunk_max=50) == 30
    assert chunk_size(Bounds(100, None), per_chunk_max=50) == 50
    assert chunk_size(Bounds(None, 5), per_chunk_max=50) == 6


@pytest.mark.parametrize(("failures", "exceeded"), [(4, False), (5, False), (6, True)])
def test_more_failures_than_the_bound_are_too_many_and_as_many_are_not(failures: int, exceeded: bool) -> None:
    assert is_exceeded(Bounds(None, 5), failures=failures) is exceeded


def test_percentages_are_rounded_down_and_a_concurrency_is_at_least_one() -> None:
    control = RateControl(max_concurrency="10%", max_errors="10%")

    assert bounds_of(control, included=33) == Bounds(3, 3)
    assert bounds_of(control, included=5) == Bounds(1, 0)


@given(st.lists(st.integers(1, 500) | st.integers(1, 100).map(lambda p: f"{p}%"), max_size=6), st.integers(0, 400))
def test_waves_reach_every_target_once_and_none_is_empty(waves: list[int | str], included: int) -> None:
    sizes = wave_sizes(waves, included=included)

    assert sum(sizes) == included
    assert all(size > 0 for size in sizes)


def test_waves_say_how_many_are_reached_after_each() -> None:
    assert wave_sizes([1, "10%", "100%"], included=120) == (1, 11, 108)
