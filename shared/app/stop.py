"""stop: a mark beside the run that its holder reads before every send, and an advance at once if nobody holds it."""

from __future__ import annotations

import re

from shared.app.advance import advance
from shared.app.stop_mark import leave_mark
from shared.core.errors import Refused
from shared.core.requests import StopRequest
from shared.core.wakeups import NEVER_STALE, WakeUp
from shared.ports import Policy, Ports

_RUN_ID = re.compile(r"^run-[0-9a-f]{20}\Z")


def stop_run(ports: Ports, policy: Policy, request: StopRequest) -> str:
    """Answers "stopping", or "settled" when the run has ended (that is an answer, not an error).

    A run that is not there yet (its request is still in a queue) gets the mark all the same, and heeds it then.
    Raises Refused when the run id is none, or when its requestId belongs to another stop of this run.
    """
    if not _RUN_ID.match(request.run_id):
        raise Refused(
            f'runId is {request.run_id[:80]!r}; a run id looks like "run-0123456789abcdef0123"',
            code="BadRequest",
            field="runId",
        )
    leave_mark(ports, run_id=request.run_id, request_id=request.request_id, instance_ids=request.instance_ids or ())
    answer = advance(ports, policy, WakeUp(run_id=request.run_id, wakeup_no=NEVER_STALE))
    return "settled" if answer == "settled" else "stopping"
