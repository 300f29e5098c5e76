"""Call-rate throttling: fixed windows of one minute, per region and operation ("API throttling", document 437902)."""

from __future__ import annotations

from localcloud.clock import Clock
from localcloud.ecs.errors import EcsError
from localcloud.ecs.limits import Limits

WINDOW_MS = 60_000


class CallRates:
    """Counts calls. What was refused in one minute is free again in the next."""

    def __init__(self, *, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._window = 0
        self._counts: dict[tuple[str, str], int] = {}

    def count(self, region: str, operation: str) -> None:
        """Raises Throttling.User, Throttling.Api or Throttling, as `Limits.call_rates` says."""
        rate = self._limits.call_rates.get(operation, self._limits.call_rate)
        if rate.per_minute is None:
            return
        window = self._clock.now_ms() // WINDOW_MS
        if window != self._window:
            self._window = window
            self._counts.clear()
        count = self._counts.get((region, operation), 0) + 1
        if count > rate.per_minute:
            raise EcsError(rate.code)
        self._counts[region, operation] = count
