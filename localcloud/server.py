"""One port for all services, and the pump that runs what is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from localcloud.clock import Timeline
from localcloud.connection import Answer, HttpConnection, Open
from localcloud.controlled_clock import ControlledClock

BACKLOG = 1024
PUMP_MS_MIN = 1
"""Ours: a timer of the event loop may fire a little early; it is set again, not spun on."""
PUMP_MS_MAX = 3_600_000
"""Ours: event loops dislike timers of years; waking up for nothing once an hour is cheap."""


class Server:
    """Listens on `host`:`port` (0 = any free port; `port` is the real one after `start`)."""

    def __init__(self, answer: Answer, *, now_ms: Callable[[], int], host: str = "127.0.0.1", port: int = 0) -> None:
        self._answer = answer
        self._now_ms = now_ms
        self._host = host
        self.port = port
        self._server: asyncio.Server | None = None
        self._open = Open()

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, self._host, self.port, backlog=BACKLOG)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Hangs up on everybody; what is being answered is cancelled."""
        if self._server is None:
            return
        self._server.close()
        tasks = list(self._open.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for transport in list(self._open.transports):
            transport.abort()
        await self._server.wait_closed()
        self._server = None

    def _connection(self) -> asyncio.Protocol:
        return HttpConnection(self._answer, now_ms=self._now_ms, everything=self._open)


class Pump:
    """Runs the timeline on the event loop: one timer, set to the next due time."""

    def __init__(self, timeline: Timeline, clock: ControlledClock, after: Callable[[], None]) -> None:
        self._timeline = timeline
        self._clock = clock
        self._after = after
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._is_stopped = False
        timeline.on_earlier = self.arm
        self.arm()

    def arm(self) -> None:
        """Sets the timer to what is due next. Called when that got earlier, and after the clock was changed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_ms = self._timeline.next_due_ms
        if due_ms is None or self._is_stopped or (self._clock.is_frozen and due_ms > self._clock.now_ms()):
            return
        delay_ms = min(max(due_ms - self._clock.now_ms(), PUMP_MS_MIN), PUMP_MS_MAX)
        self._timer = self._loop.call_later(delay_ms / 1000, self._run)

    def stop(self) -> None:
        self._is_stopped = True
        self._timeline.on_earlier = lambda: None
        if self._timer is not None:
            self._timer.cancel()

    def _run(self) -> None:
        self._timer = None
        try:
            self._timeline.run_due()
            self._after()
        finally:
            # Also when an action had a bug: the others are still due.
            self.arm()
