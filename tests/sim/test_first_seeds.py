"""Seeds 1 to 250: every invariant of the design, at every step of each. Their other half: test_further_seeds."""

from __future__ import annotations

import pytest

from tests.sim.playing import SLICE, assert_all_hold


@pytest.mark.parametrize("first", range(1, 251, SLICE))
def test_every_invariant_holds_in_seeds_from(first: int) -> None:
    assert_all_hold(first)
