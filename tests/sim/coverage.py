"""Which changes of a status the seeds have met, and why the others cannot be met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from shared.core.transitions import CHUNK, RUN, TARGET

TABLES: Mapping[str, Mapping[str, frozenset[str]]] = {"run": RUN, "chunk": CHUNK, "target": TARGET}

REASONS: Mapping[str, str] = {}
"""Change of a status → why no seed meets it. One that is met all the same is said to be no longer excused."""


def wanted() -> list[str]:
    """Every change that the state tables allow."""
    return sorted(
        f"{what} {old} → {new}"
        for what, table in TABLES.items()
        for old, following in table.items()
        for new in following
    )


def uncovered(met: Counter[str]) -> list[str]:
    """Allowed, never met, and without a reason."""
    return [change for change in wanted() if not met[change] and change not in REASONS]


def report(met: Counter[str]) -> list[str]:
    """Lines for people."""
    changes = wanted()
    covered = [change for change in changes if met[change]]
    lines = [f"changes of status: {len(covered)} of {len(changes)} that the tables allow"]
    lines += [f"  {change}: {met[change]}" for change in covered]
    lines += [f"  {change}: never, {REASONS[change]}" for change in changes if not met[change] and change in REASONS]
    lines += [f"  {change}: never, AND NO REASON IS KNOWN" for change in uncovered(met)]
    lines += [f"  {change}: met, though excused: {REASONS[change]}" for change in sorted(REASONS) if met[change]]
    return lines
