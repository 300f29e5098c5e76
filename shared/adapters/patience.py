"""Bounded repeats of calls that changed nothing: a few tries, growing pauses, half of each pause is chance."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from shared.adapters import limits
from shared.core.errors import Unavailable
from shared.ports import Clock

Out = TypeVar("Out")


class Patience:
    """`sleep` takes milliseconds; `chance` is seeded in tests. Safe for threads."""

    def __init__(self, clock: Clock, *, sleep: Callable[[int], None], chance: random.Random) -> None:
        self._clock = clock
        self._sleep = sleep
        self._chance = chance

    def repeat(self, act: Callable[[], Out], *, when: Callable[[Unavailable], bool] = lambda _error: True) -> Out:
        """What `act` answers; repeated while it is Unavailable, within RETRY_ATTEMPTS_MAX and RETRY_TOTAL_MS_MAX.

        `when` says which Unavailable may soon be over. Raises the last one.
        """
        started_ms = self._clock.now_ms()
        for attempt in range(1, limits.RETRY_ATTEMPTS_MAX + 1):
            try:
                return act()
            except Unavailable as error:
                pause_ms = self._pause_ms(attempt)
                late = self._clock.now_ms() + pause_ms - started_ms > limits.RETRY_TOTAL_MS_MAX
                if attempt == limits.RETRY_ATTEMPTS_MAX or late or not when(error):
                    raise
                self._sleep(pause_ms)
        raise AssertionError("the loop returns or raises")

    def _pause_ms(self, attempt: int) -> int:
        whole_ms: int = limits.RETRY_PAUSE_MS_FIRST * 2 ** (attempt - 1)
        return whole_ms // 2 + self._chance.randrange(whole_ms // 2 + 1)
