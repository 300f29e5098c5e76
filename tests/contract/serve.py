"""Serves endpoints over a real socket, so that a vendor's SDK can talk to them from the test's own thread.

It is the local cloud's own HTTP server and pipeline, on a free port, on an event loop in a thread of its own.

    clock = ControlledClock()                       # goes with the machine's; `freeze()` makes it stand still
    timeline = Timeline(clock)
    with serve(endpoint, timeline=timeline) as served:
        client = Account(served.url, …)
        served.call(lambda: service.send(…))        # touches a service: only ever in the loop's thread
        served.advance(30_000)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from localcloud.clock import Timeline
from localcloud.controlled_clock import ControlledClock
from localcloud.faults import FaultPlan
from localcloud.http import Endpoint, Request, Response
from localcloud.ids import Ids
from localcloud.journal import Journal, NoJournal
from localcloud.pipeline import Pipeline
from localcloud.request_log import RequestLog
from localcloud.server import Pump, Server

SERVICES = ("ecs", "mns", "tablestore", "fc")
START_SECONDS_MAX = 10.0
CALL_SECONDS_MAX = 30.0

T = TypeVar("T")


@dataclass(frozen=True)
class Served:
    """A running server."""

    url: str
    """E.g. "http://127.0.0.1:40123", no slash at the end."""
    timeline: Timeline
    faults: FaultPlan
    log: RequestLog
    loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def call(self, action: Callable[[], T]) -> T:
        """Runs `action` in the server's thread and answers what it answers."""

        async def run() -> T:
            return action()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(CALL_SECONDS_MAX)

    def advance(self, ms: int) -> None:
        """Moves the clock ahead; what falls due on the way runs at its own time."""
        self.call(lambda: self.timeline.advance_to(self.timeline.clock.now_ms() + ms))


@contextmanager
def serve(
    endpoints: Endpoint | Mapping[str, Endpoint],
    *,
    timeline: Timeline | None = None,
    journal: Journal | None = None,
    seed: int = 1,
) -> Iterator[Served]:
    """Serves one endpoint, which then gets every request, or several by service name, told apart as in the real thing.

    The timeline's clock must be a `ControlledClock`; without a timeline it is one that goes. Due entries run.
    """
    if timeline is None:
        timeline = Timeline(ControlledClock())
    clock = timeline.clock
    assert isinstance(clock, ControlledClock), "serve() needs a Timeline on a ControlledClock"
    by_service = endpoints if isinstance(endpoints, Mapping) else dict.fromkeys(SERVICES, endpoints)
    pipeline = Pipeline(
        endpoints=by_service,
        control=_no_control,
        timeline=timeline,
        faults=FaultPlan(Ids(seed)),
        journal=journal or NoJournal(),
        log=RequestLog(),
    )
    loop = asyncio.new_event_loop()
    started: list[Served | BaseException] = []
    ready, finish = threading.Event(), asyncio.Event()

    async def main() -> None:
        server = Server(pipeline.answer, now_ms=timeline.clock.now_ms)
        try:
            await server.start()
            pump = Pump(timeline, clock, after=pipeline.journal.flush)
            started.append(Served(server.url, timeline, pipeline.faults, pipeline.log, loop))
        except BaseException as error:
            started.append(error)
            raise
        finally:
            ready.set()
        await finish.wait()
        pump.stop()
        await server.stop()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), name="serve", daemon=True)
    thread.start()
    assert ready.wait(START_SECONDS_MAX), "the server did not start"
    served = started[0]
    if isinstance(served, BaseException):
        raise served
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(finish.set)
        thread.join(START_SECONDS_MAX)
        loop.close()


async def _no_control(request: Request) -> Response:
    return Response(404)
