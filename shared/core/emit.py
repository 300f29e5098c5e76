"""Stage 8 of 8: facts -> events, numbered without gaps, each small enough for the topic.

Strategy: an event is CloudEvents 1.0 JSON (structured mode). Its id derives from run and number, so that a consumer can
drop repeats; `sequence` is the number with leading zeros, so that text order is number order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from shared.core import limits
from shared.core.days import iso
from shared.core.model import Chunk, Event, Excluded, Repetition, Run, Target

TYPES = (
    "run.accepted",
    "run.rejected",
    "run.planned",
    "run.deferred",
    "chunk.invoked",
    "targets.finished",
    "repetitions.finished",
    "run.stopping",
    "run.finished",
)
"""In the order in which a run may have them; the prefix `fleetrun.` comes on the wire."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A fact that has no number yet."""

    kind: str
    data: Mapping[str, Any]


def numbered(run: Run, drafts: Sequence[Draft], *, account_id: str, now_ms: int) -> list[Event]:
    """The drafts as the run's next events: event_seq + 1, …"""
    source = f"acs:fleetrun:{run.region}:{account_id}"
    return [
        Event(run.run_id, number, draft.kind, _encode(run, draft, number=number, source=source, now_ms=now_ms))
        for number, draft in enumerate(drafts, start=run.event_seq + 1)
    ]


def _encode(run: Run, draft: Draft, *, number: int, source: str, now_ms: int) -> bytes:
    assert draft.kind in TYPES, draft.kind
    data = {"runId": run.run_id, "requestId": run.request_id, **draft.data}
    event = {
        "specversion": "1.0",
        "id": f"{run.run_id}:{number:08d}",
        "source": source,
        "type": f"fleetrun.{draft.kind}",
        "subject": run.run_id,
        "time": iso(now_ms),
        "sequence": f"{number:08d}",
        "datacontenttype": "application/json",
        "data": data,
    }
    body = _json(event)
    if len(body) > limits.EVENT_BYTES_MAX:
        body = _json({**event, "data": _shortened(data, len(body) - limits.EVENT_BYTES_MAX)})
    assert len(body) <= limits.EVENT_BYTES_MAX, f"{draft.kind} has {len(body)} bytes"
    return body


def _json(value: object) -> bytes:
    """Without the two characters that JSON allows and XML does not: a script may print them, and the topic's messages
    are XML. Escaped here, so that the bytes that are counted are the bytes that are sent."""
    return msgspec.json.encode(value).replace(b"\xef\xbf\xbe", b"\\ufffe").replace(b"\xef\xbf\xbf", b"\\uffff")


_PROSE = {
    "targets": ("output", "errorInfo", "name"),
    "repetitions": ("output", "errorInfo", "name"),
    "excluded": ("detail", "name"),
}
"""What may be cut of the rows of an event, in this order."""


def _shortened(data: dict[str, Any], excess: int) -> dict[str, Any]:
    """The same facts with the free texts cut until `excess` bytes are gone: never a fact, only its prose."""
    for rows_name, texts in _PROSE.items():
        for text in texts if data.get(rows_name) else ():
            if excess > 0:
                rows, gone = _cut_evenly(data[rows_name], text, excess)
                data, excess = {**data, rows_name: rows}, excess - gone
    return data


