"""One seed, one story: plays it and says what came of it."""

from __future__ import annotations

from tests.sim.checkers import Broken, Checkers
from tests.sim.story import Story, story_of
from tests.sim.trouble import Aim
from tests.sim.verdicts import check_end
from tests.sim.world import World

FAULTS_MS = 240_000
BOUND_MS = 4 * 86_400_000


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
    except (Exception, Broken) as error:  # noqa: BLE001 - what no invariant foresaw is told with its seed
        broken = str(error) or repr(error)
    return story_of(world, broken=broken, changes=checkers.changes, checks=checkers.checks)


def _open_ends(world: World) -> str:
    runs = [(run_id, world.books.heads[run_id].status) for run_id in sorted(world.books.open_runs)]
    return f"{runs}, {world.stores.unfinished()} unfinished, {world.host.alive} calls, idle: {world.platform.is_idle()}"
