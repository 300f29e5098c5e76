"""When a queue trigger tries a batch again. Pure.

Source: queue triggers page (142), 2026-08: BACKOFF_RETRY repeats 3 times, a random 10 to 20 s apart;
EXPONENTIAL_DECAY_RETRY (the default) 176 times after 1, 2, 4 … 512 s and then every 512 s, a day in all.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

BACKOFF_RETRIES = 3
BACKOFF_MS = (10_000, 20_000)
DECAY_RETRIES = 176
DECAY_MS_MAX = 512_000
STRATEGIES = ("BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`retries_max` and `age_ms_max` narrow the strategy; None leaves it as documented."""

    strategy: str = "EXPONENTIAL_DECAY_RETRY"
    retries_max: int | None = None
    age_ms_max: int | None = None

    def pause_ms(self, retries: int, *, age_ms: int, stream: random.Random) -> int | None:
        """How long to wait after `retries` repeats failed, `age_ms` after the first attempt; None: give up."""
        is_backoff = self.strategy == "BACKOFF_RETRY"
        limit = BACKOFF_RETRIES if is_backoff else DECAY_RETRIES
        if self.retries_max is not None:
            limit = min(limit, self.retries_max)
        if retries >= limit:
            return None
        # The exponent is bounded so that the number stays small; the pause is at its longest long before.
        pause = stream.randint(*BACKOFF_MS) if is_backoff else min(1000 << min(retries, 16), DECAY_MS_MAX)
        if self.age_ms_max is not None and age_ms + pause > self.age_ms_max:
            return None
        return pause
