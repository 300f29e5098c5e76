"""`fleetrun dlq`: what could not be handled, why, and once more."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from cli import options

if TYPE_CHECKING:
    from cli.queues import Letter, Queues

LOOKS_MAX = 200
"""Ours: calls that one `redrive` makes to find its messages."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A letter of the dead-letter queue, understood as far as it can be."""

    letter: Letter
    message_id: str
    """Of the message that failed."""
    reason: str
    """"" when the platform put it there (too many deliveries)."""
    bodies: tuple[bytes, ...]
    """What had been sent; () when it was cut and cannot be sent again."""


@click.group()
def dlq() -> None:
    """Messages that could not be handled."""


@dlq.command("list")
@options.as_json
@options.endpoint
def list_letters(*, as_json: bool, endpoint: str | None) -> None:
    """Up to 16 dead letters that are visible now, without taking them out."""
    from cli import queues, show
    from cli.connection import connect

    found = [understood(letter) for letter in connect(endpoint).queues.peek(queues.DEAD_LETTERS)]
    if as_json:
        show.as_json([_json(dead) for dead in found])
        return
    if not found:
        show.err().print("No dead letters.")
    for dead in found:
        told = show.first_lines(dead.reason or "delivered too often", width=72)
        show.out().print(f"{show.harmless(dead.letter.message_id)}  {told}")


@dlq.command("show")
@click.argument("message_id", metavar="ID")
@options.as_json
@options.endpoint
def show_letter(*, message_id: str, as_json: bool, endpoint: str | None) -> None:
    """One dead letter: its reason and what had been sent."""
    from cli import queues, show
    from cli.connection import connect
    from shared.core.errors import Refused

    for letter in connect(endpoint).queues.peek(queues.DEAD_LETTERS):
        if letter.message_id == message_id:
            dead = understood(letter)
            if as_json:
                show.as_json(_json(dead))
            else:
                show.out().print(show.harmless(dead.reason or "delivered too often"))
                for body in dead.bodies:
                    show.out().print(show.harmless(body.decode("utf-8", "replace")))
            return
    raise Refused(f"no dead letter {message_id!r} is visible now; fleetrun dlq list shows 16 of them", code="NoLetter")


@dlq.command("redrive")
@click.argument("message_id", metavar="[ID]", required=False)
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@options.as_json
@options.endpoint
def redrive(*, message_id: str | None, everything: bool, as_json: bool, endpoint: str | None) -> None:
    """Send dead letters to their queue once more, and take them off the dead-letter queue."""
    from cli import show
    from cli.connection import connect
    from shared.core.errors import Refused

    if everything == (message_id is not None):
        raise Refused("give one ID, or --all", code="BadUsage")
    moved, kept = _redrive(connect(endpoint).queues, message_id)
    if as_json:
        show.as_json({"redriven": moved, "kept": kept})
    else:
        show.out().print(f"{show.number(len(moved), 'message')} sent again")
        for each in kept:
            show.err().print(f"kept {show.harmless(each)}: it was cut when it was put there, and cannot be sent again")
    if message_id is not None and message_id not in moved:
        raise Refused(f"dead letter {message_id!r} was not sent again", code="NoLetter")


def _redrive(queues: Queues, message_id: str | None) -> tuple[list[str], list[str]]:
    """Ids of letters sent again, and of those that cannot be. What is looked at stays hidden for a while."""
    from cli.queues import DEAD_LETTERS

    moved: list[str] = []
    kept: list[str] = []
    for _ in range(LOOKS_MAX):
        letters = queues.receive(DEAD_LETTERS)
        for letter in letters:
            if message_id not in (None, letter.message_id):
                continue
            dead = understood(letter)
            for body in dead.bodies:
                queues.send(_queue_of(body), body)
            if dead.bodies:
                queues.delete(DEAD_LETTERS, letter.receipt)
            (moved if dead.bodies else kept).append(letter.message_id)
        if not letters or message_id in moved + kept:
            break
    return moved, kept


def understood(letter: Letter) -> DeadLetter:
    """Ours say what was wrong and hold the message; the platform's are the message, wrapped or not."""
    from shared.runtime.triggers import messages_of

    told = _json_of(letter.body)
    if isinstance(told, dict) and {"schema", "messageId", "reason", "body", "bytes"} <= set(told):
        body = _from_base64(str(told["body"]))
        is_whole = len(body) == told["bytes"]
        return DeadLetter(letter, str(told["messageId"]), str(told["reason"]), (body,) if is_whole else ())
    messages = messages_of(letter.body, request_id=letter.message_id) if told != [] else []
    return DeadLetter(letter, letter.message_id, "", tuple(message.body for message in messages))


def _queue_of(body: bytes) -> str:
    """Where a message of this kind belongs."""
    from cli.queues import REQUESTS, STOPS
    from shared.adapters.mns import WAKEUPS

    value = _json_of(body)
    fields: dict[str, Any] = value if isinstance(value, dict) else {}
    if fields.get("kind") == "stop":
        return STOPS
    return WAKEUPS if "wakeupNo" in fields else REQUESTS


def _json_of(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _json(dead: DeadLetter) -> dict[str, Any]:
    return {
        "id": dead.letter.message_id,
        "messageId": dead.message_id,
        "reason": dead.reason or "delivered too often",
        "enqueuedMs": dead.letter.enqueued_ms,
        "bodies": [body.decode("utf-8", "replace") for body in dead.bodies],
    }
