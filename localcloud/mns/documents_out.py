"""Values → response documents.

Wire format: one XML document per response body; see each function. Source: API reference of each operation (2026-03)
and the decoders of aliyun-mns-sdk 1.3.0, which miss not one element silently and refuse extra ones in partial failures.
CreateTime and LastModifyTime are seconds; times of messages are milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

from localcloud.mns.errors import MnsError
from localcloud.mns.values import Delivery, Property, QueueState, Sent, Subscription, TopicState
from localcloud.mns.xml_write import Node, document, legal


def error(refusal: MnsError, *, request_id: str, host_id: str) -> bytes:
    """All four elements: the SDK takes a document without one of them for a damaged reply."""
    content = [
        ("Code", refusal.code),
        ("Message", legal(refusal.message)),
        ("RequestId", request_id),
        ("HostId", legal(host_id)),
    ]
    return document("Error", content)


def queue(state: QueueState) -> bytes:
    return document("Queue", _queue(state))


def queues(states: Sequence[QueueState], next_marker: str, *, base_url: str, with_meta: bool) -> bytes:
    """Without NextMarker on the last page: an empty one breaks the SDK."""
    entries: list[Node] = [
        ("Queue", [("QueueURL", f"{base_url}/queues/{state.name}"), *(_queue(state) if with_meta else [])])
        for state in states
    ]
    return document("Queues", entries + _marker(next_marker))


def sent(message: Sent) -> bytes:
    return document("Message", _sent(message))


def sent_batch(fates: Sequence[Sent | MnsError]) -> bytes:
    """In the order of the request. When one failed, the others carry id and digest only: the SDK takes no more."""
    is_partial = any(isinstance(fate, MnsError) for fate in fates)
    entries: list[Node] = []
    for fate in fates:
        if isinstance(fate, MnsError):
            entries.append(("Message", [("ErrorCode", fate.code), ("ErrorMessage", legal(fate.message))]))
        else:
            entries.append(("Message", _sent(fate)[:2] if is_partial else _sent(fate)))
    return document("Messages", entries)


def delivery(message: Delivery) -> bytes:
    return document("Message", _delivery(message))


def deliveries(messages: Sequence[Delivery]) -> bytes:
    return document("Messages", [("Message", _delivery(message)) for message in messages])


def failed_deletes(failed: Sequence[tuple[str, MnsError]]) -> bytes:
    entries: list[Node] = [
        (
            "Error",
            [
                ("ErrorCode", refusal.code),
                ("ErrorMessage", legal(refusal.message)),
                ("ReceiptHandle", legal(handle)),
            ],
        )
        for handle, refusal in failed
    ]
    return document("Errors", entries)


def changed_visibility(receipt_handle: str, next_visible_ms: int) -> bytes:
    return document("ChangeVisibility", [("ReceiptHandle", receipt_handle), ("NextVisibleTime", next_visible_ms)])


def topic(state: TopicState) -> bytes:
    return document("Topic", _topic(state))


def topics(states: Sequence[TopicState], next_marker: str, *, base_url: str, with_meta: bool) -> bytes:
    entries: list[Node] = [
        ("Topic", [("TopicURL", f"{base_url}/topics/{state.name}"), *(_topic(state) if with_meta else [])])
        for state in states
    ]
    return document("Topics", entries + _marker(next_marker))


def subscription(state: Subscription, *, owner: str) -> bytes:
    return document("Subscription", _subscription(state, owner))


def subscriptions(
    states: Sequence[Subscription], next_marker: str, *, base_url: str, owner: str, with_meta: bool
) -> bytes:
    entries: list[Node] = [
        (
            "Subscription",
            [
                ("SubscriptionURL", f"{base_url}/topics/{state.topic}/subscriptions/{state.name}"),
                *(_subscription(state, owner) if with_meta else []),
            ],
        )
        for state in states
    ]
    return document("Subscriptions", entries + _marker(next_marker))


def account(logging_bucket: str) -> bytes:
    return document("Account", [("LoggingBucket", logging_bucket)])


def opened_service(order_id: str) -> bytes:
    return document("OpenService", [("OrderId", order_id)])


def _queue(state: QueueState) -> list[Node]:
    attributes = state.attributes
    return [
        ("QueueName", state.name),
        ("CreateTime", state.created_ms // 1000),
        ("LastModifyTime", state.modified_ms // 1000),
        ("VisibilityTimeout", attributes.visibility_timeout),
        ("MaximumMessageSize", attributes.maximum_message_size),
        ("MessageRetentionPeriod", attributes.message_retention_period),
        ("DelaySeconds", attributes.delay_seconds),
        ("PollingWaitSeconds", attributes.polling_wait_seconds),
        ("LoggingEnabled", str(attributes.logging_enabled)),
        ("ActiveMessages", state.active),
        ("InactiveMessages", state.inactive),
        ("DelayMessages", state.delayed),
    ]


def _sent(message: Sent) -> list[Node]:
    nodes: list[Node] = [("MessageId", message.message_id), ("MessageBodyMD5", message.body_md5)]
    if message.receipt_handle:
        nodes.append(("ReceiptHandle", message.receipt_handle))
    if message.group_id:
        nodes.append(("MessageGroupId", message.group_id))
    return nodes


def _delivery(message: Delivery) -> list[Node]:
    nodes: list[Node] = [("MessageId", message.message_id)]
    if message.receipt_handle:
        nodes.append(("ReceiptHandle", message.receipt_handle))
    nodes += [
        ("MessageBodyMD5", message.body_md5),
        ("MessageBody", message.body),
        ("EnqueueTime", message.enqueue_ms),
    ]
    if message.receipt_handle:
        nodes.append(("NextVisibleTime", message.next_visible_ms))
    nodes += [
        ("FirstDequeueTime", message.first_dequeue_ms),
        ("DequeueCount", message.dequeue_count),
        ("Priority", message.priority),
    ]
    if message.group_id:
        nodes.append(("MessageGroupId", message.group_id))
    if message.user_properties:
        nodes.append(("UserProperties", _properties(message.user_properties, "PropertyValue")))
    if message.system_properties:
        nodes.append(("SystemProperties", _properties(message.system_properties, "SystemPropertyValue")))
    return nodes


def _properties(properties: Sequence[Property], name: str) -> list[Node]:
    return [(name, [("Name", prop.name), ("Value", prop.value), ("Type", prop.kind)]) for prop in properties]


def _topic(state: TopicState) -> list[Node]:
    return [
        ("TopicName", state.name),
        ("CreateTime", state.created_ms // 1000),
        ("LastModifyTime", state.modified_ms // 1000),
        ("MaximumMessageSize", state.attributes.maximum_message_size),
        ("MessageRetentionPeriod", state.retention_seconds),
        ("MessageCount", state.messages),
        ("LoggingEnabled", str(state.attributes.logging_enabled)),
    ]


def _subscription(state: Subscription, owner: str) -> list[Node]:
    nodes: list[Node] = [
        ("SubscriptionName", state.name),
        ("Subscriber", owner),
        ("TopicOwner", owner),
        ("TopicName", state.topic),
        ("Endpoint", state.endpoint),
        ("NotifyStrategy", state.notify_strategy),
        ("NotifyContentFormat", state.notify_content_format),
    ]
    if state.filter_tag:
        nodes.append(("FilterTag", state.filter_tag))
    return [
        *nodes,
        ("CreateTime", state.created_ms // 1000),
        ("LastModifyTime", state.modified_ms // 1000),
    ]


def _marker(next_marker: str) -> list[Node]:
    return [("NextMarker", next_marker)] if next_marker else []
