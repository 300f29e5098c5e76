"""Token buckets: so many requests a second for each name, and what was not used is kept for a while.

Pure: the time comes in. A bucket lives in the memory of one instance of a function, so with n instances a name may do n
times as much; how many there are at most is the function's ReservedConcurrency. That is the bound, and an honest one:
a counter in a table would cost a write for each request, and would be one more thing that a flood can knock over.
"""

from __future__ import annotations

from collections import OrderedDict


class Buckets:
    """Not safe for threads by itself."""

    def __init__(self, *, per_second: int, burst: int, names_max: int) -> None:
        self._per_ms = per_second / 1000
        self._burst = burst
        self._names_max = names_max
        self._levels: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, name: str, *, now_ms: int) -> int:
        """0 = taken; otherwise after how many milliseconds there will be one."""
        level, at_ms = self._level(name, now_ms)
        wait_ms = self._wait_ms(level)
        self._levels[name] = (level if wait_ms else level - 1, at_ms)
        self._levels.move_to_end(name)
        while len(self._levels) > self._names_max:
            self._levels.popitem(last=False)
        return wait_ms

    def wait_ms(self, name: str, *, now_ms: int) -> int:
        """The same, without taking one."""
        return self._wait_ms(self._level(name, now_ms)[0])

    def _level(self, name: str, now_ms: int) -> tuple[float, int]:
        level, at_ms = self._levels.get(name, (float(self._burst), now_ms))
        # Clocks may be set back: then nothing is added, and the later time stays.
        return min(float(self._burst), level + max(0, now_ms - at_ms) * self._per_ms), max(now_ms, at_ms)

    def _wait_ms(self, level: float) -> int:
        return 0 if level >= 1 else int((1 - level) / self._per_ms) + 1
