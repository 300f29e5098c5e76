"""A dead letter, understood as far as it can be: why it lies there, and what had been sent.

who put it there                               what it holds
fleetrun itself (the message was wrong)        reason, field, the message in Base64
Function Compute (an asynchronous call failed) requestPayload with what the function was called with
MNS or a queue trigger (delivered too often)   the message itself, or the batch it was in
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from cli.queues import REQUESTS, STOPS, Letter
from shared.adapters.mns import FIRINGS, PUSHES, WAKEUPS

_OURS = frozenset({"schema", "messageId", "reason", "body", "bytes"})
_OF_CALLS = frozenset({"requestContext", "requestPayload"})


@dataclass(frozen=True, slots=True)
class DeadLetter:
    letter: Letter
    message_id: str
    """Of the message that failed."""
    reason: str
    field: str
    """Which field of the message is wrong; "" when that is not what went wrong."""
    bodies: tuple[bytes, ...]
    """What had been sent; () when it was cut and cannot be sent again."""


def understood(letter: Letter) -> DeadLetter:
    told = _json_of(letter.body)
    if isinstance(told, dict) and set(told) >= _OURS:
        body = _from_base64(str(told["body"]))
        bodies = (body,) if len(body) == told["bytes"] else ()
        return DeadLetter(letter, str(told["messageId"]), str(told["reason"]), str(told.get("field", "")), bodies)
    if isinstance(told, dict) and set(told) >= _OF_CALLS and isinstance(told["requestPayload"], str):
        payload = told["requestPayload"].encode("utf-8", "surrogatepass")
        return _of_platform(letter, payload, _why_call_failed(told))
    return _of_platform(letter, letter.body, "delivered too often")


def _of_platform(letter: Letter, payload: bytes, reason: str) -> DeadLetter:
    """The messages in `payload`, out of whatever trigger's wrapping."""
    from shared.runtime.triggers import messages_of

    try:
        messages = messages_of(payload, request_id=letter.message_id)
    except ValueError:
        messages = []
    is_one_of_queue = len(messages) == 1 and messages[0].source == "queue"
    message_id = messages[0].message_id if is_one_of_queue else letter.message_id
    return DeadLetter(letter, message_id, reason, "", tuple(message.body for message in messages))


def _why_call_failed(told: dict[str, Any]) -> str:
    context = told["requestContext"] if isinstance(told["requestContext"], dict) else {}
    response = told.get("responseContext")
    kind = str(response.get("functionError") or "") if isinstance(response, dict) else ""
    parts = [str(context.get("condition") or "the call failed"), kind, str(context.get("functionArn") or "")]
    return " · ".join(part for part in parts if part)


def queue_of(body: bytes) -> str:
    """Where a message of this kind belongs."""
    value = _json_of(body)
    fields: dict[str, Any] = value if isinstance(value, dict) else {}
    if fields.get("kind") == "stop":
        return STOPS
    if fields.get("kind") == "push":
        return PUSHES
    if {"scheduleId", "minute"} <= set(fields):
        return FIRINGS
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


def letter_json(dead: DeadLetter) -> dict[str, Any]:
    return {
        "id": dead.letter.message_id,
        "messageId": dead.message_id,
        "reason": dead.reason,
        "field": dead.field,
        "enqueuedMs": dead.letter.enqueued_ms,
        "bodies": [_text_or_base64(body) for body in dead.bodies],
    }


def _text_or_base64(body: bytes) -> str | dict[str, str]:
    """A body that is no text comes as {"base64": …}, unharmed."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
