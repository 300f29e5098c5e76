"""What may go wrong, and how often. Swarm style: each seed arms a random part of it, at rates of its own."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

PORT_KINDS = (
    "die before",
    "die after",
    "zombie before",
    "zombie after",
    "lost request",
    "lost reply",
    "late effect",
    "torn batch",
    "unavailable",
    "throttled",
    "slow",
    "stall",
    "stale poll",
    "forbidden",
)
"""At a port call. die: the instance is gone. zombie: it is thought dead and goes on later. lost request: nothing
happened, and the caller cannot know. lost reply: it happened, and the caller cannot know. late effect: it happens after
the caller has given up. torn batch: a part of the rows is written, and the caller cannot know. slow: up to 20 s, as
long as a call may take. stall: the instance stands still for longer than that, and may meet its timeout. stale poll:
ECS shows what it showed before. forbidden: the role may not call ECS just now."""

WORLD_KINDS: dict[str, float] = {
    "vanishing instances": 1.0,
    "dying agents": 0.05,
    "stolen quota": 1.0,
    "stopped by others": 1.0,
    "doubled messages": 0.2,
    "reordered messages": 0.3,
    "lost deletes": 0.1,
    "late wake-ups": 0.5,
    "lost wake-ups": 0.15,
    "skewed clocks": 1.0,
    "busy platform": 0.1,
    "deployment": 1.0,
}
"""Around the functions; how often each strikes when it is armed and its turn comes."""
FOCI: tuple[frozenset[str], ...] = (
    frozenset({"invoke"}),
    frozenset({"invoke", "find_invocation"}),
    frozenset({"update_run"}),
    frozenset({"update_run", "put_chunks", "update_chunks"}),
    frozenset({"put_chunks", "update_chunks", "put_events"}),
    frozenset({"grant", "give_back", "close_day"}),
    frozenset({"publish", "send_wakeup"}),
    frozenset({"poll_run", "poll_invocation", "stop"}),
    frozenset({"announce", "insert_run", "remember", "forget"}),
    frozenset({"describe", "agents", "create_command", "find_command"}),
)
"""In some seeds trouble comes to a few operations, and comes often."""
FOCUSED_RATE = 0.15
FAULTS_MAX = 60
"""Faults beyond what the design promises drown real bugs: a cap per seed, for port calls."""


@dataclass(frozen=True)
class Aim:
    """Trouble for one purpose: these kinds, at these operations, in every seed."""

    kinds: tuple[str, ...]
    operations: tuple[str, ...]


@dataclass
class Trouble:
    """Armed kinds; `fired` counts what really happened. Each kind draws from a stream of its own."""

    stream: Callable[[str], random.Random]
    rates: dict[str, float]
    armed: frozenset[str]
    fired: Counter[str] = field(default_factory=Counter)
    focus: frozenset[str] = frozenset()
    """Operations that are struck often, the others never; none: all are struck at their rates."""
    ceased: bool = False
    left: int = FAULTS_MAX
    _streams: dict[str, random.Random] = field(default_factory=dict)

    def draw(self, operation: str) -> str:
        """The trouble of this port call, or ""; it is counted when it has struck."""
        if self.ceased or not self.left or (self.focus and operation not in self.focus):
            return ""
        chance = self._of("ports")
        for kind, rate in self.rates.items():
            if chance.random() < (FOCUSED_RATE if self.focus else rate):
                return kind
        return ""

    def strike(self, kind: str, operation: str) -> None:
        self.left -= 1
        self.fired[f"{kind} {operation}"] += 1

    def has(self, kind: str) -> bool:
        assert kind in WORLD_KINDS, kind
        return not self.ceased and kind in self.armed

    def strikes(self, kind: str) -> bool:
        """Whether it strikes now; counted if so."""
        if not self.has(kind) or self._of(kind).random() >= WORLD_KINDS[kind]:
            return False
        self.fired[kind] += 1
        return True

    def amount(self, kind: str, below: int) -> int:
        """0 when it does not strike, else 1 .. below - 1."""
        return self._of(kind).randrange(1, below) if self.strikes(kind) else 0

    def _of(self, kind: str) -> random.Random:
        if kind not in self._streams:
            self._streams[kind] = self.stream(f"trouble {kind}")
        return self._streams[kind]


def trouble_of(stream: Callable[[str], random.Random], aim: Aim | None = None) -> Trouble:
    """Each kind is armed in four of ten seeds; one seed in ten has none at all. An aim replaces chance."""
    if aim is not None:
        return Trouble(stream, dict.fromkeys(aim.kinds, FOCUSED_RATE), frozenset(), focus=frozenset(aim.operations))
    chance = stream("trouble")
    if chance.random() < 0.1:
        return Trouble(stream, {}, frozenset())
    rates = {kind: chance.choice((0.002, 0.01, 0.04)) for kind in PORT_KINDS if chance.random() < 0.4}
    armed = frozenset(kind for kind in WORLD_KINDS if chance.random() < 0.4)
    focus = chance.choice(FOCI) if chance.random() < 0.4 else frozenset[str]()
    return Trouble(stream, rates, armed, focus=focus)
