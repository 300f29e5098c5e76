"""Which changes of a status the seeds have met, and why the others cannot be met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from shared.core.transitions import CHUNK, RUN, TARGET

TABLES: Mapping[str, Mapping[str, frozenset[str]]] = {"run": RUN, "chunk": CHUNK, "target": TARGET}

REASONS: Mapping[str, str] = {
    "run Deferred → Scheduled": "a call must fail between the next day's grant and its intent; the intent is Running",
    "run Planned → Scheduled": "an intent that is lost twice: units are spent on it, nothing is sent (seed 2019201)",
    "run Scheduled → Rejected": "what is Scheduled has spent a unit, and what is Rejected has not",
    "target Scheduled → Aborted": "a firing passes over what is down; only an agent with a full queue would abort one",
    "target Scheduled → Pending": "a firing starts at once in the double; only an agent that is busy would let it wait",
    "target Scheduled → Stopping": "what is killed ends at once in the double, unless its agent is silent: then it was "
    "seen Running long before",
    "target Stopping → Scheduled": "the same, and what was told to stop fires no more; only a stale poll could say so",
    "target Running → Cancelled": "ECS calls Cancelled only what had not begun; taken all the same, should it say so",
    "target Running → Invalid": "ECS calls Invalid only what could not begin; taken all the same",
    "target Stopping → Cancelled": "the doubles know Stopping only of what had begun, and that is Terminated",
    "target Stopping → Invalid": "ECS calls Invalid only what could not begin; taken all the same",
}
"""Change of a status → why no seed needs to meet it."""


def wanted() -> list[str]:
    """Every change that the state tables allow."""
    return sorted(
        f"{what} {old} → {new}"
        for what, table in TABLES.items()
        for old, following in table.items()
        for new in following
    )


def reason_of(change: str) -> str:
    """Why it may be missing; "" = it may not."""
    return REASONS.get(change, "")


def uncovered(met: Counter[str]) -> list[str]:
    """Allowed, never met, and without a reason."""
    return [change for change in wanted() if not met[change] and not reason_of(change)]


def report(met: Counter[str]) -> list[str]:
    """Lines for people."""
    changes = wanted()
    covered = [change for change in changes if met[change]]
    missing = [change for change in changes if not met[change]]
    lines = [f"changes of status: {len(covered)} of {len(changes)} that the tables allow"]
    lines += [f"  {change}: {met[change]}" for change in covered]
    lines += [f"  {change}: never; {reason_of(change) or 'NO REASON IS KNOWN'}" for change in missing]
    return lines
