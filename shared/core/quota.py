"""Stage 4 of 8: chunks that want to be sent + the region's day -> how many units to ask for, and what to do without.

Strategy: the ledger row decides (one conditional update); this module only says what to try next after reading it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ask:
    """Try to hold `total` units, having `held` (None = no column)."""

    held: int | None
    total: int


@dataclass(frozen=True, slots=True)
class Settled:
    """The run holds `total` units of this day; asking again today is no use if `short`."""

    total: int
    short: bool
    closed: bool = False
    """ECS says that the day is used up: even units that are held are worth nothing any more."""


def next_ask(*, wanted_total: int, granted: int | None, used: int, closed: bool, limit: int) -> Ask | Settled:
    """What to try after the row was read: as much of `wanted_total` as the day still has."""
    held = granted or 0
    if closed:
        return Settled(held, short=True, closed=True)
    if held >= wanted_total:
        return Settled(held, short=False)
    left = max(0, limit - used)
    total = min(wanted_total, held + left)
    return Settled(held, short=True) if total == held else Ask(granted, total)
