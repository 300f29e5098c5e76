"""RUN on the command line: a run id, the request id that the run came from, or the message id of a rejected message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.core.errors import Refused
from shared.core.model import Run, rejection_id_of, run_id_of

if TYPE_CHECKING:
    from shared.adapters.run_store import TableRunStore

_RUN_ID = re.compile(r"^(run|rej)-[0-9a-f]{20}$")


def run_id_in(name: str) -> str:
    """The run id that `name` is or leads to, whether there is such a run or not."""
    return name if _RUN_ID.match(name) else run_id_of(name)


def find_run(runs: TableRunStore, name: str) -> Run:
    """One read for all that `name` may be. Raises Refused when it is none of it."""
    ids = list(dict.fromkeys((run_id_in(name), run_id_of(name), rejection_id_of(name))))
    found = runs.read_runs(ids)
    for run_id in ids:
        if run_id in found:
            return found[run_id]
    for run_id in ids:
        runs.read_run(run_id)  # one that is there and cannot be read says so
    raise Refused(
        f"there is no run, request or rejected message {name!r}. `fleetrun runs` lists the recent runs; a request that "
        "was sent just now may still be in its queue",
        code="NoRun",
    )
