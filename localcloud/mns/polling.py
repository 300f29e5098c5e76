"""Long polls: receives that wait for a message.

Strategy: who waits on a queue stands in line. What becomes visible wakes the first; whoever was woken and leaves wakes
the next. So n messages cost n wake-ups, however many wait, and a caller that hung up takes nothing with him.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from localcloud.clock import Timeline
from localcloud.mns.errors import MnsError

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Waiter:
    """`bell` rings when there may be a message, and when the time is up."""

    bell: asyncio.Event = field(default_factory=asyncio.Event)
    is_late: bool = False

    def time_is_up(self) -> None:
        self.is_late = True
        self.bell.set()


@dataclass(slots=True)
class _Line:
    stop_watching: Callable[[], None] = lambda: None
    waiters: deque[_Waiter] = field(default_factory=deque)

    def wake_first(self) -> None:
        if self.waiters:
            self.waiters[0].bell.set()


class LongPolls:
    """Everybody who waits. `watch` is `MnsService.watch`."""

    def __init__(
        self,
        *,
        watch: Callable[[str, Callable[[], None]], Callable[[], None]],
        timeline: Timeline,
        polls_max: int,
    ) -> None:
        self._watch = watch
        self._timeline = timeline
        self._polls_max = polls_max
        self._lines: dict[tuple[str, int], _Line] = {}
        self._count = 0

    async def wait(
        self,
        queue: str,
        created_ms: int,
        take: Callable[[], list[T]],
        *,
        wait_ms: int,
        is_connected: Callable[[], bool],
    ) -> list[T]:
        """What `take` finds within `wait_ms`; an empty list when that is nothing, or when too many wait already.

        `created_ms` tells a queue from another one of the same name, made after the first was deleted. What `take`
        raises (the queue is gone) comes through.
        """
        if self._count >= self._polls_max:
            return []
        key = (queue, created_ms)
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line()
            try:
                line.stop_watching = self._watch(queue, line.wake_first)
            except MnsError:
                del self._lines[key]
                raise
        waiter = _Waiter()
        line.waiters.append(waiter)
        self._count += 1
        timer = self._timeline.after(wait_ms, waiter.time_is_up)
        try:
            while True:
                await waiter.bell.wait()
                if not is_connected():
                    return []
                found = take()
                if found or waiter.is_late:
                    return found
                waiter.bell.clear()
        finally:
            timer.cancel()
            self._leave(key, line, waiter)

    def _leave(self, key: tuple[str, int], line: _Line, waiter: _Waiter) -> None:
        self._count -= 1
        line.waiters.remove(waiter)
        if line.waiters:
            line.wake_first()
        else:
            line.stop_watching()
            del self._lines[key]
