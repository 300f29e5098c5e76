"""One deployed local cloud of 120 instances for all tests of a file that do not need one of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.world import World, whole


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with whole(instances=120) as made:
        yield made
