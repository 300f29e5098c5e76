"""The ports of access in memory: strict, and held to the same contract as the Tablestore adapters.

Values go through JSON on their way in, as they do in a real row.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

import msgspec

from shared.access_ports import Access
from shared.adapters.sealing import AesSealer, Ed25519Signatures
from shared.core.access import QUEUE, Grant
from shared.core.audit import AuditEntry
from shared.core.days import day_of
from shared.core.errors import Unavailable
from shared.core.hooks import HookRow
from shared.core.keys import KeyRow
from shared.core.push import Push, SubscriptionRow
from tests.app.memory_faults import Faults, faulty

Row = TypeVar("Row", KeyRow, HookRow, SubscriptionRow)
SEALING_KEY = "5e" * 32


def stored(value: Row) -> Row:
    return msgspec.json.decode(msgspec.json.encode(value), type=type(value))


def _put(rows: dict[str, Row], name: str, row: Row) -> bool:
    before = rows.get(name)
    if (0 if before is None else before.version) != row.version - 1:
        return False
    rows[name] = stored(row)
    return True


class MemoryKeyStore(Faults):
    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, KeyRow] = {}

    @faulty
    def insert_key(self, row: KeyRow) -> bool:
        return _put(self.rows, row.key_id, row)

    @faulty
    def read_key(self, key_id: str) -> KeyRow | None:
        return self.rows.get(key_id)

    @faulty
    def update_key(self, row: KeyRow) -> bool:
        return _put(self.rows, row.key_id, row)

    @faulty
    def keys(self, *, after: str, limit: int) -> list[KeyRow]:
        return [self.rows[key_id] for key_id in sorted(self.rows) if key_id > after][:limit]


class MemoryAuditTrail(Faults):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[AuditEntry] = []

    @faulty
    def append(self, entry: AuditEntry) -> None:
        written = msgspec.json.decode(msgspec.json.encode(entry), type=AuditEntry)
        if written not in self.lines:
            self.lines.append(written)

    @faulty
    def entries(self, day: str, *, after: str, limit: int) -> list[tuple[str, AuditEntry]]:
        of_day = [entry for entry in self.lines if day_of(entry.at_ms) == day]
        placed = sorted(
            (f"{9_999_999_999_999 - entry.at_ms:013d}-{self.lines.index(entry):06d}", entry.entry_id, entry)
            for entry in of_day
        )
        return [(position, entry) for position, _, entry in placed if position > after][:limit]


class MemoryUsageLedger(Faults):
    def __init__(self) -> None:
        super().__init__()
        self.columns: dict[tuple[str, str], dict[str, int]] = {}

    @faulty
    def charge(self, caller: str, day: str, run_id: str, *, units: int, limit: int) -> bool:
        row = self.columns.setdefault((caller, day), {})
        if run_id in row or sum(row.values()) > limit - units:
            return False
        row[run_id] = units
        return True

    @faulty
    def used(self, caller: str, day: str, run_id: str) -> tuple[int, int | None]:
        row = self.columns.get((caller, day), {})
        return sum(row.values()), row.get(run_id)


class MemoryHookStore(Faults):
    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, HookRow] = {}

    @faulty
    def put_hook(self, row: HookRow) -> bool:
        return _put(self.rows, row.name, row)

    @faulty
    def read_hook(self, name: str) -> HookRow | None:
        return self.rows.get(name)

    @faulty
    def delete_hook(self, name: str) -> None:
        self.rows.pop(name, None)

    @faulty
    def hooks(self) -> list[HookRow]:
        return [self.rows[name] for name in sorted(self.rows)]


class MemorySubscriptionStore(Faults):
    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, SubscriptionRow] = {}

    @faulty
    def put_subscription(self, row: SubscriptionRow) -> bool:
        return _put(self.rows, row.name, row)

    @faulty
    def read_subscription(self, name: str) -> SubscriptionRow | None:
        return self.rows.get(name)

    @faulty
    def delete_subscription(self, name: str) -> None:
        self.rows.pop(name, None)

    @faulty
    def subscriptions(self) -> list[SubscriptionRow]:
        return [self.rows[name] for name in sorted(self.rows)]


class MemoryPusher:
    """Answers as `answer` says; remembers what was sent, and what is to be sent later."""

    def __init__(self) -> None:
        self.sent: list[Push] = []
        self.later: list[tuple[int, bytes]] = []
        """(delay in seconds, body)"""
        self.answer: Callable[[Push], int] = lambda _push: 204

    def push(self, push: Push) -> int:
        self.sent.append(push)
        return self.answer(push)

    def send_later(self, body: bytes, *, delay_s: int) -> None:
        self.later.append((delay_s, body))


def nobody_there(push: Push) -> int:
    raise Unavailable(f"{push.url} cannot be reached", code="NoConnection")


class AccessWorld:
    """The ports of access again, each with its own type."""

    def __init__(self, *, queue_grant: Grant = QUEUE, admin_key: str = "") -> None:
        self.keys = MemoryKeyStore()
        self.audit = MemoryAuditTrail()
        self.usage = MemoryUsageLedger()
        self.hooks = MemoryHookStore()
        self.subscriptions = MemorySubscriptionStore()
        self.pusher = MemoryPusher()
        self.queue_grant, self.admin_key = queue_grant, admin_key
        self._chance = random.Random("sealing")

    def access(self) -> Access:
        return Access(
            keys=self.keys,
            audit=self.audit,
            usage=self.usage,
            hooks=self.hooks,
            subscriptions=self.subscriptions,
            sealer=AesSealer(SEALING_KEY, chance=self._chance.randbytes),
            signatures=Ed25519Signatures(),
            pusher=self.pusher,
            queue_grant=self.queue_grant,
            admin_key=self.admin_key,
        )
