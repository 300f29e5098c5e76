"""MNS requests on the wire: who is let in, what is asked for, how it is answered."""

from __future__ import annotations

import base64
import hashlib
import re
from email.utils import formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.account import Account
from localcloud.clock import ManualClock
from localcloud.http import Refusal, Request
from localcloud.mns.api import MnsEndpoint
from localcloud.mns.errors import MnsError
from localcloud.mns.operations import OPERATIONS, RECEIVES
from localcloud.mns.routes import OPERATIONS as ROUTED
from localcloud.mns.routes import OVERRIDES, route
from localcloud.mns.values import Outgoing
from tests.contract.mns.worlds import ACCOUNT, MnsWorld, signature

CODE = re.compile(rb"<Code>([^<]*)</Code>")


@pytest.fixture
def world() -> MnsWorld:
    return MnsWorld()


def answer(world: MnsWorld, request: Request, endpoint: MnsEndpoint | None = None) -> tuple[int, str]:
    """Status and error code ("" without one)."""
    # No operation here waits: the coroutine ends at its first step.
    coroutine = (endpoint or world.endpoint).handle(request)
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    response = stopped.value.value
    code = CODE.search(response.body)
    return response.status, code.group(1).decode() if code else ""


def test_a_signed_request_is_let_in(world: MnsWorld) -> None:
    assert answer(world, world.request("GET", "/queues/q")) == (200, "")


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"authorization": ""}, (400, "MissingAuthorizationHeader")),
        ({"authorization": "Basic abc"}, (400, "InvalidAuthorizationHeader")),
        ({"authorization": "MNS abc"}, (400, "InvalidAuthorizationHeader")),
        ({"authorization": "MNS a:b:c"}, (400, "InvalidAuthorizationHeader")),
        ({"authorization": f"MNS {ACCOUNT.access_key_id}:d3Jvbmc="}, (403, "SignatureDoesNotMatch")),
        ({"authorization": "MNS nobody:d3Jvbmc="}, (403, "InvalidAccessKeyId")),
        ({"x-mns-version": ""}, (400, "MissingVersionHeader")),
        ({"x-mns-version": "2014-01-01"}, (400, "InvalidArgument")),
        ({"date": ""}, (400, "MissingDateHeader")),
        ({"date": "yesterday"}, (400, "InvalidDateHeader")),
        ({"date": "Wed, 99 Foo 2026 99:99:99 GMT"}, (400, "InvalidDateHeader")),
        ({"date": "Fri, 31 Dec 9999 23:59:59 -2359"}, (408, "TimeExpired")),
        ({"security-token": "forged"}, (403, "AccessDenied")),
        ({"content-md5": "d3Jvbmc="}, (400, "InvalidDegist")),
    ],
)
def test_a_request_with_a_wrong_header_is_refused_with_its_own_code(
    world: MnsWorld, headers: dict[str, str], refusal: tuple[int, str]
) -> None:
    assert answer(world, world.request("GET", "/queues/q", headers=headers)) == refusal


@pytest.mark.parametrize(("seconds", "status"), [(0, 200), (900, 200), (-900, 200), (901, 408), (-901, 408)])
def test_a_date_may_be_fifteen_minutes_off(world: MnsWorld, seconds: int, status: int) -> None:
    date = formatdate(world.now_ms / 1000 + seconds, usegmt=True)

    assert answer(world, world.request("GET", "/queues/q", headers={"date": date}))[0] == status


def test_the_date_may_be_measured_by_another_clock(world: MnsWorld) -> None:
    callers = ManualClock(world.now_ms + 86_400_000)
    endpoint = MnsEndpoint(world.service, account=ACCOUNT, ids=world.ids, date_clock=callers)
    date = formatdate(callers.now_ms() / 1000, usegmt=True)

    there = answer(world, world.request("GET", "/queues/q", headers={"date": date}), endpoint)
    here = answer(world, world.request("GET", "/queues/q"), endpoint)

    assert (there, here) == ((200, ""), (408, "TimeExpired"))


