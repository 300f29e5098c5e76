"""What Function Compute needs of a message service, and nothing more. `mns_queues` binds it to the double of MNS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Stop = Callable[[], None]


class BadSubscription(Exception):
    """The topic does not take it; the message says why."""


class NotTaken(Exception):
    """The queue, or topic, does not take the message, e.g. because it is too long for it."""


class NoSuchQueue(NotTaken):
    """There is no queue, or topic, of that name."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that was taken: ours until its visibility ends. `body` as it was sent (often Base64)."""

    message_id: str
    body: str
    receipt: str
    enqueued_ms: int


@dataclass(frozen=True, slots=True)
class Published:
    """A message of a topic on its way to a trigger."""

    topic: str
    subscription: str
    owner: str
    message_id: str
    body: str
    body_md5: str
    published_ms: int
    attributes: tuple[tuple[str, str], ...] = ()


class Queues(Protocol):
    """Queues and topics of the same account. Synchronous; called in the event loop's thread."""

    def take(self, queue: str, count: int, *, visibility_ms: int) -> list[Taken]:
        """Up to `count` visible messages, hidden from others for `visibility_ms`. Raises NoSuchQueue."""
        ...

    def delete(self, queue: str, receipt: str) -> bool:
        """False when the message was no longer ours."""
        ...

    def hide(self, queue: str, receipt: str, *, visibility_ms: int) -> str | None:
        """Hides for so long from now (0 = gives it back as soon as may be). The new receipt; None: no longer ours."""
        ...

    def send(self, queue: str, body: str) -> None:
        """Raises NoSuchQueue."""
        ...

    def publish(self, topic: str, body: str) -> None:
        """Raises NoSuchQueue."""
        ...

    def watch(self, queue: str, callback: Callable[[], None]) -> Stop:
        """Calls back whenever a message may have become visible, not for those that are already. Raises NoSuchQueue."""
        ...

    def subscribe(
        self, topic: str, name: str, callback: Callable[[Published], bool], *, strategy: str, filter_tag: str
    ) -> Stop:
        """Hands each message of the topic to `callback`; False = try again later. Raises NoSuchQueue."""
        ...


class NoQueues:
    """A Function Compute that stands alone: every queue is missing."""

    def take(self, queue: str, count: int, *, visibility_ms: int) -> list[Taken]:  # noqa: ARG002
        raise NoSuchQueue(queue)

    def delete(self, queue: str, receipt: str) -> bool:  # noqa: ARG002
        return False

    def hide(self, queue: str, receipt: str, *, visibility_ms: int) -> str | None:  # noqa: ARG002
        return None

    def send(self, queue: str, body: str) -> None:  # noqa: ARG002
        raise NoSuchQueue(queue)

    def publish(self, topic: str, body: str) -> None:  # noqa: ARG002
        raise NoSuchQueue(topic)

    def watch(self, queue: str, callback: Callable[[], None]) -> Stop:  # noqa: ARG002
        raise NoSuchQueue(queue)

    def subscribe(
        self,
        topic: str,
        name: str,  # noqa: ARG002
        callback: Callable[[Published], bool],  # noqa: ARG002
        *,
        strategy: str,  # noqa: ARG002
        filter_tag: str,  # noqa: ARG002
    ) -> Stop:
        raise NoSuchQueue(topic)
