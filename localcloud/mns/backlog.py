"""The messages of one queue: who is visible, who will be when, who expires when.

Strategy: a dictionary holds the messages; three heaps of plain tuples say who is next to be received, revealed and
expired. Nothing is ever taken out of the middle of a heap: an entry whose message moved on is recognised when it comes
up and skipped, and a heap that is mostly such entries is built anew. So every step is O(log n), amortised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Literal

from localcloud.mns.values import Delivery, Property

State = Literal["active", "inactive", "delayed"]
STALE_MIN = 64
"""Ours: heaps this small are not worth building anew."""


@dataclass(slots=True)
class Message:
    """One message, as it is kept. `number` is unique in the service and grows with time."""

    queue: str
    number: int
    message_id: str
    body: str
    body_md5: str
    priority: int
    enqueue_ms: int
    expires_ms: int
    visible_ms: int
    state: State
    dequeue_count: int = 0
    first_dequeue_ms: int = 0
    receipts: int = 0
    """Receipt handles given out so far."""
    receipt_handle: str = ""
    """The one that is valid, while the message is not active."""
    group_id: str = ""
    user_properties: tuple[Property, ...] = ()
    system_properties: tuple[Property, ...] = ()

    def as_delivery(self, *, is_peek: bool = False) -> Delivery:
        return Delivery(
            message_id=self.message_id,
            body=self.body,
            body_md5=self.body_md5,
            priority=self.priority,
            enqueue_ms=self.enqueue_ms,
            first_dequeue_ms=self.first_dequeue_ms,
            dequeue_count=self.dequeue_count,
            receipt_handle="" if is_peek else self.receipt_handle,
            next_visible_ms=0 if is_peek else self.visible_ms,
            group_id=self.group_id,
            user_properties=self.user_properties,
            system_properties=self.system_properties,
        )


class Backlog:
    """The messages of one queue. It has no clock: callers say what time it is."""

    def __init__(self, on_expired: Callable[[Message], None]) -> None:
        self.messages: dict[int, Message] = {}
        self.counts: dict[State, int] = {"active": 0, "inactive": 0, "delayed": 0}
        self._on_expired = on_expired
        self._ready: list[tuple[int, int, int]] = []
        """priority, visible_ms, number"""
        self._hidden: list[tuple[int, int]] = []
        """visible_ms, number"""
        self._expiring: list[tuple[int, int]] = []
        """expires_ms, number"""

    def add(self, message: Message) -> None:
        self.messages[message.number] = message
        self.counts[message.state] += 1
        heappush(self._expiring, (message.expires_ms, message.number))
        self._enter(message)

    def remove(self, message: Message) -> None:
        del self.messages[message.number]
        self.counts[message.state] -= 1
        self._tidy()

    def move(self, message: Message, state: State, visible_ms: int) -> None:
        """Puts a message into `state`, to be visible at `visible_ms`."""
        self.counts[message.state] -= 1
        self.counts[state] += 1
        message.state = state
        message.visible_ms = visible_ms
        self._enter(message)

    def settle(self, now_ms: int) -> bool:
        """Expires and reveals what is due; answers whether anything became visible."""
        while self._expiring and self._expiring[0][0] <= now_ms:
            message = self.messages.get(heappop(self._expiring)[1])
            if message is not None:
                self.remove(message)
                self._on_expired(message)
        revealed = False
        while (due_ms := self.next_visible_ms) is not None and due_ms <= now_ms:
            message = self.messages[heappop(self._hidden)[1]]
            message.receipt_handle = ""
            self.move(message, "active", due_ms)
            revealed = True
        return revealed

    @property
    def next_visible_ms(self) -> int | None:
        """When the next hidden message becomes visible."""
        while self._hidden:
            visible_ms, number = self._hidden[0]
            message = self.messages.get(number)
            if message is not None and message.state != "active" and message.visible_ms == visible_ms:
                return visible_ms
            heappop(self._hidden)
        return None

    def pop(self, *, out_of_order: bool = False) -> Message | None:
        """The next visible message: by priority, then by the time since which it is visible. The caller moves it.

        `out_of_order`: the second one, if there are two.
        """
        first = self._pop()
        if first is None or not out_of_order:
            return first
        second = self._pop()
        if second is None:
            return first
        self._enter(first)
        return second

    def peek(self, count: int) -> list[Message]:
        """The next `count` visible messages; nothing changes."""
        found: list[Message] = []
        while len(found) < count and (message := self._pop()) is not None:
            found.append(message)
        for message in found:
            self._enter(message)
        return found

    def _pop(self) -> Message | None:
        while self._ready:
            _, visible_ms, number = heappop(self._ready)
            message = self.messages.get(number)
            if message is not None and message.state == "active" and message.visible_ms == visible_ms:
                return message
        return None

    def _enter(self, message: Message) -> None:
        if message.state == "active":
            heappush(self._ready, (message.priority, message.visible_ms, message.number))
        else:
            heappush(self._hidden, (message.visible_ms, message.number))
            self._tidy()

    def _tidy(self) -> None:
        """Builds a heap anew when most of its entries are of messages that moved on."""
        messages, counts = self.messages.values(), self.counts
        if len(self._ready) > 2 * counts["active"] + STALE_MIN:
            self._ready = [(m.priority, m.visible_ms, m.number) for m in messages if m.state == "active"]
            heapify(self._ready)
        if len(self._hidden) > 2 * (counts["inactive"] + counts["delayed"]) + STALE_MIN:
            self._hidden = [(m.visible_ms, m.number) for m in messages if m.state != "active"]
            heapify(self._hidden)
        if len(self._expiring) > 2 * len(messages) + STALE_MIN:
            self._expiring = [(m.expires_ms, m.number) for m in messages]
            heapify(self._expiring)