def test_x_mns_date_can_stand_in_for_date(world: MnsWorld) -> None:
    now = formatdate(world.now_ms / 1000, usegmt=True)

    assert answer(world, world.request("GET", "/queues/q", headers={"date": "", "x-mns-date": now})) == (200, "")
    assert answer(world, world.request("GET", "/queues/q", headers={"x-mns-date": now})) == (200, "")


def test_everything_that_is_signed_matters(world: MnsWorld) -> None:
    good = world.request("DELETE", "/queues/q/messages?ReceiptHandle=1-a", b"", {"x-mns-user-request-id": "mine"})
    headers = dict(good.headers)
    changed = [
        Request("PUT", good.path, good.query, headers, b"", world.now_ms),
        Request("DELETE", "/queues/r/messages", good.query, headers, b"", world.now_ms),
        Request("DELETE", good.path, "ReceiptHandle=1-b", headers, b"", world.now_ms),
        Request("DELETE", good.path, good.query, {**headers, "x-mns-user-request-id": "yours"}, b"", world.now_ms),
        Request("DELETE", good.path, good.query, {**headers, "content-type": "text/plain"}, b"", world.now_ms),
    ]

    assert answer(world, good) == (400, "ReceiptHandleError")
    assert [answer(world, request)[1] for request in changed] == ["SignatureDoesNotMatch"] * 5


def test_a_known_security_token_is_accepted(world: MnsWorld) -> None:
    account = Account(security_token="token")
    endpoint = MnsEndpoint(world.service, account=account, ids=world.ids)

    with_token = answer(world, world.request("GET", "/queues/q", headers={"security-token": "token"}), endpoint)
    without = answer(world, world.request("GET", "/queues/q"), endpoint)

    assert with_token == without == (200, "")


def test_without_the_check_nobody_has_to_sign(world: MnsWorld) -> None:
    endpoint = MnsEndpoint(world.service, account=ACCOUNT, ids=world.ids, checks_signature=False)

    assert answer(world, Request("GET", "/queues/q", "", {}, b"", 0), endpoint) == (200, "")


@pytest.mark.parametrize("spelling", ["hexadecimal", "rfc"])
def test_the_digest_may_be_spelled_as_the_sdks_do_or_as_the_rfc_says(world: MnsWorld, spelling: str) -> None:
    body = b"<Message><MessageBody>a</MessageBody></Message>"
    digest = hashlib.md5(body)
    content = digest.hexdigest().encode() if spelling == "hexadecimal" else digest.digest()
    headers = {"content-md5": base64.b64encode(content).decode()}

    assert answer(world, world.request("POST", "/queues/q/messages", body, headers)) == (201, "")
    assert answer(world, world.request("POST", "/queues/q/messages", body + b" ", headers))[1] == "InvalidDegist"


