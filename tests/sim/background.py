"""Coroutines on virtual time: what the local cloud's queue triggers need of an event loop, without one.

Strategy: a coroutine waits on a `Gate`; when the gate opens, the coroutine goes on from the timeline, never from within
whoever opened it. Nothing here reads a clock of its own, so one seed stays one story.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any

from localcloud.clock import Timeline


class Gate:
    """Something to wait for, once. `await gate` answers what it was opened with."""

    def __init__(self, soon: Callable[[Callable[[], None]], None]) -> None:
        self._soon = soon
        self._is_open = False
        self._value: Any = None
        self._go_on: Callable[[], None] | None = None

    def open(self, value: Any = None) -> None:
        """Opening it again changes nothing."""
        if self._is_open:
            return
        self._is_open, self._value = True, value
        if self._go_on is not None:
            self._soon(self._go_on)

    def then(self, go_on: Callable[[], None]) -> None:
        if self._is_open:
            self._soon(go_on)
        else:
            self._go_on = go_on

    def __await__(self) -> Generator[Gate, None, Any]:
        if not self._is_open:
            yield self
        return self._value


class VirtualBackground:
    """As `localcloud.fc.tasks.Background`, on a timeline that a simulation moves."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline

    def start(self, work: Coroutine[Gate, None, Any]) -> None:
        self.soon(lambda: self._go_on(work))

    def soon(self, action: Callable[[], None]) -> None:
        self.timeline.after(0, action)

    async def pause(self, ms: int) -> None:
        gate = self.gate()
        self.timeline.after(ms, gate.open)
        await gate

    def gate(self) -> Gate:
        return Gate(self.soon)

    def _go_on(self, work: Coroutine[Gate, None, Any]) -> None:
        try:
            gate = work.send(None)
        except StopIteration:
            return
        gate.then(lambda: self._go_on(work))
