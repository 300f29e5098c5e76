"""What one seed came to: the same for each kind of world."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

from tests.sim.changes import Changes
from tests.sim.world import World


@dataclass
class Story:
    """`broken` is "" when every invariant held."""

    seed: int
    store: str
    broken: str
    digest: str
    """Of the trace: the same seed tells the same story, byte for byte, under every PYTHONHASHSEED."""
    fired: Counter[str]
    transitions: Counter[str]
    trace: list[str]
    checks: int
    """How many things were held against an invariant. 0: the story proves nothing."""
    port_calls: int
    virtual_ms: int


def story_of(world: World, *, broken: str, changes: Changes, checks: int) -> Story:
    return Story(
        seed=world.seed,
        store=world.stores.name,
        broken=broken,
        digest=hashlib.sha256("\n".join(world.trace).encode()).hexdigest()[:16],
        fired=world.trouble.fired,
        transitions=changes.met,
        trace=world.trace,
        checks=checks,
        port_calls=world.host.begun,
        virtual_ms=world.clock.now_ms() - world.workload.start_ms,
    )
