"""Schedules in the simulation: the first seeds of both kinds, and bugs of ours that they must find."""

from __future__ import annotations

import pytest

from shared.app import schedule_fire
from shared.core import emit
from tests.sim import cloud_schedules
from tests.sim.schedules import play

SEEDS = (1, 2, 3, 5)
"""The quick ones among the first; `make sim` plays more, and `make sim WORLD=schedules` as many as you like."""
SEEDS_FOR_A_BUG = (*SEEDS, *range(6, 40))


@pytest.mark.parametrize("seed", SEEDS)
def test_each_fire_time_yields_at_most_one_run_whatever_goes_wrong(seed: int) -> None:
    played = play(seed)

    assert not played.broken
    assert played.checks


def test_a_step_that_does_not_read_the_answer_of_its_write_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        schedule_fire, "write", lambda ports, schedule: ports.schedules.update_schedule(schedule) and None
    )

    assert any(play(seed).broken for seed in SEEDS_FOR_A_BUG)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cloud_schedule_is_sent_once_and_each_repetition_is_told_once(seed: int) -> None:
    played = cloud_schedules.play(seed)

    assert not played.broken


def test_a_repetition_that_is_told_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    real = emit.repetitions_finished
    monkeypatch.setattr(emit, "repetitions_finished", lambda chunk, announced: real(chunk, announced=announced - 1))

    assert any(cloud_schedules.play(seed).broken for seed in SEEDS_FOR_A_BUG)
