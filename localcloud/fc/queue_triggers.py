"""Queue triggers: take messages, make batches, call the function, delete what is done, repeat what is not.

    visible → taken (hidden from others) → window → batch → call → deleted
                                              ↑       │ function error (synchronous), 429, 5xx
                                              └ pause ┘ … until the policy gives up → dead-letter queue, or blocked

Strategy: nothing polls. The queue's watch wakes the trigger; it takes only what it can deliver at once. While a batch
is tried again its messages stay hidden. What a stop or a crash finds undelivered is given back.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from localcloud.account import Account
from localcloud.clock import Entry
from localcloud.fc.errors import FcError
from localcloud.fc.limits import ASYNC_BYTES_MAX, STRICT, SYNC_BYTES_MAX, Limits
from localcloud.fc.queue_config import QueueTriggerConfig
from localcloud.fc.queue_events import cloud_event, passes, payload_of, split_by_size
from localcloud.fc.queues import NoSuchQueue, NotTaken, Queues, Stop, Taken
from localcloud.fc.tasks import Background
from localcloud.ids import Ids
from localcloud.journal import Journal

DELIVERIES = "fc.deliveries"
LEASE_SLACK_MS = 30_000
"""Ours: how much longer than a call may take its messages are hidden."""
HELD_MS = 3_600_000
"""Ours: a blocked batch is hidden for an hour, again and again."""
MISSING_QUEUE_MS = 1_000
"""Ours: how often a trigger looks for a queue that is not there."""
Fate = Literal["done", "failed", "dropped"]


class Disturbance(Protocol):
    """Is asked at each batch; `name` is function/trigger."""

    def duplicate(self, name: str) -> bool:
        """Shall this batch be delivered twice?"""
        ...

    def reorder(self, name: str) -> bool:
        """Shall its messages come in another order?"""
        ...


class Undisturbed:
    def duplicate(self, name: str) -> bool:  # noqa: ARG002
        return False

    def reorder(self, name: str) -> bool:  # noqa: ARG002
        return False


@dataclass(frozen=True, slots=True)
class Held:
    """A message that is ours for now, and the event made of it."""

    taken: Taken
    event: dict[str, Any]
    size: int


@dataclass(frozen=True, slots=True)
class Ports:
    """What a queue trigger works with. `call` and `hand_over` raise FcError; `call` answers whether it went well."""

    queues: Queues
    background: Background
    account: Account
    ids: Ids
    journal: Journal
    disturbance: Disturbance
    call: Callable[[str, bytes, str], Awaitable[bool]]
    """Function's key, event, qualifier."""
    hand_over: Callable[[str, bytes, str], None]
    lease_ms: Callable[[str], int]
    limits: Limits = STRICT


