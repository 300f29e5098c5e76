"""Operations → the service's methods: arguments out of the request, values into a reply.

The receives are not here: they may wait (`api`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from localcloud.ids import Ids
from localcloud.mns import documents_out as out
from localcloud.mns.documents_in import Documents
from localcloud.mns.errors import MnsError
from localcloud.mns.routes import Call
from localcloud.mns.service import MnsService

INTEGER = re.compile(r"-?\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation answers. `location`: of what CreateQueue, CreateTopic or Subscribe made or found."""

    status: int
    body: bytes = b""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every operation is handed. `base_url`: as the caller addressed us, e.g. "http://127.0.0.1:7150"."""

    service: MnsService
    documents: Documents
    ids: Ids
    call: Call
    base_url: str

    @property
    def body(self) -> bytes:
        return self.call.request.body

    @property
    def name(self) -> str:
        """The queue or topic."""
        return self.call.names[0]


def number(call: Call, key: str, element: str, default: int | None) -> int:
    """An integer of the query. Raises InvalidArgument, naming `element`."""
    text = call.query.get(key)
    if text is None and default is not None:
        return default
    if text is None or not INTEGER.fullmatch(text):
        raise MnsError("InvalidArgument", f"The value of {element} should be an integer.")
    return int(text)


def _page_of(desk: Desk) -> tuple[str, str, int | None]:
    """Prefix, marker, size."""
    headers = desk.call.request.headers
    text = headers.get("x-mns-ret-number")
    if text is not None and not INTEGER.fullmatch(text):
        raise MnsError("InvalidArgument", "The value of x-mns-ret-number should be an integer.")
    size = None if text is None else int(text)
    return headers.get("x-mns-prefix", ""), headers.get("x-mns-marker", ""), size


def _with_meta(desk: Desk) -> bool:
    return desk.call.request.headers.get("x-mns-with-meta", "").lower() == "true"


def _made(desk: Desk, is_new: bool) -> Reply:  # noqa: FBT001  read where it is called: _made(desk, create(…))
    return Reply(201 if is_new else 204, location=desk.base_url + desk.call.request.path)


def _create_queue(desk: Desk) -> Reply:
    return _made(desk, desk.service.create_queue(desk.name, desk.documents.queue_changes(desk.body)))


def _set_queue(desk: Desk) -> Reply:
    desk.service.set_queue(desk.name, desk.documents.queue_changes(desk.body))
    return Reply(204)


def _get_queue(desk: Desk) -> Reply:
    return Reply(200, out.queue(desk.service.queue(desk.name)))


def _list_queues(desk: Desk) -> Reply:
    prefix, marker, size = _page_of(desk)
    states, next_marker = desk.service.queues(prefix=prefix, marker=marker, size=size)
    return Reply(200, out.queues(states, next_marker, base_url=desk.base_url, with_meta=_with_meta(desk)))


def _delete_queue(desk: Desk) -> Reply:
    desk.service.delete_queue(desk.name)
    return Reply(204)


def _send(desk: Desk) -> Reply:
    desk.service.queue(desk.name)
    return Reply(201, out.sent(desk.service.send(desk.name, desk.documents.message(desk.body))))


def _send_batch(desk: Desk) -> Reply:
    desk.service.queue(desk.name)
    fates = desk.service.send_batch(desk.name, desk.documents.messages(desk.body))
    is_whole = not any(isinstance(fate, MnsError) for fate in fates)
    return Reply(201 if is_whole else 500, out.sent_batch(fates))


def _peek(desk: Desk) -> Reply:
    found = desk.service.peek(desk.name)
    if not found:
        raise MnsError("MessageNotExist")
    return Reply(200, out.delivery(found[0]))


def _peek_batch(desk: Desk) -> Reply:
    found = desk.service.peek(desk.name, number(desk.call, "numofmessages", "numOfMessages", None))
    if not found:
        raise MnsError("MessageNotExist")
    return Reply(200, out.deliveries(found))


def _delete(desk: Desk) -> Reply:
    desk.service.delete(desk.name, _receipt_handle(desk))
    return Reply(204)


def _delete_batch(desk: Desk) -> Reply:
    desk.service.queue(desk.name)
    failed = desk.service.delete_batch(desk.name, desk.documents.receipt_handles(desk.body))
    return Reply(404, out.failed_deletes(failed)) if failed else Reply(204)


def _change_visibility(desk: Desk) -> Reply:
    handle = _receipt_handle(desk)
    if "visibilitytimeout" not in desk.call.query:
        raise MnsError("MissingVisibilityTimeout")
    seconds = number(desk.call, "visibilitytimeout", "VisibilityTimeout", None)
    return Reply(200, out.changed_visibility(*desk.service.change_visibility(desk.name, handle, seconds)))


def _receipt_handle(desk: Desk) -> str:
    handle = desk.call.query.get("receipthandle")
    if not handle:
        raise MnsError("MissingReceiptHandle")
    return handle


def _create_topic(desk: Desk) -> Reply:
    return _made(desk, desk.service.create_topic(desk.name, desk.documents.topic_changes(desk.body)))


def _set_topic(desk: Desk) -> Reply:
    desk.service.set_topic(desk.name, desk.documents.topic_changes(desk.body))
    return Reply(204)


def _get_topic(desk: Desk) -> Reply:
    return Reply(200, out.topic(desk.service.topic(desk.name)))


def _list_topics(desk: Desk) -> Reply:
    prefix, marker, size = _page_of(desk)
    states, next_marker = desk.service.topics(prefix=prefix, marker=marker, size=size)
    return Reply(200, out.topics(states, next_marker, base_url=desk.base_url, with_meta=_with_meta(desk)))


def _delete_topic(desk: Desk) -> Reply:
    desk.service.delete_topic(desk.name)
    return Reply(204)


def _publish(desk: Desk) -> Reply:
    desk.service.topic(desk.name)
    return Reply(201, out.sent(desk.service.publish(desk.name, desk.documents.publication(desk.body))))


def _subscribe(desk: Desk) -> Reply:
    return _made(desk, desk.service.subscribe(desk.documents.subscription(desk.body, *desk.call.names)))


def _set_subscription(desk: Desk) -> Reply:
    strategy = desk.documents.notify_strategy(desk.body)
    desk.service.set_subscription(*desk.call.names, notify_strategy=strategy)
    return Reply(204)


def _get_subscription(desk: Desk) -> Reply:
    state = desk.service.subscription(*desk.call.names)
    return Reply(200, out.subscription(state, owner=desk.service.account.account_id))


def _list_subscriptions(desk: Desk) -> Reply:
    prefix, marker, size = _page_of(desk)
    states, next_marker = desk.service.subscriptions(desk.name, prefix=prefix, marker=marker, size=size)
    owner = desk.service.account.account_id
    body = out.subscriptions(states, next_marker, base_url=desk.base_url, owner=owner, with_meta=_with_meta(desk))
    return Reply(200, body)


def _unsubscribe(desk: Desk) -> Reply:
    desk.service.unsubscribe(*desk.call.names)
    return Reply(204)


def _get_account(desk: Desk) -> Reply:
    return Reply(200, out.account(desk.service.logging_bucket))


def _set_account(desk: Desk) -> Reply:
    bucket = desk.documents.logging_bucket(desk.body)
    if bucket is not None:
        desk.service.set_logging_bucket(bucket)
    return Reply(204)


def _open_service(desk: Desk) -> Reply:
    """The service is always open; its order has some number."""
    return Reply(200, out.opened_service(str(desk.ids.stream("mns.order").randint(10**14, 10**15 - 1))))


OPERATIONS: Mapping[str, Callable[[Desk], Reply]] = {
    "BatchDeleteMessage": _delete_batch,
    "BatchPeekMessage": _peek_batch,
    "BatchSendMessage": _send_batch,
    "ChangeMessageVisibility": _change_visibility,
    "CreateQueue": _create_queue,
    "CreateTopic": _create_topic,
    "DeleteMessage": _delete,
    "DeleteQueue": _delete_queue,
    "DeleteTopic": _delete_topic,
    "GetAccountAttributes": _get_account,
    "GetQueueAttributes": _get_queue,
    "GetSubscriptionAttributes": _get_subscription,
    "GetTopicAttributes": _get_topic,
    "ListQueue": _list_queues,
    "ListSubscriptionByTopic": _list_subscriptions,
    "ListTopic": _list_topics,
    "OpenService": _open_service,
    "PeekMessage": _peek,
    "PublishMessage": _publish,
    "SendMessage": _send,
    "SetAccountAttributes": _set_account,
    "SetQueueAttributes": _set_queue,
    "SetSubscriptionAttributes": _set_subscription,
    "SetTopicAttributes": _set_topic,
    "Subscribe": _subscribe,
    "Unsubscribe": _unsubscribe,
}
RECEIVES = ("ReceiveMessage", "BatchReceiveMessage")
