"""What every store of access does: the in-memory ones that the application is tested on, and Tablestore's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from shared.access_ports import AuditTrail, HookStore, KeyStore, SubscriptionStore, UsageLedger
from shared.adapters.access_rows import TableHookStore, TableKeyStore, TableSubscriptionStore
from shared.adapters.audit_trail import TableAuditTrail
from shared.adapters.usage_ledger import TableUsageLedger
from shared.core.access import Grant
from shared.core.audit import AuditEntry
from shared.core.hooks import HookRow
from shared.core.keys import KeyRow
from shared.core.push import SubscriptionRow
from tests.adapters.clients import table_calls
from tests.adapters.doubles import Doubles, doubles
from tests.app.memory import START_MS
from tests.app.memory_access import AccessWorld

GRANT = Grant(name="ci", commands=("c-1", "größer"), tags={"env": "prod"}, targets_max=3)


class Stores:
    def __init__(self, cloud: Doubles | None) -> None:
        self.keys: KeyStore
        self.audit: AuditTrail
        self.usage: UsageLedger
        self.hooks: HookStore
        self.subscriptions: SubscriptionStore
        if cloud is None:
            world = AccessWorld()
            self.keys, self.audit, self.usage = world.keys, world.audit, world.usage
            self.hooks, self.subscriptions = world.hooks, world.subscriptions
            return
        calls = table_calls(cloud.url)
        self.keys, self.audit, self.usage = TableKeyStore(calls), TableAuditTrail(calls), TableUsageLedger(calls)
        self.hooks, self.subscriptions = TableHookStore(calls), TableSubscriptionStore(calls)


@pytest.fixture(params=["memory", "tablestore"])
def stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    if request.param == "memory":
        yield Stores(None)
        return
    with doubles() as cloud:
        yield Stores(cloud)


def a_key(key_id: str = "0123456789ab", **changes: int) -> KeyRow:
    row = KeyRow(key_id=key_id, hash="a" * 64, public_key="b" * 64, grant=GRANT, created_ms=1, created_by="boss")
    return msgspec.structs.replace(row, **changes)


def test_a_key_is_put_once_and_changed_on_the_version_it_was_read_on(stores: Stores) -> None:
    assert stores.keys.insert_key(a_key())
    assert not stores.keys.insert_key(a_key(created_ms=2))
    assert stores.keys.update_key(a_key(revoked_ms=5, version=2))
    assert not stores.keys.update_key(a_key(expires_ms=9, version=2))
    assert not stores.keys.update_key(a_key("ffffffffffff", version=2))

    assert stores.keys.read_key("0123456789ab") == a_key(revoked_ms=5, version=2)
    assert stores.keys.read_key("ffffffffffff") is None


def test_keys_are_listed_by_id_page_after_page(stores: Stores) -> None:
    for key_id in ("b" * 12, "a" * 12, "c" * 12):
        stores.keys.insert_key(a_key(key_id))

    assert [row.key_id[0] for row in stores.keys.keys(after="", limit=2)] == ["a", "b"]
    assert [row.key_id[0] for row in stores.keys.keys(after="b" * 12, limit=2)] == ["c"]


def entry(number: int, *, at_ms: int = START_MS, **changes: str) -> AuditEntry:
    plain = AuditEntry(
        at_ms=at_ms, entry_id=f"e-{number}", caller="queue", via="queue", action="runs.start", result="allowed"
    )
    return msgspec.structs.replace(plain, **changes)


def test_the_trail_is_read_newest_first_day_by_day(stores: Stores) -> None:
    for number in range(4):
        stores.audit.append(entry(number, at_ms=START_MS + number))
    stores.audit.append(entry(9, at_ms=START_MS + 86_400_000))

    page = stores.audit.entries("2026-01-05", after="", limit=3)
    rest = stores.audit.entries("2026-01-05", after=page[-1][0], limit=3)

    assert [each.entry_id for _, each in page + rest] == ["e-3", "e-2", "e-1", "e-0"]
    assert stores.audit.entries("2026-01-04", after="", limit=3) == []


def test_a_line_that_is_there_is_never_replaced(stores: Stores) -> None:
    stores.audit.append(entry(1, reason="as it was"))

    stores.audit.append(entry(1, reason="as it was"))

    (only,) = stores.audit.entries("2026-01-05", after="", limit=9)
    assert only[1].reason == "as it was"


def test_the_units_of_a_day_never_exceed_its_limit_and_a_run_is_charged_once(stores: Stores) -> None:
    usage, day = stores.usage, "2026-01-05"

    assert not usage.charge("k", day, "run-0", units=6, limit=5)
    assert usage.charge("k", day, "run-1", units=3, limit=5)
    assert not usage.charge("k", day, "run-1", units=1, limit=5)
    assert not usage.charge("k", day, "run-2", units=3, limit=5)
    assert usage.charge("k", day, "run-2", units=2, limit=5)
    assert usage.charge("other", day, "run-3", units=5, limit=5)
    assert usage.charge("k", "2026-01-06", "run-4", units=5, limit=5)

    assert usage.used("k", day, "run-1") == (5, 3)
    assert usage.used("k", day, "run-9") == (5, None)
    assert usage.used("nobody", day, "run-1") == (0, None)


def test_hooks_and_subscriptions_are_replaced_whole_and_in_turn(stores: Stores) -> None:
    hook = HookRow(
        name="deploy",
        scheme="github",
        sealed_secrets=("x",),
        request={"parameters": {"a": {"from": "body.a"}}},
        when="",
        grant=GRANT,
        created_ms=1,
        created_by="boss",
    )
    subscription = SubscriptionRow(
        name="ci", url="https://a.example/", types=("run.finished",), sealed_secret="x", created_ms=1, created_by="boss"
    )

    puts: list[tuple[Any, Any]] = [
        (stores.hooks.put_hook, hook),
        (stores.subscriptions.put_subscription, subscription),
    ]
    for put, row in puts:
        assert put(row)
        assert not put(row)
        assert put(msgspec.structs.replace(row, version=2, created_ms=2))
        assert not put(msgspec.structs.replace(row, version=2))

    assert stores.hooks.hooks() == [msgspec.structs.replace(hook, version=2, created_ms=2)]
    assert stores.subscriptions.read_subscription("ci") == msgspec.structs.replace(
        subscription, version=2, created_ms=2
    )
    stores.hooks.delete_hook("deploy")
    stores.hooks.delete_hook("deploy")
    stores.subscriptions.delete_subscription("ci")
    assert stores.hooks.read_hook("deploy") is None
    assert stores.subscriptions.subscriptions() == []
