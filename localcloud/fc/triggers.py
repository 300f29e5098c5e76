"""Triggers: their records, and whatever runs on their behalf."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from localcloud.fc.described_triggers import SOURCES, check_described
from localcloud.fc.errors import FcError, invalid
from localcloud.fc.functions import FunctionRecord, Functions, check_name
from localcloud.fc.http_config import read_http_config
from localcloud.fc.limits import TRIGGERS_MAX
from localcloud.fc.queue_config import read_config
from localcloud.fc.queue_triggers import Ports, QueueTrigger
from localcloud.fc.timer_triggers import TimerTrigger, read_timer_config
from localcloud.fc.topic_triggers import TopicTrigger, read_topic_config
from localcloud.fc.values import TriggerSpec
from localcloud.fc.versions import LATEST

Handover = Callable[[str, bytes, str], None]
"""Calls a function (by key, with a qualifier) asynchronously; raises FcError."""
TYPES = ("eventbridge", "timer", "mns_topic", "http")


class Runner(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(slots=True)
class TriggerRecord:
    """A trigger. `spec.function` is the function's key."""

    spec: TriggerSpec
    trigger_id: str
    created_ms: int
    modified_ms: int
    runner: Runner | None = None
    is_kept: bool = False
    """An earlier process made it; what it needs may be gone."""


class Triggers:
    """All triggers of all functions. Before `start` they are only noted."""

    def __init__(self, *, functions: Functions, ports: Ports, hand_over: Handover) -> None:
        self._functions = functions
        self._ports = ports
        self._hand_over = hand_over
        self._records: dict[tuple[str, str], TriggerRecord] = {}
        self._is_started = False

    def start(self) -> None:
        self._is_started = True
        for _, record in sorted(self._records.items()):
            if record.is_kept:
                self._run_if_it_can(record)
            else:
                self._run(record)

    def stop(self) -> None:
        self._is_started = False
        for record in self._records.values():
            _halt(record)

    def create(self, spec: TriggerSpec) -> TriggerRecord:
        """Raises FcError: FunctionNotFound, TriggerAlreadyExists, InvalidArgument."""
        function = self._functions.find(spec.function)
        if (spec.function, spec.name) in self._records:
            raise FcError("TriggerAlreadyExists", f"trigger '{spec.name}' already exists")
        if len(self.of(spec.function)) >= TRIGGERS_MAX:
            raise FcError("LimitExceededError", f"the function has {TRIGGERS_MAX} triggers, the limit")
        self._check(spec, function)
        now_ms = self._ports.background.timeline.clock.now_ms()
        record = TriggerRecord(spec, self._ports.ids.uuid("fc.trigger").lower(), now_ms, now_ms)
        self._records[spec.function, spec.name] = record
        if self._is_started:
            try:
                self._run(record)
            except FcError:
                del self._records[spec.function, spec.name]
                raise
        return record

    def restore(self, record: TriggerRecord) -> None:
        self._records[record.spec.function, record.spec.name] = record

    def all(self) -> list[TriggerRecord]:
        return [record for _, record in sorted(self._records.items())]

    def update(self, function: str, name: str, changes: Mapping[str, Any]) -> TriggerRecord:
        """`changes`: fields of TriggerSpec. The trigger begins anew; a blocked one is no longer."""
        record = self.find(function, name)
        spec = replace(record.spec, **changes)
        self._check(spec, self._functions.find(function))
        _halt(record)
        before, record.spec = record.spec, spec
        if self._is_started:
            try:
                self._run(record)
            except FcError:
                record.spec, record.runner = before, None
                self._run_if_it_can(record)
                raise
        record.modified_ms = self._ports.background.timeline.clock.now_ms()
        return record

    def delete(self, function: str, name: str) -> None:
        _halt(self.find(function, name))
        del self._records[function, name]

    def find(self, function: str, name: str) -> TriggerRecord:
        self._functions.find(function)
        record = self._records.get((function, name))
        if record is None:
            raise FcError("TriggerNotFound", f"trigger '{name}' does not exist")
        return record

    def of(self, function: str) -> list[TriggerRecord]:
        return [record for (owner, _), record in sorted(self._records.items()) if owner == function]

    def http_of(self, function: str, qualifier: str = "") -> TriggerRecord | None:
        """The HTTP trigger of the function as it is now, or of one of its versions or aliases."""
        wanted = qualifier or LATEST
        found = (one for one in self.of(function) if one.spec.type == "http")
        return next((one for one in found if (one.spec.qualifier or LATEST) == wanted), None)

    # -- running ------------------------------------------------------------------------------------------------------
    def _check(self, spec: TriggerSpec, function: FunctionRecord) -> None:
        if not spec.name:
            raise invalid("triggerName is missing")
        check_name(spec.name, "triggerName")
        if spec.type not in TYPES and spec.type not in SOURCES:
            raise FcError("NotImplemented", f"the local cloud has no triggers of type '{spec.type}'")
        if spec.type == "http":
            other = self.http_of(function.key, spec.qualifier)
            if other is not None and other.spec.name != spec.name:
                under = spec.qualifier or LATEST
                raise invalid(f"the function has an HTTP trigger already under '{under}': '{other.spec.name}'")
        self._runner(spec, function)

    def _run(self, record: TriggerRecord) -> None:
        record.runner = self._runner(record.spec, self._functions.find(record.spec.function))
        if record.runner is not None:
            record.runner.start()

    def _run_if_it_can(self, record: TriggerRecord) -> None:
        """For one that was accepted once; what it needs may be gone."""
        try:
            self._run(record)
        except FcError as error:
            record.runner = None
            told = f"trigger {record.spec.name!r} of function {record.spec.function!r} does not run: {error}"
            sys.stderr.write(f"local cloud: {told}\n")

    def _runner(self, spec: TriggerSpec, function: FunctionRecord) -> Runner | None:
        """None for what runs only when asked or is only described, and for what is disabled. Raises FcError."""
        if spec.type == "eventbridge":
            queue_config = read_config(spec.config, self._ports.limits)
            if not queue_config.is_enabled:
                return None
            return QueueTrigger(spec.function, spec.name, queue_config, self._ports, qualifier=spec.qualifier)
        if spec.type == "timer":
            timer_config = read_timer_config(spec.config)
            if not timer_config.is_enabled:
                return None
            timeline = self._ports.background.timeline
            return TimerTrigger(spec.name, timer_config, timeline=timeline, hand_over=self._hands_over(spec))
        if spec.type == "mns_topic":
            topic_config = read_topic_config(spec.config, spec.source_arn)
            return TopicTrigger(
                _subscription(function.name, spec.name),
                topic_config,
                queues=self._ports.queues,
                hand_over=self._hands_over(spec),
            )
        if spec.type == "http":
            read_http_config(spec.config)
        else:
            check_described(spec.type, spec.config, spec.source_arn)
        return None

    def _hands_over(self, spec: TriggerSpec) -> Callable[[bytes], None]:
        return lambda event: self._hand_over(spec.function, event, spec.qualifier)


def _subscription(function: str, trigger: str) -> str:
    """A name that MNS takes too: one that begins with _ gets a digit, with which no function's name begins."""
    name = f"{function}-{trigger}"
    return f"0{name}" if name.startswith("_") else name


def _halt(record: TriggerRecord) -> None:
    if record.runner is not None:
        record.runner.stop()
        record.runner = None