@pytest.mark.parametrize(
    ("method", "target", "body", "operation"),
    [
        ("PUT", "/queues/q", b"", "CreateQueue"),
        ("PUT", "/queues/q?metaoverride=true", b"", "SetQueueAttributes"),
        ("PUT", "/queues/q?metaoverride=false", b"", "CreateQueue"),
        ("GET", "/queues/q", b"", "GetQueueAttributes"),
        ("GET", "/queues", b"", "ListQueue"),
        ("DELETE", "/queues/q", b"", "DeleteQueue"),
        ("POST", "/queues/q/messages", b"<Message/>", "SendMessage"),
        ("POST", "/queues/q/messages", b"<Message><a><Messages/></a></Message>", "SendMessage"),
        ("POST", "/queues/q/messages", b'<?xml version="1.0"?>\n<Messages xmlns="x">', "BatchSendMessage"),
        ("POST", "/queues/q/messages", b"<ns:Messages>", "BatchSendMessage"),
        ("POST", "/queues/q/messages", b"<!-- b -->\n<Messages/>", "BatchSendMessage"),
        (
            "POST",
            "/queues/q/messages",
            b'<?xml version="1.0"?><?p a?><!-- <Message> --><Messages/>',
            "BatchSendMessage",
        ),
        ("POST", "/queues/q/messages", b"<?p ><Messages >?><Message/>", "SendMessage"),
        ("POST", "/queues/q/messages", "<Messages/>".encode("utf-16"), "BatchSendMessage"),
        ("POST", "/queues/q/messages", "<Messages/>".encode("utf-16-be"), "BatchSendMessage"),
        ("POST", "/queues/q/messages", "<Message/>".encode("utf-16"), "SendMessage"),
        ("POST", "/queues/q/messages", b"<!DOCTYPE Message><Messages/>", "BatchSendMessage"),
        ("POST", "/queues/q/messages", b'<?xml version="1.0" encoding="idna"?> <!-- --><Messages/>', "SendMessage"),
        ("POST", "/queues/q/messages", b"<!-- no root -->", "SendMessage"),
        ("GET", "/queues/q/messages", b"", "ReceiveMessage"),
        ("GET", "/queues/q/messages?waitseconds=0", b"", "ReceiveMessage"),
        ("GET", "/queues/q/messages?numOfMessages=16&waitseconds=30", b"", "BatchReceiveMessage"),
        ("GET", "/queues/q/messages?peekonly=true", b"", "PeekMessage"),
        ("GET", "/queues/q/messages?numOfMessages=2&peekonly=true", b"", "BatchPeekMessage"),
        ("DELETE", "/queues/q/messages?ReceiptHandle=1-a==", b"", "DeleteMessage"),
        ("DELETE", "/queues/q/messages", b"", "DeleteMessage"),
        ("DELETE", "/queues/q/messages", b"<ReceiptHandles/>", "BatchDeleteMessage"),
        ("PUT", "/queues/q/messages?ReceiptHandle=a&VisibilityTimeout=0", b"", "ChangeMessageVisibility"),
        ("PUT", "/queues/q/messages?receiptHandle=a&visibilityTimeout=0", b"", "ChangeMessageVisibility"),
        ("PUT", "/topics/t", b"", "CreateTopic"),
        ("PUT", "/topics/t?metaoverride=true", b"", "SetTopicAttributes"),
        ("GET", "/topics/t", b"", "GetTopicAttributes"),
        ("GET", "/topics", b"", "ListTopic"),
        ("DELETE", "/topics/t", b"", "DeleteTopic"),
        ("POST", "/topics/t/messages", b"", "PublishMessage"),
        ("PUT", "/topics/t/subscriptions/s", b"", "Subscribe"),
        ("PUT", "/topics/t/subscriptions/s?metaoverride=true", b"", "SetSubscriptionAttributes"),
        ("GET", "/topics/t/subscriptions/s", b"", "GetSubscriptionAttributes"),
        ("GET", "/topics/t/subscriptions", b"", "ListSubscriptionByTopic"),
        ("DELETE", "/topics/t/subscriptions/s", b"", "Unsubscribe"),
        ("GET", "/?accountmeta=true", b"", "GetAccountAttributes"),
        ("PUT", "/?accountmeta=true", b"", "SetAccountAttributes"),
        ("POST", "/commonbuy/openservice", b"", "OpenService"),
        ("PATCH", "/queues/q", b"", "Unknown"),
        ("GET", "/nothing", b"", "Unknown"),
        ("GET", "/", b"", "Unknown"),
    ],
)
def test_each_request_has_its_operation(world: MnsWorld, method: str, target: str, body: bytes, operation: str) -> None:
    assert world.endpoint.operation(world.request(method, target, body)) == operation


