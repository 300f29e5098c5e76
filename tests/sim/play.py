"""One seed, one story: plays it and says what came of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

from tests.sim.checkers import Checkers
from tests.sim.world import World

FAULTS_MS = 240_000
BOUND_MS = 4 * 86_400_000


@dataclass
class Story:
    """What one seed came to. `broken` is "" when every invariant held."""

    seed: int
    broken: str
    digest: str
    """Of the trace: the same seed tells the same story, byte for byte, under every PYTHONHASHSEED."""
    fired: Counter[str]
    transitions: Counter[str]
    trace: list[str]
    port_calls: int
    virtual_ms: int


def play(seed: int) -> Story:
    world = World(seed)
    checkers = Checkers(world)
    broken = ""
    try:
        settled = world.run(checkers.step, faults_ms=FAULTS_MS, bound_ms=BOUND_MS)
        assert settled, f"9: not settled within the bound: {_open_ends(world)}"
        checkers.end()
    except AssertionError as error:
        broken = str(error) or repr(error)
    digest = hashlib.sha256("\n".join(world.trace).encode()).hexdigest()[:16]
    return Story(
        seed,
        broken,
        digest,
        world.trouble.fired,
        checkers.transitions,
        world.trace,
        world.host.calls,
        world.clock.now_ms() - world.workload.start_ms,
    )


def play_quietly(seed: int) -> Story:
    """Without the trace, for long hauls."""
    story = play(seed)
    story.trace = []
    return story


def _open_ends(world: World) -> str:
    unfinished = [
        (run_id, world.runs.runs[run_id].status) for run_id in sorted(world.runs.unfinished_ids & set(world.runs.runs))
    ]
    return f"{unfinished}, {world.in_hand} messages in hand"
