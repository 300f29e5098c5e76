"""Access, webhooks out and poison in the simulation: the first seeds. Their planted bugs: access_bugs.py."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.sim.access_verdicts import play

SEEDS = range(1, 41)
PLAYED_TWICE = 7
ENDS = ("subscription ended", "subscription resumed")
WEBHOOKS = tuple(f"webhook {how}" for how in ("accepted", "repeated", "forged", "forbidden", "unwanted"))


@pytest.mark.parametrize("first", range(1, 41, 10))
def test_nobody_comes_in_who_should_not_and_everybody_is_told_from(first: int) -> None:
    stories = [play(seed) for seed in range(first, first + 10)]

    broken = [f"{story.broken}\n  make sim-replay SEED={story.seed} WORLD=access" for story in stories if story.broken]
    assert not broken, "\n".join(broken)
    assert all(story.checks for story in stories)


def test_one_seed_of_callers_is_one_story() -> None:
    assert play(PLAYED_TWICE) == play(PLAYED_TWICE)


def test_all_that_access_adds_is_met_in_few_seeds() -> None:
    stories = [play(seed) for seed in range(1, 21)]
    fired = sum((story.fired for story in stories), Counter[str]())
    lines = [line for story in stories for line in story.trace]

    assert fired["poison"] > fired["hang"] > 0
    for kind in (
        "key reused",
        "stop over HTTP",
        "stop of some over HTTP",
        "stranger's stop over HTTP",
        *WEBHOOKS,
        *ENDS,
    ):
        assert fired[kind], kind
    assert any(fired[f"push {how}"] for how in ("refused", "unreachable", "unanswered"))
    for word in ("request.refused", "caller.charged", "message.poisoned", "event.pushed ", "is revoked"):
        assert any(word in line for line in lines), word


def test_what_ecs_refused_beside_a_stop_of_some_is_not_taken_for_a_stop_of_more() -> None:
    story = play(15_015_361)

    assert story.fired["forbidden invoke"]
    assert story.fired["stop of some over HTTP"]
    assert not story.broken
