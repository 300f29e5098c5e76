"""Adapters as the tests want them: a clock that stands still unless somebody sleeps, chance that is seeded."""

from __future__ import annotations

import random

from shared.adapters.credentials import Credentials
from shared.adapters.ecs_calls import EcsCalls
from shared.adapters.mns import MnsAccounts
from shared.adapters.patience import Patience
from shared.adapters.tablestore_calls import TableCalls
from tests.app.memory import ManualClock

KEYS = Credentials("LTAI5tLocalCloud", "local-cloud-secret")


class Sleepless:
    """Sleeping moves the clock and is remembered."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.pauses: list[int] = []
        self.patience = Patience(self.clock, sleep=self.sleep, chance=random.Random(7))

    def sleep(self, ms: int) -> None:
        self.pauses.append(ms)
        self.clock.advance(ms)


def ecs_calls(url: str, sleepless: Sleepless | None = None, keys: Credentials = KEYS) -> EcsCalls:
    return EcsCalls(url, keys, (sleepless or Sleepless()).patience)


def table_calls(url: str, sleepless: Sleepless | None = None) -> TableCalls:
    return TableCalls(url, "fleetrun", KEYS, (sleepless or Sleepless()).patience)


def mns_accounts(url: str) -> MnsAccounts:
    return MnsAccounts(url, KEYS)