class QueueTrigger:
    """One trigger of one function, from `start` to `stop`."""

    def __init__(
        self, function: str, name: str, config: QueueTriggerConfig, ports: Ports, *, qualifier: str = ""
    ) -> None:
        self.is_blocked = False
        """errorsTolerance NONE: a batch could not be delivered, nothing more is taken."""
        self._function = function
        self._name = name
        self._qualifier = qualifier
        self._config = config
        self._ports = ports
        self._stop_watching: Stop | None = None
        self._is_stopped = False
        self._is_woken = False
        self._running = 0
        self._window: list[Held] = []
        self._window_due_ms = 0
        self._window_entry: Entry | None = None
        self._held: dict[str, Taken] = {}
        """By message id and receipt: what a stop gives back."""

    def start(self) -> None:
        """Begins, also when the queue is not there yet."""
        if self._is_stopped:
            return
        try:
            self._stop_watching = self._ports.queues.watch(self._config.queue, self.wake)
        except NoSuchQueue:
            self._stop_watching = None
            self._ports.background.timeline.after(MISSING_QUEUE_MS, self.start)
            return
        self.wake()

    def stop(self) -> None:
        """Ends it; messages that are held become visible again. Batches that run are to be cancelled by the caller."""
        self._is_stopped = True
        if self._stop_watching is not None:
            self._stop_watching()
        if self._window_entry is not None:
            self._window_entry.cancel()
        self._window.clear()
        for key, taken in list(self._held.items()):
            self._ports.queues.hide(self._config.queue, taken.receipt, visibility_ms=0)
            self._forget(key)

    def wake(self) -> None:
        """Something may be visible."""
        if not self._is_woken and not self._is_stopped:
            self._is_woken = True
            self._ports.background.soon(self._pump)

    # -- taking -------------------------------------------------------------------------------------------------------
    def _pump(self) -> None:
        self._is_woken = False
        try:
            while not self._is_stopped and not self.is_blocked and self._running < self._config.batches:
                if not self._fill():
                    return
                self._launch()
        except NoSuchQueue:
            if self._stop_watching is not None:
                self._stop_watching()
            self._ports.background.timeline.after(MISSING_QUEUE_MS, self.start)

    def _fill(self) -> bool:
        """Takes what fits into the window; answers whether it is to be delivered now."""
        config, now_ms = self._config, self._ports.background.timeline.clock.now_ms()
        lease_ms = self._ports.lease_ms(self._function) + config.window_ms
        while room := config.count - len(self._window):
            found = self._ports.queues.take(config.queue, room, visibility_ms=lease_ms)
            if not found:
                break
            # The filter may drop them all: then what lies behind them is looked at.
            self._window += [held for taken in found if (held := self._hold(taken, now_ms)) is not None]
        if not self._window:
            return False
        if len(self._window) >= config.count or config.window_ms == 0:
            return True
        if self._window_entry is None:
            self._window_due_ms = now_ms + config.window_ms
            self._window_entry = self._ports.background.timeline.at(self._window_due_ms, self.wake)
        return now_ms >= self._window_due_ms

    def _hold(self, taken: Taken, now_ms: int) -> Held | None:
        event = cloud_event(
            taken,
            self._config,
            account=self._ports.account,
            source=f"MNS-{self._function}-{self._name}",
            request_id=self._ports.ids.hexadecimal("fc.event", 24),
            now_ms=now_ms,
        )
        if not passes(event, self._config.pattern):
            self._ports.queues.delete(self._config.queue, taken.receipt)
            return None
        self._remember(_key(taken), taken)
        size = len(payload_of([event], replace(self._config, mode="event-streaming")))
        return Held(taken, event, size)

    def _launch(self) -> None:
        batch, self._window = self._window, []
        if self._window_entry is not None:
            self._window_entry.cancel()
            self._window_entry = None
        if self._ports.disturbance.reorder(f"{self._function}/{self._name}"):
            batch.reverse()
        self._running += 1
        self._ports.background.start(self._deliver(batch))

    # -- delivering ---------------------------------------------------------------------------------------------------
    async def _deliver(self, batch: Sequence[Held]) -> None:
        bytes_max = ASYNC_BYTES_MAX if self._config.is_async else SYNC_BYTES_MAX
        try:
            for group in split_by_size(batch, [held.size for held in batch], bytes_max=bytes_max):
                await self._deliver_group(group)
        finally:
            self._running -= 1
            self.wake()

    async def _deliver_group(self, group: list[Held]) -> None:
        background, policy = self._ports.background, self._config.retry
        first_ms = background.timeline.clock.now_ms()
        retries = 0
        while group:
            fate = await self._attempt(group)
            if fate != "failed":
                self._settle(group)
                return
            pause_ms = policy.pause_ms(
                retries,
                age_ms=background.timeline.clock.now_ms() - first_ms,
                stream=self._ports.ids.stream("fc.retries"),
            )
            if pause_ms is None:
                await self._give_up(group)
                return
            retries += 1
            group = self._keep_hidden(group, pause_ms + self._ports.lease_ms(self._function))
            await background.pause(pause_ms)

    async def _attempt(self, group: Sequence[Held]) -> Fate:
        payload = payload_of([held.event for held in group], self._config)
        times = 2 if self._ports.disturbance.duplicate(f"{self._function}/{self._name}") else 1
        fate: Fate = "failed"
        for _ in range(times):
            try:
                if self._config.is_async:
                    self._ports.hand_over(self._function, payload, self._qualifier)
                    fate = "done"
                elif await self._ports.call(self._function, payload, self._qualifier):
                    fate = "done"
            except FcError as error:
                # A caller's mistake (too large, no such function) is not repeated by EventBridge: 429 and 5xx are.
                fate = "failed" if error.is_passing else "dropped"
        if fate == "dropped":
            self._bury(group)
        return fate

    async def _give_up(self, group: list[Held]) -> None:
        if self._config.tolerates_errors:
            self._bury(group)
            self._settle(group)
            return
        self.is_blocked = True
        while group:
            group = self._keep_hidden(group, 2 * HELD_MS)
            await self._ports.background.pause(HELD_MS)

    def _bury(self, group: Sequence[Held]) -> None:
        """Each event by itself into the dead-letter queue, when there is one."""
        if self._config.dead_letter_queue is None:
            return
        for held in group:
            with contextlib.suppress(NotTaken):
                body = json.dumps(held.event, ensure_ascii=False, separators=(",", ":"))
                self._ports.queues.send(self._config.dead_letter_queue, body)

    # -- holding ------------------------------------------------------------------------------------------------------
    def _settle(self, group: Sequence[Held]) -> None:
        for held in group:
            self._ports.queues.delete(self._config.queue, held.taken.receipt)
            self._forget(_key(held.taken))

    def _keep_hidden(self, group: Sequence[Held], visibility_ms: int) -> list[Held]:
        """Those that are still ours, under their new receipts."""
        kept = []
        for held in group:
            receipt = self._ports.queues.hide(self._config.queue, held.taken.receipt, visibility_ms=visibility_ms)
            self._forget(_key(held.taken))
            if receipt is not None:
                taken = replace(held.taken, receipt=receipt)
                self._remember(_key(taken), taken)
                kept.append(replace(held, taken=taken))
        return kept

    def _remember(self, key: str, taken: Taken) -> None:
        self._held[key] = taken
        self._ports.journal.put(DELIVERIES, key, (self._config.queue, taken.receipt))

    def _forget(self, key: str) -> None:
        if self._held.pop(key, None) is not None:
            self._ports.journal.drop(DELIVERIES, key)


def _key(taken: Taken) -> str:
    return f"{taken.message_id}/{taken.receipt}"


def give_back_undelivered(queues: Queues, journal: Journal) -> None:
    """After a restart: what was being delivered when the process died becomes visible again."""
    for key, (queue, receipt) in list(journal.load(DELIVERIES, tuple[str, str])):
        queues.hide(queue, receipt, visibility_ms=0)
        journal.drop(DELIVERIES, key)
