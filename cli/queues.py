"""Sending to, and looking into, fleetrun's queues with the official MNS SDK."""

from __future__ import annotations

import base64
import binascii
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from shared.core import limits
from shared.core.errors import FleetrunError, Refused, Unavailable, UnknownOutcome

if TYPE_CHECKING:
    from shared.adapters.mns import MnsAccounts

REQUESTS = "fleetrun-requests"
STOPS = "fleetrun-stops"
DEAD_LETTERS = "fleetrun-dead-letters"
PER_CALL_MAX = 16
"""Messages of one BatchPeekMessage or BatchReceiveMessage: BatchReceiveMessage page, 2025."""

Out = TypeVar("Out")
_BUSY = frozenset({"TooManyRequests", "QpsLimitExceeded", "InternalError", "InternalServerError", "ServiceUnavailable"})
_NEVER_LEFT = ("refused", "not known", "name resolution", "unreachable", "No route")


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it lies in a queue."""

    message_id: str
    body: bytes
    receipt: str
    """Deletes it; "" if it was only looked at."""
    enqueued_ms: int
    deliveries: int


@dataclass(frozen=True, slots=True)
class Attributes:
    """How full a queue is; MNS calls the counts approximate."""

    visible: int
    hidden: int
    """Received by somebody, not deleted yet."""
    delayed: int
    visibility_timeout_s: int


class Queues:
    """Raises Refused, Unavailable and, when sending, UnknownOutcome."""

    def __init__(self, accounts: MnsAccounts) -> None:
        self._accounts = accounts

    def send(self, queue: str, body: bytes) -> str:
        """The MessageId. Refused when the message is longer than a queue takes."""
        check_size(body)

        def act() -> str:
            from mns.queue import Message

            # Base64 is ours: the SDK's own takes text only, and a message that goes round again may be any bytes.
            text = base64.b64encode(body).decode("ascii")
            return str(self._queue(queue).send_message(Message(text)).message_id)

        return _translated(f"SendMessage to {queue}", act)

    def peek(self, queue: str) -> list[Letter]:
        """Up to PER_CALL_MAX messages that are visible now; they stay as they are."""
        return self._letters(f"PeekMessage of {queue}", lambda: self._queue(queue).batch_peek_message(PER_CALL_MAX))

    def receive(self, queue: str) -> list[Letter]:
        """Up to PER_CALL_MAX messages, hidden for the queue's visibility timeout; [] when there is none."""
        return self._letters(
            f"ReceiveMessage of {queue}", lambda: self._queue(queue).batch_receive_message(PER_CALL_MAX)
        )

    def delete(self, queue: str, receipt: str) -> None:
        _translated(f"DeleteMessage of {queue}", lambda: self._queue(queue).delete_message(receipt))

    def release(self, queue: str, receipt: str) -> None:
        """Lets a received message be seen again in a second, instead of after the queue's visibility timeout."""
        _translated(
            f"ChangeMessageVisibility of {queue}", lambda: self._queue(queue).change_message_visibility(receipt, 1)
        )

    def attributes(self, queue: str) -> Attributes:
        with warnings.catch_warnings():
            # The SDK announces for years that the counts will go; GetQueueAttributes still gives them.
            warnings.simplefilter("ignore", DeprecationWarning)
            found = _translated(f"GetQueueAttributes of {queue}", self._queue(queue).get_attributes)
            return Attributes(
                visible=int(found.active_messages),
                hidden=int(found.inactive_messages),
                delayed=int(found.delay_messages),
                visibility_timeout_s=int(found.visibility_timeout),
            )

    def find_topic(self, topic: str) -> None:
        """Raises Refused when there is none."""
        _translated(f"GetTopicAttributes of {topic}", self._accounts.get().get_topic(topic).get_attributes)

    def subscription(self, topic: str, name: str) -> tuple[str, str]:
        """Its endpoint and content format."""
        subscription = self._accounts.get().get_topic(topic).get_subscription(name)
        found = _translated(f"GetSubscriptionAttributes of {topic}/{name}", subscription.get_attributes)
        return str(found.endpoint), str(found.notify_content_format)

    def _letters(self, what: str, act: Callable[[], Any]) -> list[Letter]:
        try:
            return [_letter(message) for message in _translated(what, act)]
        except Refused as error:
            if error.code == "MessageNotExist":
                return []
            raise

    def _queue(self, name: str) -> Any:
        queue = self._accounts.get().get_queue(name)
        queue.set_encoding(False)
        return queue


def check_size(body: bytes) -> None:
    """Raises Refused for a body that no queue takes: it grows by a third as Base64."""
    size = len(base64.b64encode(body))
    if size > limits.MESSAGE_BYTES_MAX:
        raise Refused(
            f"the message has {len(body):,} bytes, {size:,} as Base64; a queue takes {limits.MESSAGE_BYTES_MAX:,}. "
            "Name the targets by tags, or shorten the script",
            code="MessageTooLong",
        )


def _letter(message: Any) -> Letter:
    body = message.message_body
    return Letter(
        message_id=str(message.message_id),
        body=_undo_base64(str(body)),
        receipt=str(getattr(message, "receipt_handle", "") or ""),
        enqueued_ms=int(message.enqueue_time),
        deliveries=int(message.dequeue_count),
    )


def _undo_base64(text: str) -> bytes:
    """What the sender meant: most senders use Base64; JSON as it is never looks like Base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode("utf-8", "surrogatepass")


def _translated(what: str, act: Callable[[], Out]) -> Out:
    from mns.mns_exception import MNSExceptionBase, MNSServerException

    try:
        return act()
    except MNSServerException as error:
        raise _of_server(what, error) from None
    except MNSExceptionBase as error:
        raise _of_client(what, error) from None


def _of_server(what: str, error: Any) -> FleetrunError:
    code, request_id = str(error.type), str(error.req_id or "")
    family = Unavailable if code in _BUSY else Refused
    return family(f"{what}: {code}: {str(error.message)[:300]}", code=code, request_id=request_id)


def _of_client(what: str, error: Any) -> FleetrunError:
    text = str(error.message)
    if error.type == "NetWorkException" and any(part in text for part in _NEVER_LEFT):
        return Unavailable(f"{what}: MNS cannot be reached", code="NoConnection")
    if error.type in ("NetWorkException", "RespDataDamaged"):
        return UnknownOutcome(f"{what}: no trustworthy answer ({error.type}); it may have been done", code="NoAnswer")
    return Refused(f"{what}: {error.type}: {text[:300]}", code=str(error.type))
