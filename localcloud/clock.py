"""Time and what is due: one clock and one timeline for the whole local cloud.

Services never sleep and never start threads. They read `clock.now_ms()` and put what shall happen later on the
timeline. The server runs what is due on the real clock; tests and the simulation move a `ManualClock` by hand, and
the same services then live through a week in a second.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Now, in milliseconds since 1970-01-01 UTC."""

    def now_ms(self) -> int: ...


class SystemClock:
    """The machine's clock, kept from running backwards."""

    def __init__(self) -> None:
        self._last_ms = 0

    def now_ms(self) -> int:
        # Read hundreds of times in one call on 50 instances: `max` would cost as much as the reading.
        now_ms = time.time_ns() // 1_000_000
        if now_ms <= self._last_ms:
            return self._last_ms
        self._last_ms = now_ms
        return now_ms


class ManualClock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, now_ms: int = 1_767_225_600_000) -> None:  # 2026-01-01T00:00:00Z
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def set_ms(self, now_ms: int) -> None:
        if now_ms < self._now_ms:
            raise ValueError(f"a clock does not run backwards: {now_ms} is before {self._now_ms}")
        self._now_ms = now_ms


@dataclass(eq=False, slots=True)
class Entry:
    """Something due. `cancel()` takes it off; cancelling twice, or after it ran, does nothing."""

    due_ms: int
    action: Callable[[], None] | None

    def cancel(self) -> None:
        self.action = None


class Timeline:
    """What is due, in order of time, then of being put here. Runs in the caller's thread; not thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.on_earlier: Callable[[], None] = lambda: None
        self._heap: list[tuple[int, int, Entry]] = []
        """(due time, number, entry): plain tuples, because a heap compares much and tuples compare fast."""
        self._numbers = itertools.count()

    def at(self, due_ms: int, action: Callable[[], None]) -> Entry:
        """Puts `action` on the timeline. Due times in the past run at the next `run_due`."""
        entry = Entry(due_ms, action)
        earlier = not self._heap or due_ms < self._heap[0][0]
        heapq.heappush(self._heap, (due_ms, next(self._numbers), entry))
        if earlier:
            self.on_earlier()
        return entry

    def after(self, delay_ms: int, action: Callable[[], None]) -> Entry:
        return self.at(self.clock.now_ms() + delay_ms, action)

    def clear(self) -> None:
        """Forgets everything that is due."""
        self._heap.clear()

    @property
    def next_due_ms(self) -> int | None:
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run_due(self) -> int:
        """Runs everything that is due now; answers how many ran."""
        count, now_ms = 0, self.clock.now_ms()
        # No clock runs backwards: what was due by an earlier reading is due, and only what was not needs a new one.
        while (due_ms := self.next_due_ms) is not None and (
            due_ms <= now_ms or due_ms <= (now_ms := self.clock.now_ms())
        ):
            action = heapq.heappop(self._heap)[2].action
            assert action is not None
            action()
            count += 1
        return count

    def advance_to(self, now_ms: int) -> int:
        """Moves a `ManualClock` to `now_ms`, stopping at each due time so that every action sees its own time."""
        clock = self.clock
        if not isinstance(clock, ManualClock):
            raise TypeError("only a ManualClock can be advanced")
        count = self.run_due()
        while (due_ms := self.next_due_ms) is not None and due_ms <= now_ms:
            clock.set_ms(max(due_ms, clock.now_ms()))
            count += self.run_due()
        clock.set_ms(now_ms)
        return count
