"""receive: a message of any queue is handled as what it is, whichever queue it came through."""

from __future__ import annotations

from shared.app.accept import accept_run
from shared.app.admit import admit, audit_refusal, check_again, open_message
from shared.app.reject import reject
from shared.app.schedule_add import add_schedule
from shared.app.schedule_change import change_schedule
from shared.app.stop import stop_run
from shared.app.sync import sync_run
from shared.core.access import Allowed, Caller
from shared.core.errors import Refused
from shared.core.messages import Message
from shared.core.requests import Request, ScheduleRequest, StopRequest, decode_request
from shared.ports import Policy, Ports


def receive(ports: Ports, policy: Policy, message: Message) -> str:
    """Answers "accepted", "repeated", "stopping", "settled" or "rejected"; of schedules "scheduled" or what they are.

    Raises Unavailable or UnknownOutcome when the rows cannot be read or written: the message comes again then.
    """
    try:
        caller, request = _read(ports, message)
        check_again(ports, caller, message)
        allowed = admit(ports, policy, caller, request, entry_id=message.message_id)
        return _carry_out(ports, policy, request, allowed)
    except Refused as error:
        return reject(ports, policy, message, error)


def _read(ports: Ports, message: Message) -> tuple[Caller | None, Request]:
    """Who sent it, and what it says. Raises Refused, after having entered it in the trail."""
    caller = None
    try:
        opened = open_message(ports, message)
        caller = opened.caller
        return caller, decode_request(opened.body)
    except Refused as error:
        audit_refusal(ports, caller, error, entry_id=message.message_id)
        raise


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
