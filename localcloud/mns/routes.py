"""Method, path and query → the operation and what it is about.

Wire format: API reference (2026-03). Receipt handles stand in the query as they are (Python, Node) or percent-encoded
(Go); a plus sign is a plus sign. Names of parameters are compared without case: the reference itself writes
`receiptHandle`, the Python SDK `ReceiptHandle`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from localcloud.http import Request
from localcloud.mns.errors import MnsError
from localcloud.mns.xml_read import root_name

PLAIN = re.compile(rb"(?:\xef\xbb\xbf)?(?:<\?xml\s[^?]*\?>)?\s*<(?:[\w.-]+:)?(\w+)[\s/>]")
"""A document as every SDK writes it: nothing but a declaration before its root. Saves parsing it twice."""
RECEIVE = {"numofmessages", "waitseconds", "peekonly"}
KNOWN_QUERY = {
    "account": {"accountmeta"},
    "openservice": set[str](),
    "queues": set[str](),
    "queue": {"metaoverride"},
    "queue-messages": RECEIVE | {"receipthandle", "visibilitytimeout"},
    "topics": set[str](),
    "topic": {"metaoverride"},
    "topic-messages": set[str](),
    "subscriptions": set[str](),
    "subscription": {"metaoverride"},
}
OPERATIONS = {
    ("account", "GET"): "GetAccountAttributes",
    ("account", "PUT"): "SetAccountAttributes",
    ("openservice", "POST"): "OpenService",
    ("queues", "GET"): "ListQueue",
    ("queue", "PUT"): "CreateQueue",
    ("queue", "GET"): "GetQueueAttributes",
    ("queue", "DELETE"): "DeleteQueue",
    ("queue-messages", "POST"): "SendMessage",
    ("queue-messages", "GET"): "ReceiveMessage",
    ("queue-messages", "PUT"): "ChangeMessageVisibility",
    ("queue-messages", "DELETE"): "DeleteMessage",
    ("topics", "GET"): "ListTopic",
    ("topic", "PUT"): "CreateTopic",
    ("topic", "GET"): "GetTopicAttributes",
    ("topic", "DELETE"): "DeleteTopic",
    ("topic-messages", "POST"): "PublishMessage",
    ("subscriptions", "GET"): "ListSubscriptionByTopic",
    ("subscription", "PUT"): "Subscribe",
    ("subscription", "GET"): "GetSubscriptionAttributes",
    ("subscription", "DELETE"): "Unsubscribe",
}
OVERRIDES = {
    "CreateQueue": "SetQueueAttributes",
    "CreateTopic": "SetTopicAttributes",
    "Subscribe": "SetSubscriptionAttributes",
}


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked for. `names`: the queue, or the topic and perhaps the subscription. Query keys are lower-case."""

    operation: str
    names: tuple[str, ...]
    query: dict[str, str]
    request: Request


def route(request: Request) -> Call:
    """Raises InvalidRequestURL, InvalidQueryString, NotImplemented (501, with the operation's name)."""
    resource, names = _resource(request.path)
    operation = OPERATIONS.get((resource, request.method))
    if operation is None:
        said = f"The local cloud does not offer {request.method} of {resource.replace('-', ' ')}."
        raise MnsError("NotImplemented", said)
    query = _query(request.query, KNOWN_QUERY[resource])
    if resource == "account" and query.get("accountmeta", "").lower() != "true":
        raise MnsError("InvalidRequestURL")
    if query.get("metaoverride", "").lower() == "true":
        operation = OVERRIDES.get(operation, operation)
    if operation == "SendMessage" and _root_of(request.body) == "Messages":
        operation = "BatchSendMessage"
    if operation == "ReceiveMessage":
        noun = "PeekMessage" if query.get("peekonly", "").lower() == "true" else "ReceiveMessage"
        operation = f"Batch{noun}" if "numofmessages" in query else noun
    if operation == "DeleteMessage" and "receipthandle" not in query and request.body:
        operation = "BatchDeleteMessage"
    return Call(operation, names, query, request)


def _root_of(body: bytes) -> str:
    plain = PLAIN.match(body)
    return plain.group(1).decode() if plain else root_name(body)


@lru_cache(maxsize=128)
def _resource(path: str) -> tuple[str, tuple[str, ...]]:
    """Cached: each request is routed twice, for its name and for its answer, and queues are few."""
    parts = tuple(unquote(part) for part in path.strip("/").split("/")) if path.strip("/") else ()
    match parts:
        case ():
            return "account", ()
        case ("commonbuy", "openservice"):
            return "openservice", ()
        case ("queues",):
            return "queues", ()
        case ("queues", str(name)) if name:
            return "queue", (name,)
        case ("queues", str(name), "messages") if name:
            return "queue-messages", (name,)
        case ("topics",):
            return "topics", ()
        case ("topics", str(name)) if name:
            return "topic", (name,)
        case ("topics", str(name), "messages") if name:
            return "topic-messages", (name,)
        case ("topics", str(name), "subscriptions") if name:
            return "subscriptions", (name,)
        case ("topics", str(name), "subscriptions", str(subscription)) if name and subscription:
            return "subscription", (name, subscription)
    raise MnsError("InvalidRequestURL")


def _query(raw: str, known: set[str]) -> dict[str, str]:
    query: dict[str, str] = {}
    for item in raw.split("&") if raw else ():
        name, _, value = item.partition("=")
        key = name.lower()
        if key not in known or key in query:
            raise MnsError("InvalidQueryString", f'Http request URL contains invalid querystring item "{name}".')
        query[key] = unquote(value)
    return query
