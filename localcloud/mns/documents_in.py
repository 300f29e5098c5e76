"""Request documents → values.

Wire format: one XML document per request body, root named for the noun; see each function. Source: API reference of
each operation (2026-03), encoders of aliyun-mns-sdk 1.3.0. An empty element counts as absent. Elements that no page
knows are refused ("did not validate against our published schema") unless the limits say otherwise.
"""

from __future__ import annotations

import re

from localcloud.mns.errors import MnsError, bad_element
from localcloud.mns.limits import Limits
from localcloud.mns.values import Outgoing, Property, Publication, QueueChanges, Subscription, TopicChanges
from localcloud.mns.xml_read import Element, parse

INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
READ_ONLY = {
    "Queue": {"QueueName", "CreateTime", "LastModifyTime", "ActiveMessages", "InactiveMessages", "DelayMessages"},
    "Topic": {"TopicName", "CreateTime", "LastModifyTime", "MessageCount", "MessageRetentionPeriod"},
    "Subscription": {"TopicOwner", "TopicName", "SubscriptionName", "Subscriber", "CreateTime", "LastModifyTime"},
}
"""What SDKs that send back what they got put into a request; it is skipped."""
MESSAGE = {"MessageBody", "DelaySeconds", "Priority", "MessageGroupId", "UserProperties", "SystemProperties"}
PUBLICATION = {
    "MessageBody", "MessageTag", "MessageGroupId", "MessageAttributes", "UserProperties", "SystemProperties",
}  # fmt: skip