def _cut_evenly(rows: list[dict[str, Any]], text: str, excess: int) -> tuple[list[dict[str, Any]], int]:
    """The rows with `text` cut, the longest ones down to one length; and how many bytes that saved."""
    before = sum(len(_json(row.get(text, ""))) for row in rows)
    keep = max(0, (before - excess) // len(rows) - 8)
    cut = [{**row, text: _cut(row.get(text, ""), keep)} for row in rows]
    return cut, before - sum(len(_json(row[text])) for row in cut)


def _cut(text: str, size: int) -> str:
    """The longest head of `text` whose JSON form is at most `size` bytes (quotes included)."""
    while text and len(_json(text)) > max(size, 2):
        text = text[: min(len(text) - 1, max(0, size * len(text) // len(_json(text))))]
    return text


def accepted(run: Run) -> Draft:
    return Draft("run.accepted", {"region": run.region})


def rejected(*, code: str, field: str, message: str) -> Draft:
    return Draft("run.rejected", {"code": code, "field": field, "message": message[:2000]})


def planned(run: Run, excluded: Sequence[Excluded]) -> Draft:
    """What will be done. The excluded are spelled out up to EXCLUDED_PER_EVENT; `excludedByReason` counts all."""
    by_reason: dict[str, int] = {}
    for each in excluded:
        by_reason[each.reason] = by_reason.get(each.reason, 0) + 1
    shown = [
        {"instanceId": each.instance_id, "name": each.name, "reason": each.reason, "detail": each.detail}
        for each in excluded[: limits.EXCLUDED_PER_EVENT]
    ]
    return Draft(
        "run.planned",
        {
            "requested": run.requested,
            "included": run.included,
            "excludedByReason": dict(sorted(by_reason.items())),
            "excluded": shown,
            "chunks": run.planned_chunks,
            "units": run.planned_chunks,
        },
    )


def deferred(*, day: str, chunks: int, reason: str) -> Draft:
    return Draft("run.deferred", {"toDay": day, "chunks": chunks, "reason": reason})


def invoked(chunk: Chunk) -> Draft:
    return Draft(
        "chunk.invoked",
        {"chunkId": chunk.chunk_id, "invokeId": chunk.invoke_id, "wave": chunk.wave, "targets": _left(chunk)},
    )


def _left(chunk: Chunk) -> int:
    return sum(1 for target in chunk.targets if not target.ended_no)


def targets_finished(chunk: Chunk, *, announced: int) -> list[Draft]:
    """Every outcome of the chunk above `announced`, in the order of ending, at most OUTCOMES_PER_EVENT an event."""
    new = sorted((t for t in chunk.targets if t.ended_no > announced), key=lambda target: target.ended_no)
    size = limits.OUTCOMES_PER_EVENT
    return [
        Draft(
            "targets.finished",
            {"chunkId": chunk.chunk_id, "targets": [_outcome(t) for t in new[low : low + size]]},
        )
        for low in range(0, len(new), size)
    ]


def repetitions_finished(chunk: Chunk, *, announced: int) -> list[Draft]:
    """Every repetition that the chunk has recorded above `announced`, in that order, as many an event as outcomes."""
    new = [repetition for repetition in chunk.repetitions if repetition.number > announced]
    size = limits.OUTCOMES_PER_EVENT
    return [
        Draft(
            "repetitions.finished",
            {"chunkId": chunk.chunk_id, "repetitions": [_repetition(each) for each in new[low : low + size]]},
        )
        for low in range(0, len(new), size)
    ]


def _repetition(repetition: Repetition) -> dict[str, Any]:
    return {
        "instanceId": repetition.instance_id,
        "name": repetition.name,
        "repeat": repetition.repeat,
        "status": repetition.status,
        "exitCode": repetition.exit_code,
        "errorCode": repetition.error_code,
        "errorInfo": repetition.error_info,
        "output": repetition.output_head,
        "dropped": repetition.dropped,
        "startTime": repetition.start_time,
        "finishTime": repetition.finish_time,
    }


def _outcome(target: Target) -> dict[str, Any]:
    return {
        "instanceId": target.instance_id,
        "name": target.name,
        "status": target.status,
        "exitCode": target.exit_code,
        "errorCode": target.error_code,
        "errorInfo": target.error_info,
        "output": target.output_head,
        "dropped": target.dropped,
        "startTime": target.start_time,
        "finishTime": target.finish_time,
    }


def stopping(*, reason: str) -> Draft:
    return Draft("run.stopping", {"reason": reason})


def finished(run: Run) -> Draft:
    return Draft(
        "run.finished",
        {
            "status": run.status,
            "reason": run.reason,
            "counts": dict(run.counts),
            "requested": run.requested,
            "unitsSpent": sum(run.spent.values()),
            "durationMs": run.finished_ms - run.accepted_ms,
        },
    )
