"""Requests to MNS that are signed rightly and odd in any other way. A refusal has its form and changes nothing."""

from __future__ import annotations

import base64
from typing import Any
from xml.etree import ElementTree

from hypothesis import example, given, settings
from hypothesis import strategies as st

from localcloud.http import Request, Response
from localcloud.journal import NoJournal
from localcloud.mns.values import Outgoing, Subscription
from tests.contract.mns.worlds import ACCOUNT, MnsWorld

NAMESPACE = "{http://mns.aliyuncs.com/doc/v1/}"
STATUSES = {200, 201, 204, 400, 403, 404, 409, 501}
WAITS = None
"""Instead of an answer: a receive that waits for a message."""


class CountingJournal(NoJournal):
    """How often something was written down."""

    def __init__(self) -> None:
        self.writes = 0

    def put(self, collection: str, key: str, value: Any) -> None:
        self.writes += 1

    def drop(self, collection: str, key: str) -> None:
        self.writes += 1


def furnished(journal: CountingJournal) -> tuple[MnsWorld, str]:
    """A queue with messages that are held, visible and delayed; a topic with a subscription. And the held handle."""
    world = MnsWorld(journal=journal)
    world.send("held", "visible")
    world.service.send("q", Outgoing("later", delay_seconds=60))
    delivery = world.service.receive("q")
    assert delivery is not None
    world.service.create_topic("t")
    world.service.subscribe(Subscription("t", "s", f"acs:mns:{ACCOUNT.region}:{ACCOUNT.account_id}:queues/q"))
    return world, delivery.receipt_handle


def answer(world: MnsWorld, request: Request) -> Response | None:
    coroutine = world.endpoint.handle(request)
    try:
        coroutine.send(None)
    except StopIteration as stopped:
        response = stopped.value
        assert isinstance(response, Response)
        return response
    coroutine.close()
    return WAITS


def probe(
    method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None, *, queue: str = "q"
) -> tuple[int, str]:
    """Status and code of the answer, after all that must hold of it has been seen to hold."""
    journal = CountingJournal()
    world, handle = furnished(journal)
    target = target.replace("HANDLE", handle)
    before = (journal.writes, world.service.state(), world.service.queue(queue), world.service.subscription("t", "s"))

    response = answer(world, world.request(method, target, body, headers))

    if response is WAITS:
        return 0, ""
    assert response.status in STATUSES or (response.status == 500 and b"<Messages " in response.body)
    request_id = dict(response.headers)["x-mns-request-id"]
    if response.status < 300:
        assert not response.body or ElementTree.fromstring(response.body).tag.startswith(NAMESPACE)
        return response.status, ""
    root = ElementTree.fromstring(response.body)
    if root.tag in (f"{NAMESPACE}Messages", f"{NAMESPACE}Errors"):
        return response.status, ""  # the batch is done for the others
    error = {child.tag.removeprefix(NAMESPACE): child.text or "" for child in root}
    assert root.tag == f"{NAMESPACE}Error"
    assert list(error) == ["Code", "Message", "RequestId", "HostId"]
    assert all(error.values())
    assert error["RequestId"] == request_id
    after = (journal.writes, world.service.state(), world.service.queue(queue), world.service.subscription("t", "s"))
    assert after == before, (method, target, body)
    return response.status, error["Code"]


