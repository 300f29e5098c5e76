"""Stored rows: any columns as a row of each kind. What cannot be read is named, and no memory is taken for it."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["shared", "msgspec"]):
    from shared.adapters import schedule_store
    from shared.adapters import tablestore_rows as rows
    from shared.core.errors import Unavailable

KEY = rows.run_key("run-0001")
READERS = (
    (rows.run_of, ("body", "schema", "request", "request_z00", "request_z01")),
    (rows.chunk_of, ("body", "schema")),
    (rows.stop_of, ("body", "schema")),
    (rows.excluded_of, ("body", "schema", "plan_no")),
    (rows.plan_no_of, ("plan_no",)),
    (rows.outputs_of, ("output_00", "output_49", "output_x")),
    (rows.tries_of, ("deliveries", "since_ms")),
    (schedule_store._schedule, ("body", "schema")),
    (
        lambda columns: rows.event_of({"run_id": "run-0001", "part": "event-00000001"}, columns),
        ("kind", "body", "schema"),
    ),
)


def one_input(data: bytes) -> None:
    given = atheris.FuzzedDataProvider(data)
    read, names = READERS[given.ConsumeIntInRange(0, len(READERS) - 1)]
    columns: dict[str, object] = {}
    for name in names:
        kind = given.ConsumeIntInRange(0, 7)
        if name == "schema" and kind < 6:
            columns[name] = 1
        elif kind == 0:
            continue
        elif kind == 1:
            columns[name] = given.ConsumeInt(8)
        elif kind == 2:
            columns[name] = given.ConsumeBytes(given.ConsumeIntInRange(0, 64))
        elif kind == 3:
            columns[name] = given.ConsumeFloat()
        else:
            columns[name] = given.ConsumeUnicodeNoSurrogates(given.ConsumeIntInRange(0, 2_000))
    try:
        rows.readable(KEY, read, columns)
    except Unavailable as error:
        damage = error
    else:
        return
    assert damage.code in (rows.DAMAGED, rows.NEWER)
    assert len(damage.message) < 600


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
