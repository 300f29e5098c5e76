"""Every change of a status that is written, counted and held against the state table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from shared.core.model import Chunk, Run
from shared.core.transitions import CHUNK, RUN, TARGET, is_allowed


class Changes:
    """`met`: how often each change was written, as "run Planned → Running". A forbidden one is an AssertionError."""

    def __init__(self) -> None:
        self.met: Counter[str] = Counter()

    def of_head(self, before: Run | None, after: Run) -> None:
        self._meet("run", RUN, before.status if before else "", after.status)

    def of_chunk(self, before: Chunk | None, after: Chunk) -> None:
        """A plan that is written anew begins anew."""
        if before is None or after.plan_no > before.plan_no:
            self._meet("chunk", CHUNK, "", after.status)
            return
        self._meet("chunk", CHUNK, before.status, after.status)
        old = {target.instance_id: target for target in before.targets}
        for target in after.targets:
            was = old.get(target.instance_id)
            if was is None or was == target:
                continue
            assert not was.ended_no, f"3: {target.instance_id} had ended as {was.status} and is {target.status}"
            self._meet("target", TARGET, was.status, target.status)

    def _meet(self, what: str, table: Mapping[str, frozenset[str]], old: str, new: str) -> None:
        if old == new:
            return
        self.met[f"{what} {old or '-'} → {new}"] += 1
        assert not old or is_allowed(table, old, new), f"3: a {what} went from {old} to {new}"
