"""Timer triggers: at each time an asynchronous call with the event of page 129 (2026-08)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from localcloud.clock import Entry, Timeline
from localcloud.fc.errors import FcError, invalid
from localcloud.fc.limits import ASYNC_BYTES_MAX
from localcloud.fc.timer_schedule import Cron, Every, read_schedule


@dataclass(frozen=True, slots=True)
class TimerConfig:
    schedule: Every | Cron
    is_enabled: bool
    payload: str


def read_timer_config(config: Mapping[str, Any]) -> TimerConfig:
    """Raises FcError InvalidArgument naming the field."""
    expression = config.get("cronExpression")
    if not isinstance(expression, str) or not expression:
        raise invalid("cronExpression is missing")
    payload = config.get("payload") or ""
    if not isinstance(payload, str):
        raise invalid("payload must be a string; put JSON in it as text")
    if len(payload.encode("utf-8", "surrogatepass")) > ASYNC_BYTES_MAX:
        raise invalid(f"payload is longer than {ASYNC_BYTES_MAX} bytes, what an asynchronous call takes")
    enabled = config.get("enable", True)
    if not isinstance(enabled, bool):
        raise invalid("enable must be true or false")
    return TimerConfig(read_schedule(expression), enabled, payload)


class TimerTrigger:
    """From `start` to `stop`. Times that passed while nobody was running are not made up for."""

    def __init__(
        self, name: str, config: TimerConfig, *, timeline: Timeline, hand_over: Callable[[bytes], None]
    ) -> None:
        self._name = name
        self._config = config
        self._timeline = timeline
        self._hand_over = hand_over
        self._begun_ms = 0
        self._entry: Entry | None = None

    def start(self) -> None:
        self._begun_ms = self._timeline.clock.now_ms()
        self._schedule(self._begun_ms)

    def stop(self) -> None:
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None

    def _schedule(self, after_ms: int) -> None:
        due_ms = self._config.schedule.next_ms(after_ms, begun_ms=self._begun_ms)
        if due_ms is not None:
            self._entry = self._timeline.at(due_ms, lambda: self._fire(due_ms))

    def _fire(self, due_ms: int) -> None:
        moment = datetime.fromtimestamp(due_ms / 1000, tz=timezone.utc)
        event = {
            "triggerTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            "triggerName": self._name,
            "payload": self._config.payload,
        }
        self._schedule(max(due_ms, self._timeline.clock.now_ms()))
        payload = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        # The version that the trigger names may be gone: then this firing is lost, and the next one tries again.
        with contextlib.suppress(FcError):
            self._hand_over(payload)
