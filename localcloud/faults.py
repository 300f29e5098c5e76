"""Faults on order: which requests and deliveries go wrong, how, and how often that has happened.

A rule names a service and an operation (or "*") and one kind of harm. It fires by probability, at most `count` times.
Each rule draws from its own seeded stream, so a seed and a sequence of requests tell the same story again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from localcloud.http import Refusal
from localcloud.ids import Ids

Kind = Literal["error-before", "throttle", "delay", "close", "error-after", "lost-reply", "duplicate", "reorder"]
KINDS: tuple[str, ...] = get_args(Kind)
BEFORE = ("delay", "close", "throttle", "error-before")
AFTER = ("lost-reply", "error-after")
SERVICES = ("ecs", "mns", "tablestore", "fc", "*")
DELAY_MS_MAX = 600_000
"""Ours."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One kind of harm.

    error-before, throttle: refused, nothing has happened. delay: answered later by `delay_ms`. close: the connection
    is closed before anything happened. error-after: it happened, and the answer says that it failed. lost-reply: it
    happened, and the connection is closed. duplicate, reorder: deliveries of queues (service `mns` or `fc`).
    """

    kind: Kind
    service: str = "*"
    operation: str = "*"
    path: str | None = None
    """Only requests whose raw path holds this text, e.g. "/queues/fleetrun-wakeups/"."""
    probability: float = 1.0
    count: int | None = None
    code: str | None = None
    status: int | None = None
    message: str | None = None
    delay_ms: int = 0

    def __post_init__(self) -> None:
        if self.service not in SERVICES:
            raise ValueError(f"service is {self.service!r}, known are {', '.join(SERVICES)}")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability is {self.probability}, it lies from 0 to 1")
        if self.count is not None and self.count < 1:
            raise ValueError(f"count is {self.count}, at least 1")
        if not 0 <= self.delay_ms <= DELAY_MS_MAX:
            raise ValueError(f"delayMs is {self.delay_ms}, it lies from 0 to {DELAY_MS_MAX}")
        if self.status is not None and not 400 <= self.status <= 599:
            raise ValueError(f"status is {self.status}, an error lies from 400 to 599")


@dataclass(slots=True)
class _Standing:
    rule: Rule
    seen: int = 0
    fired: int = 0


@dataclass(frozen=True, slots=True)
class Harm:
    """What shall go wrong with one request. Without any harm all fields are at their defaults."""

    rule_ids: tuple[str, ...] = ()
    delay_ms: int = 0
    close_before: bool = False
    refuse_before: Refusal | None = None
    refuse_after: Refusal | None = None
    lose_reply: bool = False


NO_HARM = Harm()


class FaultPlan:
    """The rules in force. Rules that apply to the same request add up; the earliest in the request's life wins."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._rules: dict[str, _Standing] = {}
        self._number = 0

    def add(self, rule: Rule) -> str:
        """Puts the rule in force; answers its id."""
        self._number += 1
        rule_id = f"fault-{self._number}"
        self._rules[rule_id] = _Standing(rule)
        return rule_id

    def add_json(self, value: object) -> str:
        """As `add`, from plain data in camelCase. Raises ValueError that names the field."""
        return self.add(msgspec.convert(value, Rule))

    def remove(self, rule_id: str) -> bool:
        return self._rules.pop(rule_id, None) is not None

    def clear(self) -> None:
        self._rules.clear()

    def harm(self, service: str, operation: str, path: str) -> Harm:
        """Draws for one request. Counts what fired."""
        if not self._rules:
            return NO_HARM
        fired = [(rule_id, rule) for rule_id, rule in self._fire((*BEFORE, *AFTER), service, operation, path)]
        if not fired:
            return NO_HARM
        by_kind = {rule.kind: rule for _, rule in reversed(fired)}
        return Harm(
            rule_ids=tuple(rule_id for rule_id, _ in fired),
            delay_ms=sum(rule.delay_ms for _, rule in fired if rule.kind == "delay"),
            close_before="close" in by_kind,
            refuse_before=_refusal(by_kind.get("throttle") or by_kind.get("error-before")),
            refuse_after=_refusal(by_kind.get("error-after")),
            lose_reply="lost-reply" in by_kind,
        )

    def disturb(self, kind: Kind, *, service: str, operation: str, path: str) -> bool:
        """Shall this delivery be a `duplicate`, or come out of order (`reorder`)? Counts when it shall."""
        return bool(self._rules) and bool(self._fire((kind,), service, operation, path))

    def as_json(self) -> list[dict[str, Any]]:
        """Every rule with how many requests it looked at and on how many it fired."""
        return [
            {
                "id": rule_id,
                **msgspec.to_builtins(standing.rule),
                "seen": standing.seen,
                "fired": standing.fired,
            }
            for rule_id, standing in self._rules.items()
        ]

    def _fire(self, kinds: tuple[str, ...], service: str, operation: str, path: str) -> list[tuple[str, Rule]]:
        fired = []
        for rule_id, standing in self._rules.items():
            rule = standing.rule
            if (
                rule.kind not in kinds
                or rule.service not in ("*", service)
                or rule.operation not in ("*", operation)
                or (rule.path is not None and rule.path not in path)
                or (rule.count is not None and standing.fired >= rule.count)
            ):
                continue
            standing.seen += 1
            # Drawn even when certain, so that a change of probability does not shift the draws that follow.
            if self._ids.stream(f"faults.{rule_id}").random() < rule.probability:
                standing.fired += 1
                fired.append((rule_id, rule))
        return fired


def read_rule(text: str) -> Rule:
    """From `kind=throttle,service=ecs,operation=RunCommand,probability=0.2`: fields as in JSON. Raises ValueError."""
    fields: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        if not equals or name in fields:
            raise ValueError(f"{part.strip()!r}: it must look like name=value, each name once")
        fields[name] = value
    return msgspec.convert(fields, Rule, strict=False)


class QueueDisturbance:
    """The plan as MNS asks it: at each delivery, by the queue's name."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan

    def duplicate(self, queue: str) -> bool:
        return self._plan.disturb("duplicate", service="mns", operation="ReceiveMessage", path=f"/queues/{queue}/")

    def reorder(self, queue: str) -> bool:
        return self._plan.disturb("reorder", service="mns", operation="ReceiveMessage", path=f"/queues/{queue}/")


def _refusal(rule: Rule | None) -> Refusal | None:
    if rule is None:
        return None
    return Refusal(code=rule.code, status=rule.status, message=rule.message, throttle=rule.kind == "throttle")
