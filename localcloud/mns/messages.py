"""The messages: sent, received, peeked, deleted, hidden for longer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from localcloud.account import Account
from localcloud.clock import Timeline
from localcloud.ids import Ids
from localcloud.journal import Journal
from localcloud.mns.backlog import Message
from localcloud.mns.dead_letters import DeadLetters
from localcloud.mns.errors import MnsError, out_of_range
from localcloud.mns.limits import Limits
from localcloud.mns.queues import MESSAGES, Queue, Queues
from localcloud.mns.receipts import give_receipt, number_of
from localcloud.mns.values import Delivery, Outgoing, Property, Sent

FIRST_NUMBER = 8_589_934_593
"""Ours: handles of real messages begin about there."""
USER_KINDS = ("STRING", "NUMBER", "BOOLEAN", "BINARY")
ILLEGAL_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Disturbance(Protocol):
    """Asked at each delivery what at-least-once, unordered delivery may do to it. Queues are named."""

    def duplicate(self, queue: str) -> bool:
        """Shall this message be delivered once more, to somebody else?"""
        ...

    def reorder(self, queue: str) -> bool:
        """Shall the message behind this one come first?"""
        ...


class Undisturbed:
    """Every message once, in order."""

    def duplicate(self, queue: str) -> bool:  # noqa: ARG002
        return False

    def reorder(self, queue: str) -> bool:  # noqa: ARG002
        return False


class Messages:
    """What is done with messages. Errors: MnsError; each operation on a missing queue raises QueueNotExist."""

    def __init__(
        self,
        *,
        queues: Queues,
        account: Account,
        timeline: Timeline,
        ids: Ids,
        journal: Journal,
        limits: Limits,
    ) -> None:
        self.disturbance: Disturbance = Undisturbed()
        self._queues = queues
        self._clock = timeline.clock
        self._ids = ids
        self._journal = journal
        self._limits = limits
        self._dead_letters = DeadLetters(
            queues=queues, account=account, journal=journal, new_identity=self._new_identity
        )
        kept = sorted((message for _, message in journal.load(MESSAGES, Message)), key=lambda m: m.number)
        self._next_number = kept[-1].number + 1 if kept else FIRST_NUMBER
        queues.restore(kept)

    def send(self, queue_name: str, message: Outgoing) -> Sent:
        """Raises MessageTooLarge, InvalidArgument."""
        queue = self._queues.settled(queue_name)
        self._check(queue, message)
        sent = self._put(queue, message)
        self._queues.became_visible(queue)
        self._queues.arm(queue)
        return sent

    def send_batch(self, queue_name: str, messages: Sequence[Outgoing]) -> list[Sent | MnsError]:
        """Each message's own fate, in order. Raises InvalidArgument or MessageTooLarge for the batch as a whole."""
        queue = self._queues.settled(queue_name)
        self._check_batch(len(messages))
        if sum(byte_count(message.body) for message in messages) > self._limits.batch_bytes_max:
            raise self._too_large(self._limits.batch_bytes_max)
        fates: list[Sent | MnsError] = []
        for message in messages:
            try:
                self._check(queue, message)
                fates.append(self._put(queue, message))
            except MnsError as error:
                fates.append(error)
        self._queues.became_visible(queue)
        self._queues.arm(queue)
        return fates

    def receive(self, queue_name: str) -> Delivery | None:
        """The next visible message, now hidden for the queue's visibility timeout; None when there is none."""
        deliveries = self.take(queue_name, 1)
        return deliveries[0] if deliveries else None

    def receive_batch(self, queue_name: str, count: int) -> list[Delivery]:
        """Up to `count` (1 to 16) messages."""
        self._check_batch(count, "numOfMessages")
        return self.take(queue_name, count)

    def take(self, queue_name: str, count: int, visibility_ms: int | None = None) -> list[Delivery]:
        """As `receive_batch`, without its bound; hidden for `visibility_ms` when given. For consumers in-process."""
        queue = self._queues.settled(queue_name)
        if visibility_ms is None:
            visibility_ms = queue.record.attributes.visibility_timeout * 1000
        now_ms = self._clock.now_ms()
        taken: list[Delivery] = []
        while len(taken) < count and (message := self._next(queue, now_ms)) is not None:
            taken.append(self._deliver(queue, message, now_ms, visibility_ms))
        self._queues.arm(queue)
        return taken

    def peek(self, queue_name: str, count: int = 1) -> list[Delivery]:
        """Up to `count` (1 to 16) visible messages, unchanged."""
        self._check_batch(count, "numOfMessages")
        queue = self._queues.settled(queue_name)
        peeked = [message.as_delivery(is_peek=True) for message in queue.backlog.peek(count)]
        if self._limits.unreceived_first_dequeue == "zero":
            return peeked
        return [seen if seen.first_dequeue_ms else replace(seen, first_dequeue_ms=seen.enqueue_ms) for seen in peeked]

    def delete(self, queue_name: str, receipt_handle: str) -> None:
        """Raises ReceiptHandleError when the handle is none of ours, `limits.stale_handle` when no longer valid."""
        queue = self._queues.settled(queue_name)
        message = self._held(queue, receipt_handle)
        queue.backlog.remove(message)
        self._journal.drop(MESSAGES, str(message.number))

    def delete_batch(self, queue_name: str, receipt_handles: Sequence[str]) -> list[tuple[str, MnsError]]:
        """The handles that were not deleted, each with its error; the others were."""
        self._queues.find(queue_name)
        self._check_batch(len(receipt_handles))
        failed = []
        for handle in receipt_handles:
            try:
                self.delete(queue_name, handle)
            except MnsError as error:
                failed.append((handle, error))
        return failed

    def change_visibility(self, queue_name: str, receipt_handle: str, seconds: int) -> tuple[str, int]:
        """Hides a received message for `seconds` from now; answers its new handle and when it will be visible (ms)."""
        allowed = self._limits.change_visibility
        queue = self._queues.settled(queue_name)
        if seconds not in allowed:
            raise out_of_range("VisibilityTimeout", allowed.low, allowed.high)
        message = self._held(queue, receipt_handle)
        queue.backlog.move(message, message.state, self._clock.now_ms() + seconds * 1000)
        if not self._limits.handle_survives_change:
            give_receipt(message)
        self._journal.put(MESSAGES, str(message.number), message)
        self._queues.arm(queue)
        return message.receipt_handle, message.visible_ms

    def check_text(self, text: str, element: str) -> None:
        """Raises InvalidArgument for text that no XML document can carry."""
        if ILLEGAL_IN_XML.search(text):
            raise MnsError("InvalidArgument", f"The value of {element} has characters that XML does not allow.")

    def new_message_id(self, now_ms: int, number: int) -> str:
        return f"{self._ids.hexadecimal('mns.message', 16)}-1-{now_ms:X}-{number:X}"

    def _new_identity(self) -> tuple[int, str]:
        number = self._next_number
        self._next_number += 1
        return number, self.new_message_id(self._clock.now_ms(), number)

    def _next(self, queue: Queue, now_ms: int) -> Message | None:
        """The next message that may be delivered; those on the way are moved to the dead-letter queue."""
        while True:
            # Asked only when there is something to disturb, so that idle polls draw nothing.
            swapped = queue.backlog.counts["active"] > 1 and self.disturbance.reorder(queue.name)
            message = queue.backlog.pop(out_of_order=swapped)
            if message is None or not self._dead_letters.takes(queue, message, now_ms):
                return message

    def _deliver(self, queue: Queue, message: Message, now_ms: int, visibility_ms: int) -> Delivery:
        if self.disturbance.duplicate(queue.name):
            self._duplicate(queue, message)
        queue.backlog.move(message, "inactive", now_ms + visibility_ms)
        message.dequeue_count += 1
        message.first_dequeue_ms = message.first_dequeue_ms or now_ms
        give_receipt(message)
        self._journal.put(MESSAGES, str(message.number), message)
        return message.as_delivery()

    def _duplicate(self, queue: Queue, message: Message) -> None:
        """A second copy with the same id, visible at once: as from a replica that has not yet heard of the receive."""
        number = self._next_number
        self._next_number += 1
        copy = replace(message, number=number)
        queue.backlog.add(copy)
        self._journal.put(MESSAGES, str(number), copy)

    def _put(self, queue: Queue, message: Outgoing) -> Sent:
        attributes, now_ms = queue.record.attributes, self._clock.now_ms()
        delay_seconds = message.delay_seconds
        if delay_seconds is None or (delay_seconds == 0 and self._limits.zero_delay_means_default):
            delay_seconds = attributes.delay_seconds
        number, message_id = self._new_identity()
        stored = Message(
            queue=queue.name,
            number=number,
            message_id=message_id,
            body=message.body,
            body_md5=body_md5(message.body),
            priority=message.priority,
            enqueue_ms=now_ms,
            expires_ms=now_ms + attributes.message_retention_period * 1000,
            visible_ms=now_ms + delay_seconds * 1000,
            state="delayed" if delay_seconds else "active",
            group_id=message.group_id,
            user_properties=message.user_properties,
            system_properties=message.system_properties,
        )
        if delay_seconds:
            give_receipt(stored)
        queue.backlog.add(stored)
        self._journal.put(MESSAGES, str(number), stored)
        return Sent(message_id, stored.body_md5, stored.receipt_handle, stored.group_id)

    def _held(self, queue: Queue, receipt_handle: str) -> Message:
        message = queue.backlog.messages.get(number_of(receipt_handle))
        if message is None or message.receipt_handle != receipt_handle:
            raise MnsError(self._limits.stale_handle)
        return message

    def _check(self, queue: Queue, message: Outgoing) -> None:
        limits = self._limits
        if not message.body:
            raise MnsError("InvalidArgument", "The value of MessageBody should not be empty.")
        if byte_count(message.body) > queue.record.attributes.maximum_message_size:
            raise self._too_large(queue.record.attributes.maximum_message_size)
        if message.delay_seconds is not None and message.delay_seconds not in limits.delay_seconds:
            raise out_of_range("DelaySeconds", limits.delay_seconds.low, limits.delay_seconds.high)
        if message.priority not in limits.priority:
            raise out_of_range("Priority", limits.priority.low, limits.priority.high, "priorities")
        self.check_text(message.body, "MessageBody")
        self.check_text(message.group_id, "MessageGroupId")
        self.check_properties(message.user_properties, message.system_properties)

    def check_properties(self, user: Sequence[Property], system: Sequence[Property]) -> None:
        for prop, kinds in [(prop, USER_KINDS) for prop in user] + [(prop, ("STRING",)) for prop in system]:
            if not prop.name or prop.kind not in kinds:
                raise MnsError("InvalidArgument", f"The type of property {prop.name!r} should be {', '.join(kinds)}.")
            self.check_text(prop.name + prop.value, "a property")

    def _check_batch(self, count: int, element: str = "the number of entries") -> None:
        allowed = self._limits.batch
        if count not in allowed:
            raise out_of_range(element, allowed.low, allowed.high, "messages")

    def _too_large(self, bytes_max: int) -> MnsError:
        return MnsError(
            self._limits.message_too_large, f"The message body is too large: at most {bytes_max} bytes are allowed."
        )


def byte_count(text: str) -> int:
    """Of the UTF-8; text with lone surrogates is refused later, by its characters."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def body_md5(body: str) -> str:
    """Upper-case hexadecimal MD5 of the body's UTF-8."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest().upper()
