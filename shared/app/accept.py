"""accept: an invoke request becomes exactly one run, however often it is delivered."""

from __future__ import annotations

from shared.app.advance import advance
from shared.app.emit import wake
from shared.core.access import UNBOUND, Allowed
from shared.core.errors import Refused
from shared.core.messages import Message
from shared.core.model import Run, run_id_of
from shared.core.requests import InvokeRequest, decode_request, hash_of
from shared.core.signed import inner_request, request_id_in
from shared.core.wakeups import WakeUp
from shared.ports import Policy, Ports


def accept_run(ports: Ports, policy: Policy, request: InvokeRequest, *, allowed: Allowed = UNBOUND) -> str:
    """Answers "accepted", or "repeated" for a request that has its run already. `allowed`: what `admit` answered.

    Raises Refused when the requestId belongs to another body; Unavailable or UnknownOutcome when the rows cannot be
    written: the message comes again then.
    """
    run = _run_of(request, policy, allowed, now_ms=ports.clock.now_ms())
    inserted = begin(ports, run)
    if not _is_unfinished(ports, run, inserted=inserted):
        return "repeated"
    advance(ports, policy, WakeUp(run_id=run.run_id, wakeup_no=0))
    return "accepted" if inserted else "repeated"


def start_run(ports: Ports, policy: Policy, request: InvokeRequest, *, allowed: Allowed = UNBOUND) -> str:
    """The same, but the first step is left to a wake-up: for who starts many runs, and has no time for their steps."""
    run = _run_of(request, policy, allowed, now_ms=ports.clock.now_ms())
    inserted = begin(ports, run)
    if not _is_unfinished(ports, run, inserted=inserted):
        return "repeated"
    wake(ports, run, due_ms=run.due_ms, event_sent=0)
    return "accepted" if inserted else "repeated"


def begin(ports: Ports, run: Run) -> bool:
    """Writes a run's first row. False: there is one of its id.

    Its line in the list comes first: should we die here, nobody may come again, and the sweep has to find the run.
    """
    ports.runs.announce(run)
    return ports.runs.insert_run(run)


def run_of_message(ports: Ports, message: Message) -> Run | None:
    """The run that this very request became; not one that another body has begun under its request id."""
    run = ports.runs.read_run(run_id_of(request_id_in(message.body)))
    if run is None:
        return None
    try:
        request = decode_request(inner_request(message.body))
    except Refused:
        return None
    return run if isinstance(request, InvokeRequest) and hash_of(request) == run.body_hash else None


def resume_run(ports: Ports, policy: Policy, run: Run) -> str:
    """Goes on with a run that may stand on no list yet: whoever accepted it may have died right after."""
    ports.runs.remember(run)
    advance(ports, policy, WakeUp(run_id=run.run_id, wakeup_no=0))
    return "repeated"


def _is_unfinished(ports: Ports, run: Run, *, inserted: bool) -> bool:
    """Puts the run on the lists, unless it is there and has ended. Raises Refused for another body of the same id."""
    if not inserted:
        stored = ports.runs.read_run(run.run_id)
        assert stored is not None, f"{run.run_id} is there and is not"
        if stored.due_ms == 0:
            ports.runs.forget(run.run_id)  # its line was put there just now
        if stored.body_hash != run.body_hash:
            raise Refused(
                f"requestId {run.request_id!r} was used before, with another body; choose a new one",
                code="RequestIdReused",
                field="requestId",
            )
        if stored.due_ms == 0:
            return False
        run = stored  # its line in the list stands where it was accepted first
    ports.runs.remember(run)
    if inserted:
        ports.log(
            "run.accepted", run_id=run.run_id, request_id=run.request_id, region=run.region, caller=run.allowed.caller
        )
    return True


def _run_of(request: InvokeRequest, policy: Policy, allowed: Allowed, *, now_ms: int) -> Run:
    return Run(
        run_id=run_id_of(request.request_id),
        request_id=request.request_id,
        request=request,
        body_hash=hash_of(request),
        region=request.region or policy.region,
        accepted_ms=now_ms,
        due_ms=now_ms,
        allowed=allowed,
    )
