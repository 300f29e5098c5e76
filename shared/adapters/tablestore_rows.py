"""Rows ↔ values, of the tables runs (run_id, part), unfinished (shard, run_id) and recent (day, position).

    part of `runs`     holds
    run                the head: version, status, due_ms, and the rest as JSON in `body`; `request` is written once
    chunk-00001        a chunk: version, plan_no, status, `body`; each target's whole output in `output_00` …
    event-00000001     an event: base_version, kind, `body` as published
    excluded-00001     up to EXCLUDED_PER_ROW excluded targets: plan_no, `body`
    stop-<hash>        a stop request: `body`
    tries              deliveries of a message (run_id is its rejection's) that have begun and not ended, since when

A row that is none of these, whoever damaged it, is Unavailable with the code RowDamaged and its key in the message.
JSON leaves out what has its default, so a default never changes its meaning: a new meaning gets a new field. Rows of
SCHEMA and SCHEMA - 1 are read; a newer one means that a newer release is being rolled out: Unavailable, come again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from shared.adapters import limits
from shared.adapters.tablestore_writes import Columns, Key, Value
from shared.core import days
from shared.core.errors import Unavailable
from shared.core.messages import Delivery
from shared.core.model import SCHEMA, Chunk, Event, Excluded, Run, StopMark, rejection_id_of

T = TypeVar("T")

RUNS, UNFINISHED, RECENT = "runs", "unfinished", "recent"
SHARD = "0"
"""One shard for all: a sweep is then one read. Thousands of unfinished runs are far below what a partition bears."""
SWEEP_KEY: Key = (("shard", "sweep"), ("run_id", "last"))
"""In `unfinished`, outside of the shard: when the last sweep came to its end (swept_ms), and what it saw."""
STOPS_SHARD = "stops"
"""In `unfinished`, too: runs with a stop that nobody may have seen, and when it came (stop_ms)."""
HEAD = "run"
HEAD_COLUMNS_END = "stop."
"""After `stop-…`: a range from HEAD to here is the head row and the stop marks."""
TRIES = "tries"
DAMAGED, NEWER = "RowDamaged", "RowSchema"
CHUNK_COLUMNS = ("schema", "body")
_LATEST_MS = 9_999_999_999_999


_NO_ROW_OF_OURS = (
    *(msgspec.MsgspecError, zlib.error, KeyError, ValueError, TypeError),
    *(AttributeError, OverflowError, RecursionError),
)


def readable(key: Key, read: Callable[[Columns], T], columns: Columns) -> T:
    """What `read` makes of the row. Raises Unavailable: RowDamaged, or RowSchema for a newer release's row."""
    try:
        return read(columns)
    except _NO_ROW_OF_OURS as error:
        name = "/".join(value for _, value in key)
        raise Unavailable(
            f"row {name!r} is damaged: {type(error).__name__}: {str(error)[:200]}; "
            "docs/operations.md says what to do about a damaged row",
            code=DAMAGED,
        ) from None


def run_key(run_id: str, part: str = HEAD) -> Key:
    return (("run_id", run_id), ("part", part))


def chunk_part(number: int) -> str:
    return f"chunk-{number:05d}"


def event_part(sequence: int) -> str:
    return f"event-{sequence:08d}"


def excluded_part(number: int) -> str:
    return f"excluded-{number:05d}"


def stop_part(request_id: str) -> str:
    return "stop-" + hashlib.sha256(request_id.encode()).hexdigest()[:32]


def tries_key(message_id: str) -> Key:
    return run_key(rejection_id_of(message_id), TRIES)


def output_column(index: int) -> str:
    return f"output_{index:02d}"


def unfinished_key(run_id: str) -> Key:
    return (("shard", SHARD), ("run_id", run_id))


def unheeded_key(run_id: str) -> Key:
    return (("shard", STOPS_SHARD), ("run_id", run_id))


def recent_key(run: Run) -> Key:
    """Newest first: the position counts down."""
    return (("day", days.day_of(run.accepted_ms)), ("position", f"{_LATEST_MS - run.accepted_ms:013d}-{run.run_id}"))


# -- run --------------------------------------------------------------------------------------------------------------
def run_columns(run: Run) -> dict[str, Value]:
    """What every version writes: everything but the request."""
    return {
        "schema": run.schema,
        "version": run.version,
        "status": run.status,
        "due_ms": run.due_ms,
        "body": _text(run, without="request"),
    }


def request_columns(run: Run) -> dict[str, Value]:
    return {} if run.request is None else _long("request", msgspec.json.encode(run.request))


def run_of(columns: Columns) -> Run:
    _check_schema(columns)
    body = str(columns["body"]).encode()
    # The body names no request: put in front, it is read together with the rest.
    return msgspec.json.decode(b'{"request":' + (_read_long("request", columns) or b"null") + b"," + body[1:], type=Run)


