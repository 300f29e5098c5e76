"""Clock, chance, sleep and threads of the machine."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


class SystemClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class RandomIds:
    def new_id(self) -> str:
        return secrets.token_hex(8)


def sleep_ms(ms: int) -> None:
    time.sleep(ms / 1000)


class ThreadLanes:
    """Threads that live as long as the function's instance: each keeps its connection.

    Lanes inside a lane run one after the other: waiting there for threads that wait here would be the end.
    """

    def __init__(self, *, threads_max: int) -> None:
        self._threads_max = threads_max
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        self._here = threading.local()

    def each(self, act: Callable[[In], Out], items: Sequence[In], *, width: int) -> list[Out]:
        width = min(width, self._threads_max, len(items))
        if width <= 1 or getattr(self._here, "is_lane", False):
            return [act(item) for item in items]
        gate = threading.Semaphore(width)

        def in_lane(item: In) -> Out:
            self._here.is_lane = True
            with gate:
                return act(item)

        return list(self._executor().map(in_lane, items))

    def _executor(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads_max, thread_name_prefix="lane")
            return self._pool
