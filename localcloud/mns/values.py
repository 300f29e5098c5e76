"""What goes in and out of MNS, as values.

Times (`_ms`) are milliseconds since 1970 UTC; attributes keep the API's units, seconds and bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class QueueAttributes:
    """What CreateQueue and SetQueueAttributes set. Seconds and bytes. Defaults: CreateQueue page."""

    visibility_timeout: int = 30
    maximum_message_size: int = 65_536
    message_retention_period: int = 345_600
    delay_seconds: int = 0
    polling_wait_seconds: int = 0
    logging_enabled: bool = False


@dataclass(frozen=True, slots=True)
class QueueChanges:
    """Those attributes of a queue that are named; None: left as it is (or at its default, when the queue is made)."""

    visibility_timeout: int | None = None
    maximum_message_size: int | None = None
    message_retention_period: int | None = None
    delay_seconds: int | None = None
    polling_wait_seconds: int | None = None
    logging_enabled: bool | None = None

    def applied_to(self, attributes: QueueAttributes) -> QueueAttributes:
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(attributes, **{name: value for name, value in named.items() if value is not None})


NO_QUEUE_CHANGES = QueueChanges()


@dataclass(frozen=True, slots=True)
class DlqPolicy:
    """Where messages go that were received too often. Control plane only (mns-open 2022-01-19, DlqPolicy)."""

    dead_letter_target_queue: str
    max_receive_count: int
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue as GetQueueAttributes answers it. The counts are of now."""

    name: str
    attributes: QueueAttributes
    dlq: DlqPolicy | None
    created_ms: int
    modified_ms: int
    active: int
    inactive: int
    delayed: int


@dataclass(frozen=True, slots=True)
class Property:
    """A user or system property. `kind`: STRING, NUMBER, BOOLEAN or BINARY (base64); system properties: STRING."""

    name: str
    value: str
    kind: str = "STRING"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send. The body is opaque text: the SDKs put Base64 there, nobody here looks."""

    body: str
    delay_seconds: int | None = None
    """None: the queue's."""
    priority: int = 8
    """1 is received first, 16 last."""
    group_id: str = ""
    user_properties: tuple[Property, ...] = ()
    system_properties: tuple[Property, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was accepted. `body_md5`: upper-case hexadecimal, of the body's UTF-8."""

    message_id: str
    body_md5: str
    receipt_handle: str = ""
    """Only of a delayed message: it can be deleted before anybody sees it."""
    group_id: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as received, or as peeked (then without receipt handle and next visible time)."""

    message_id: str
    body: str
    body_md5: str
    priority: int
    enqueue_ms: int
    first_dequeue_ms: int
    dequeue_count: int
    receipt_handle: str = ""
    next_visible_ms: int = 0
    group_id: str = ""
    user_properties: tuple[Property, ...] = ()
    system_properties: tuple[Property, ...] = ()


@dataclass(frozen=True, slots=True)
class TopicAttributes:
    """What CreateTopic and SetTopicAttributes set."""

    maximum_message_size: int = 65_536
    logging_enabled: bool = False


@dataclass(frozen=True, slots=True)
class TopicChanges:
    """Those attributes of a topic that are named."""

    maximum_message_size: int | None = None
    logging_enabled: bool | None = None

    def applied_to(self, attributes: TopicAttributes) -> TopicAttributes:
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(attributes, **{name: value for name, value in named.items() if value is not None})


NO_TOPIC_CHANGES = TopicChanges()


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as GetTopicAttributes answers it. `messages`: those that some subscription has not yet got."""

    name: str
    attributes: TopicAttributes
    created_ms: int
    modified_ms: int
    retention_seconds: int
    messages: int


@dataclass(frozen=True, slots=True)
class Publication:
    """A message to publish. Mail and SMS attributes are taken and not acted upon."""

    body: str
    tag: str = ""
    group_id: str = ""
    user_properties: tuple[Property, ...] = ()
    system_properties: tuple[Property, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who gets a topic's messages. As GetSubscriptionAttributes answers it, and as it is kept."""

    topic: str
    name: str
    endpoint: str
    notify_strategy: str = "BACKOFF_RETRY"
    notify_content_format: str = "XML"
    filter_tag: str = ""
    created_ms: int = 0
    modified_ms: int = 0
    dead_letter_queue: str = ""
    """Where a message goes that could not be delivered (DlqPolicy of a subscription, control plane). "": nowhere."""


@dataclass(frozen=True, slots=True)
class Notification:
    """A topic's message on its way to one subscription."""

    topic_owner: str
    topic: str
    subscriber: str
    subscription: str
    message_id: str
    body: str
    body_md5: str
    tag: str
    publish_ms: int
    user_properties: tuple[Property, ...] = ()


@dataclass(frozen=True, slots=True)
class Push:
    """An HTTP request that a subscription calls for."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
