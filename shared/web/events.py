"""/v1/runs/{runId}/events: replay from the rows, long poll, and the same as text/event-stream.

Function Compute takes the whole answer as one body, so a stream cannot stay open: it holds what there is (after waiting
for something, if asked), and `retry` and `id` make an EventSource come again for the rest. 204 tells it to stop.
"""

from __future__ import annotations

import msgspec

from shared.core import limits
from shared.core.model import Event
from shared.web.messages import EVENT_STREAM, Answer, Call
from shared.web.queries import EventsQuery
from shared.web.run_views import is_ended
from shared.web.runs import find_run
from shared.web.scope import Scope
from shared.web.views import EventPage

RETRY_MS = 1_000
"""Ours: after how long an EventSource comes again."""
BYTES_MAX = 4_000_000
"""Ours: an answer of events ends with the one that reaches it; Function Compute takes 32 MB."""


def list_events(call: Call) -> Answer:
    query = call.query
    assert isinstance(query, EventsQuery)
    after = max(query.after, _last_seen(call))
    page = _awaited(call.scope, call.names["runId"], after, query)
    if call.media != EVENT_STREAM:
        return Answer(page)
    if page.ended and not page.events:
        return Answer(b"", 204)
    return Answer(_stream(page), type=EVENT_STREAM)


def _last_seen(call: Call) -> int:
    text = call.headers.get("last-event-id", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _awaited(scope: Scope, run_id: str, after: int, query: EventsQuery) -> EventPage:
    found = [_read(scope, run_id, after, query.limit)]

    def is_over() -> bool:
        found.append(_read(scope, run_id, after, query.limit))
        return bool(found[-1].events) or found[-1].ended

    if query.wait and not (found[-1].events or found[-1].ended):
        scope.wait(query.wait, is_over, first_ms=limits.WAIT_POLL_MS_FIRST, most_ms=limits.WAIT_POLL_MS_MAX)
    return found[-1]


def _read(scope: Scope, run_id: str, after: int, limit: int) -> EventPage:
    run = find_run(scope, run_id)
    # Rows above event_seq are prepared, not committed: they may still change.
    wanted = min(limit, run.event_seq - after)
    events = scope.ports.runs.read_events(run_id, after=after, limit=wanted) if wanted > 0 else []
    kept = _cut(events)
    last = kept[-1].sequence if kept else after
    return EventPage(
        run_id=run_id,
        events=[msgspec.json.decode(event.body) for event in kept],
        last=last,
        ended=is_ended(run) and last >= run.event_seq,
    )


def _cut(events: list[Event]) -> list[Event]:
    total, kept = 0, []
    for event in events:
        kept.append(event)
        total += len(event.body)
        if total >= BYTES_MAX:
            break
    return kept


def _stream(page: EventPage) -> bytes:
    parts = [f"retry: {RETRY_MS}\n\n".encode()]
    for event in page.events:
        head = f"id: {int(event['sequence'])}\nevent: {event['type']}\ndata: ".encode()
        parts.append(head + msgspec.json.encode(event) + b"\n\n")
    return b"".join(parts)
