"""aliyun-mns-sdk, unmodified, over a real socket: topics, subscriptions, and pushes that really leave."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from queue import Queue
from typing import Any

import pytest
from mns.mns_exception import MNSServerException
from mns.queue import QueueMeta
from mns.subscription import SubscriptionMeta
from mns.topic import Base64TopicMessage, DirectMailInfo, DirectSMSInfo, TopicMessage, TopicMeta

from localcloud.mns.pusher import HttpPusher
from localcloud.mns.values import Push
from tests.contract.mns.conftest import MnsServer
from tests.contract.mns.worlds import ACCOUNT

QUEUE_ARN = f"acs:mns:{ACCOUNT.region}:{ACCOUNT.account_id}:queues/inbox"


@pytest.fixture
def topic(server: MnsServer) -> Any:
    """The SDK's topic "news"."""
    topic = server.client().get_topic("news")
    topic.create(TopicMeta())
    return topic


def code_of(act: Any) -> str:
    with pytest.raises(MNSServerException) as refused:
        act()
    return str(refused.value.type)


def test_a_topic_is_made_read_changed_listed_and_deleted(server: MnsServer) -> None:
    account = server.client()
    topic = account.get_topic("news")

    url = topic.create(TopicMeta(maximum_message_size=2048))
    found = topic.create(TopicMeta(maximum_message_size=2048))
    other = code_of(lambda: topic.create(TopicMeta(maximum_message_size=4096)))
    topic.set_attributes(TopicMeta(logging_enabled=True))
    meta = topic.get_attributes()
    listed = account.list_topic()
    topic.delete()

    assert url == found == f"{server.served.url}/topics/news"
    assert other == "TopicAlreadyExist"
    assert (meta.topic_name, meta.maximum_message_size, meta.logging_enabled) == ("news", 2048, True)
    assert (meta.message_retention_period, meta.message_count) == (86_400, 0)
    assert listed == ([url], "")
    assert code_of(topic.get_attributes) == "TopicNotExist"


def test_a_subscription_is_made_read_changed_listed_and_ended(server: MnsServer, topic: Any) -> None:
    subscription = topic.get_subscription("mine")
    meta = SubscriptionMeta("http://127.0.0.1:9/x", "EXPONENTIAL_DECAY_RETRY", "SIMPLIFIED", "red")

    url = subscription.subscribe(meta)
    found = subscription.subscribe(meta)
    subscription.set_attributes(SubscriptionMeta(notify_strategy="BACKOFF_RETRY"))
    read = subscription.get_attributes()
    listed = topic.list_subscription()
    other = code_of(lambda: subscription.subscribe(SubscriptionMeta("http://127.0.0.1:9/y")))
    subscription.unsubscribe()

    assert url == found == f"{server.served.url}/topics/news/subscriptions/mine"
    assert (read.topic_owner, read.topic_name, read.subscription_name) == (ACCOUNT.account_id, "news", "mine")
    assert (read.endpoint, read.notify_strategy) == ("http://127.0.0.1:9/x", "BACKOFF_RETRY")
    assert (read.notify_content_format, read.filter_tag) == ("SIMPLIFIED", "red")
    assert listed == ([url], "")
    assert other == "SubscriptionAlreadyExist"
    assert code_of(subscription.get_attributes) == "SubscriptionNotExist"
    assert topic.list_subscription() == ([], "")


def test_lists_go_page_by_page(server: MnsServer, topic: Any) -> None:
    for number in range(3):
        topic.get_subscription(f"s{number}").subscribe(SubscriptionMeta("http://127.0.0.1:9/"))

    first, marker = topic.list_subscription(ret_number=2)
    second, end = topic.list_subscription(ret_number=2, marker=marker)

    assert [url.rpartition("/")[2] for url in first + second] == ["s0", "s1", "s2"]
    assert end == ""
    assert server.client().list_topic(prefix="x") == ([], "")


