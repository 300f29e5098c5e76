"""A queue against the simplest thing that could be one: a list that is scanned."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from localcloud.mns.errors import MnsError
from localcloud.mns.values import DlqPolicy, Outgoing, QueueChanges
from tests.contract.mns.worlds import MnsWorld

RETENTION_MS = 200_000
RECEIVES_MAX = 3
PICK = st.integers(0, 10_000)


@dataclass
class Expected:
    """A message as the model knows it."""

    body: str
    order: int
    priority: int
    visible_ms: int
    expires_ms: int
    is_delayed: bool
    receives: int = 0
    handle: str = ""


class QueueModel(RuleBasedStateMachine):
    """Two queues: "work", and "dead" where its messages go after too many receives."""

    def __init__(self) -> None:
        super().__init__()
        self.world = MnsWorld()
        retention = QueueChanges(message_retention_period=RETENTION_MS // 1000)
        self.world.service.create_queue("dead", retention)
        self.world.service.create_queue("work", retention, dlq=DlqPolicy("dead", RECEIVES_MAX))
        self.work: list[Expected] = []
        self.dead: list[Expected] = []
        self.old_handles: list[str] = []
        self.order = 0

    @rule(delay=st.sampled_from([0, 0, 0, 1, 30]), priority=st.sampled_from([1, 8, 8, 8, 16]))
    def send(self, delay: int, priority: int) -> None:
        self.order += 1
        body = f"m{self.order}"

        sent = self.world.service.send("work", Outgoing(body, delay, priority))

        now_ms = self.world.now_ms
        self.work.append(
            Expected(
                body, self.order, priority, now_ms + delay * 1000, now_ms + RETENTION_MS, delay > 0,
                handle=sent.receipt_handle,
            )
        )  # fmt: skip

    @rule(count=st.integers(1, 4), visibility=st.sampled_from([1, 10, 40]))
    def receive(self, count: int, visibility: int) -> None:
        expected: list[Expected] = []
        while len(expected) < count and (message := self._next()) is not None:
            if message.receives == RECEIVES_MAX:
                self.work.remove(message)
                self.order += 1
                message.order, message.receives, message.visible_ms = self.order, 0, self.world.now_ms
                self.dead.append(message)
                continue
            message.receives += 1
            message.visible_ms = self.world.now_ms + visibility * 1000
            message.is_delayed = False
            expected.append(message)

        taken = self.world.service.take("work", count, visibility_ms=visibility * 1000)

        assert [(d.body, d.dequeue_count, d.next_visible_ms) for d in taken] == [
            (m.body, m.receives, m.visible_ms) for m in expected
        ]
        for message, delivery in zip(expected, taken, strict=True):
            self._renew(message, delivery.receipt_handle)

    @precondition(lambda self: self._held())
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        message = self._held()[pick % len(self._held())]

        self.world.service.delete("work", message.handle)

        self.work.remove(message)
        self.old_handles.append(message.handle)

    @precondition(lambda self: self._held())
    @rule(pick=PICK, seconds=st.sampled_from([1, 5, 60]))
    def change_visibility(self, pick: int, seconds: int) -> None:
        message = self._held()[pick % len(self._held())]

        handle, visible_ms = self.world.service.change_visibility("work", message.handle, seconds)

        message.visible_ms = self.world.now_ms + seconds * 1000
        assert visible_ms == message.visible_ms
        self._renew(message, handle)

    @precondition(lambda self: self.old_handles)
    @rule(pick=PICK)
    def use_an_old_handle(self, pick: int) -> None:
        handle = self.old_handles[pick % len(self.old_handles)]

        with pytest.raises(MnsError, match="Message not exist"):
            self.world.service.delete("work", handle)

    @rule(seconds=st.sampled_from([0.001, 1, 9.999, 10, 31, 199]))
    def wait(self, seconds: float) -> None:
        self.world.advance(seconds)

        now_ms = self.world.now_ms
        self.work = [message for message in self.work if message.expires_ms > now_ms]
        self.dead = [message for message in self.dead if message.expires_ms > now_ms]
        for message in self.work:
            if message.handle and message.visible_ms <= now_ms:
                self._renew(message, "")

    @invariant()
    def counts_agree(self) -> None:
        now_ms = self.world.now_ms
        hidden = [message for message in self.work if message.visible_ms > now_ms]
        delayed = sum(message.is_delayed for message in hidden)
        expected = (len(self.work) - len(hidden), len(hidden) - delayed, delayed)

        assert self.world.counts("work") == expected
        assert self.world.counts("dead") == (len(self.dead), 0, 0)

    @invariant()
    def peeking_sees_the_visible_in_order(self) -> None:
        visible = sorted(self._visible(), key=lambda m: (m.priority, m.visible_ms, m.order))

        assert [d.body for d in self.world.service.peek("work", 16)] == [m.body for m in visible[:16]]

    def _visible(self) -> list[Expected]:
        return [message for message in self.work if message.visible_ms <= self.world.now_ms]

    def _next(self) -> Expected | None:
        return min(self._visible(), key=lambda m: (m.priority, m.visible_ms, m.order), default=None)

    def _held(self) -> list[Expected]:
        return [message for message in self.work if message.handle and message.visible_ms > self.world.now_ms]

    def _renew(self, message: Expected, handle: str) -> None:
        if message.handle:
            self.old_handles.append(message.handle)
        message.handle = handle


QueueModel.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestQueueModel = QueueModel.TestCase
