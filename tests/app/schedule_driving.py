"""Drives managed schedules on in-memory ports: the timer ticks (or fails to), messages come when they are due."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import msgspec

from shared.app.isolate import fire_or_isolate
from shared.app.schedule_tick import tick
from shared.core.errors import Fenced, Unavailable, UnknownOutcome
from shared.core.messages import Message
from shared.core.schedule import Schedule, schedule_id_of
from shared.core.transitions import ENDS_OF_RUN
from tests.app.driving import Crash, Drive, invoke_request

MINUTE_MS = 60_000


def every(frequency: str, **spec: Any) -> dict[str, Any]:
    """A schedule that fleetrun keeps."""
    return {"frequency": frequency, "by": "fleetrun", **spec}


@dataclass
class Timer:
    """How faithfully the platform's timer and queue behave."""

    chance: random.Random
    lost: float = 0.0
    doubled: float = 0.0
    late_ms: int = 0
    lost_messages: float = 0.0


class ScheduleDrive(Drive):
    def __init__(self, *, timer: Timer | None = None, **policy: Any) -> None:
        super().__init__(**policy)
        self.timer = timer or Timer(random.Random(0))
        self.is_down = False
        """An outage: the timer calls nobody, and nobody takes messages."""
        self._next_tick_ms = self.world.clock.now_ms() + MINUTE_MS
        self._ticks: list[int] = []
        self.answers: list[str] = []

    def add(self, name: str, frequency: str, *, request: dict[str, Any] | None = None, **spec: Any) -> Schedule:
        """Adds a schedule that runs `uptime` on everything tagged env=demo."""
        self.send(invoke_request(name, schedule=every(frequency, **spec), **{"timeout": 10, **(request or {})}))
        return self.schedule(name)

    def change(self, name: str, action: str, request_id: str = "") -> str:
        self._messages += 1
        request_id = request_id or f"{action}-{self._messages}"
        self.send({"kind": "schedule", "requestId": request_id, "schedule": name, "action": action})
        return self.last_answer

    def update(
        self,
        name: str,
        frequency: str,
        *,
        request_id: str = "",
        if_revision: int | None = None,
        request: dict[str, Any] | None = None,
        **spec: Any,
    ) -> str:
        """What `add` would have made of it, from now on."""
        self._messages += 1
        new = invoke_request(name, schedule=every(frequency, **spec), **{"timeout": 10, **(request or {})})
        message = {"kind": "schedule", "requestId": request_id or f"update-{self._messages}", "schedule": name}
        bound = {} if if_revision is None else {"ifRevision": if_revision}
        self.send({**message, "action": "update", "request": new, **bound})
        return self.last_answer

    def schedule(self, name: str) -> Schedule:
        body = self.world.schedules.rows[schedule_id_of(name)]
        return msgspec.json.decode(body, type=Schedule)

    def pass_time(self, ms: int) -> None:
        """Everything that is due in that time happens: ticks, messages of schedules, steps of runs, sweeps."""
        until_ms = self.world.clock.now_ms() + ms
        while True:
            due_ms = self._next_ms()
            if due_ms > until_ms:
                break
            self.world.clock.advance_to(due_ms)
            self._happen()
        self.world.clock.advance_to(until_ms)

    def _next_ms(self) -> int:
        queue = self.world.queue
        times = [self._next_tick_ms, *self._ticks]
        if not self.is_down:
            times += [due_ms for due_ms, _ in queue.firings] + [due_ms for due_ms, _ in queue.wakeups]
        return min(times)

    def _happen(self) -> None:
        now_ms = self.world.clock.now_ms()
        if now_ms >= self._next_tick_ms:
            self._next_tick_ms += MINUTE_MS
            self._plan_tick(now_ms)
        while self._ticks and min(self._ticks) <= now_ms:
            self._ticks.remove(min(self._ticks))
            if not self.is_down:
                self.tick()
        if self.is_down:
            return
        queue = self.world.queue
        due = [entry for entry in queue.firings if entry[0] <= now_ms]
        queue.firings = [entry for entry in queue.firings if entry[0] > now_ms]
        for _, body in due:
            if self.timer.chance.random() >= self.timer.lost_messages:
                self.take(body)
        for body in queue.take_due():
            self.deliver(body)

    def _plan_tick(self, now_ms: int) -> None:
        timer = self.timer
        if timer.chance.random() < timer.lost:
            return
        for _ in range(2 if timer.chance.random() < timer.doubled else 1):
            self._ticks.append(now_ms + (timer.chance.randrange(timer.late_ms) if timer.late_ms else 0))

    def tick(self) -> None:
        try:
            tick(self.ports, self.policy)
            self.sweep()
        except (Crash, Unavailable, UnknownOutcome):
            return  # the timer comes again

    def take(self, body: bytes) -> None:
        """One message of fleetrun-firings, as its function handles it."""
        try:
            message_id = hashlib.sha256(body).hexdigest()
            self.answers.append(fire_or_isolate(self.ports, self.policy, Message(body, message_id, "queue")))
        except Fenced:
            self.answers.append("fenced")
        except Crash:
            self.answers.append("crashed")
            self.world.queue.firings.append((self.world.clock.now_ms() + 90_000, body))
        except (Unavailable, UnknownOutcome):
            # The trigger's retry: the same message comes again.
            self.answers.append("again")
            self.world.queue.firings.append((self.world.clock.now_ms() + 2_000, body))

    # -- what came of it --------------------------------------------------------------------------------------------
    def runs_of(self, name: str) -> list[str]:
        """Fire times of the schedule's runs, in order."""
        prefix = f"{name}@"
        ids = [run.request_id for run in self.world.runs.runs.values() if run.request_id.startswith(prefix)]
        return sorted(request_id.removeprefix(prefix) for request_id in ids)

    def happened(self, name: str, kind: str) -> list[dict[str, Any]]:
        """Facts of the schedule's events of that kind, repeats dropped, gaps refused."""
        by_id: dict[str, dict[str, Any]] = {}
        for body in self.world.publisher.published:
            event = msgspec.json.decode(body)
            if event["subject"] == schedule_id_of(name):
                assert by_id.setdefault(event["id"], event) == event, "one id, two contents"
        events = [by_id[key] for key in sorted(by_id)]
        assert [int(event["sequence"]) for event in events] == list(range(1, len(events) + 1)), "a gap"
        return [event["data"] for event in events if event["type"] == f"fleetrun.schedule.{kind}"]

    def refusal(self) -> dict[str, Any]:
        """Of the one message that was rejected."""
        (rejected,) = [run for run in self.world.runs.runs.values() if run.refusal]
        return dict(rejected.refusal)

    def still_going(self) -> list[str]:
        return [run.request_id for run in self.world.runs.runs.values() if run.status not in ENDS_OF_RUN]


def at(text: str) -> int:
    """Epoch milliseconds of `2026-01-05T08:00:00Z`."""
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    return int(moment.timestamp()) * 1000
