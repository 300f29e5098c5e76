"""Seeds 251 to 500: in a file of their own, so that another process can play them."""

from __future__ import annotations

import pytest

from tests.sim.playing import SLICE, assert_all_hold


@pytest.mark.parametrize("first", range(251, 501, SLICE))
def test_every_invariant_holds_in_seeds_from(first: int) -> None:
    assert_all_hold(first)
