"""isolate: a message that breaks its function at every delivery is put aside, and its neighbours go on.

    begin (count the delivery) → receive → end (forget the count)
          └ the process dies, or a bug is raised: the count stands and grows → DELIVERIES_MAX → rejected, dead letter

The platform repeats whole batches and says nothing of deliveries, so they are counted in a row of our own, before a
byte of the message is read. An outage is no fault of the message: what ends as Unavailable or UnknownOutcome is not
counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.app.dead_letter import dead_letter_of
from shared.app.receive import receive
from shared.app.reject import reject, request_id_in
from shared.core import limits
from shared.core.errors import FleetrunError, Refused, Unavailable, UnknownOutcome
from shared.core.messages import Message
from shared.core.model import run_id_of
from shared.ports import Policy, Ports


def receive_or_isolate(ports: Ports, policy: Policy, message: Message) -> str:
    """As `receive`, which is no longer asked once the message has broken its function DELIVERIES_MAX times."""
    deliveries = ports.runs.begin_delivery(message.message_id)
    if deliveries > limits.DELIVERIES_MAX:
        return _isolate(ports, policy, message, broken=deliveries - 1)
    try:
        answer = receive(ports, policy, message)
    except FleetrunError:
        _end(ports, message)
        raise
    _end(ports, message)
    return answer


def broken_last(ports: Ports, messages: Sequence[Message]) -> list[Message]:
    """The batch in the order in which to handle it: what broke a function before comes after its neighbours."""
    if len(messages) < 2:
        return list(messages)
    try:
        begun = ports.runs.deliveries_begun([message.message_id for message in messages])
    except (Unavailable, UnknownOutcome) as error:
        ports.log("delivery.unordered", messages=len(messages), reason=str(error))
        return list(messages)
    return sorted(messages, key=lambda message: begun.get(message.message_id, 0))


def _end(ports: Ports, message: Message) -> None:
    """A count that stays behind is one delivery too many for a message that comes again; it loses nothing."""
    try:
        ports.runs.end_delivery(message.message_id)
    except (Unavailable, UnknownOutcome) as error:
        ports.log("delivery.not_ended", message_id=message.message_id, reason=str(error))


def _isolate(ports: Ports, policy: Policy, message: Message, *, broken: int) -> str:
    """The count is left standing: a delivery that was under way does not begin anew."""
    error = Refused(
        f"this message broke the function that handled it {broken} times; its logs say how. "
        "Once that is mended: fleetrun dlq redrive",
        code="Poisoned",
        field="$",
    )
    ports.log("message.poisoned", message_id=message.message_id, source=message.source, broken=broken)
    run = ports.runs.read_run(run_id_of(request_id_in(message.body)))
    if run is None:
        return reject(ports, policy, message, error)
    # It has its run, which goes on by itself: a rejection would say that it has not.
    ports.queue.send_dead_letter(dead_letter_of(message, error))
    if run.due_ms:
        ports.runs.remember(run)
    return "isolated"
