"""One HTTP request and one HTTP response, as values: what every double is fed and what it answers.

The same `Endpoint.handle` serves the real server (`localcloud.server`) and tests without a socket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Request:
    """A request exactly as it came over the wire: nothing decoded, nothing sorted.

    `path` and `query` are raw (still percent-encoded; `query` without the `?`, "" if there was none),
    because every vendor signs what was sent. Header names are lower-case. `received_ms` is the one
    timestamp that all rules applied to this request use (epoch, UTC, milliseconds).
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    received_ms: int
    is_connected: Callable[[], bool] = field(default=always, compare=False, repr=False)
    """Whether the caller is still there to get the answer: a long poll asks before it takes a message."""

    @property
    def target(self) -> str:
        """Path with query, as sent."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers in order (spelled as they shall leave), body. The server adds Content-Length and Date."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(default=())
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error that somebody ordered (a fault), to be said in the protocol's own words.

    `code` is the vendor's error code, e.g. "Throttling.User", "InternalError", "OTSServerBusy"; None leaves the
    choice to the endpoint: its usual throttling code when `throttle` is true, else its usual internal error.
    """

    code: str | None = None
    status: int | None = None
    message: str | None = None
    throttle: bool = False


class Endpoint(Protocol):
    """One double on the wire. `name` is "ecs", "mns", "tablestore" or "fc"."""

    name: str

    def operation(self, request: Request) -> str:
        """The vendor's name of what is asked, e.g. "InvokeCommand"; "Unknown" when it has none. Never raises."""
        ...

    async def handle(self, request: Request) -> Response:
        """Answers; every failure the protocol knows is a response, an exception is a bug of the double."""
        ...

    def refuse(self, request: Request, refusal: Refusal) -> Response:
        """The answer to `request` that carries an ordered error."""
        ...
