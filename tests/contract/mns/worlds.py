"""MNS without a socket: a service on a clock that stands still, and requests signed by hand."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import formatdate

from localcloud.account import Account
from localcloud.clock import ManualClock, Timeline
from localcloud.http import Request, Response
from localcloud.ids import Ids
from localcloud.journal import Journal, NoJournal
from localcloud.mns.api import MnsEndpoint
from localcloud.mns.limits import STRICT, Limits
from localcloud.mns.service import MnsService
from localcloud.mns.values import Notification, Outgoing, Push

ACCOUNT = Account()


@dataclass
class Pushes:
    """A push port that remembers, and answers with the status it was given for the URL (None: not at all)."""

    statuses: dict[str, int | None] = field(default_factory=dict)
    sent: list[Push] = field(default_factory=list)
    held: list[Callable[[int | None], None]] = field(default_factory=list)
    holds: bool = False

    def __call__(self, push: Push, done: Callable[[int | None], None]) -> None:
        self.sent.append(push)
        if self.holds:
            self.held.append(done)
        else:
            done(self.statuses.get(push.url, 200))


class Receiver:
    """Takes every notification, as a function would."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, notification: Notification) -> bool:
        self.seen.append(notification.body)
        return True


class MnsWorld:
    """A service and its endpoint on a `ManualClock`. `service` has a queue "q" with default attributes."""

    def __init__(self, *, limits: Limits = STRICT, journal: Journal | None = None) -> None:
        self.timeline = Timeline(ManualClock())
        self.pushes = Pushes()
        self.ids = Ids(1)
        self.service = MnsService(
            account=ACCOUNT,
            timeline=self.timeline,
            ids=self.ids,
            journal=journal or NoJournal(),
            limits=limits,
            push=self.pushes,
        )
        self.endpoint = MnsEndpoint(self.service, account=ACCOUNT, ids=self.ids)
        self.service.create_queue("q")

    @property
    def now_ms(self) -> int:
        return self.timeline.clock.now_ms()

    def advance(self, seconds: float) -> None:
        self.timeline.advance_to(self.now_ms + round(seconds * 1000))

    def send(self, *bodies: str, queue: str = "q") -> None:
        for body in bodies:
            self.service.send(queue, Outgoing(body))

    def bodies(self, count: int = 16, queue: str = "q") -> list[str]:
        """Receives up to `count` messages."""
        return [delivery.body for delivery in self.service.receive_batch(queue, count)]

    def counts(self, queue: str = "q") -> tuple[int, int, int]:
        """Active, inactive, delayed."""
        state = self.service.queue(queue)
        return state.active, state.inactive, state.delayed

    def request(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        secret: str = ACCOUNT.access_key_secret,
        is_connected: Callable[[], bool] | None = None,
    ) -> Request:
        """A request as the SDK would send it, with `headers` on top (a value of "" takes the header away)."""
        sent = {
            "host": "127.0.0.1:7150",
            "date": formatdate(self.now_ms / 1000, usegmt=True),
            "x-mns-version": "2015-06-06",
        }
        if body:
            sent["content-type"] = "text/xml;charset=UTF-8"
            sent["content-md5"] = base64.b64encode(hashlib.md5(body).hexdigest().encode()).decode()
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items() if value}
        if "authorization" not in (headers or {}):
            sent["authorization"] = f"MNS {ACCOUNT.access_key_id}:{signature(method, target, sent, secret)}"
        path, _, query = target.partition("?")
        request = Request(method, path, query, sent, body, self.now_ms)
        if is_connected is None:
            return request
        return Request(method, path, query, sent, body, self.now_ms, is_connected)

    def ask(self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Response:
        """The endpoint's answer to a request that need not wait."""
        return asyncio.run(self.endpoint.handle(self.request(method, target, body, headers)))

    def run(self, act: Callable[[], Awaitable[None]]) -> None:
        async def main() -> None:
            await asyncio.wait_for(act(), timeout=20)

        asyncio.run(main())


def signature(method: str, target: str, headers: dict[str, str], secret: str) -> str:
    lines = [method, headers.get("content-md5", ""), headers.get("content-type", ""), headers.get("date", "")]
    lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-mns-")]
    digest = hmac.new(secret.encode(), "\n".join([*lines, target]).encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
