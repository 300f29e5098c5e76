"""The cloud as the commands see it: rows to read, queues to send to. Nothing is sent before it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, cast

import click

from cli.settings import api_key, settings

if TYPE_CHECKING:
    from cli.queues import Queues
    from shared.adapters.quota_ledger import TableQuotaLedger
    from shared.adapters.run_store import TableRunStore
    from shared.adapters.schedule_store import TableScheduleStore
    from shared.runtime.compose import Adapters
    from shared.runtime.settings import Settings


@dataclass(frozen=True)
class Connection:
    """Adapters of `shared`, so that a row has one reader only."""

    settings: Settings
    adapters: Adapters
    is_api: ClassVar[bool] = False
    """Messages go into queues: whether one was taken or rejected, its rows say later."""

    @property
    def runs(self) -> TableRunStore:
        return self.adapters.runs

    @property
    def schedules(self) -> TableScheduleStore:
        return self.adapters.schedules

    @property
    def quota(self) -> TableQuotaLedger:
        return self.adapters.quota

    @cached_property
    def queues(self) -> Queues:
        from cli.queues import Queues

        return Queues(self.adapters.accounts)

    @property
    def now_ms(self) -> int:
        return self.adapters.clock.now_ms()


def connect(endpoint: str | None) -> Connection:
    """Over the HTTP API where `fleetrun --api` says so, else over queues and tables. Raises BadEnvironment."""
    address = api_address()
    if address is None:
        return connection_of(settings(endpoint))
    if endpoint is not None:
        raise click.UsageError("--endpoint is for queues and tables, --api for the HTTP API: give one of them")
    from cli.api_connection import ApiConnection

    # It has what the commands use of a Connection, and refuses the rest by name.
    return cast("Connection", ApiConnection(address, api_key()))


def api_address() -> str | None:
    """What `fleetrun --api` or FLEETRUN_API gave."""
    context = click.get_current_context(silent=True)
    address = context.find_root().obj if context is not None else None
    return address if isinstance(address, str) else None


def quieten() -> None:
    """No SDK writes to the operator's terminal: aliyun-fc2 logs refused requests with their signature."""
    import logging

    from shared.runtime.log import quieten_sdks

    quieten_sdks()
    logging.getLogger().addHandler(logging.NullHandler())


def connection_of(found: Settings) -> Connection:
    from shared.runtime.compose import adapters_of

    assert found.credentials is not None, "settings() names missing keys"
    quieten()
    return Connection(found, adapters_of(found, found.credentials))
