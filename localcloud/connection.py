"""HTTP/1.1 over one connection: bytes in, requests out; responses in, bytes out.

Wire format: RFC 9112, parsed by httptools (llhttp). Why not a web server in between: vendors sign the target exactly as
sent, the ECS SDK puts 24 KB scripts percent-encoded into it, a lost reply means closing without an answer, and a
response shall leave in one write.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import cast

import httptools

from localcloud.http import Request, Response

BODY_BYTES_MAX = 33 * 1024 * 1024
"""Function Compute takes 32 MB in a synchronous call: quota page, 2026-08. A little more: it shall refuse by itself."""
HEAD_BYTES_MAX = 256 * 1024
"""Ours: target and headers together. A script of 24 KB is 72 KB when each byte of it is percent-encoded."""
WAITING_MAX = 16
"""Ours: requests read ahead of the one that is being answered."""

Answer = Callable[[Request], Awaitable[Response | None]]
"""Answers a request; None closes the connection without a word."""

REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Open:
    """What a server must end when it stops."""

    transports: set[asyncio.Transport] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class HttpConnection(asyncio.Protocol):
    """One client. Requests are answered one by one, in their order."""

    def __init__(self, answer: Answer, *, now_ms: Callable[[], int], everything: Open) -> None:
        self._answer = answer
        self._now_ms = now_ms
        self._open = everything
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._is_busy = False
        self._target = b""
        self._headers: dict[str, str] = {}
        self._head_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0

    # -- asyncio ------------------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio's by interface only.
        self._transport = cast("asyncio.Transport", transport)
        self._open.transports.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        # What is being answered goes on: a vendor does not undo a call because its caller hung up.
        if self._transport is not None:
            self._open.transports.discard(self._transport)
        self._transport = None
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._reject(HTTPStatus.NOT_IMPLEMENTED)
        except _TooLarge as error:
            self._reject(error.status)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._reject(cause.status if isinstance(cause, _TooLarge) else HTTPStatus.BAD_REQUEST)

    # -- httptools ----------------------------------------------------------------------------------------------------
    def on_message_begin(self) -> None:
        self._target, self._headers, self._head_bytes = b"", {}, 0
        self._body, self._body_bytes = [], 0

    def on_url(self, part: bytes) -> None:
        self._count_head(len(part), HTTPStatus.REQUEST_URI_TOO_LONG)
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_head(len(name) + len(value), HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1").strip()
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        self._body_bytes += len(part)
        if self._body_bytes > BODY_BYTES_MAX:
            raise _TooLarge(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        self._body.append(part)

    def on_message_complete(self) -> None:
        target = self._target.decode("latin-1")
        if not target.startswith("/"):  # the absolute form that proxies are sent
            _, _, rest = target.partition("://")
            target = "/" + rest.partition("/")[2]
        path, _, query = target.partition("?")
        request = Request(
            method=self._parser.get_method().decode("latin-1"),
            path=path,
            query=query,
            headers=self._headers,
            body=b"".join(self._body),
            received_ms=self._now_ms(),
        )
        self._waiting.append((request, self._parser.should_keep_alive()))
        self._next()

    # -- answers ------------------------------------------------------------------------------------------------------
    def _next(self) -> None:
        transport = self._transport
        if transport is None:
            return
        if len(self._waiting) >= WAITING_MAX:
            transport.pause_reading()
        elif not transport.is_reading() and not transport.is_closing():
            transport.resume_reading()
        if self._is_busy or not self._waiting:
            return
        self._is_busy = True
        task = asyncio.get_running_loop().create_task(self._serve(*self._waiting.popleft()))
        self._open.tasks.add(task)
        task.add_done_callback(self._open.tasks.discard)

    async def _serve(self, request: Request, keep_alive: bool) -> None:  # noqa: FBT001  the parser's word
        try:
            response = await self._answer(request)
        except Exception:  # noqa: BLE001  a bug: the client shall not wait for it
            traceback.print_exc(file=sys.stderr)
            response = Response(HTTPStatus.INTERNAL_SERVER_ERROR, (("Content-Type", "text/plain"),), b"bug\n")
        self._is_busy = False
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if response is None:
            self._waiting.clear()
            transport.abort()
            return
        transport.write(encode(response, is_head=request.method == "HEAD", keep_alive=keep_alive))
        if keep_alive:
            self._next()
        else:
            self._waiting.clear()
            transport.close()

    def _count_head(self, size: int, status: HTTPStatus) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES_MAX:
            raise _TooLarge(status)

    def _reject(self, status: HTTPStatus) -> None:
        """Says no to what is not a request that we read, and hangs up."""
        if self._transport is not None:
            body = f"{status.phrase}\n".encode()
            response = Response(status, (("Content-Type", "text/plain"),), body)
            self._transport.write(encode(response, is_head=False, keep_alive=False))
            self._transport.close()


class _TooLarge(Exception):
    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


def encode(response: Response, *, is_head: bool, keep_alive: bool) -> bytes:
    """The whole response as it goes over the wire. Content-Length, Date and Connection are added here."""
    status = response.status
    lines = [f"HTTP/1.1 {int(status)} {REASONS.get(status, 'Unknown')}"]
    names = set()
    for name, value in response.headers:
        lines.append(f"{name}: {value}")
        names.add(name.lower())
    if "date" not in names:
        lines.append(_date_line(int(time.time())))
    if status != HTTPStatus.NO_CONTENT and "content-length" not in names:
        lines.append(f"Content-Length: {len(response.body)}")
    lines.append("Connection: keep-alive" if keep_alive else "Connection: close")
    head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    has_body = not is_head and status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
    return head + response.body if has_body else head


@lru_cache(maxsize=1)
def _date_line(now_s: int) -> str:
    """Cached: it is the same for all answers of a second."""
    return f"Date: {formatdate(now_s, usegmt=True)}"
