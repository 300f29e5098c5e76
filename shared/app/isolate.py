"""isolate: a message that breaks its function at every delivery is put aside, and its neighbours go on.

    begin (count the delivery) → receive → end (forget the count)
          └ the process dies, or a bug is raised: the count stands and grows → DELIVERIES_MAX → put aside, dead letter

The platform repeats whole batches and says nothing of deliveries, so they are counted in a row of our own, before a
byte of the message is read. An outage is no fault of the message: what ends as Unavailable or UnknownOutcome is not
counted. Many deliveries all at once are no proof either: they may be one good message, doubled, and all at work; they
come again a little later.

A schedule's firings are counted by the schedule: as long as it is due, each minute brings a new message for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from shared.app.accept import run_of_message
from shared.app.dead_letter import dead_letter_of
from shared.app.receive import receive
from shared.app.reject import reject
from shared.app.schedule_fire import fire
from shared.core import limits
from shared.core.errors import FleetrunError, Refused, Unavailable, UnknownOutcome
from shared.core.messages import Delivery, Message
from shared.core.model import rejection_id_of
from shared.core.schedule_wake import ScheduleWake, decode_wake, encode_wake
from shared.ports import Policy, Ports


def receive_or_isolate(ports: Ports, policy: Policy, message: Message) -> str:
    """As `receive`, which is no longer asked once the message has broken its function DELIVERIES_MAX times.

    Raises Unavailable also when so many deliveries have begun at one moment that nobody can tell yet.
    """
    delivery = _begin(ports, message.message_id)
    if _has_broken(ports, delivery, message.message_id):
        return _isolate(ports, policy, message)
    return _counted(ports, message.message_id, lambda: receive(ports, policy, message))


def fire_or_isolate(ports: Ports, policy: Policy, message: Message) -> str:
    """As `fire`, which is no longer asked of a schedule that has broken its function DELIVERIES_MAX times in the last
    hour: "isolated". After the hour it is tried again; at once when its dead letter is sent again.

    Raises what `fire` does, and Refused for what wakes no schedule.
    """
    wake = decode_wake(message.body)
    counted = _count_of(wake)
    redriven = f"redriven as {message.message_id}"
    if wake.is_redriven and redriven not in ports.runs.deliveries_begun([redriven]):
        _forget(ports, wake)  # once: it may break its function again, each time that it is delivered
        _begin(ports, redriven)
    delivery = _begin(ports, counted)
    if delivery.begun > limits.DELIVERIES_MAX and ports.clock.now_ms() - delivery.since_ms >= limits.POISONED_MS:
        _forget(ports, wake)
        delivery = _begin(ports, counted)
    if _has_broken(ports, delivery, message.message_id):
        return _put_aside(ports, wake)
    answer = _counted(ports, counted, lambda: fire(ports, policy, wake))
    if wake.is_redriven:
        _end(ports, redriven)
    return answer


def broken_last(ports: Ports, messages: Sequence[Message]) -> list[Message]:
    """The batch in the order in which to handle it: what broke a function before comes after its neighbours."""
    return _sorted(ports, messages, lambda message: message.message_id)


def broken_schedules_last(ports: Ports, messages: Sequence[Message]) -> list[Message]:
    """The same for firings."""
    return _sorted(ports, messages, _counted_as)


def _sorted(ports: Ports, messages: Sequence[Message], counted_as: Callable[[Message], str]) -> list[Message]:
    if len(messages) < 2:
        return list(messages)
    try:
        begun = ports.runs.deliveries_begun([counted_as(message) for message in messages])
    except (Unavailable, UnknownOutcome) as error:
        ports.log("delivery.unordered", messages=len(messages), reason=str(error))
        return list(messages)
    return sorted(messages, key=lambda message: begun.get(counted_as(message), 0))


def _has_broken(ports: Ports, delivery: Delivery, message_id: str) -> bool:
    """Raises Unavailable when it is too early to tell."""
    if delivery.begun <= limits.DELIVERIES_MAX:
        return False
    age_ms = ports.clock.now_ms() - delivery.since_ms
    if age_ms < limits.DELIVERIES_SPREAD_MS:
        raise Unavailable(
            f"{delivery.begun} deliveries of {message_id} have begun within {age_ms} ms; they may all be at work",
            code="ManyDeliveries",
        )
    return True


def _begin(ports: Ports, counted: str) -> Delivery:
    """One that may have been counted, and is not begun, does not stay behind: an outage would pass for poison. The
    others stay: an outage would shelter a killer. One that was not counted after all costs one of them."""
    try:
        return ports.runs.begin_delivery(counted, now_ms=ports.clock.now_ms())
    except UnknownOutcome:
        _unless_away(ports, counted, ports.runs.take_back_delivery)
        raise


def _counted(ports: Ports, counted: str, act: Callable[[], str]) -> str:
    """The count is forgotten unless the process dies, or a bug is raised."""
    try:
        answer = act()
    except FleetrunError:
        _end(ports, counted)
        raise
    _end(ports, counted)
    return answer


def _end(ports: Ports, counted: str) -> None:
    _unless_away(ports, counted, ports.runs.end_delivery)


def _unless_away(ports: Ports, counted: str, act: Callable[[str], None]) -> None:
    """A count that stays behind is one delivery too many for a message that comes again; it loses nothing."""
    try:
        act(counted)
    except (Unavailable, UnknownOutcome) as error:
        ports.log("delivery.not_ended", message_id=counted, reason=str(error))


# -- put aside --------------------------------------------------------------------------------------------------------
def _isolate(ports: Ports, policy: Policy, message: Message) -> str:
    """The count is left standing: a delivery that was under way does not begin anew."""
    error = Refused(
        f"this message broke the function that handled it {limits.DELIVERIES_MAX} times; its logs say how. "
        "Once that is mended: fleetrun dlq redrive",
        code="Poisoned",
        field="$",
    )
    ports.log("message.poisoned", message_id=message.message_id, source=message.source, broken=limits.DELIVERIES_MAX)
    run = run_of_message(ports, message)
    if run is None or ports.runs.read_run(rejection_id_of(message.message_id)) is not None:
        return reject(ports, policy, message, error)  # also to complete one that was begun
    # It has its run, which goes on by itself: a rejection would say that it has not.
    ports.queue.send_dead_letter(dead_letter_of(message, error))
    if run.due_ms:
        ports.runs.remember(run)
    return "isolated"


def _put_aside(ports: Ports, wake: ScheduleWake) -> str:
    """One dead letter for an hour, however many messages wake the schedule in it. Its line of `due` stays."""
    told = _told_of(wake)
    if told not in ports.runs.deliveries_begun([told]):
        reason = (
            f"{wake.schedule_id} broke fire_schedules {limits.DELIVERIES_MAX} times; its logs say how. "
            "It is tried again in an hour; once that is mended, at once: fleetrun dlq redrive"
        )
        again = Message(encode_wake(msgspec.structs.replace(wake, is_redriven=True)), wake.schedule_id, "queue")
        ports.queue.send_dead_letter(dead_letter_of(again, Refused(reason, code="Poisoned", field="$")))
        ports.runs.begin_delivery(told, now_ms=ports.clock.now_ms())
        ports.log("schedule.poisoned", schedule_id=wake.schedule_id, broken=limits.DELIVERIES_MAX)
    return "isolated"


def _forget(ports: Ports, wake: ScheduleWake) -> None:
    for counted in (_count_of(wake), _told_of(wake)):
        ports.runs.end_delivery(counted)


def _count_of(wake: ScheduleWake) -> str:
    return f"firing of {wake.schedule_id}"


def _told_of(wake: ScheduleWake) -> str:
    return f"told of {wake.schedule_id}"


def _counted_as(message: Message) -> str:
    try:
        return _count_of(decode_wake(message.body))
    except Refused:
        return message.message_id
