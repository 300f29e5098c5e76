"""push: an event goes to everybody who subscribed to it, signed, until each has said that he has it, or for three days.

    topic → queue fleetrun-pushes → one POST each → 2xx: done · 410: the subscription ends · else: again after a pause
                      ↑_______________ a delayed message, for this one subscriber ______________|

The webhook-id is the event's id, the same at each try: receivers drop repeats by it. Order is not kept; `sequence`
in the event tells it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from shared.app.dead_letter import dead_letter_of
from shared.app.keys import access_of
from shared.core import limits
from shared.core.errors import Refused, Unavailable, UnknownOutcome
from shared.core.messages import Message
from shared.core.push import EVENT_IN_MESSAGE_MAX, GONE, Push, Retry, SubscriptionRow, is_delivered, pause_s
from shared.core.signed import sign
from shared.ports import Ports

USER_AGENT = "fleetrun-webhooks/1"


class _Event(msgspec.Struct):
    """What is read of an event."""

    id: str
    type: str


@dataclass
class Rounds:
    """Of one call of the function: whoever did not answer one event is not kept waiting for with the next."""

    silent: set[str] = field(default_factory=set)
    subscriptions: list[SubscriptionRow] | None = None


def push_event(ports: Ports, message: Message, rounds: Rounds) -> str:
    """Answers "pushed", "later", "unwanted", "dropped" or "given-up". Raises Refused for what is no event;
    Unavailable, UnknownOutcome when rows or queue cannot be had: the message comes again."""
    retry = _retry_in(message.body)
    if retry is not None:
        return _again(ports, retry, rounds)
    event = _decode(message.body)
    if rounds.subscriptions is None:
        rounds.subscriptions = access_of(ports).subscriptions.subscriptions()
    kind = event.type.removeprefix("fleetrun.")
    answers = [
        _try(ports, row, event.id, message.body, attempt=1, first_ms=ports.clock.now_ms(), rounds=rounds)
        for row in rounds.subscriptions
        if row.wants(kind)
    ]
    return next((word for word in ("later", "given-up", "dropped", "pushed") if word in answers), "unwanted")


def _again(ports: Ports, retry: Retry, rounds: Rounds) -> str:
    row = access_of(ports).subscriptions.read_subscription(retry.subscription)
    if row is None or row.status != "Active":
        return "dropped"
    body = retry.event.encode() or _event_of_row(ports, retry.event_id)
    if not body:
        return "dropped"
    return _try(ports, row, retry.event_id, body, attempt=retry.attempt, first_ms=retry.first_ms, rounds=rounds)


def _try(
    ports: Ports, row: SubscriptionRow, event_id: str, body: bytes, *, attempt: int, first_ms: int, rounds: Rounds
) -> str:
    if row.name in rounds.silent:
        return _later(ports, row, event_id, body, attempt=attempt, first_ms=first_ms, reason="did not answer just now")
    try:
        status = access_of(ports).pusher.push(_signed(ports, row, event_id, body))
    except Refused as refusal:
        if refusal.code == "SealBroken":
            reason = refusal.message
        else:
            return _give_up(ports, row, event_id, body, attempt=attempt, reason=refusal.message)
    except (Unavailable, UnknownOutcome) as error:
        # Whether it has arrived or not: the receiver knows it by its id.
        rounds.silent.add(row.name)
        reason = error.message
    else:
        if is_delivered(status):
            ports.log("event.pushed", subscription=row.name, event_id=event_id, attempt=attempt, status=status)
            return "pushed"
        if status == GONE:
            return _end(ports, row, event_id, rounds)
        reason = f"the answer was {status}"
    return _later(ports, row, event_id, body, attempt=attempt, first_ms=first_ms, reason=reason)


def _later(
    ports: Ports, row: SubscriptionRow, event_id: str, body: bytes, *, attempt: int, first_ms: int, reason: str
) -> str:
    delay_s = pause_s(attempt, f"{row.name} {event_id}")
    if not delay_s:
        return _give_up(ports, row, event_id, body, attempt=attempt, reason=reason)
    retry = _retry(row, event_id, body, attempt=attempt + 1, first_ms=first_ms)
    access_of(ports).pusher.send_later(retry, delay_s=delay_s)
    ports.log(
        "event.push_failed", subscription=row.name, event_id=event_id, attempt=attempt, reason=reason, again_s=delay_s
    )
    return "later"


def _retry(row: SubscriptionRow, event_id: str, body: bytes, *, attempt: int, first_ms: int) -> bytes:
    text = body.decode()
    if len(msgspec.json.encode(text)) > EVENT_IN_MESSAGE_MAX:
        text = ""
    return msgspec.json.encode(
        Retry(subscription=row.name, attempt=attempt, event_id=event_id, event=text, first_ms=first_ms)
    )


def _give_up(ports: Ports, row: SubscriptionRow, event_id: str, body: bytes, *, attempt: int, reason: str) -> str:
    # Sent again (fleetrun dlq redrive), it begins anew. The event's row has what is too long for a queue.
    again = _retry(row, event_id, body, attempt=1, first_ms=ports.clock.now_ms())
    if len(again) > limits.DEAD_LETTER_BYTES_MAX:
        again = _retry(row, event_id, b"", attempt=1, first_ms=ports.clock.now_ms())
    letter = dead_letter_of(
        Message(again, event_id, "push"),
        Refused(f"webhook {row.name}: {reason}; given up after {attempt} tries", code="NotDelivered", field=row.name),
    )
    ports.queue.send_dead_letter(letter)
    ports.log("event.push_given_up", subscription=row.name, event_id=event_id, attempt=attempt, reason=reason)
    return "given-up"


def _end(ports: Ports, row: SubscriptionRow, event_id: str, rounds: Rounds) -> str:
    rounds.subscriptions = None  # read again for the next event of this call: it must not go to who has gone
    gone = msgspec.structs.replace(row, status="Gone", version=row.version + 1)
    won = access_of(ports).subscriptions.put_subscription(gone)
    # Lost: somebody has changed it at this moment, and it counts what he said; the next event will ask again.
    ports.log("subscription.gone", subscription=row.name, event_id=event_id, ended=won)
    return "dropped"


def _signed(ports: Ports, row: SubscriptionRow, event_id: str, body: bytes) -> Push:
    """The timestamp is that of the try; the id that of the event."""
    secret = access_of(ports).sealer.open(row.sealed_secret, purpose=row.purpose)
    timestamp_s = ports.clock.now_ms() // 1000
    headers = (
        ("Content-Type", "application/cloudevents+json"),
        ("User-Agent", USER_AGENT),
        ("webhook-id", event_id),
        ("webhook-timestamp", str(timestamp_s)),
        ("webhook-signature", sign(secret, event_id, timestamp_s, body)),
    )
    return Push(row.url, headers, body)


def _event_of_row(ports: Ports, event_id: str) -> bytes:
    """An event too long for a queue message, from its row; b"" if there is none."""
    run_id, _, sequence = event_id.partition(":")
    if not sequence.isdigit():
        return b""
    found = ports.runs.read_events(run_id, after=int(sequence) - 1, limit=1)
    return found[0].body if found and found[0].sequence == int(sequence) else b""


def _retry_in(body: bytes) -> Retry | None:
    try:
        return msgspec.json.decode(body, type=Retry)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _decode(body: bytes) -> _Event:
    if len(body) > limits.MESSAGE_BYTES_MAX:
        raise Refused(f"the event has {len(body)} bytes", code="BadRequest")
    try:
        return msgspec.json.decode(body, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"this is no event: {str(error)[:200]}", code="BadRequest") from None
