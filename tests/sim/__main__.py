"""`python -m tests.sim --seeds 1000 [--first 1] [--jobs 2] [--plant BUG]` · `python -m tests.sim --replay 41`

Exit code 1 when an invariant broke; every failure prints the one command that repeats it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.sim.planting import plant

if TYPE_CHECKING:
    from tests.sim.play import Story

FAILURES_SHOWN = 10


def main() -> int:
    options = _options()
    if options.plant:
        plant(options.plant)
    if options.replay is not None:
        return _replay(options.replay)
    return _many(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make sim")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--replay", type=int)
    parser.add_argument("--plant", default="")
    parser.add_argument("--stop-at-first", action="store_true")
    return parser.parse_args()


def _replay(seed: int) -> int:
    from tests.sim.play import play  # after planting

    story = play(seed)
    print("\n".join(story.trace))
    print(f"\nseed {seed}: {story.broken or 'all invariants hold'}; digest {story.digest}")
    print(f"{story.port_calls} port calls in {story.virtual_ms / 1000:.0f} virtual seconds; {_told(story.fired)}")
    return 1 if story.broken else 0


def _stories(options: argparse.Namespace) -> Iterator[Story]:
    seeds = range(options.first, options.first + options.seeds)
    from tests.sim.play import play_quietly  # after planting

    if options.jobs == 1:
        yield from map(play_quietly, seeds)
        return
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        yield from pool.imap(play_quietly, seeds, chunksize=50)


def _many(options: argparse.Namespace) -> int:
    started = time.monotonic()
    fired: Counter[str] = Counter()
    transitions: Counter[str] = Counter()
    played = calls = virtual_ms = 0
    broken: list[Story] = []
    for story in _stories(options):
        played += 1
        calls += story.port_calls
        virtual_ms += story.virtual_ms
        fired.update(story.fired)
        transitions.update(story.transitions)
        if story.broken:
            broken.append(story)
            if len(broken) <= FAILURES_SHOWN:
                print(f"seed {story.seed}: {story.broken[:400]}\n  make sim-replay SEED={story.seed}", flush=True)
            if options.stop_at_first:
                break
    took = time.monotonic() - started
    _report(fired, transitions)
    print(
        f"{played} seeds in {took:.1f} s ({played / took * 60:.0f} a minute): {calls} port calls, "
        f"{virtual_ms / 3_600_000:.0f} virtual hours, {len(broken)} broken"
    )
    return 1 if broken else 0


def _report(fired: Counter[str], transitions: Counter[str]) -> None:
    from shared.core.transitions import RUN  # after planting

    kinds: Counter[str] = Counter()
    for name, count in fired.items():
        words = name.split(" ")
        kinds[" ".join(words[:2]) if words[0] in ("die", "zombie", "lost") else words[0]] += count
    print(f"faults fired: {_told(kinds)}")
    print(f"transitions of runs: {_told(transitions)}")
    wanted = {f"{old} → {new}" for old, following in RUN.items() for new in following}
    print(f"not covered: {', '.join(sorted(wanted - set(transitions))) or 'none'}")


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
