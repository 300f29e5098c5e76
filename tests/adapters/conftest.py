"""Every test of a store runs on the in-memory one and on Tablestore's adapter, over real HTTP to the local double."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.adapters.quota_ledger import TableQuotaLedger
from shared.adapters.run_store import TableRunStore
from shared.adapters.schedule_store import TableScheduleStore
from shared.ports import QuotaLedger, ScheduleStore
from tests.adapters.clients import table_calls
from tests.adapters.doubles import Doubles, doubles
from tests.adapters.stores import AnyRunStore
from tests.app.memory import MemoryQuotaLedger, MemoryRunStore, MemoryScheduleStore


@pytest.fixture
def cloud() -> Iterator[Doubles]:
    with doubles() as found:
        yield found


@pytest.fixture(params=["memory", "tablestore"])
def runs(request: pytest.FixtureRequest) -> AnyRunStore:
    if request.param == "memory":
        return MemoryRunStore()
    return TableRunStore(table_calls(request.getfixturevalue("cloud").url))


@pytest.fixture(params=["memory", "tablestore"])
def ledger(request: pytest.FixtureRequest) -> QuotaLedger:
    if request.param == "memory":
        return MemoryQuotaLedger()
    return TableQuotaLedger(table_calls(request.getfixturevalue("cloud").url))


@pytest.fixture(params=["memory", "tablestore"])
def schedules(request: pytest.FixtureRequest) -> ScheduleStore:
    if request.param == "memory":
        return MemoryScheduleStore()
    return TableScheduleStore(table_calls(request.getfixturevalue("cloud").url))
