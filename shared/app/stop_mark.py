"""stop_mark: what everybody leaves beside a run that shall stop, be it a caller, a schedule's overlap or a sync."""

from __future__ import annotations

from collections.abc import Iterable

from shared.core.errors import Refused
from shared.core.model import StopMark
from shared.ports import Ports


def leave_mark(ports: Ports, *, run_id: str, request_id: str, instance_ids: Iterable[str] = ()) -> None:
    """The mark is durable when this returns; the run's holder reads it before every send. No instances: all of them.

    Repeating it changes nothing. Raises Refused (RequestIdReused) when the request id has marked other instances of
    this run: swallowed, it would pass for done. Raises Unavailable and UnknownOutcome: it may be repeated.
    """
    mark = StopMark(run_id, request_id, tuple(sorted(set(instance_ids))), requested_ms=ports.clock.now_ms())
    if not ports.runs.insert_stop(mark):
        _check_same(mark, ports.runs.read_stops(run_id))
    ports.log("stop.marked", run_id=run_id, stop_request_id=request_id, instances=len(mark.instance_ids))


def _check_same(mark: StopMark, stored: list[StopMark]) -> None:
    if any(each.request_id == mark.request_id and each.instance_ids != mark.instance_ids for each in stored):
        raise Refused(
            f"requestId {mark.request_id!r} was used before, to stop other instances of this run; choose a new one",
            code="RequestIdReused",
            field="requestId",
        )
