"""Dead letters: a message that was received too often moves on its next receive attempt.

Source: dead-letter queue page (2025): retention is not renewed by the move; the message id may change, the origin
stands in system properties (names: aliyun-mns-sdk 1.3.0, message_property.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from localcloud.account import Account
from localcloud.journal import Journal
from localcloud.mns.backlog import Message
from localcloud.mns.queues import MESSAGES, Queue, Queues
from localcloud.mns.values import Property


def queue_arn(account: Account, queue: str) -> str:
    """As a subscription's endpoint names a queue."""
    return f"acs:mns:{account.region}:{account.account_id}:queues/{queue}"


class DeadLetters:
    """Moves messages to dead-letter queues."""

    def __init__(
        self, *, queues: Queues, account: Account, journal: Journal, new_identity: Callable[[], tuple[int, str]]
    ) -> None:
        self._queues = queues
        self._account = account
        self._journal = journal
        self._new_identity = new_identity

    def takes(self, queue: Queue, message: Message, now_ms: int) -> bool:
        """Moves `message`, which was about to be delivered, if the queue's policy says so; answers whether it did.

        When the target is gone the message is delivered: losing it would be worse.
        """
        policy = queue.record.dlq
        if policy is None or not policy.enabled or message.dequeue_count < policy.max_receive_count:
            return False
        if not self._queues.exists(policy.dead_letter_target_queue):
            return False
        target = self._queues.find(policy.dead_letter_target_queue)
        number, message_id = self._new_identity()
        origin = (
            Property("DLQSourceArn", queue_arn(self._account, queue.name)),
            Property("DLQOriginMessageId", message.message_id),
        )
        kept = tuple(prop for prop in message.system_properties if not prop.name.startswith("DLQ"))
        moved = replace(
            message,
            queue=target.name,
            number=number,
            message_id=message_id,
            visible_ms=now_ms,
            state="active",
            dequeue_count=0,
            first_dequeue_ms=0,
            receipts=0,
            receipt_handle="",
            system_properties=(*kept, *origin),
        )
        target.backlog.add(moved)
        # In this order: a crash in between leaves the message twice, not nowhere.
        self._journal.put(MESSAGES, str(number), moved)
        queue.backlog.remove(message)
        self._journal.drop(MESSAGES, str(message.number))
        self._queues.became_visible(target)
        return True
