"""`Queues` on the double of MNS, in the same process."""

from __future__ import annotations

from collections.abc import Callable

from localcloud.fc.queues import BadSubscription, NoSuchQueue, NotTaken, Published, Stop, Taken
from localcloud.mns.errors import MnsError
from localcloud.mns.service import MnsService
from localcloud.mns.values import Notification, Outgoing, Publication

MISSING = ("QueueNotExist", "TopicNotExist")


class MnsQueues:
    """Nothing here decides; errors that say "missing" become NoSuchQueue, others NotTaken."""

    def __init__(self, mns: MnsService) -> None:
        self._mns = mns

    def take(self, queue: str, count: int, *, visibility_ms: int) -> list[Taken]:
        try:
            deliveries = self._mns.take(queue, count, visibility_ms)
        except MnsError as error:
            raise _translated(error, queue) from error
        return [Taken(one.message_id, one.body, one.receipt_handle, one.enqueue_ms) for one in deliveries]

    def delete(self, queue: str, receipt: str) -> bool:
        try:
            self._mns.delete(queue, receipt)
        except MnsError:
            return False
        return True

    def hide(self, queue: str, receipt: str, *, visibility_ms: int) -> str | None:
        allowed = self._mns.limits.change_visibility
        # Rounded up: a message that shows itself early is delivered twice.
        seconds = min(max(-(-visibility_ms // 1000), allowed.low), allowed.high)
        try:
            return self._mns.change_visibility(queue, receipt, seconds)[0]
        except MnsError:
            return None

    def send(self, queue: str, body: str) -> None:
        try:
            self._mns.send(queue, Outgoing(body))
        except MnsError as error:
            raise _translated(error, queue) from error

    def publish(self, topic: str, body: str) -> None:
        try:
            self._mns.publish(topic, Publication(body))
        except MnsError as error:
            raise _translated(error, topic) from error

    def watch(self, queue: str, callback: Callable[[], None]) -> Stop:
        try:
            return self._mns.watch(queue, callback)
        except MnsError as error:
            raise _translated(error, queue) from error

    def subscribe(
        self, topic: str, name: str, callback: Callable[[Published], bool], *, strategy: str, filter_tag: str
    ) -> Stop:
        def receive(notification: Notification) -> bool:
            return callback(_published(notification))

        try:
            self._mns.subscribe_function(topic, name, receive, notify_strategy=strategy, filter_tag=filter_tag)
        except MnsError as error:
            raise (NoSuchQueue(topic) if error.code in MISSING else BadSubscription(error.message)) from error
        return lambda: self._unsubscribe(topic, name)

    def _unsubscribe(self, topic: str, name: str) -> None:
        """Also where the topic went first, and the subscription with it."""
        try:
            self._mns.unsubscribe(topic, name)
        except MnsError as error:
            if error.code not in MISSING:
                raise


def _translated(error: MnsError, name: str) -> Exception:
    return NoSuchQueue(name) if error.code in MISSING else NotTaken(f"{name}: {error}")


def _published(notification: Notification) -> Published:
    return Published(
        topic=notification.topic,
        subscription=notification.subscription,
        owner=notification.topic_owner,
        message_id=notification.message_id,
        body=notification.body,
        body_md5=notification.body_md5,
        published_ms=notification.publish_ms,
        attributes=tuple((prop.name, prop.value) for prop in notification.user_properties),
    )