METHODS = st.sampled_from(["GET", "PUT", "POST", "DELETE", "PATCH"])
ODD = st.sampled_from(
    [
        "",
        "0",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "9" * 18,
        "9" * 40,
        "\u0661",
        "true",
        "TRUE",
        "Null",
        "\u00e9",
        "%",
        "%zz",
        "&#0;",
        "a" * 300,
    ]
)
SEGMENTS = st.sampled_from(
    [
        "queues",
        "topics",
        "messages",
        "subscriptions",
        "q",
        "t",
        "s",
        "none",
        "",
        ".",
        "..",
        "%2e%2e",
        "%2F",
        "%00",
        "%ff",
        "a%20b",
        "_",
        "-",
        "x" * 121,
        "%0d%0a",
    ]
)
PATHS = st.lists(SEGMENTS, max_size=6).map(lambda parts: "/" + "/".join(parts))
KNOWN_PATHS = st.sampled_from(
    [
        "/",
        "/queues",
        "/queues/q",
        "/queues/q/messages",
        "/topics",
        "/topics/t",
        "/topics/t/messages",
        "/topics/t/subscriptions",
        "/topics/t/subscriptions/s",
        "/commonbuy/openservice",
    ]
)
QUERY_NAMES = st.sampled_from(
    [
        "waitseconds",
        "numOfMessages",
        "peekonly",
        "ReceiptHandle",
        "VisibilityTimeout",
        "metaoverride",
        "accountmeta",
        "colour",
        "",
    ]
)
QUERY_VALUES = st.sampled_from(
    [
        "",
        "0",
        "1",
        "16",
        "17",
        "-1",
        "+1",
        "9" * 30,
        "%31",
        "%00",
        "%ff",
        "true",
        "False",
        "1-a==",
        "1-%ff",
        "HANDLE",
        "HANDLE=",
        "1-" + "A" * 400,
    ]
)
QUERIES = st.lists(st.tuples(QUERY_NAMES, QUERY_VALUES), max_size=4).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "x-mns-prefix",
            "x-mns-marker",
            "x-mns-ret-number",
            "x-mns-with-meta",
            "content-type",
            "host",
            "x-mns-user-request-id",
        ]
    ),
    st.sampled_from(
        ["", "0", "1", "1001", "-1", "9" * 30, "q", "true", "*", "cQ==", "AAA", "h:0", "\x01\x1f", "a" * 500]
    ),
    max_size=3,
)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(method=METHODS, path=PATHS | KNOWN_PATHS, query=QUERIES, headers=HEADERS)
@example(method="PUT", path="/queues/q/messages", query="ReceiptHandle=HANDLE&VisibilityTimeout=0", headers={})
@example(method="GET", path="/queues", query="", headers={"x-mns-marker": "\x01"})
def test_a_signed_request_with_an_odd_address_is_answered_or_refused_in_form(
    method: str, path: str, query: str, headers: dict[str, str]
) -> None:
    probe(method, f"{path}?{query}" if query else path, headers=headers)


