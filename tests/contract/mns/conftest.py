"""Fixtures: MNS on a clock that stands still, and MNS over a real socket for the official SDK."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from mns.account import Account as SdkAccount

from localcloud.clock import SystemClock, Timeline
from localcloud.controlled_clock import ControlledClock
from localcloud.ids import Ids
from localcloud.journal import NoJournal
from localcloud.mns.api import MnsEndpoint
from localcloud.mns.service import MnsService
from tests.contract.mns.worlds import ACCOUNT, MnsWorld
from tests.contract.serve import Served, serve


@pytest.fixture
def world() -> MnsWorld:
    return MnsWorld()


@dataclass(frozen=True)
class MnsServer:
    """A served service. Its clock goes until `served.call(clock.freeze)`."""

    service: MnsService
    served: Served
    clock: ControlledClock

    def client(self, **changes: str) -> Any:
        """An unmodified client of the SDK; it is not thread-safe, so each thread takes its own."""
        keys = {"access_id": ACCOUNT.access_key_id, "access_key": ACCOUNT.access_key_secret, "security_token": ""}
        return SdkAccount(self.served.url, **{**keys, **changes})


@pytest.fixture
def server() -> Iterator[MnsServer]:
    clock, ids = ControlledClock(), Ids(1)
    timeline = Timeline(clock)
    service = MnsService(account=ACCOUNT, timeline=timeline, ids=ids, journal=NoJournal())
    # The SDK's Date is the machine's, whatever a test does to our clock.
    endpoint = MnsEndpoint(service, account=ACCOUNT, ids=ids, date_clock=SystemClock())
    with serve(endpoint, timeline=timeline) as served:
        yield MnsServer(service, served, clock)
