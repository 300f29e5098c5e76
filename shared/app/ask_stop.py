"""ask_stop: a stop mark beside the run, and a wake-up: for who has neither the time nor the right to advance it."""

from __future__ import annotations

from shared.app.emit import wake_for_stop
from shared.core.errors import Refused
from shared.core.model import Run, StopMark
from shared.core.requests import StopRequest
from shared.core.transitions import ENDS_OF_RUN
from shared.ports import Ports


def ask_to_stop(ports: Ports, request: StopRequest) -> Run:
    """The run as it is; one that has ended stays as it ended. The mark is durable when this answers, and the run's
    holder reads it before every send, whether the wake-up arrives or not. Raises Refused when there is no such run."""
    run = ports.runs.read_run(request.run_id)
    if run is None:
        raise no_run(request.run_id)
    if run.status in ENDS_OF_RUN:
        return run
    mark = StopMark(
        run_id=run.run_id,
        request_id=request.request_id,
        instance_ids=tuple(sorted(set(request.instance_ids or ()))),
        requested_ms=ports.clock.now_ms(),
    )
    if not ports.runs.insert_stop(mark):
        check_same(mark, ports.runs.read_stops(mark.run_id))
    wake_for_stop(ports, run)
    ports.log("stop.marked", run_id=run.run_id, stop_request_id=mark.request_id, instances=len(mark.instance_ids))
    return run


def check_same(mark: StopMark, stored: list[StopMark]) -> None:
    """A repeat names the same instances. Raises Refused otherwise: swallowed, it would pass for done."""
    if any(each.request_id == mark.request_id and each.instance_ids != mark.instance_ids for each in stored):
        raise Refused(
            f"requestId {mark.request_id!r} was used before, to stop other instances of this run; choose a new one",
            code="RequestIdReused",
            field="requestId",
        )


def no_run(run_id: str) -> Refused:
    return Refused(
        f"runId is {run_id[:80]!r}: there is no such run; a request in a queue becomes one in a moment",
        code="NoRun",
        field="runId",
    )
