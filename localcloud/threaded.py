"""A local cloud in a thread of its own: for tests, notebooks and scripts.

with local_cloud(instances=10) as cloud:
    requests.get(cloud.url + "/_local/health")
    cloud.do(lambda it: it.advance_clock(60_000))
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from localcloud.cloud import LocalCloud, new_event_loop
from localcloud.options import Options

T = TypeVar("T")

DO_S_MAX = 60.0
"""Ours."""


class RunningCloud:
    """A handle on a cloud that lives in another thread. `url` is its address."""

    def __init__(self, cloud: LocalCloud, loop: asyncio.AbstractEventLoop) -> None:
        self.url = cloud.url
        self._cloud = cloud
        self._loop = loop

    def do(self, act: Callable[[LocalCloud], T]) -> T:
        """Runs `act` in the cloud's thread: the only place where it may be touched."""

        async def run() -> T:
            return act(self._cloud)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(DO_S_MAX)

    def do_async(self, act: Callable[[LocalCloud], Coroutine[Any, Any, T]]) -> T:
        """As `do`, for what has to be awaited, e.g. `reset`."""
        return asyncio.run_coroutine_threadsafe(act(self._cloud), self._loop).result(DO_S_MAX)


@contextmanager
def local_cloud(options: Options | None = None, **fields: Any) -> Iterator[RunningCloud]:
    """A started cloud; stopped at the end of the block. `fields`: those of `Options`, when `options` is None."""
    assert options is None or not fields, "either options or their fields"
    loop = new_event_loop()
    thread = threading.Thread(target=_run, args=(loop,), name="local-cloud", daemon=True)
    thread.start()
    cloud = LocalCloud(options or Options(**fields))
    try:
        asyncio.run_coroutine_threadsafe(cloud.start(), loop).result(DO_S_MAX)
        try:
            yield RunningCloud(cloud, loop)
        finally:
            asyncio.run_coroutine_threadsafe(cloud.stop(), loop).result(DO_S_MAX)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
