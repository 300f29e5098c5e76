"""What the service does in the background: tasks that are known by name, waits on the timeline, an end for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from localcloud.clock import Timeline
from localcloud.journal import Journal


class Background:
    """Tasks of the event loop. After each the journal is flushed: nobody's request does it for them."""

    def __init__(self, timeline: Timeline, journal: Journal) -> None:
        self.timeline = timeline
        self._journal = journal
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def soon(self, action: Callable[[], None]) -> None:
        """After what is being done now: whoever calls may stand in the middle of another service."""
        asyncio.get_running_loop().call_soon(action)

    async def pause(self, ms: int) -> None:
        """On the timeline, so that a clock moved by hand ends it."""
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()

        def end() -> None:
            if not over.done():
                over.set_result(None)

        entry = self.timeline.after(ms, end)
        try:
            await over
        finally:
            entry.cancel()

    async def idle(self) -> None:
        """Returns when no task is left. For tests."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._journal.flush()
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": "a task of Function Compute failed", "exception": error})
