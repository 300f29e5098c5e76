"""HTTP pushes to subscribers, for real: the edge behind the service's push port.

Wire format: one HTTP/1.1 POST per connection, which the receiver may keep open; only its status line is read.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

from localcloud.mns.values import Push

TIMEOUT_SECONDS = 5.0
"""A receiver has 5 s to answer: page HttpEndpoint, 2021."""
LINE_BYTES_MAX = 65_536


class HttpPusher:
    """A `PushPort` on the running event loop. `aclose` ends what is under way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, push: Push, done: Callable[[int | None], None]) -> None:
        task = asyncio.get_running_loop().create_task(self._push(push, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _push(self, push: Push, done: Callable[[int | None], None]) -> None:
        try:
            done(await asyncio.wait_for(post(push), TIMEOUT_SECONDS))
        except (OSError, ValueError, EOFError, asyncio.TimeoutError, asyncio.LimitOverrunError):
            # Nobody there, somebody who speaks no HTTP, or too slow: all the same to a subscription.
            done(None)


async def post(push: Push) -> int:
    """The status of the answer. Raises OSError, EOFError, ValueError."""
    url = urlsplit(push.url)
    is_https = url.scheme == "https"
    reader, writer = await asyncio.open_connection(
        url.hostname,
        url.port or (443 if is_https else 80),
        ssl=ssl.create_default_context() if is_https else None,
        limit=LINE_BYTES_MAX,
    )
    try:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        lines = [f"POST {target} HTTP/1.1", f"Host: {url.netloc.rpartition('@')[2]}"]
        lines += [f"{name}: {value}" for name, value in push.headers]
        lines += [f"Content-Length: {len(push.body)}", "Connection: close"]
        writer.write("\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + push.body)
        await writer.drain()
        version, _, rest = (await reader.readuntil(b"\r\n")).decode("latin-1").partition(" ")
        if not version.startswith("HTTP/1."):
            raise ValueError("the receiver does not speak HTTP")
        return int(rest[:3])
    finally:
        writer.close()