@pytest.mark.parametrize("before", ["", "<!-- two -->", "<?p a?>\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_batch_is_one_whatever_precedes_its_root_and_however_it_is_encoded(
    world: MnsWorld, before: str, encoding: str
) -> None:
    texts = "".join(f"<Message><MessageBody>{text}</MessageBody></Message>" for text in ("one", "zw\u00f6lf"))
    document = f"{before}<Messages>{texts}</Messages>".encode(encoding)

    response = world.ask("POST", "/queues/q/messages", document)

    assert (response.status, world.bodies()) == (201, ["one", "zw\u00f6lf"])


def test_every_operation_that_can_be_named_is_offered() -> None:
    batches = {"BatchSendMessage", "BatchReceiveMessage", "BatchPeekMessage", "PeekMessage", "BatchDeleteMessage"}

    assert set(OPERATIONS) | set(RECEIVES) == set(ROUTED.values()) | set(OVERRIDES.values()) | batches


@pytest.mark.parametrize(
    ("method", "target", "refusal"),
    [
        ("PATCH", "/queues/q", (501, "NotImplemented")),
        ("POST", "/topics/t/subscriptions/s", (501, "NotImplemented")),
        ("GET", "/nothing", (400, "InvalidRequestURL")),
        ("GET", "/", (400, "InvalidRequestURL")),
        ("GET", "/queues/q/messages/x", (400, "InvalidRequestURL")),
        ("GET", "/queues//messages", (400, "InvalidRequestURL")),
        ("GET", "/queues/q?colour=red", (400, "InvalidQueryString")),
        ("GET", "/queues/q/messages?waitseconds=1&waitseconds=2", (400, "InvalidQueryString")),
        ("GET", "/queues/q/messages?waitseconds=x", (400, "InvalidArgument")),
        ("GET", "/queues/q/messages?waitseconds=-1", (400, "InvalidArgument")),
        ("GET", "/queues/q/messages?numOfMessages=", (400, "InvalidArgument")),
        ("GET", "/queues/q/messages?numOfMessages=0", (400, "InvalidArgument")),
        ("DELETE", "/queues/q/messages", (400, "MissingReceiptHandle")),
        ("PUT", "/queues/q/messages?VisibilityTimeout=1", (400, "MissingReceiptHandle")),
        ("PUT", "/queues/q/messages?ReceiptHandle=1-a", (400, "MissingVisibilityTimeout")),
        ("GET", "/queues/none", (404, "QueueNotExist")),
        ("PUT", "/queues/-bad", (400, "InvalidQueueName")),
        ("PUT", "/topics/" + "x" * 121, (400, "TopicNameLengthError")),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_code(
    world: MnsWorld, method: str, target: str, refusal: tuple[int, str]
) -> None:
    assert answer(world, world.request(method, target)) == refusal


def test_what_is_not_offered_is_refused_by_name(world: MnsWorld) -> None:
    response = world.ask("PATCH", "/queues/q/messages")

    assert response.status == 501
    assert b"<Message>The local cloud does not offer PATCH of queue messages.</Message>" in response.body


@pytest.mark.parametrize("escape", [lambda handle: handle, lambda handle: handle.replace("=", "%3D")])
def test_a_handle_may_stand_in_the_url_as_it_is_or_percent_encoded(world: MnsWorld, escape: object) -> None:
    world.send("a")
    delivery = world.service.receive("q")
    assert delivery is not None
    assert "=" in delivery.receipt_handle
    handle = escape(delivery.receipt_handle)  # type: ignore[operator]

    assert answer(world, world.request("DELETE", f"/queues/q/messages?ReceiptHandle={handle}")) == (204, "")


def test_headers_are_spelled_as_the_sdk_looks_for_them(world: MnsWorld) -> None:
    response = world.ask("PUT", "/queues/jobs")

    assert response.status == 201
    assert [name for name, _ in response.headers] == ["Content-Type", "x-mns-request-id", "x-mns-version", "Location"]
    headers = dict(response.headers)
    assert headers["Content-Type"] == "text/xml;charset=utf-8"
    assert re.fullmatch(r"[0-9A-F]{24}", headers["x-mns-request-id"])
    assert headers["Location"] == "http://127.0.0.1:7150/queues/jobs"


def test_with_meta_a_list_carries_the_attributes(world: MnsWorld) -> None:
    world.send("a")

    plain = world.ask("GET", "/queues").body
    with_meta = world.ask("GET", "/queues", headers={"x-mns-with-meta": "true"}).body

    assert b"<QueueURL>http://127.0.0.1:7150/queues/q</QueueURL></Queue></Queues>" in plain
    assert b"<ActiveMessages>1</ActiveMessages>" in with_meta
    assert b"NextMarker" not in plain


@pytest.mark.parametrize(
    ("content", "bucket"),
    [("", "kept"), ("<TraceEnabled>1</TraceEnabled>", "kept"), ("<LoggingBucket/>", ""),
     ("<LoggingBucket></LoggingBucket>", ""), ("<LoggingBucket> new </LoggingBucket>", "new")],
)  # fmt: skip
def test_an_account_keeps_its_bucket_unless_one_is_named_if_only_by_an_empty_element(
    world: MnsWorld, content: str, bucket: str
) -> None:
    world.service.set_logging_bucket("kept")

    response = world.ask("PUT", "/?accountmeta=true", f"<Account>{content}</Account>".encode())

    assert (response.status, world.service.logging_bucket) == (204, bucket)


@pytest.mark.parametrize(
    "content", ["<Colour/>", "<LoggingBucket>a</LoggingBucket><LoggingBucket>b</LoggingBucket>", "<Bucket>a</Bucket>"]
)
def test_an_account_document_that_does_not_fit_changes_nothing(world: MnsWorld, content: str) -> None:
    request = world.request("PUT", "/?accountmeta=true", f"<Account>{content}</Account>".encode())

    assert answer(world, request) == (400, "InvalidArgument")
    assert world.service.logging_bucket == ""


def test_times_of_queues_are_seconds_and_times_of_messages_milliseconds(world: MnsWorld) -> None:
    world.service.send("q", Outgoing("a"))

    queue, message = world.ask("GET", "/queues/q").body, world.ask("GET", "/queues/q/messages").body

    assert f"<CreateTime>{world.now_ms // 1000}</CreateTime>".encode() in queue
    assert f"<EnqueueTime>{world.now_ms}</EnqueueTime>".encode() in message
    assert f"<NextVisibleTime>{world.now_ms + 30_000}</NextVisibleTime>".encode() in message


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (Refusal(), (500, b"InternalError")),
        (Refusal(throttle=True), (429, b"TooManyRequests")),
        (Refusal(code="QpsLimitExceeded", throttle=True), (403, b"QpsLimitExceeded")),
        (Refusal(code="MadeUp", status=418, message="tea"), (418, b"MadeUp")),
    ],
)
def test_an_ordered_error_is_said_in_the_protocols_words(
    world: MnsWorld, refusal: Refusal, said: tuple[int, bytes]
) -> None:
    response = world.endpoint.refuse(world.request("GET", "/queues/q"), refusal)

    assert (response.status, CODE.findall(response.body)) == (said[0], [said[1]])


TARGET = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60).map(lambda text: "/" + text)
HEADER = st.text(st.characters(max_codepoint=255), max_size=40)


@settings(max_examples=300, deadline=None)
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"]),
    target=st.one_of(TARGET, TARGET.map(lambda text: "/queues/q/messages?" + text[1:])),
    headers=st.dictionaries(
        st.sampled_from(["authorization", "date", "content-md5", "x-mns-version", "x-mns-ret-number", "host"]), HEADER
    ),
    body=st.binary(max_size=40),
)
def test_no_request_whatsoever_crashes_the_endpoint(
    method: str, target: str, headers: dict[str, str], body: bytes
) -> None:
    world = MnsWorld()
    path, _, query = target.partition("?")
    signed = {"host": "h", "date": formatdate(world.now_ms / 1000, usegmt=True), "x-mns-version": "2015-06-06"}
    signed["authorization"] = f"MNS {ACCOUNT.access_key_id}:" + signature(
        method, target, signed, ACCOUNT.access_key_secret
    )

    for sent in (headers, signed):
        status, code = answer(world, Request(method, path, query, sent, body, world.now_ms))
        assert code or status in (200, 201, 204)


def test_the_router_refuses_with_errors_of_mns_only() -> None:
    with pytest.raises(MnsError):
        route(Request("GET", "/%ff", "", {}, b"", 0))
