"""Fixtures: Tablestore on a clock that stands still, and Tablestore over a real socket for the official SDK."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.tablestore.worlds import TablestoreServer, TablestoreWorld, running


@pytest.fixture
def world() -> TablestoreWorld:
    return TablestoreWorld()


@pytest.fixture
def server() -> Iterator[TablestoreServer]:
    with running() as started:
        yield started
