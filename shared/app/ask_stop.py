"""ask_stop: a stop mark beside the run, and a wake-up: for who has neither the time nor the right to advance it."""

from __future__ import annotations

from shared.app.emit import wake_for_stop
from shared.app.stop_mark import leave_mark
from shared.core.errors import Refused
from shared.core.model import Run
from shared.core.requests import StopRequest
from shared.core.transitions import ENDS_OF_RUN
from shared.ports import Ports


def ask_to_stop(ports: Ports, request: StopRequest) -> Run:
    """The run as it is; one that has ended stays as it ended. The mark is durable when this answers, whether the
    wake-up arrives or not. Raises Refused when there is no such run, and what `leave_mark` raises."""
    run = ports.runs.read_run(request.run_id)
    if run is None:
        raise no_run(request.run_id)
    if run.status in ENDS_OF_RUN:
        return run
    leave_mark(ports, run_id=run.run_id, request_id=request.request_id, instance_ids=request.instance_ids or ())
    wake_for_stop(ports, run)
    return run


def no_run(run_id: str) -> Refused:
    return Refused(
        f"runId is {run_id[:80]!r}: there is no such run; a request in a queue becomes one in a moment",
        code="NoRun",
        field="runId",
    )
