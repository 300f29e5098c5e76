"""Runs on the list that sweep_runs looks through: those that have not ended, or have something left to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from shared.core.errors import Unavailable
from shared.core.limits import SWEEP_PAGE

if TYPE_CHECKING:
    from shared.adapters.run_store import TableRunStore
    from shared.core.model import Run


def heads(runs: TableRunStore) -> Iterator[Run]:
    """Read page by page, as far as they are asked for; by run id."""
    after = ""
    while page := runs.unfinished(after=after, limit=SWEEP_PAGE):
        found = runs.read_runs(page)
        yield from (found[run_id] for run_id in page if run_id in found)
        after = page[-1]


def unreadable(runs: TableRunStore) -> Iterator[str]:
    """Why, of each whose head row is there and cannot be read."""
    after = ""
    while page := runs.unfinished(after=after, limit=SWEEP_PAGE):
        found = runs.read_runs(page)
        for run_id in page:
            if run_id not in found:
                try:
                    runs.read_run(run_id)
                except Unavailable as error:
                    yield error.message
        after = page[-1]
