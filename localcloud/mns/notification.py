"""A topic's message in the three forms that subscriptions ask for, and the HTTP request that carries it.

Source: page HttpEndpoint (help.aliyun.com/document_detail/210865, 2021) and aliyun-mns-sdk 1.3.0's sample endpoint.
"""

from __future__ import annotations

import base64
import hashlib
import json
from email.utils import formatdate

from localcloud.mns.values import Notification, Push
from localcloud.mns.xml_write import document

CONTENT_TYPES = {
    "XML": "text/xml;charset=utf-8",
    "JSON": "application/json;charset=utf-8",
    "SIMPLIFIED": "text/plain;charset=utf-8",
}


def render(notification: Notification, content_format: str) -> str:
    """`content_format`: XML, JSON or SIMPLIFIED (the bare body)."""
    if content_format == "SIMPLIFIED":
        return notification.body
    fields: dict[str, str | int] = {
        "TopicOwner": notification.topic_owner,
        "TopicName": notification.topic,
        "Subscriber": notification.subscriber,
        "SubscriptionName": notification.subscription,
        "MessageId": notification.message_id,
        "MessageMD5": notification.body_md5,
        "Message": notification.body,
    }
    if notification.tag:
        fields["MessageTag"] = notification.tag
    fields["PublishTime"] = notification.publish_ms
    if content_format == "JSON":
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return document("Notification", list(fields.items())).decode()


def push_request(notification: Notification, content_format: str, *, url: str, request_id: str, now_ms: int) -> Push:
    """The POST to an HTTP endpoint. Difference from the real one: it is not signed (no certificate of aliyuncs.com)."""
    body = render(notification, content_format).encode()
    digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
    headers = [
        ("Content-Type", CONTENT_TYPES[content_format]),
        ("Content-MD5", base64.b64encode(digest.encode()).decode()),
        ("Date", formatdate(now_ms / 1000, usegmt=True)),
        ("User-Agent", "Aliyun Notification Service Agent"),
        ("x-mns-request-id", request_id),
        ("x-mns-version", "2015-06-06"),
    ]
    if content_format == "SIMPLIFIED":
        headers.append(("x-mns-message-id", notification.message_id))
        if notification.tag:
            headers.append(("x-mns-message-tag", notification.tag))
    return Push(url, tuple(headers), body)
