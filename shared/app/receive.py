"""receive: a message of any queue is handled as what it is, whichever queue it came through."""

from __future__ import annotations

from shared.app.accept import accept_run
from shared.app.reject import reject
from shared.app.schedule_add import add_schedule
from shared.app.schedule_change import change_schedule
from shared.app.stop import stop_run
from shared.app.sync import sync_run
from shared.core.errors import Refused
from shared.core.messages import Message
from shared.core.requests import ScheduleRequest, StopRequest, decode_request
from shared.ports import Policy, Ports


def receive(ports: Ports, policy: Policy, message: Message) -> str:
    """Answers "accepted", "repeated", "stopping", "settled" or "rejected"; of schedules "scheduled" or what they are.

    Raises Unavailable or UnknownOutcome when the rows cannot be read or written: the message comes again then.
    """
    try:
        request = decode_request(message.body)
        if isinstance(request, StopRequest):
            return stop_run(ports, policy, request)
        if isinstance(request, ScheduleRequest):
            change = sync_run if request.action == "sync" else change_schedule
            return change(ports, policy, request)
        if request.schedule is not None and request.schedule.by == "fleetrun":
            return add_schedule(ports, policy, request)
        return accept_run(ports, policy, request)
    except Refused as error:
        return reject(ports, policy, message, error)
