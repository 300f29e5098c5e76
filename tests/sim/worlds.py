"""The kinds of worlds that are played, and how many of each: one of schedules takes thirty times as long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.sim.story import Story
    from tests.sim.trouble import Aim

ALL = "all"
SHARES = {"runs": 1, "access": 20, "schedules": 100, "cloud-schedules": 100}
"""World → one of its seeds for so many seeds that were asked for."""


class Each(NamedTuple):
    """One seed of one world; as text, what `make sim-replay` takes."""

    world: str
    seed: int

    def __str__(self) -> str:
        return f"SEED={self.seed}" + ("" if self.world == "runs" else f" WORLD={self.world}")


def pick(world: str, *, first: int, seeds: int) -> Iterator[Each]:
    """`seeds` of one world, from `first` on; of ALL, the share of each, the long ones spread among the short."""
    for seed in range(first, first + seeds):
        for name, share in SHARES.items():
            if world == name or (world == ALL and (seed - first) % share == 0):
                yield Each(name, seed)


def replay(each: Each, aim: Aim | None = None) -> Story:
    """Its story with the trace."""
    from tests.sim import access_verdicts, cloud_schedules, play, schedules  # after planting

    played = {
        "runs": play.play,
        "access": access_verdicts.play,
        "schedules": schedules.play,
        "cloud-schedules": cloud_schedules.play,
    }
    return played[each.world](each.seed, aim)


def play_quietly(each: Each, aim: Aim | None = None) -> tuple[Each, Story]:
    """Without the trace, for long hauls."""
    story = replay(each, aim)
    story.trace = []
    return each, story
