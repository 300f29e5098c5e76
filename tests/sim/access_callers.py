"""Who sends what in a world with access: callers with grants, their requests, and what must become of each.

The rules are written down here once more, apart from shared/core/access.py, which they judge.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from shared.core.access import Grant
from shared.core.model import run_id_of

REGION = "cn-hangzhou"
DOORS = ("", "", "", "", "", "", "forged", "stale", "unknown key")
WEEK_S = 604_800


@dataclass
class Sender:
    """A caller. `key`: "" = signs nothing, and has the grant of the queue."""

    key: str
    key_id: str
    grant: Grant
    changed_at_ms: int = 0
    """So long after the start its key is revoked, or its grant made one of a viewer; 0: never."""
    is_revoked: bool = False


@dataclass(frozen=True)
class Sent:
    """One message and what must become of it."""

    name: str
    at_ms: int
    sender: Sender
    body: dict[str, Any]
    door: str = ""
    """What is wrong with its signature."""
    is_poison: bool = False

    @property
    def request_id(self) -> str:
        return str(self.body["requestId"])

    @property
    def is_stop(self) -> bool:
        return bool(self.body["kind"] == "stop")

    @property
    def run_id(self) -> str:
        return str(self.body["runId"]) if self.is_stop else run_id_of(self.request_id)

    @property
    def is_late(self) -> bool:
        """Sent after the key lost what it could."""
        return bool(self.sender.changed_at_ms) and self.at_ms > self.sender.changed_at_ms

    @property
    def must_be_refused(self) -> bool:
        return bool(self.door) or self.is_late or is_beyond(self.sender.grant, self.body)

    @property
    def must_be_taken(self) -> bool:
        """What is on its way when its key is revoked may go either way."""
        return not self.must_be_refused and not self.sender.changed_at_ms


def is_beyond(grant: Grant, body: dict[str, Any]) -> bool:
    """Whether the request itself tells that its caller may not."""
    if grant.role == "viewer":
        return True
    if body["kind"] == "stop":
        return grant.is_bounded  # in these worlds such a stop names a stranger's run
    if grant.regions is not None and body.get("region", REGION) not in grant.regions:
        return True
    if "content" in body["command"]:
        if not grant.inline_scripts:
            return True
    elif grant.commands is not None and body["command"]["commandId"] not in grant.commands:
        return True
    targets = body["targets"]
    if "instanceIds" in targets:
        return grant.targets_max is not None and len(set(targets["instanceIds"])) > grant.targets_max
    return any(targets["tags"].get(name) != value for name, value in (grant.tags or {}).items())


def grant_of(chance: random.Random, name: str) -> Grant:
    return Grant(
        name=name,
        role=chance.choice(("operator", "operator", "operator", "operator", "viewer")),
        commands=chance.choice((None, None, ("c-allowed",))),
        inline_scripts=chance.random() < 0.85,
        tags=chance.choice((None, {"env": "demo"})),
        regions=chance.choice((None, None, (REGION,), ("cn-beijing",))) if chance.random() < 0.4 else None,
        targets_max=chance.choice((None, None, 2, 50)),
        units_per_day=chance.choice((None, 1, 2, 4, 9)),
    )


def requests_of(chance: random.Random, senders: list[Sender], instances: int) -> list[Sent]:
    """In order of their times; a message's neighbours may come at its very moment."""
    sent: list[Sent] = []
    for number in range(chance.choice((2, 3, 5, 8))):
        sender = chance.choice(senders)
        at_ms = chance.choice((1_000, chance.randrange(20_000)))
        door = chance.choice(DOORS) if sender.key else ""
        body = _invoke(chance, number, instances)
        sent.append(Sent(f"request {number}", at_ms, sender, body, door, is_poison=chance.random() < 0.08))
        if chance.random() < 0.2 and not sender.changed_at_ms and not sent[-1].is_poison:
            sent.append(Sent(f"request {number} again", at_ms + chance.randrange(30_000), sender, body, door))
        strangers = [each for each in senders if each is not sender and each.grant.is_bounded]
        if chance.random() < 0.2 and strangers:
            stop = {"kind": "stop", "requestId": f"stop-{number}", "runId": run_id_of(f"request-{number}")}
            when_ms = at_ms + chance.choice((0, 1_000, 6_000))
            sent.append(Sent(f"a stranger's stop {number}", when_ms, chance.choice(strangers), stop))
    return sent


def _invoke(chance: random.Random, number: int, instances: int) -> dict[str, Any]:
    some = sorted({f"i-{chance.randrange(instances):05d}" for _ in range(chance.choice((1, 3, instances)))})
    command = {"type": "RunShellScript", "content": "true"}
    return {
        "kind": "invoke",
        "requestId": f"request-{number}",
        "command": {"commandId": "c-forbidden"} if chance.random() < 0.1 else command,
        "targets": chance.choice(({"tags": {"env": "demo"}}, {"instanceIds": some}, {"instanceIds": some})),
        "timeout": 10,
    }


def as_json(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()
