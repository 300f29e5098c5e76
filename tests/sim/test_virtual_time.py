"""The simulation's own clockwork: tasks that take turns, coroutines without an event loop, releases of rows."""

from __future__ import annotations

import random

import pytest

from localcloud.account import Account
from localcloud.clock import ManualClock, Timeline
from localcloud.ids import Ids
from localcloud.journal import NoJournal
from localcloud.tablestore.schema import KeyColumn, TableMeta
from localcloud.tablestore.service import TablestoreService
from shared.adapters import tablestore_rows as rows
from shared.adapters.run_store import TableRunStore
from shared.core.errors import Unavailable
from shared.core.model import SCHEMA, Run
from tests.sim.background import VirtualBackground
from tests.sim.hub import Hub, Killed
from tests.sim.wire import ServiceTables, shifted_payload, shifted_wakeup

ENDLESS_MS = 1 << 62


@pytest.fixture
def hub() -> Hub:
    clock = ManualClock(0)
    return Hub(clock, Timeline(clock), random.Random(1))


def run_out(hub: Hub) -> None:
    while hub.step(until_ms=ENDLESS_MS):
        pass


def test_tasks_take_turns_in_the_order_of_their_times(hub: Hub) -> None:
    seen: list[tuple[str, int]] = []

    def worker(name: str, pause_ms: int) -> None:
        for _ in range(2):
            hub.sleep(pause_ms)
            seen.append((name, hub.now_ms()))

    hub.spawn("slow", lambda: worker("slow", 50))
    hub.spawn("quick", lambda: worker("quick", 20))
    run_out(hub)

    assert seen == [("quick", 20), ("quick", 40), ("slow", 50), ("slow", 100)]


def test_a_killed_task_does_nothing_more_and_cannot_catch_it(hub: Hub) -> None:
    seen: list[str] = []

    def worker() -> None:
        seen.append("before")
        try:
            hub.sleep(10)
            seen.append("after")
        except Exception:  # noqa: BLE001  as a handler's boundary does
            seen.append("caught")

    task = hub.spawn("worker", worker)
    hub.timeline.after(5, lambda: hub.kill(task))
    run_out(hub)

    assert seen == ["before"]
    assert not issubclass(Killed, Exception)


def test_a_coroutine_goes_on_when_its_gate_opens_and_never_from_within_the_opener(hub: Hub) -> None:
    background, seen = VirtualBackground(hub.timeline), list[str]()
    gate = background.gate()

    async def waits() -> None:
        seen.append(await gate)

    def open_it() -> None:
        gate.open("first")
        gate.open("second")
        seen.append("opened")

    background.start(waits())
    hub.timeline.after(10, open_it)
    run_out(hub)

    assert seen == ["opened", "first"]


def test_a_pause_lasts_as_long_as_it_says_on_virtual_time(hub: Hub) -> None:
    background, ended_ms = VirtualBackground(hub.timeline), list[int]()

    async def waits() -> None:
        await background.pause(86_400_000)
        ended_ms.append(hub.now_ms())

    background.start(waits())
    run_out(hub)

    assert ended_ms == [86_400_000]


@pytest.fixture
def stores() -> tuple[TableRunStore, TableRunStore]:
    """The same table, as this release sees it and as the next one does."""
    tables = TablestoreService(account=Account(), timeline=Timeline(ManualClock()), ids=Ids(1), journal=NoJournal())
    tables.create_table(TableMeta(rows.RUNS, (KeyColumn("run_id", "STRING"), KeyColumn("part", "STRING"))))
    this, following = (ServiceTables(tables, wrote=lambda _write: None, release=release) for release in (0, 1))
    return TableRunStore(this), TableRunStore(following)  # type: ignore[arg-type]


def a_run() -> Run:
    return Run("run-0", "r", None, "", "cn-hangzhou", accepted_ms=1, due_ms=1)


def test_the_next_release_reads_and_moves_on_what_this_one_wrote(stores: tuple[TableRunStore, TableRunStore]) -> None:
    this, following = stores
    this.insert_run(a_run())

    found = following.read_run("run-0")

    assert found is not None
    assert found.schema == SCHEMA - 1
    assert following.update_run(found.next(due_ms=2))
    assert this.read_run("run-0") == a_run().next(due_ms=2)


def test_this_release_waits_for_the_roll_out_when_it_meets_rows_of_the_next(
    stores: tuple[TableRunStore, TableRunStore],
) -> None:
    this, following = stores
    following.insert_run(a_run())

    with pytest.raises(Unavailable, match="finish rolling out"):
        this.read_run("run-0")


def test_wake_ups_are_moved_between_releases_by_one_schema_each() -> None:
    newer = shifted_wakeup(b'{"runId":"run-0","schema":1}', 1)
    payload = b'[{"messageBody":"{\\"schema\\":2}"},{"messageBody":"{\\"schema\\":1}"}]'

    assert newer == b'{"runId":"run-0","schema":2}'
    assert shifted_payload(payload, -1) == payload.replace(b"1", b"0").replace(b"2", b"1")
