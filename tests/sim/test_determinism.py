"""One seed is one story: byte for byte, in every process, whatever order a set may have there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.sim.planting import ROOT
from tests.sim.play import play
from tests.sim.story import Story

PROBE = "from tests.sim.play import play; print(*(play(seed).digest for seed in (3, 6, 11, 14)))"


def digests_under(hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_seed_tells_the_same_story_under_every_hash_seed() -> None:
    told = {digests_under(hash_seed) for hash_seed in ("0", "1", "4242")}

    assert len(told) == 1
    assert len(set(told.pop().split())) == 4, "four seeds, four stories"


def test_a_seed_tells_the_same_story_twice_in_one_process() -> None:
    first, second = play(5), play(5)

    assert first == second


def test_a_story_is_played_on_our_doubles_or_on_the_local_cloud() -> None:
    stores = {play(seed).store for seed in range(1, 9)}

    assert stores == {"memory", "cloud"}


@pytest.fixture(scope="module")
def stories() -> list[Story]:
    return [play(seed) for seed in range(1, 41)]


def test_a_story_that_checks_nothing_does_not_pass(stories: list[Story]) -> None:
    assert all(story.checks > 0 for story in stories)


def test_trouble_of_many_kinds_comes_in_few_seeds(stories: list[Story]) -> None:
    kinds = {kind for story in stories for kind in story.fired}

    assert len(kinds) > 40, sorted(kinds)


def test_a_trace_says_what_came_when_and_what_trouble_was_met(stories: list[Story]) -> None:
    lines = [line for story in stories for line in story.trace]

    assert any("arrives: request 0" in line for line in lines)
    assert any("meets trouble: lost reply" in line for line in lines)
    assert any("chunk.invoked" in line for line in lines)