ROOTS = ["Queue", "Topic", "Subscription", "Message", "Messages", "ReceiptHandles", "Account", "Nothing"]
NAMES = [
    *ROOTS, "VisibilityTimeout", "MaximumMessageSize", "DelaySeconds", "PollingWaitSeconds", "LoggingEnabled",
    "QueueType",
    "MessageBody", "Priority", "UserProperties", "PropertyValue", "SystemProperties", "SystemPropertyValue", "Name",
    "Value", "Type", "MessageTag", "MessageAttributes", "Endpoint", "FilterTag", "NotifyStrategy",
    "NotifyContentFormat", "ReceiptHandle", "LoggingBucket",
]  # fmt: skip
TEXTS = ODD | st.sampled_from(["hello", "aGVsbG8=", "=bad=base64", "&#1;", "<![CDATA[x]]>", "http://h/", "HANDLE"])
ELEMENTS = st.recursive(
    st.builds("<{0}>{1}</{0}>".format, st.sampled_from(NAMES), TEXTS),
    lambda inner: st.builds(
        lambda name, parts: f"<{name}>{''.join(parts)}</{name}>", st.sampled_from(NAMES), st.lists(inner, max_size=4)
    ),
    max_leaves=10,
)
DOCUMENTS = st.builds(
    lambda root, parts: f"<{root}>{''.join(parts)}</{root}>".encode(),
    st.sampled_from(ROOTS),
    st.lists(ELEMENTS, max_size=4),
)
ENCODINGS = st.sampled_from(
    [
        "utf-8",
        "utf-16",
        "utf-7",
        "latin-1",
        "cp1252",
        "idna",
        "punycode",
        "base64",
        "rot13",
        "undefined",
        "unicode_escape",
        "none",
        "x" * 99,
    ]
)
ENTITIES = (
    b'<!DOCTYPE Queue [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    b"<Queue><DelaySeconds>&b;</DelaySeconds></Queue>"
)
EXTERNAL = (
    b'<!DOCTYPE Queue [<!ENTITY a SYSTEM "file:///etc/passwd">]><Message><MessageBody>&a;</MessageBody></Message>'
)
WHOLE = (
    b"<Queue><DelaySeconds>1</DelaySeconds></Queue>",
    b"<Message><MessageBody>aGVsbG8=</MessageBody><DelaySeconds>1</DelaySeconds><Priority>1</Priority></Message>",
    b"<Messages><Message><MessageBody>a</MessageBody></Message><Message><MessageBody>b</MessageBody></Message></Messages>",
    b"<ReceiptHandles><ReceiptHandle>1-a</ReceiptHandle></ReceiptHandles>",
    b"<Subscription><Endpoint>http://h/</Endpoint></Subscription>",
)
MUTATED = st.builds(
    lambda body, at, new: body[: at % len(body)] + new + body[at % len(body) + len(new) :],
    st.sampled_from(WHOLE), st.integers(0, 200), st.binary(min_size=1, max_size=3),
)  # fmt: skip
BODIES = st.one_of(
    DOCUMENTS,
    MUTATED,
    st.binary(max_size=60),
    st.integers(1, 4000).map(lambda depth: b"<Queue>" * depth + b"</Queue>" * depth),
    ENCODINGS.map(lambda name: f'<?xml version="1.0" encoding="{name}"?><Queue/>'.encode()),
    st.sampled_from(
        [ENTITIES, EXTERNAL, b"\xff\xfe<\x00Q\x00", b"<Queue>" + b"<a/>" * 20_001 + b"</Queue>", b"\0", b" "]
    ),
)
BODY_CALLS = st.sampled_from(
    [
        ("PUT", "/queues/q"), ("PUT", "/queues/new"), ("PUT", "/queues/q?metaoverride=true"), ("PUT", "/topics/new"),
        ("PUT", "/topics/t?metaoverride=true"), ("POST", "/queues/q/messages"), ("DELETE", "/queues/q/messages"),
        ("POST", "/topics/t/messages"), ("PUT", "/topics/t/subscriptions/new"),
        ("PUT", "/topics/t/subscriptions/s?metaoverride=true"), ("PUT", "/?accountmeta=true"),
    ]
)  # fmt: skip


FITTING = (
    ("POST", "/queues/q/messages", "Message", ("MessageBody", "DelaySeconds", "Priority")),
    ("POST", "/topics/t/messages", "Message", ("MessageBody", "MessageTag")),
    ("PUT", "/queues/q?metaoverride=true", "Queue", ("VisibilityTimeout", "MaximumMessageSize", "LoggingEnabled")),
    ("PUT", "/topics/t/subscriptions/new", "Subscription", ("Endpoint", "NotifyStrategy", "FilterTag")),
)
"""Elements that belong where they stand, so that only their values can be odd."""
FITTED = st.builds(
    lambda call, texts: (
        call[:2],
        f"<{call[2]}>{''.join(f'<{n}>{t}</{n}>' for n, t in zip(call[3], texts, strict=False))}</{call[2]}>".encode(),
    ),
    st.sampled_from(FITTING), st.tuples(TEXTS, TEXTS, TEXTS),
)  # fmt: skip


@settings(max_examples=500, deadline=None, derandomize=True)
@given(call=st.tuples(BODY_CALLS, BODIES) | FITTED)
def test_a_signed_request_with_an_odd_body_is_answered_or_refused_in_form(
    call: tuple[tuple[str, str], bytes],
) -> None:
    (method, target), body = call
    probe(method, target, body)


def test_no_entity_is_ever_read() -> None:
    for body in (ENTITIES, EXTERNAL):
        assert probe("POST", "/queues/q/messages", body) == (400, "MalformedXML")


def test_a_body_is_opaque_also_where_it_is_no_base64() -> None:
    for text in ("=bad=base64", base64.b64encode(b"\0\xff").decode(), "\u00e9"):
        assert (
            probe("POST", "/queues/q/messages", f"<Message><MessageBody>{text}</MessageBody></Message>".encode())[0]
            == 201
        )
