"""What the tests of single seeds share: how a broken one is told."""

from __future__ import annotations

from tests.sim.play import play

SLICE = 25


def assert_all_hold(first: int, count: int = SLICE) -> None:
    """Plays `count` seeds from `first` on."""
    broken = [(story.seed, story.broken) for story in map(play, range(first, first + count)) if story.broken]
    told = "\n".join(f"{why}\n  make sim-replay SEED={seed}" for seed, why in broken)
    assert not broken, told
