"""What a function is handed, whatever the trigger: the bytes of one message and a name for this message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a batch, out of its trigger's wrapping. Nothing of it has been checked yet."""

    body: bytes
    """As the sender wrote it: Base64 of the queue is undone."""
    message_id: str
    """The same for every delivery of this message: MNS's MessageId, or derived from the body."""
    source: str
    """Where it came from: `queue`, `topic`, `timer` or `direct`."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is known of a message when a delivery of it begins."""

    begun: int
    """Deliveries that have begun and not ended, with this one."""
    since_ms: int
    """When the first of them began; 0 = unknown."""
