"""Rate control: how many targets may start now.

Strategy: both bounds are turned into one number, the allowance. With a failure bound E and f failures so far, at most
E + 1 - f targets may be in flight, so that even if all of them fail no more than E + 1 ever do. Percentages refer to
the included targets and are rounded down (a concurrency is at least 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.core.requests import RateControl

_UNBOUNDED = 1 << 40


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds in targets; None = none."""

    in_flight_max: int | None
    failures_max: int | None


def number_of(value: int | str, *, included: int) -> int:
    """A bound in targets: 5 → 5; "10%" of 33 included → 3."""
    return included * int(value[:-1]) // 100 if isinstance(value, str) else value


def bounds_of(rate_control: RateControl, *, included: int) -> Bounds:
    concurrency, errors = rate_control.max_concurrency, rate_control.max_errors
    return Bounds(
        in_flight_max=None if concurrency is None else max(1, number_of(concurrency, included=included)),
        failures_max=None if errors is None else number_of(errors, included=included),
    )


def wave_sizes(waves: Sequence[int | str] | None, *, included: int) -> tuple[int, ...]:
    """Targets of each wave. `waves` says how many are reached after each; the rest forms a last one; none is empty."""
    if included == 0:
        return ()
    reached, sizes = 0, []
    for wave in (*(waves or ()), included):
        goal = min(included, max(1, number_of(wave, included=included)))
        if goal > reached:
            sizes.append(goal - reached)
            reached = goal
    return tuple(sizes)


def chunk_size(bounds: Bounds, *, per_chunk_max: int) -> int:
    """The largest chunk that can ever be sent whole; bounds above one chunk are filled evenly (60 → 2 × 30)."""
    bound = min(
        bounds.in_flight_max if bounds.in_flight_max is not None else _UNBOUNDED,
        bounds.failures_max + 1 if bounds.failures_max is not None else _UNBOUNDED,
    )
    if bound == _UNBOUNDED:
        return per_chunk_max
    side_by_side = -(-bound // per_chunk_max)
    return max(1, bound // side_by_side)


def is_exceeded(bounds: Bounds, *, failures: int) -> bool:
    """Whether so many targets have failed that nothing new may start."""
    return bounds.failures_max is not None and failures > bounds.failures_max


def allowance(bounds: Bounds, *, in_flight: int, failures: int) -> int:
    """How many targets may start now; never negative."""
    room = _UNBOUNDED
    if bounds.in_flight_max is not None:
        room = min(room, bounds.in_flight_max - in_flight)
    if bounds.failures_max is not None:
        room = min(room, bounds.failures_max + 1 - failures - in_flight)
    return max(0, room)
