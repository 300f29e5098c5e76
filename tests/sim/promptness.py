"""How soon a stop is heeded (invariant 5's other half): not only before the run ends, but within seconds."""

from __future__ import annotations

from shared.core.model import Run, StopMark
from shared.core.transitions import ENDS_OF_RUN
from tests.sim.world import World

HEED_MS = 30_000
"""From the mark to its run's commit that has seen it, where nothing goes wrong. Most take one message and one step; a
stop that finds its run held asks again after limits.STOP_HELD_MS."""
AFTERMATH_MS = 1_800_000
"""So long after a fault its leases, redeliveries and sweeps may still be going on, and a stop may have to wait."""


class Promptness:
    """Watches the stop marks of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._marks: dict[str, int] = {}
        """Run → how many there are."""
        self._since_ms: dict[str, int] = {}
        """Run with a mark that it has not seen → since when it could."""
        self._faults = 0
        self._fault_ms = -AFTERMATH_MS
        self.heeded = 0
        """Runs that were held to it."""

    def of_stop(self, mark: StopMark) -> None:
        self._marks[mark.run_id] = self._marks.get(mark.run_id, 0) + 1
        run = self._world.books.heads.get(mark.run_id)
        if run is not None and run.status not in ENDS_OF_RUN:
            self._since_ms.setdefault(mark.run_id, self._now_ms())

    def of_head(self, before: Run | None, after: Run) -> None:
        if before is None and after.run_id in self._marks:
            self._since_ms[after.run_id] = self._now_ms()
        if after.status in ENDS_OF_RUN or after.stops_seen >= self._marks.get(after.run_id, 0):
            self.heeded += self._since_ms.pop(after.run_id, None) is not None

    def step(self) -> None:
        """After every step of the world. Raises AssertionError."""
        if not self._since_ms:
            return
        now_ms, calm_ms = self._now_ms(), self._calm_since_ms()
        for run_id, since_ms in self._since_ms.items():
            waited_ms = now_ms - max(since_ms, calm_ms)
            assert waited_ms <= HEED_MS, f"5: {run_id} has not seen a stop for {waited_ms} ms, and all is calm"

    def _calm_since_ms(self) -> int:
        """When what the last fault has left behind was over."""
        faults = self._world.trouble.fired.total()
        if faults != self._faults:
            self._faults, self._fault_ms = faults, self._now_ms()
        return self._fault_ms + AFTERMATH_MS

    def _now_ms(self) -> int:
        return self._world.clock.now_ms()