def test_a_published_message_is_in_the_subscribed_queue(server: MnsServer, topic: Any) -> None:
    queue = server.client().get_queue("inbox")
    queue.create(QueueMeta())
    queue.set_encoding(False)
    topic.get_subscription("json").subscribe(SubscriptionMeta(QUEUE_ARN, notify_content_format="JSON"))
    topic.get_subscription("red").subscribe(
        SubscriptionMeta(QUEUE_ARN, notify_content_format="SIMPLIFIED", filter_tag="red")
    )

    sent = topic.publish_message(TopicMessage("héllo <&>", "red"))
    encoded = topic.publish_message(Base64TopicMessage("héllo"))
    bodies = [message.message_body for message in queue.batch_receive_message(16)]

    assert len(bodies) == 3
    first = json.loads(bodies[0])
    assert (first["Message"], first["MessageTag"], first["MessageId"]) == ("héllo <&>", "red", sent.message_id)
    assert bodies[1] == "héllo <&>"
    assert json.loads(bodies[2])["MessageId"] == encoded.message_id
    assert json.loads(bodies[2])["Message"] == "aMOpbGxv"


def test_mail_and_short_messages_are_taken_and_bother_nobody(topic: Any) -> None:
    topic.get_subscription("mail").subscribe(SubscriptionMeta("mail:directmail:a@example.com"))
    mail = DirectMailInfo(account_name="a", subject="s", address_type=0, is_html=0, reply_to_address=0)
    sms = DirectSMSInfo(free_sign_name="n", template_code="t", single=True)
    sms.set_params({"k": "v"})

    sent = topic.publish_message(TopicMessage("body", direct_mail=mail, direct_sms=sms))

    assert sent.message_id


@pytest.mark.parametrize(
    ("meta", "code"),
    [
        (SubscriptionMeta("ftp://x"), "EndpointInvalid"),
        (SubscriptionMeta("http://127.0.0.1:9/", "NEVER"), "InvalidArgument"),
        (SubscriptionMeta("http://127.0.0.1:9/", notify_content_format="YAML"), "InvalidArgument"),
    ],
)
def test_a_bad_subscription_is_refused_with_its_code(topic: Any, meta: Any, code: str) -> None:
    assert code_of(lambda: topic.get_subscription("s").subscribe(meta)) == code


class Inbox(BaseHTTPRequestHandler):
    """A subscriber's endpoint. Its server has a queue `got` and a list of `statuses` to answer with."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server: Any = self.server
        server.got.put((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(server.statuses.pop(0) if server.statuses else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's word
        return


@pytest.fixture
def inbox() -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Inbox)
    server.got, server.statuses = Queue(), []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_an_http_endpoint_is_really_called_and_called_again_after_a_failure(
    server: MnsServer, topic: Any, inbox: Any
) -> None:
    server.served.call(lambda: server.service.set_push(HttpPusher()))
    url = f"http://127.0.0.1:{inbox.server_port}/notifications?a=b"
    topic.get_subscription("http").subscribe(SubscriptionMeta(url, notify_content_format="JSON"))
    inbox.statuses.append(503)

    sent = topic.publish_message(TopicMessage("héllo"))
    path, headers, body = inbox.got.get(timeout=10)
    while not server.served.call(lambda: any(d.attempts for d in server.service._deliveries._on_the_way.values())):
        time.sleep(0.005)
    server.served.advance(20_000)
    _, _, again = inbox.got.get(timeout=10)

    assert path == "/notifications?a=b"
    assert json.loads(body)["MessageId"] == sent.message_id
    assert headers["x-mns-version"] == "2015-06-06"
    assert headers["content-type"] == "application/json;charset=utf-8"
    assert again == body


@pytest.mark.parametrize(
    ("url", "reply"),
    [
        ("http://127.0.0.1:1/", None),
        ("http://127.0.0.1:{port}/", b"not http at all\r\n"),
        ("http://127.0.0.1:{port}/", b""),
        ("http://127.0.0.1:{port}/", b"HTTP/1.1 abc\r\n"),
        ("http://127.0.0.1:{port}/", b"x" * 100_000),
        ("https://127.0.0.1:{port}/", b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
)
def test_a_receiver_that_is_not_there_or_speaks_no_http_is_a_failed_push(url: str, reply: bytes | None) -> None:
    async def main() -> list[int | None]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(reply or b"")
            writer.close()

        listening = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        statuses: list[int | None] = []
        pusher, finished = HttpPusher(), asyncio.Event()

        def done(status: int | None) -> None:
            statuses.append(status)
            finished.set()

        pusher(Push(url.format(port=port), (), b"body"), done)
        await asyncio.wait_for(finished.wait(), 10)
        await pusher.aclose()
        listening.close()
        return statuses

    assert asyncio.run(main()) == [None]
