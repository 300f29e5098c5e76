"""What a trigger hands over (bytes) → the messages in it. Each message is unwrapped, none is judged.

    shape                                                          source    message_id
    queue trigger: list of CloudEvents, or a single one            queue     data.messageId
    queue trigger, eventSchema RawData: list of {messageBody, …}   queue     messageId
    topic, JSON: {TopicName, Message, MessageId, …}                topic     MessageId
    topic, STREAM with attributes: {body, attrs}                   topic     from body and request id
    timer: {triggerTime, triggerName, payload}                     timer     from name, time and payload
    anything else (a direct call, topic STREAM without attributes) direct    from body and request id
    a list of anything else                                        direct    from body and request id

A queue's `messageBody` may still be Base64 (IsBase64Decode false, event-driven mode). JSON is never valid Base64, so
one look tells. In a timer's payload `{triggerTime}` stands for the time of the firing: a request id needs it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from shared.core.messages import Message


def messages_of(payload: bytes, *, request_id: str) -> list[Message]:
    """All messages in `payload`, in order. Raises ValueError for an empty batch: a trigger never sends one."""
    try:
        shape = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [_direct(payload, request_id)]
    if isinstance(shape, list):
        if not shape:
            raise ValueError("the batch is empty")
        return [_wrapped(item, request_id) or _direct(_text_of(item), request_id) for item in shape]
    return [_wrapped(shape, request_id) or _direct(payload, request_id)]


def is_timer(payload: bytes) -> bool:
    """Whether a timer sent this, with or without a message in it."""
    try:
        shape = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(shape, dict) and {"triggerTime", "triggerName", "payload"} <= set(shape)


def _wrapped(shape: Any, request_id: str) -> Message | None:
    """The message in a trigger's wrapping; None if `shape` is not wrapped."""
    if not isinstance(shape, dict):
        return None
    if isinstance(shape.get("data"), dict) and ("specversion" in shape or "messageBody" in shape["data"]):
        return _queued(shape["data"], shape.get("id"), request_id)
    if "messageBody" in shape:
        return _queued(shape, None, request_id)
    if "TopicName" in shape and "Message" in shape:
        body = _text_of(shape["Message"])
        return Message(body, _id_or(shape.get("MessageId"), "topic", body, request_id), "topic")
    if set(shape) == {"body", "attrs"}:
        body = _text_of(shape["body"])
        return Message(body, _named("topic", body, request_id), "topic")
    if {"triggerTime", "triggerName", "payload"} <= set(shape):
        return _timed(shape)
    return None


def _queued(data: dict[str, Any], event_id: Any, request_id: str) -> Message:
    body = _undo_base64(_text_of(data.get("messageBody", data)))
    return Message(body, _id_or(data.get("messageId") or event_id, "queue", body, request_id), "queue")


def _timed(shape: dict[str, Any]) -> Message:
    time, name = str(shape["triggerTime"]), str(shape["triggerName"])
    body = _text_of(shape["payload"]).replace(b"{triggerTime}", time.encode())
    return Message(body, _named("timer", body, f"{name} {time}"), "timer")


def _direct(body: bytes, request_id: str) -> Message:
    return Message(body, _named("direct", body, request_id), "direct")


def _id_or(message_id: Any, source: str, body: bytes, request_id: str) -> str:
    return message_id if isinstance(message_id, str) and message_id else _named(source, body, request_id)


def _named(source: str, body: bytes, salt: str) -> str:
    """The same for each repeat of one call, and another one for another call."""
    return f"{source}-" + hashlib.sha256(body + b"\n" + salt.encode()).hexdigest()[:32]


def _text_of(value: Any) -> bytes:
    """Text as its bytes; anything else as its JSON."""
    # Lone surrogates pass: whoever reads the body refuses it, with a reason.
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else msgspec.json.encode(value)


def _undo_base64(body: bytes) -> bytes:
    """The bytes behind `body` if it is Base64 of something that begins like JSON."""
    try:
        decoded = base64.b64decode(body.strip(), validate=True)
    except (binascii.Error, ValueError):
        return body
    return decoded if decoded.lstrip()[:1] in (b"{", b"[") else body
