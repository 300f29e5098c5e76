"""What happens to a schedule while it goes: updates of its script or its times, on condition or not, pauses, removals.

Each update has a script of its own, so that the runs tell by which of them they were made.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from tests.sim.platform import REQUESTS
from tests.sim.workload import Arrival

FIRST_MS, LAST_MS = 60_000, 200_000
CALM_MS = 900_000
"""Trouble is over, and nothing that was sent before still comes."""
FREQUENCIES = ("0/10 * * * * ? UTC", "0/20 * * * * ? UTC", "0 * * * * ? UTC")
Json = dict[str, Any]


class Changes:
    """Of one schedule. Half of the schedules have none."""

    def __init__(self, chance: random.Random, request: Json) -> None:
        self.request, self.messages = request, list[tuple[int, Json]]()
        self.is_retimed = self.is_put_away = False
        if chance.random() < 0.5:
            return
        may_retime, may_put_away = chance.random() < 0.5, chance.random() < 0.3
        for number in range(1, chance.choice((3, 4, 5))):
            action = chance.choice(("pause", "remove", "resume")) if may_put_away and number > 1 else "update"
            retimes = may_retime and action == "update" and chance.random() < 0.7
            self._add(chance.randrange(FIRST_MS, LAST_MS), f"change-{number}", action, chance, retimes=retimes)
        if self.is_put_away:  # else it could stay paused for ever
            self._add(LAST_MS, "last", "update", chance, retimes=False)
            self._add(CALM_MS, "goes", "resume", chance, retimes=False)

    def _add(self, at_ms: int, what: str, action: str, chance: random.Random, *, retimes: bool) -> None:
        name = self.request["requestId"]
        message: Json = {"kind": "schedule", "requestId": f"{name}-{what}", "schedule": name, "action": action}
        if action == "update":
            spec = {**self.request["schedule"], **({"frequency": chance.choice(FREQUENCIES)} if retimes else {})}
            command = {"type": "RunShellScript", "content": f"true {what}"}
            message["request"] = {**self.request, "command": command, "schedule": spec, "timeout": 10}
            if chance.random() < 0.3:
                message["ifRevision"] = chance.choice((1, 2))
        self.is_retimed = self.is_retimed or retimes
        self.is_put_away = self.is_put_away or action in ("pause", "remove")
        self.messages.append((at_ms, message))

    def specs(self) -> list[Json]:
        """Of everything that it may repeat at some time."""
        return [self.request["schedule"]] + [
            message["request"]["schedule"] for _, message in self.messages if "request" in message
        ]

    def arrivals(self, chance: random.Random) -> list[Arrival]:
        """Some come again, much later than the ones that followed them."""
        return [
            Arrival(at_ms + again_ms, REQUESTS, message["requestId"], json.dumps(message).encode())
            for at_ms, message in self.messages
            for again_ms in chance.choice(((0,), (0, 45_000)))
        ]


def check_scripts(name: str, scripts: Sequence[str]) -> None:
    """`scripts`: of the schedule's runs, in the order in which they were made. What was replaced does not come back."""
    blocks = [script for index, script in enumerate(scripts) if not index or scripts[index - 1] != script]
    assert len(set(blocks)) == len(blocks), f"7: {name} ran {blocks}: an update was undone by an older one"
