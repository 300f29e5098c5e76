"""The doubles of MNS and Tablestore behind one address, with our queues, topic and tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from localcloud.account import Account
from localcloud.clock import SystemClock, Timeline
from localcloud.controlled_clock import ControlledClock
from localcloud.faults import Rule
from localcloud.ids import Ids
from localcloud.journal import NoJournal
from localcloud.mns.api import MnsEndpoint
from localcloud.mns.service import MnsService
from localcloud.tablestore.api import TablestoreEndpoint
from localcloud.tablestore.service import TablestoreService
from tests.contract.serve import Served, serve

TABLES = {
    "runs": ("run_id", "part"),
    "quota": ("region", "day"),
    "unfinished": ("shard", "run_id"),
    "recent": ("day", "position"),
    "schedules": ("schedule_id",),
    "due": ("minute", "schedule_id"),
    "api_keys": ("key_id",),
    "audit": ("day", "position"),
    "usage": ("caller", "day"),
    "hooks": ("name",),
    "subscriptions": ("name",),
}


@dataclass(frozen=True)
class Doubles:
    served: Served
    sdk: Any
    """An OTSClient of our own, to look into tables."""

    @property
    def url(self) -> str:
        return self.served.url

    def go_wrong(self, kind: str, operation: str = "*", *, count: int | None = 1, **rule: Any) -> None:
        """Puts a fault in force: the next `count` requests of that operation."""
        made = Rule(kind=kind, operation=operation, count=count, **rule)  # type: ignore[arg-type]
        self.served.call(lambda: self.served.faults.add(made))

    def calls(self, operation: str) -> int:
        """How often that operation was asked for."""
        return self.served.call(lambda: sum(1 for entry in self.served.log.entries() if entry.operation == operation))


@contextmanager
def doubles() -> Iterator[Doubles]:
    account, ids = Account(), Ids(1)
    timeline = Timeline(ControlledClock())
    mns = MnsService(account=account, timeline=timeline, ids=ids, journal=NoJournal())
    tables = TablestoreService(account=account, timeline=timeline, ids=ids, journal=NoJournal())
    endpoints = {
        "mns": MnsEndpoint(mns, account=account, ids=ids, date_clock=SystemClock()),
        "tablestore": TablestoreEndpoint(tables, account=account, ids=ids),
    }
    with serve(endpoints, timeline=timeline) as served:
        sdk = _sdk(served.url, account)
        for table, key in TABLES.items():
            _create(sdk, table, key)
        yield Doubles(served, sdk)


def _sdk(url: str, account: Account) -> Any:
    from tablestore import OTSClient
    from tablestore.retry import NoRetryPolicy

    return OTSClient(
        url,
        account.access_key_id,
        account.access_key_secret,
        account.tablestore_instance,
        retry_policy=NoRetryPolicy(),
    )


def _create(sdk: Any, table: str, key: tuple[str, ...]) -> None:
    from tablestore import CapacityUnit, ReservedThroughput, TableMeta, TableOptions

    meta = TableMeta(table, [(name, "STRING") for name in key])
    sdk.create_table(meta, TableOptions(), ReservedThroughput(CapacityUnit(0, 0)))
