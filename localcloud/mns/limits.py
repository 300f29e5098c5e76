"""Every number of MNS that can be exceeded, and every point where its documents disagree, as one value.

Sources: the API reference of Simple Message Queue (help.aliyun.com/document_detail/35133 and following, 2026-03), its
page "Limits", and the ROS page of ALIYUN::MNS::Queue. "Ours" marks what no page states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Range:
    """An inclusive range of whole numbers."""

    low: int
    high: int

    def __contains__(self, value: int) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed. The defaults are the documents', read strictly; where they disagree the docstring says so."""

    visibility_timeout: Range = Range(1, 43_200)
    """Seconds, of a queue."""
    change_visibility: Range = Range(1, 43_200)
    """Contested: seconds, in ChangeMessageVisibility. The SDKs let 0 through, the page does not (`0..43200`)."""
    message_retention_period: Range = Range(60, 604_800)
    """Contested: seconds. Pages before 2019 go up to 1,296,000 (15 days)."""
    maximum_message_size: Range = Range(1_024, 65_536)
    """Bytes, of a queue or topic."""
    delay_seconds: Range = Range(0, 604_800)
    polling_wait_seconds: Range = Range(0, 30)
    """Contested: seconds. The ROS page says 0 to 10."""
    priority: Range = Range(1, 16)
    batch: Range = Range(1, 16)
    batch_bytes_max: int = 65_536
    """Sum of the bodies of one BatchSendMessage."""
    name_chars_max: int = 120
    """Contested: pages before 2024 say 256."""
    underscore_in_names: bool = True
    """Some pages name letters, digits and hyphens only, others the underscore too."""
    tag_chars_max: int = 16
    queues_max: int = 1_000
    topics_max: int = 1_000
    subscriptions_per_topic_max: int = 100
    list_size: Range = Range(1, 1_000)
    topic_retention_seconds: int = 86_400
    max_receive_count: Range = Range(1, 1_000)
    """Of a dead-letter policy. Ours."""
    date_window_ms: int = 15 * 60 * 1_000
    """How far a request's Date may be from our clock."""
    long_polls_max: int = 1_000
    """Receives that wait at the same time; the one above gets its 404 at once. The number is unpublished: ours."""
    recreate_after_ms: int = 0
    """How long after DeleteQueue its name answers QueueDeletedRecently. 0: never, because no page says how long."""
    zero_delay_means_default: bool = False
    """Whether a message's DelaySeconds of 0 leaves the queue's delay in force. The page says that the message wins."""
    delete_queue_needs_queue: bool = False
    """Whether DeleteQueue of a missing queue is QueueNotExist; the page says 204."""
    message_too_large: str = "MessageTooLarge"
    """The error code of a body over MaximumMessageSize; other pages say InvalidArgument or MessageBodyTooLarge."""
    stale_handle: Literal["MessageNotExist", "ReceiptHandleError"] = "MessageNotExist"
    """The error code of a receipt handle that was given and is no longer valid: expired, replaced or used. The pages
    have both; a handle that nobody gave is ReceiptHandleError anyway."""
    handle_survives_change: bool = False
    """Whether the receipt handle from before a ChangeMessageVisibility goes on being valid. The page on messages: a
    handle is good for one use. The tests of the PHP SDK delete with the old one."""
    unreceived_first_dequeue: Literal["enqueue-time", "zero"] = "enqueue-time"
    """What PeekMessage says is the FirstDequeueTime of a message that nobody has received. The page on messages: the
    EnqueueTime."""
    topic_to_queue_base64: bool = False
    """Whether what a topic delivers into a queue is Base64. Not documented; as it is read here, the queue gets the text
    of the notification, and a consumer reads it with the SDK's encoding off."""
    refuse_unknown_elements: bool = True
    """Whether an XML element that no page knows is an InvalidArgument ("did not validate against our schema")."""
    request_bytes_max: int = 1_048_576
    """Of a request's body. Ours: more than any valid request has."""


STRICT = Limits()
