"""receive: a message of any queue is handled as what it is, whichever queue it came through."""

from __future__ import annotations

from shared.app.accept import accept_run, resume_run, run_of_message
from shared.app.admit import admit, audit_refusal, check_again, open_message
from shared.app.reject import reject
from shared.app.schedule_add import add_schedule
from shared.app.schedule_change import change_schedule
from shared.app.stop import stop_run
from shared.app.sync import sync_run
from shared.core.access import Allowed, Caller
from shared.core.errors import Refused
from shared.core.messages import Message
from shared.core.model import Run, rejection_id_of
from shared.core.requests import Request, ScheduleRequest, StopRequest, decode_request
from shared.ports import Policy, Ports

_OF_SIGNER = ("Unauthorized", "Stale")
"""Codes that may be another answer today than when the message came first: a key is revoked, time goes on."""


def receive(ports: Ports, policy: Policy, message: Message) -> str:
    """Answers "accepted", "repeated", "stopping", "settled" or "rejected"; of schedules "scheduled" or what they are.

    Raises Unavailable or UnknownOutcome when the rows cannot be read or written: the message comes again then.
    """
    try:
        read = _read(ports, message)
        if isinstance(read, Run):
            return resume_run(ports, policy, read)
        caller, request = read
        _stay_refused(ports, message, request)
        check_again(ports, caller, message)
        allowed = admit(ports, policy, caller, request, entry_id=message.message_id)
        return _carry_out(ports, policy, request, allowed)
    except Refused as error:
        return reject(ports, policy, message, error)


def _read(ports: Ports, message: Message) -> tuple[Caller | None, Request] | Run:
    """Who sent it, and what it says. Raises Refused, after having entered it in the trail.

    A message that was let in before, and whose signer would not be any more, is its run: whoever accepted it died
    right after, and nobody else may know of the run (sim, access seed 2012741).
    """
    caller = None
    try:
        opened = open_message(ports, message)
        caller = opened.caller
        return caller, decode_request(opened.body)
    except Refused as error:
        run = run_of_message(ports, message) if error.code in _OF_SIGNER else None
        if run is not None and run.status == "Accepted":
            return run
        audit_refusal(ports, caller, error, entry_id=message.message_id)
        raise


def _stay_refused(ports: Ports, message: Message, request: Request) -> None:
    """A change of a schedule that was refused stays so: a second delivery may come at a better time, and be made
    although its dead letter says that it was not (sim, schedules seed 4042301). Raises Refused, as it was."""
    if not isinstance(request, ScheduleRequest):
        return
    rejection = ports.runs.read_run(rejection_id_of(message.message_id))
    if rejection is not None:
        said = rejection.refusal
        raise Refused(said["message"], code=said["code"], field=said["field"])


def _carry_out(ports: Ports, policy: Policy, request: Request, allowed: Allowed) -> str:
    if isinstance(request, StopRequest):
        return stop_run(ports, policy, request)
    if isinstance(request, ScheduleRequest):
        if request.action == "sync":
            return sync_run(ports, policy, request)
        return change_schedule(ports, policy, request, allowed=allowed)
    if request.schedule is not None and request.schedule.by == "fleetrun":
        return add_schedule(ports, policy, request, allowed=allowed)
    return accept_run(ports, policy, request, allowed=allowed)
