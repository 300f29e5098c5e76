"""Runs on the list that sweep_runs looks through: those that have not ended, or have something left to say.

A run on a list whose head row cannot be read (damaged, or of a newer release) is Unreadable, and shown as that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.core.errors import Unavailable
from shared.core.limits import SWEEP_PAGE

if TYPE_CHECKING:
    from shared.adapters.run_store import TableRunStore
    from shared.core.model import Run


_OF_ROW = ("RowDamaged", "RowSchema")


@dataclass(frozen=True, slots=True)
class Unreadable:
    run_id: str
    reason: str


def heads(runs: TableRunStore) -> Iterator[Run]:
    """Read page by page, as far as they are asked for; by run id."""
    after = ""
    while page := runs.unfinished(after=after, limit=SWEEP_PAGE):
        found = runs.read_runs(page)
        yield from (found[run_id] for run_id in page if run_id in found)
        after = page[-1]


def unreadable(runs: TableRunStore) -> Iterator[Unreadable]:
    """Each on the list whose head row is there and cannot be read."""
    after = ""
    while page := runs.unfinished(after=after, limit=SWEEP_PAGE):
        yield from unreadable_of(runs, page, runs.read_runs(page))
        after = page[-1]


def unreadable_of(runs: TableRunStore, run_ids: Sequence[str], found: Mapping[str, Run]) -> list[Unreadable]:
    """Those of `run_ids` that `read_runs` has not found because they cannot be read."""
    told = []
    for run_id in run_ids:
        if run_id not in found:
            try:
                runs.read_run(run_id)
            except Unavailable as error:
                if error.code not in _OF_ROW:
                    raise
                told.append(Unreadable(run_id, error.message))
    return told