def _long(name: str, text: bytes) -> dict[str, Value]:
    """As one column of text; a very long one compressed and cut, because an attribute holds 2 MB."""
    if len(text) <= limits.TEXT_BYTES_MAX:
        return {name: text.decode()}
    packed = zlib.compress(text)
    step = limits.TEXT_BYTES_MAX
    return {f"{name}_z{start // step:02d}": packed[start : start + step] for start in range(0, len(packed), step)}


def _read_long(name: str, columns: Columns) -> bytes:
    """b"" if there is none."""
    if name in columns:
        return str(columns[name]).encode()
    packed = b"".join(columns[part] for part in sorted(columns) if part.startswith(f"{name}_z"))
    if not packed:
        return b""
    unpacking = zlib.decompressobj()
    text = unpacking.decompress(packed, limits.REQUEST_BYTES_MAX)
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise ValueError(f"the {name} is cut, or longer than {limits.REQUEST_BYTES_MAX:,} bytes")
    return text


# -- chunk ------------------------------------------------------------------------------------------------------------
def chunk_columns(chunk: Chunk) -> dict[str, Value]:
    return {
        "schema": chunk.schema,
        "version": chunk.version,
        "plan_no": chunk.plan_no,
        "status": chunk.status,
        "body": _text(chunk),
    }


def output_columns(outputs: Mapping[int, bytes]) -> dict[str, Value]:
    return {output_column(index): outputs[index] for index in sorted(outputs)}


def chunk_of(columns: Columns) -> Chunk:
    return _value(columns, Chunk)


def outputs_of(columns: Columns) -> dict[int, bytes]:
    found = {int(name.removeprefix("output_")): columns[name] for name in columns if name.startswith("output_")}
    if not all(isinstance(output, bytes | bytearray) for output in found.values()):
        raise ValueError("an output is no bytes")  # bytes(n) of a number would be n bytes of memory
    return {index: bytes(found[index]) for index in sorted(found)}


def tries_columns(delivery: Delivery) -> dict[str, Value]:
    return {"deliveries": delivery.begun, "since_ms": delivery.since_ms}


def tries_of(columns: Columns) -> Delivery:
    """Rows of an older release do not say since when. A damaged one counts nothing: it must not hold up its message."""
    return Delivery(begun=_number(columns, "deliveries"), since_ms=_number(columns, "since_ms"))


def stop_ms_of(columns: Columns) -> int:
    """0 of a damaged line: its run is looked at all the same, and so are the runs behind it."""
    return _number(columns, "stop_ms")


def _number(columns: Columns, name: str) -> int:
    value = columns.get(name)
    return value if isinstance(value, int) else 0


# -- the smaller ones -------------------------------------------------------------------------------------------------
def stop_columns(mark: StopMark) -> dict[str, Value]:
    """A stop may name a hundred thousand instances."""
    return {"schema": SCHEMA, **_long("body", _text(mark).encode())}


def stop_of(columns: Columns) -> StopMark:
    _check_schema(columns)
    return msgspec.json.decode(_read_long("body", columns), type=StopMark)


def excluded_columns(excluded: tuple[Excluded, ...], *, plan_no: int) -> dict[str, Value]:
    return {"schema": SCHEMA, "plan_no": plan_no, "body": msgspec.json.encode(excluded).decode()}


def excluded_of(columns: Columns) -> list[Excluded]:
    return _value(columns, list[Excluded])


def plan_no_of(columns: Columns) -> int:
    return int(columns["plan_no"])


def event_columns(event: Event, *, base_version: int) -> dict[str, Value]:
    body = event.body.decode()
    return {"schema": SCHEMA, "base_version": base_version, "kind": event.kind, "body": body}


def event_of(key: Mapping[str, str], columns: Columns) -> Event:
    _check_schema(columns)
    return Event(
        run_id=key["run_id"],
        sequence=int(key["part"].removeprefix("event-")),
        kind=str(columns["kind"]),
        body=str(columns["body"]).encode(),
    )


def _value(columns: Columns, of: type[T]) -> T:
    _check_schema(columns)
    return msgspec.json.decode(str(columns["body"]).encode(), type=of)


def _check_schema(columns: Columns) -> None:
    schema = columns["schema"]
    if type(schema) is not int or schema < SCHEMA - 1:
        raise ValueError("its schema is no number of a release")
    if schema not in (SCHEMA, SCHEMA - 1):
        raise Unavailable(
            f"a row has schema {schema}; this release reads {SCHEMA - 1} and {SCHEMA}: finish rolling out",
            code=NEWER,
        )


def _text(value: Any, *, without: str = "") -> str:
    sparse = _sparse(value)
    sparse.pop(without, None)
    return msgspec.json.encode(sparse).decode()


def _sparse(value: Any) -> Any:
    """A dataclass as the dict of its fields that differ from their defaults (and its schema); others as they are."""
    if isinstance(value, tuple):
        return [_sparse(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    return {
        part.name: _sparse(getattr(value, part.name))
        for part in dataclasses.fields(value)
        if part.name == "schema" or getattr(value, part.name) != _default_of(part)
    }


def _default_of(part: dataclasses.Field[Any]) -> Any:
    return part.default_factory() if part.default_factory is not dataclasses.MISSING else part.default
