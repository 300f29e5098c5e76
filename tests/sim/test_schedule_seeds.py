"""Invariant 7 in the simulation: the first seeds of the schedules, and a bug of ours that they must find."""

from __future__ import annotations

import pytest

from shared.app import schedule_fire
from tests.sim.schedules import play

SEEDS_FOR_A_BUG = 40


@pytest.mark.parametrize("seed", range(10))
def test_each_fire_time_yields_at_most_one_run_whatever_goes_wrong(seed: int) -> None:
    played = play(seed)

    assert not played.broken
    assert played.firings


def test_a_step_that_does_not_read_the_answer_of_its_write_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        schedule_fire, "write", lambda ports, schedule: ports.schedules.update_schedule(schedule) and None
    )

    assert any(play(seed).broken for seed in range(SEEDS_FOR_A_BUG))
