"""A server that gives prepared answers over real HTTP: for errors that a double would not think of."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from localcloud.http import Request, Response
from localcloud.server import Server

HANG_UP = None
"""As an answer: the connection is closed after the request was read."""


@dataclass
class Canned:
    """`answers` are given in their order, the last one for ever; `requests` is what came."""

    url: str = ""
    answers: list[Response | None] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    async def answer(self, request: Request) -> Response | None:
        self.requests.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def canned(*answers: Response | None) -> Iterator[Canned]:
    double = Canned(answers=list(answers))
    server = Server(double.answer, now_ms=lambda: time.time_ns() // 1_000_000)
    with in_thread(server):
        double.url = server.url
        yield double


@contextmanager
def in_thread(server: Server) -> Iterator[Callable[[Callable[[], None]], None]]:
    """The server in a loop of its own; yields how to run something on that loop, and waits for it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def on_loop(act: Callable[[], None]) -> None:
        async def run() -> None:
            act()

        asyncio.run_coroutine_threadsafe(run(), loop).result(10)

    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
        yield on_loop
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