class Documents:
    """Reads request bodies. Raises MalformedXML, InvalidArgument."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def queue_changes(self, body: bytes) -> QueueChanges:
        """`<Queue>`; an empty body names nothing."""
        known = (
            "VisibilityTimeout", "MaximumMessageSize", "MessageRetentionPeriod", "DelaySeconds", "PollingWaitSeconds",
            "LoggingEnabled",
        )  # fmt: skip
        found = self._fields(self._root(body, "Queue"), {*known, "QueueType"} | READ_ONLY["Queue"])
        if _text(found, "QueueType") not in ("", "normal"):
            raise MnsError("NotImplemented", "The local cloud does not offer queues of QueueType fifo.")
        return QueueChanges(
            visibility_timeout=_integer(found, "VisibilityTimeout"),
            maximum_message_size=_integer(found, "MaximumMessageSize"),
            message_retention_period=_integer(found, "MessageRetentionPeriod"),
            delay_seconds=_integer(found, "DelaySeconds"),
            polling_wait_seconds=_integer(found, "PollingWaitSeconds"),
            logging_enabled=_boolean(found, "LoggingEnabled"),
        )

    def topic_changes(self, body: bytes) -> TopicChanges:
        """`<Topic>`; an empty body names nothing."""
        known = {"MaximumMessageSize", "LoggingEnabled"} | READ_ONLY["Topic"]
        found = self._fields(self._root(body, "Topic"), known)
        return TopicChanges(_integer(found, "MaximumMessageSize"), _boolean(found, "LoggingEnabled"))

    def message(self, body: bytes) -> Outgoing:
        """`<Message>` to a queue."""
        return self._message(self._root(body, "Message"))

    def messages(self, body: bytes) -> list[Outgoing]:
        """`<Messages>` of `<Message>`."""
        return [self._message(element) for element in self._list(body, "Messages", "Message")]

    def receipt_handles(self, body: bytes) -> list[str]:
        """`<ReceiptHandles>` of `<ReceiptHandle>`."""
        return [element.text.strip() for element in self._list(body, "ReceiptHandles", "ReceiptHandle")]

    def publication(self, body: bytes) -> Publication:
        """`<Message>` to a topic. MessageAttributes (mail, SMS) are read over."""
        found = self._fields(self._root(body, "Message"), PUBLICATION)
        if "MessageBody" not in found:
            raise bad_element("MessageBody")
        return Publication(
            body=found["MessageBody"].text,
            tag=_text(found, "MessageTag"),
            group_id=_text(found, "MessageGroupId"),
            user_properties=self._properties(found.get("UserProperties"), "PropertyValue"),
            system_properties=self._properties(found.get("SystemProperties"), "SystemPropertyValue"),
        )

    def subscription(self, body: bytes, topic: str, name: str) -> Subscription:
        """`<Subscription>` with an Endpoint."""
        found = self._subscription_fields(body)
        return Subscription(
            topic=topic,
            name=name,
            endpoint=_text(found, "Endpoint"),
            notify_strategy=_text(found, "NotifyStrategy") or "BACKOFF_RETRY",
            notify_content_format=_text(found, "NotifyContentFormat") or "XML",
            filter_tag=_text(found, "FilterTag"),
        )

    def notify_strategy(self, body: bytes) -> str | None:
        """What SetSubscriptionAttributes can set; None when it is not named."""
        return _text(self._subscription_fields(body), "NotifyStrategy") or None

    def logging_bucket(self, body: bytes) -> str | None:
        """`<Account>`; None: not named. An empty element is a value: no bucket. Java's TraceEnabled is read over."""
        root = self._root(body, "Account")
        self._fields(root, {"LoggingBucket", "TraceEnabled"})
        return next((child.text.strip() for child in root.children if child.name == "LoggingBucket"), None)

    def _subscription_fields(self, body: bytes) -> dict[str, Element]:
        known = {"Endpoint", "NotifyStrategy", "NotifyContentFormat", "FilterTag"} | READ_ONLY["Subscription"]
        return self._fields(self._root(body, "Subscription"), known)

    def _root(self, body: bytes, name: str) -> Element:
        if len(body) > self._limits.request_bytes_max:
            raise MnsError(
                "InvalidArgument", f"The request body has {len(body)} bytes, at most {self._limits.request_bytes_max}."
            )
        if not body.strip() and name in READ_ONLY:
            return Element(name)
        root = parse(body)
        if root.name != name:
            raise bad_element(root.name)
        return root

    def _fields(self, element: Element, known: set[str]) -> dict[str, Element]:
        """The children that are not empty, by name."""
        found: dict[str, Element] = {}
        for child in element.children:
            if child.name in found or (child.name not in known and self._limits.refuse_unknown_elements):
                raise bad_element(child.name)
            if child.text or child.children:
                found[child.name] = child
        return found

    def _list(self, body: bytes, root_name: str, name: str) -> list[Element]:
        children = self._root(body, root_name).children
        for child in children:
            if child.name != name:
                raise bad_element(child.name)
        return children

    def _message(self, element: Element) -> Outgoing:
        found = self._fields(element, MESSAGE)
        if "MessageBody" not in found:
            raise bad_element("MessageBody")
        priority = _integer(found, "Priority")
        return Outgoing(
            body=found["MessageBody"].text,
            delay_seconds=_integer(found, "DelaySeconds"),
            priority=8 if priority is None else priority,
            group_id=_text(found, "MessageGroupId"),
            user_properties=self._properties(found.get("UserProperties"), "PropertyValue"),
            system_properties=self._properties(found.get("SystemProperties"), "SystemPropertyValue"),
        )

    def _properties(self, element: Element | None, name: str) -> tuple[Property, ...]:
        if element is None:
            return ()
        properties = []
        for child in element.children:
            if child.name != name:
                raise bad_element(child.name)
            found = self._fields(child, {"Name", "Value", "Type"})
            value = found["Value"].text if "Value" in found else ""
            properties.append(Property(_text(found, "Name"), value, _text(found, "Type") or "STRING"))
        return tuple(properties)


def _text(found: dict[str, Element], name: str) -> str:
    return found[name].text.strip() if name in found else ""


def _integer(found: dict[str, Element], name: str) -> int | None:
    text = _text(found, name)
    if not text:
        return None
    if not INTEGER.fullmatch(text):
        raise bad_element(name)
    return int(text)


def _boolean(found: dict[str, Element], name: str) -> bool | None:
    text = _text(found, name).lower()
    if not text:
        return None
    if text not in ("true", "false"):
        raise bad_element(name)
    return text == "true"
