"""`python -m tests.sim --seeds 1000 [--first 1] [--jobs 2] [--world WORLD] [--plant BUG]` · `--replay 41` · `--bugs`

Without a world: of each, in their shares (worlds.py).
Exit code 1 when an invariant broke; every failure prints the one command that repeats it.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from tests.sim.bugs import BUGS
from tests.sim.planting import plant
from tests.sim.worlds import ALL, SHARES, Each, pick, play_quietly, replay

if TYPE_CHECKING:
    from tests.sim.story import Story
    from tests.sim.trouble import Aim

FAILURES_SHOWN = 10
TELL_EVERY_S = 60


def main() -> int:
    options = _options()
    if options.plant:
        plant(options.plant)
    if options.bugs:
        return _bugs()
    if options.replay is not None:
        return _replay(options)
    return _many(options)


def _aim(options: argparse.Namespace) -> Aim | None:
    """A bug that shows itself only in rare trouble is looked for there."""
    return next((bug.aim for bug in BUGS if bug.name == options.plant and not options.aimless), None)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make sim")
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0, help="stop after so long, and say what was seen")
    parser.add_argument("--replay", type=int, help="play this one seed and print its trace")
    parser.add_argument("--world", choices=(ALL, *SHARES), help="what is played; a planted bug, a replay: runs")
    parser.add_argument("--plant", default="", help="a planted bug, by name")
    parser.add_argument("--bugs", action="store_true", help="play every planted bug until it is caught")
    parser.add_argument("--aimless", action="store_true", help="with a planted bug: trouble of all kinds, as ever")
    parser.add_argument("--stop-at-first", action="store_true")
    return parser.parse_args()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _world(options: argparse.Namespace) -> str:
    if options.world:
        return str(options.world)
    if options.plant:
        return next(bug.world for bug in BUGS if bug.name == options.plant)
    return "runs" if options.replay is not None else ALL


def _replay(options: argparse.Namespace) -> int:
    seed, planted = options.replay, options.plant
    story = replay(Each(_world(options), seed), _aim(options))
    say("\n".join(story.trace))
    with_bug = f" with the planted bug {planted!r}" if planted else ""
    say(f"\nseed {seed}{with_bug}, on {story.store} rows: {story.broken or 'all invariants hold'}")
    say(f"digest {story.digest}; {story.port_calls} port calls in {story.virtual_ms / 1000:.0f} virtual seconds")
    say(f"faults fired: {_told(story.fired)}")
    return 1 if story.broken else 0


def _stories(options: argparse.Namespace) -> Iterator[tuple[Each, Story]]:
    wanted = pick(_world(options), first=options.first, seeds=options.seeds)
    play = partial(play_quietly, aim=_aim(options))
    if options.jobs == 1:
        yield from map(play, wanted)
        return
    with multiprocessing.get_context("fork").Pool(options.jobs, initializer=_heed_only_the_pool) as pool:
        yield from pool.imap(play, wanted, chunksize=20)


def _heed_only_the_pool() -> None:
    """A process of the pool ends when the pool says so, without a word; an interrupt is the parent's matter."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@dataclass
class _Sum:
    """Over all stories so far."""

    started: float = field(default_factory=time.monotonic)
    fired: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    stores: Counter[str] = field(default_factory=Counter)
    worlds: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    calls: int = 0
    virtual_ms: int = 0
    broken: int = 0

    def add(self, story: Story) -> None:
        self.fired.update(story.fired)
        self.met.update(story.transitions)
        self.stores[story.store] += 1
        self.checks += story.checks
        self.calls += story.port_calls
        self.virtual_ms += story.virtual_ms
        self.broken += bool(story.broken)

    def line(self) -> str:
        took, played = time.monotonic() - self.started, self.stores.total()
        return (
            f"{played} seeds in {took:.1f} s ({played / took * 60:.0f} a minute{self._of_one_core(played)}), "
            f"{_told(self.worlds)}, on rows {_told(self.stores)}: "
            f"{self.calls} port calls, {self.checks} checks, {self.virtual_ms / 3_600_000:.0f} virtual hours, "
            f"{self.fired.total()} faults, {self.broken} broken"
        )

    def _of_one_core(self, played: int) -> str:
        """What our children have used is known only when they have ended."""
        if multiprocessing.active_children():
            return ""
        return f", {played / _cpu_s() * 60:.0f} of one core's time"


def _cpu_s() -> float:
    """Of us and of our children that have ended: what others do on this machine does not count."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _many(options: argparse.Namespace) -> int:
    # Also where a shell has started us in the background, which ignores SIGINT; a SIGTERM counts the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    total = _Sum()
    with contextlib.suppress(KeyboardInterrupt):  # a long haul that is cut short still says what it has seen
        _sum_up(options, total)
    _report(total)
    return 1 if total.broken else 0


def _sum_up(options: argparse.Namespace, total: _Sum) -> None:
    told = time.monotonic()
    for each, story in _stories(options):
        total.add(story)
        total.worlds[each.world] += 1
        if story.broken and total.broken <= FAILURES_SHOWN:
            say(f"seed {each.seed}: {story.broken[:400]}\n  make sim-replay {each}")
        if story.broken and options.stop_at_first:
            break
        if options.minutes and time.monotonic() - total.started > options.minutes * 60:
            break
        if time.monotonic() - told > TELL_EVERY_S:
            told = time.monotonic()
            say(f"… {total.line()}")


def _report(total: _Sum) -> None:
    from tests.sim.coverage import report  # after planting

    kinds: Counter[str] = Counter()
    for name, count in total.fired.items():
        kinds[kind_of(name)] += count
    say("faults fired:")
    for name, count in sorted(kinds.items()):
        say(f"  {name}: {count}")
    for line in report(total.met):
        say(line)
    say(total.line())


def kind_of(fired: str) -> str:
    """`lost reply update_run` → `lost reply`: a port's trouble is counted by operation, too."""
    from tests.sim.trouble import PORT_KINDS

    return next((kind for kind in PORT_KINDS if fired.startswith(kind + " ")), fired)


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _bugs() -> int:
    """Each planted bug in a process of its own, from seed 1 until it is caught."""
    missed = 0
    for bug in BUGS:
        began = time.monotonic()
        found = hunt(bug.name, first=1, seeds=bug.within)
        missed += found == 0
        caught = f"caught by seed {found}" if found else f"NOT caught within {bug.within} seeds"
        say(f"{bug.name}: {caught} ({time.monotonic() - began:.1f} s)")
    return 1 if missed else 0


def hunt(name: str, *, first: int, seeds: int) -> int:
    """The first seed that catches the bug; 0 = none does."""
    (world,) = (bug.world for bug in BUGS if bug.name == name)
    words = ["--world", world, "--plant", name, "--first", str(first), "--seeds", str(seeds), "--stop-at-first"]
    done = subprocess.run([sys.executable, "-m", "tests.sim", *words], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert not done.stderr, done.stderr
    seeds_named = [line.split(":")[0].removeprefix("seed ") for line in done.stdout.splitlines() if line[:5] == "seed "]
    return int(seeds_named[0]) if seeds_named else 0


if __name__ == "__main__":
    sys.exit(main())
