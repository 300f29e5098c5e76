"""Rows that somebody has damaged: each says which row and what is wrong, and none keeps the others from being swept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters import limits
from shared.adapters import tablestore_rows as rows
from shared.adapters.run_store import TableRunStore
from shared.adapters.schedule_store import TableScheduleStore
from shared.adapters.tablestore_writes import Columns, Write
from shared.app.sweep import sweep
from shared.core.errors import Unavailable
from shared.core.messages import Delivery
from shared.core.model import StopMark
from tests.adapters.clients import table_calls
from tests.adapters.doubles import Doubles
from tests.adapters.values import a_chunk, a_full_run, a_run, a_stop, an_event, excluded
from tests.app.driving import Drive
from tests.fuzz.hostile import BODIES, BRACES, VALUES

KEY = rows.run_key("run-0001")
DECODERS: dict[str, tuple[Callable[[Columns], Any], Columns]] = {
    "run": (rows.run_of, rows.run_columns(a_full_run()) | rows.request_columns(a_full_run())),
    "chunk": (rows.chunk_of, rows.chunk_columns(a_chunk())),
    "stop": (rows.stop_of, rows.stop_columns(a_stop())),
    "excluded": (rows.excluded_of, rows.excluded_columns(tuple(excluded(2)), plan_no=1)),
    "tries": (rows.tries_of, rows.tries_columns(Delivery(1, since_ms=0))),
    "outputs": (rows.outputs_of, rows.output_columns({0: b"a", 7: b"b"})),
}
CELLS = st.integers(-(2**63), 2**63 - 1) | st.floats() | st.booleans() | st.text() | st.binary()
"""What a column of Tablestore may hold, without what is to hurt."""
TEXTS = (BODIES | VALUES.map(repr).map(str.encode) | st.sampled_from(BRACES)).map(
    lambda raw: raw.decode("utf-8", "replace")
)


def damaged(draw: st.DrawFn, columns: Columns) -> Columns:
    """The same row with some column gone, cut, or holding something else."""
    spoilt = dict(columns)
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(columns)))
        way = draw(st.integers(0, 3))
        if way == 0:
            spoilt.pop(name, None)
        elif way == 1:
            text = str(columns[name])
            spoilt[name] = text[: draw(st.integers(0, len(text)))]
        else:
            spoilt[name] = draw(CELLS | TEXTS)
    return spoilt


@pytest.mark.parametrize("kind", sorted(DECODERS))
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_row_is_read_or_named(kind: str, data: st.DataObject) -> None:
    read, columns = DECODERS[kind]
    spoilt = damaged(data.draw, columns)

    failure = failure_of(lambda: rows.readable(KEY, read, spoilt))

    if failure is not None:
        assert failure.code in (rows.DAMAGED, rows.NEWER)
        assert failure.code == rows.NEWER or "run-0001/run" in failure.message
        assert len(failure.message) < 600


def failure_of(act: Callable[[], object]) -> Unavailable | None:
    try:
        act()
    except Unavailable as error:
        return error
    return None


@pytest.mark.parametrize("packed", [b"", b"junk", b"x\x9c\x03"])
def test_a_compressed_request_that_is_cut_is_named(packed: bytes) -> None:
    columns = {**rows.run_columns(a_run()), "request_z00": packed, "request_z01": b"\x00"}

    with pytest.raises(Unavailable, match="run-0001/run") as raised:
        rows.readable(KEY, rows.run_of, columns)

    assert raised.value.code == "RowDamaged"


def test_a_compressed_request_that_swells_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    import zlib

    monkeypatch.setattr(limits, "REQUEST_BYTES_MAX", 1_000)
    columns = {**rows.run_columns(a_run()), "request_z00": zlib.compress(b" " * 1_000_000)}

    with pytest.raises(Unavailable, match="longer than 1,000 bytes"):
        rows.readable(KEY, rows.run_of, columns)


# -- the others go on -------------------------------------------------------------------------------------------------
class Damaging:
    """Tables on the double, two runs on the list of the unfinished, and a way to spoil the first one's rows."""

    def __init__(self, cloud: Doubles) -> None:
        self.calls = table_calls(cloud.url)
        self.store = TableRunStore(self.calls)
        self.drive = Drive()
        self.ports = replace(self.drive.ports, runs=self.store)
        for run_id in ("run-0001", "run-0002"):
            run = a_run(run_id, due_ms=1)
            self.store.insert_run(run)
            self.store.remember(run)

    def spoil(self, part: str, **columns: Any) -> None:
        assert self.calls.write(Write("update", rows.RUNS, rows.run_key("run-0001", part), columns))


