"""What may go wrong at a port call, and how often. Swarm style: each seed arms a random part of it."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

KINDS = (
    "die before",
    "die after",
    "zombie before",
    "zombie after",
    "lost request",
    "lost reply",
    "unavailable",
    "throttled",
    "slow",
)
"""die: the instance is gone. zombie: it is thought dead and goes on later. lost request: nothing happened, and the
caller cannot know. lost reply: it happened, and the caller cannot know."""

DOMAIN_KINDS = (
    "vanishing instances",
    "dying agents",
    "stolen quota",
    "doubled messages",
    "late messages",
    "skewed clocks",
)


@dataclass
class Trouble:
    """Armed kinds with their rates; `fired` counts what really happened."""

    chance: random.Random
    rates: dict[str, float]
    domain: frozenset[str]
    fired: Counter[str] = field(default_factory=Counter)
    ceased: bool = False
    left: int = 60
    """Faults beyond what the design promises drown real bugs: a cap per seed."""

    def draw(self, operation: str) -> str:
        """The trouble of this call, or ""."""
        if self.ceased or not self.left:
            return ""
        for kind, rate in self.rates.items():
            if self.chance.random() < rate:
                self.left -= 1
                self.fired[f"{kind} {operation}"] += 1
                return kind
        return ""

    def has(self, kind: str) -> bool:
        return not self.ceased and kind in self.domain

    def count(self, kind: str) -> None:
        self.fired[kind] += 1


def trouble_of(chance: random.Random) -> Trouble:
    """Each kind is armed in four of ten seeds, at a rate of its own; one seed in ten has none at all."""
    if chance.random() < 0.1:
        return Trouble(chance, {}, frozenset())
    rates = {kind: chance.choice((0.002, 0.01, 0.04)) for kind in KINDS if chance.random() < 0.4}
    return Trouble(chance, rates, frozenset(kind for kind in DOMAIN_KINDS if chance.random() < 0.4))
