"""Virtual time and interleaving: tasks are greenlets, exactly one runs, and every `sleep` is a switch point.

Strategy: a heap of (time, chance, task). Time jumps to whatever comes next. At equal times chance decides, drawn from
the seed, so that one seed is one story and another seed another order. No thread, no real clock, no set is iterated.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import greenlet

from localcloud.clock import ManualClock, Timeline

NEVER_MS = 1 << 62


class Killed(BaseException):
    """A function instance dies: no code of ours may catch it."""


@dataclass(eq=False)
class Task:
    name: str
    fiber: Any
    ended: Callable[[], None]
    alive: bool = True


class Hub:
    """Runs tasks until nothing is left to do, or as told."""

    def __init__(self, clock: ManualClock, timeline: Timeline, chance: random.Random) -> None:
        self.clock, self.timeline, self.chance = clock, timeline, chance
        self._turns: list[tuple[int, float, int, Task]] = []
        """(time, chance, number, task): numbers differ, so no task is ever compared."""
        self._number = 0
        self._current: Task | None = None
        self.switches = 0

    def now_ms(self) -> int:
        return self.clock.now_ms()

    def spawn(self, name: str, act: Callable[[], None], *, ended: Callable[[], None] = lambda: None) -> Task:
        """A task that starts now. `ended` is called when it has returned; a killed one never calls it."""

        def body() -> None:
            try:
                act()
            except Killed:
                return
            ended()

        task = Task(name, greenlet.greenlet(body), ended)
        self._push(task, self.now_ms())
        return task

    def sleep(self, ms: int) -> None:
        """The running task goes on after `ms`; others may run meanwhile."""
        task = self._current
        assert task is not None, "only a task can sleep"
        self._push(task, self.now_ms() + ms)
        greenlet.getcurrent().parent.switch()
        if not task.alive:
            raise Killed

    def kill(self, task: Task) -> None:
        """The task dies where it stands; nothing of it runs any more."""
        task.alive = False

    def step(self, *, until_ms: int) -> bool:
        """The next thing that happens, at or before `until_ms`. False: nothing does."""
        turn_ms = self._turns[0][0] if self._turns else NEVER_MS
        due_ms = self.timeline.next_due_ms
        if due_ms is None:
            due_ms = NEVER_MS
        next_ms = min(turn_ms, due_ms)
        if next_ms > until_ms or next_ms == NEVER_MS:
            return False
        next_ms = max(next_ms, self.now_ms())
        if due_ms <= turn_ms:
            self.timeline.advance_to(next_ms)
            return True
        self.clock.set_ms(next_ms)
        _, _, _, task = heapq.heappop(self._turns)
        self.switches += 1
        self._current = task
        task.fiber.switch()
        self._current = None
        return True

    def _push(self, task: Task, at_ms: int) -> None:
        self._number += 1
        heapq.heappush(self._turns, (at_ms, self.chance.random(), self._number, task))