def test_one_damaged_run_does_not_stop_the_sweep_and_stays_on_its_list(cloud: Doubles) -> None:
    it = Damaging(cloud)
    it.spoil("run", body="{")

    report = sweep(it.ports, it.drive.policy)

    assert (report.unfinished, report.woken, report.forgotten, report.unreadable) == (2, 1, 0, 1)
    assert it.store.unfinished(after="", limit=10) == ["run-0001", "run-0002"]
    assert [b"run-0002" in body for _, body in it.drive.world.queue.wakeups] == [True]


def test_one_damaged_line_of_a_stop_keeps_no_other_stop_from_being_found(cloud: Doubles) -> None:
    it = Damaging(cloud)
    for run_id in ("run-0001", "run-0002"):
        assert it.store.insert_stop(StopMark(run_id, "stop-1", (), requested_ms=1))
    line = Write("put", rows.UNFINISHED, rows.unheeded_key("run-0001"), {"stop_ms": "soon"})
    assert it.calls.write(line)

    report = sweep(it.ports, it.drive.policy)

    assert report.unheeded == 2
    assert it.store.last_sweep() is not None


def test_a_run_of_a_newer_release_does_not_stop_the_sweep_either(cloud: Doubles) -> None:
    it = Damaging(cloud)
    it.spoil("run", schema=99)

    report = sweep(it.ports, it.drive.policy)

    assert (report.woken, report.unreadable) == (1, 1)


def test_each_read_of_a_damaged_row_names_the_row(cloud: Doubles) -> None:
    it = Damaging(cloud)
    it.store.put_chunks([a_chunk(run_id="run-0001")])
    it.store.put_events([an_event(1, run_id="run-0001")], base_version=1)
    it.store.insert_stop(replace(a_stop(), run_id="run-0001"))
    stop = rows.stop_part(a_stop().request_id)
    for part in ("chunk-00001", "event-00000001", stop, "run"):
        it.spoil(part, body="no JSON", schema="one")

    reads: dict[str, Callable[[], Any]] = {
        "run-0001/run": lambda: it.store.read_run("run-0001"),
        "run-0001/chunk-00001": lambda: it.store.read_chunks("run-0001", [1]),
        "run-0001/event-00000001": lambda: it.store.read_events("run-0001", after=0, limit=9),
        f"run-0001/{stop}": lambda: it.store.read_stops("run-0001"),
    }
    for name, read in reads.items():
        with pytest.raises(Unavailable) as raised:
            read()
        assert raised.value.code in ("RowDamaged", "RowSchema"), name


def test_a_damaged_schedule_is_named(cloud: Doubles) -> None:
    calls = table_calls(cloud.url)
    calls.write(Write("put", "schedules", (("schedule_id", "nightly"),), {"schema": 1, "body": "[]"}))

    with pytest.raises(Unavailable, match="nightly") as raised:
        TableScheduleStore(calls).read_schedule("nightly")

    assert raised.value.code == "RowDamaged"


def test_a_damaged_count_of_deliveries_holds_up_no_message(cloud: Doubles) -> None:
    calls = table_calls(cloud.url)
    runs = TableRunStore(calls)
    damaged: Columns = {"deliveries": "many"}
    assert calls.write(Write("put", rows.RUNS, rows.tries_key("m-1"), damaged))

    assert runs.begin_delivery("m-1", now_ms=1_000).begun == 0
    assert runs.deliveries_begun(["m-1"]) == {"m-1": 0}
    runs.take_back_delivery("m-1")
    runs.end_delivery("m-1")
    assert runs.begin_delivery("m-1", now_ms=1_000).begun == 1
