"""One seed, one story: plays it and says what came of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

from tests.sim.checkers import Broken, Checkers
from tests.sim.trouble import Aim
from tests.sim.verdicts import check_end
from tests.sim.world import World

FAULTS_MS = 240_000
BOUND_MS = 4 * 86_400_000


@dataclass
class Story:
    """What one seed came to. `broken` is "" when every invariant held."""

    seed: int
    store: str
    broken: str
    digest: str
    """Of the trace: the same seed tells the same story, byte for byte, under every PYTHONHASHSEED."""
    fired: Counter[str]
    transitions: Counter[str]
    trace: list[str]
    checks: int
    port_calls: int
    virtual_ms: int


def play(seed: int, aim: Aim | None = None) -> Story:
    world = World(seed, aim)
    checkers = Checkers(world)
    broken = ""
    try:
        settled = world.play(checkers.step, faults_ms=FAULTS_MS, bound_ms=BOUND_MS)
        assert settled, f"9: not settled within the bound: {_open_ends(world)}"
        check_end(world)
        checkers.check_units()
        assert checkers.checks, "a world in which nothing is checked proves nothing"
    except (AssertionError, Broken) as error:
        broken = str(error) or repr(error)
    return Story(
        seed=seed,
        store=world.stores.name,
        broken=broken,
        digest=hashlib.sha256("\n".join(world.trace).encode()).hexdigest()[:16],
        fired=world.trouble.fired,
        transitions=checkers.transitions,
        trace=world.trace,
        checks=checkers.checks,
        port_calls=world.host.begun,
        virtual_ms=world.clock.now_ms() - world.workload.start_ms,
    )


def play_quietly(seed: int, aim: Aim | None = None) -> Story:
    """Without the trace, for long hauls."""
    story = play(seed, aim)
    story.trace = []
    return story


def _open_ends(world: World) -> str:
    runs = [(run_id, world.books.heads[run_id].status) for run_id in sorted(world.books.open_runs)]
    return f"{runs}, {world.stores.unfinished()} unfinished, {world.host.alive} calls, idle: {world.platform.is_idle()}"
