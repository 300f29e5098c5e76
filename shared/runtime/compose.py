"""The composition root: settings → ports. The only place that knows every adapter.

Built once for a function's instance and kept; built anew when the role's keys change (they live 36 hours).
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from shared.access_ports import Access
from shared.adapters import limits as call_limits
from shared.adapters.access_rows import TableHookStore, TableKeyStore, TableSubscriptionStore
from shared.adapters.audit_trail import TableAuditTrail
from shared.adapters.credentials import Credentials
from shared.adapters.ecs_calls import EcsCalls
from shared.adapters.ecs_commands import EcsCommands
from shared.adapters.ecs_directory import EcsDirectory
from shared.adapters.ecs_library import EcsLibrary
from shared.adapters.mns import MnsAccounts, MnsEvents, MnsQueues
from shared.adapters.patience import Patience
from shared.adapters.pusher import HttpPusher
from shared.adapters.quota_ledger import TableQuotaLedger
from shared.adapters.run_store import TableRunStore
from shared.adapters.schedule_store import TableScheduleStore
from shared.adapters.sealing import AesSealer, Ed25519Signatures
from shared.adapters.system import RandomIds, SystemClock, ThreadLanes, sleep_ms
from shared.adapters.tablestore_calls import TableCalls
from shared.adapters.usage_ledger import TableUsageLedger
from shared.core import limits
from shared.ports import Policy, Ports
from shared.runtime.context import Context, credentials_in
from shared.runtime.log import JsonLog, quieten_sdks, write_to_stdout
from shared.runtime.settings import BadSetting, Settings, from_environment


@dataclass(frozen=True)
class Adapters:
    """Every adapter with its own type: the functions need the ports of it, the command line also what goes beyond."""

    clock: SystemClock
    directory: EcsDirectory
    runner: EcsCommands
    library: EcsLibrary
    queue: MnsQueues
    publisher: MnsEvents
    accounts: MnsAccounts
    runs: TableRunStore
    quota: TableQuotaLedger
    schedules: TableScheduleStore
    access: Access
    lanes: ThreadLanes
    tables: TableCalls
    ecs: EcsCalls

    def open_rows_and_queues(self) -> None:
        """Imports these SDKs and makes their clients: in the initializer, not in a call. Sends nothing."""
        self.tables.open()
        self.accounts.get()

    def open_all(self, region: str) -> None:
        """The same, with ECS."""
        self.open_rows_and_queues()
        self.ecs.open(region)


@dataclass(frozen=True)
class Composition:
    """What a handler works with; its log is bound to the call."""

    ports: Ports
    policy: Policy
    log: JsonLog
    adapters: Adapters
    admin_key: str = ""
    """The first key, `<id>:<sha256>`; "" = there is none."""


def adapters_of(settings: Settings, credentials: Credentials) -> Adapters:
    """Nothing is sent, nothing is imported yet."""
    clock = SystemClock()
    patience = Patience(clock, sleep=sleep_ms, chance=random.Random())
    lanes = ThreadLanes(threads_max=call_limits.CONNECTIONS_MAX)
    calls = EcsCalls(settings.ecs_endpoint, credentials, patience)
    tables = TableCalls(settings.tablestore_endpoint, settings.tablestore_instance, credentials, patience)
    accounts = MnsAccounts(settings.mns_endpoint, credentials)
    queues = MnsQueues(accounts, patience)
    return Adapters(
        clock=clock,
        directory=EcsDirectory(calls, lanes),
        runner=EcsCommands(calls, clock),
        library=EcsLibrary(calls),
        queue=queues,
        publisher=MnsEvents(accounts, patience),
        accounts=accounts,
        runs=TableRunStore(tables),
        quota=TableQuotaLedger(tables),
        schedules=TableScheduleStore(tables),
        access=access_of(settings, tables, queues),
        lanes=lanes,
        tables=tables,
        ecs=calls,
    )


def access_of(settings: Settings, tables: TableCalls, queues: MnsQueues) -> Access:
    return Access(
        keys=TableKeyStore(tables),
        audit=TableAuditTrail(tables),
        usage=TableUsageLedger(tables),
        hooks=TableHookStore(tables),
        subscriptions=TableSubscriptionStore(tables),
        sealer=AesSealer(settings.sealing_key, chance=secrets.token_bytes),
        signatures=Ed25519Signatures(),
        pusher=HttpPusher(queues, allowed=settings.push_networks),
        queue_grant=settings.queue_grant,
        admin_key=settings.admin_key,
    )


class Composer:
    """Keeps the adapters from call to call, until the settings or the role's keys change."""

    def __init__(self, settings: Callable[[], Settings] = from_environment) -> None:
        self._read_settings = settings
        self._built_from: tuple[Settings, Credentials] | None = None
        self._adapters: Adapters | None = None

    def compose(self, context: Context) -> Composition:
        """Raises BadSetting."""
        settings = self._read_settings()
        credentials = credentials_in(context) or settings.credentials
        if credentials is None:
            raise BadSetting("ALIBABA_CLOUD_ACCESS_KEY_ID", "is missing, and the function has no role")
        if self._adapters is None or self._built_from != (settings, credentials):
            quieten_sdks()
            self._adapters, self._built_from = adapters_of(settings, credentials), (settings, credentials)
        adapters = self._adapters
        log = JsonLog(adapters.clock, write=write_to_stdout, level=settings.log_level).bind(
            function=context.function.name, request_id=context.request_id
        )
        return Composition(ports_of(adapters, log), policy_of(settings, context), log, adapters, settings.admin_key)


def ports_of(adapters: Adapters, log: JsonLog) -> Ports:
    return Ports(
        clock=adapters.clock,
        ids=RandomIds(),
        lanes=adapters.lanes,
        log=log,
        directory=adapters.directory,
        runner=adapters.runner,
        queue=adapters.queue,
        publisher=adapters.publisher,
        runs=adapters.runs,
        quota=adapters.quota,
        schedules=adapters.schedules,
        access=adapters.access,
    )


def policy_of(settings: Settings, context: Context) -> Policy:
    return Policy(
        region=settings.region,
        account_id=settings.account_id,
        daily_quota=settings.daily_quota,
        instances_per_chunk=settings.instances_per_chunk,
        lease_ms=int(context.function.timeout) * 1000 + limits.LEASE_MARGIN_MS,
    )
