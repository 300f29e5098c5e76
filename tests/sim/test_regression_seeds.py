"""Seeds that found a bug, which was mended."""

from __future__ import annotations

import pytest

from tests.sim.play import play
from tests.sim.seeds import REGRESSIONS


@pytest.mark.parametrize("seed", sorted(REGRESSIONS))
def test_a_seed_that_found_a_bug_holds_now(seed: int) -> None:
    story = play(seed)

    assert not story.broken, f"{REGRESSIONS[seed]}; make sim-replay SEED={seed}"
