"""MNS as clients write it that cannot run here: their headers, digests, documents and queries, over one connection.

Each dialect is what a client's source says: header names and their case, the Content-Type on requests without a body,
which digest if any, how a document begins, how a receipt handle stands in the query.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from http.client import HTTPConnection
from typing import Literal
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from tests.contract.mns.conftest import MnsServer
from tests.contract.mns.worlds import ACCOUNT, signature

NAMESPACE = "{http://mns.aliyuncs.com/doc/v1/}"
FOREIGN = "1-ODU4OTkzNDU5My0xNDM1MTk3NjAwLTItNg=="
"""A handle as the real service gives them; not for a message here."""


@dataclass(frozen=True)
class Dialect:
    """How a client writes. `digest`: of Content-MD5; None: it sends none."""

    name: str
    content_type: str
    begins: str = ""
    namespace: str = ""
    digest: Literal["hexadecimal", "rfc"] | None = None
    bare_requests_too: bool = True
    """Whether requests without a body have the Content-Type, and the digest, as well."""
    escape: Callable[[str], str] = str
    case: Callable[[str], str] = str
    change: str = "ReceiptHandle={}&VisibilityTimeout={}"
    body: str = "{}"
    extra: tuple[tuple[str, str], ...] = ()
    chunked: bool = False

    def document(self, root: str, content: str) -> bytes:
        attribute = f' xmlns="{self.namespace}"' if self.namespace else ""
        return f"{self.begins}<{root}{attribute}>{content}</{root}>".encode()


def title(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


SLASHED, BARE = "http://mns.aliyuncs.com/doc/v1/", "http://mns.aliyuncs.com/doc/v1"
DIALECTS = (
    Dialect(  # aliyun-mns-go-sdk on fasthttp: no declaration, no namespace, canonical header names
        "Go", "application/xml", digest="hexadecimal", escape=lambda handle: quote(handle, safe=""), case=title
    ),
    Dialect(  # aliyun-mns-php-sdk on Guzzle
        "PHP", "text/xml", '<?xml version="1.0" encoding="UTF-8"?>\n', SLASHED,
        escape=lambda handle: quote(handle, safe=""), case=title,
    ),
    Dialect(  # aliyun-mns-java-sdk on Apache HttpAsyncClient
        "Java", "text/xml;charset=UTF-8", '<?xml version="1.0" encoding="UTF-8" standalone="no"?>', BARE,
        case=title, extra=(("x-mns-user-request-id", "4f1e-77"),), chunked=True,
    ),
    Dialect(  # .NET: XmlTextWriter begins with a byte order mark, ServicePointManager expects 100
        ".NET", "text/xml", '\ufeff<?xml version="1.0" encoding="utf-8"?>', BARE, case=title,
        extra=(("expect", "100-continue"),),
    ),
    Dialect(  # aliyun-mns-rs on reqwest: bodies in CDATA, lower-case header names
        "Rust", "application/xml", '<?xml version="1.0" encoding="UTF-8"?>', digest="hexadecimal",
        body="<![CDATA[{}]]>",
    ),
    Dialect(  # ali-mns from npm
        "Node", "text/xml;charset=utf-8", '<?xml version="1.0"?>', digest="rfc", bare_requests_too=False, case=title
    ),
    Dialect(  # pymns: the query as the reference spells it
        "pymns", "text/xml;charset=UTF-8", '<?xml version="1.0" encoding="UTF-8"?>\n', SLASHED,
        change="receiptHandle={}&visibilityTimeout={}",
    ),
    Dialect(  # a careful XML library: comment, processing instruction, prefix-free namespace
        "careful", "text/xml; charset=utf-8", '<?xml version="1.0"?>\n<!-- made by hand -->\n<?x y?>\n', SLASHED,
        digest="rfc", case=str.upper,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Answer:
    status: int
    location: str
    root: ElementTree.Element | None

    def text(self, name: str) -> str:
        assert self.root is not None
        found = self.root.find(f".//{NAMESPACE}{name}")
        return "" if found is None else found.text or ""

    def texts(self, name: str) -> list[str]:
        assert self.root is not None
        return [found.text or "" for found in self.root.iter(f"{NAMESPACE}{name}")]


class Speaker:
    """A client of one dialect on one connection that is kept."""

    def __init__(self, dialect: Dialect, port: int) -> None:
        self.dialect = dialect
        self.connection = HTTPConnection("127.0.0.1", port, timeout=20)

    def says(self, method: str, target: str, body: bytes = b"", **more: str) -> Answer:
        headers = {"host": "1234567890123456.mns.cn-hangzhou.aliyuncs.com", "date": formatdate(usegmt=True)}
        headers |= {"x-mns-version": "2015-06-06", **dict(self.dialect.extra)}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        if body or self.dialect.bare_requests_too:
            headers["content-type"] = self.dialect.content_type
            digest = hashlib.md5(body)
            digests = {"hexadecimal": digest.hexdigest().encode(), "rfc": digest.digest()}
            if self.dialect.digest is not None:
                headers["content-md5"] = base64.b64encode(digests[self.dialect.digest]).decode()
        signed = signature(method, target, headers, ACCOUNT.access_key_secret)
        headers["authorization"] = f"MNS {ACCOUNT.access_key_id}:{signed}"
        chunked = self.dialect.chunked and bool(body)
        headers |= {"transfer-encoding": "chunked"} if chunked else {"content-length": str(len(body))}
        self.connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            self.connection.putheader(self.dialect.case(name), value)
        self.connection.endheaders(body, encode_chunked=chunked)
        response = self.connection.getresponse()
        content = response.read()
        root = ElementTree.fromstring(content) if content else None
        return Answer(response.status, response.headers.get("location", ""), root)

    def message(self, body: str, more: str = "") -> str:
        return f"<MessageBody>{self.dialect.body.format(body)}</MessageBody>{more}"


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def client(request: pytest.FixtureRequest, server: MnsServer) -> Iterator[Speaker]:
    speaker = Speaker(request.param, server.served.port)
    yield speaker
    speaker.connection.close()


def test_a_queue_is_worked_with_in_every_dialect(client: Speaker) -> None:
    says, dialect = client.says, client.dialect
    queue = dialect.document("Queue", "<VisibilityTimeout>40</VisibilityTimeout><LoggingEnabled>true</LoggingEnabled>")
    made, found = says("PUT", "/queues/jobs", queue), says("PUT", "/queues/jobs", queue)
    other = says("PUT", "/queues/jobs", dialect.document("Queue", "<DelaySeconds>1</DelaySeconds>"))
    assert (made.status, found.status, made.location == found.location != "") == (201, 204, True)
    assert (other.status, other.text("Code")) == (409, "QueueAlreadyExist")
    wanted = "<PollingWaitSeconds>0</PollingWaitSeconds>"
    assert says("PUT", "/queues/jobs?metaoverride=true", dialect.document("Queue", wanted)).status == 204
    assert says("GET", "/queues/jobs").text("VisibilityTimeout") == "40"
    assert says("GET", "/queues", x_mns_prefix="jo", x_mns_ret_number="1").texts("QueueURL") == [made.location]

    body = client.message("aGVsbG8=", "<DelaySeconds>0</DelaySeconds><Priority>8</Priority>")
    sent = says("POST", "/queues/jobs/messages", dialect.document("Message", body))
    batch = "".join(f"<Message>{client.message(text)}</Message>" for text in ("b", "c"))
    several = says("POST", "/queues/jobs/messages", dialect.document("Messages", batch))
    assert (sent.status, sent.text("MessageBodyMD5")) == (201, hashlib.md5(b"aGVsbG8=").hexdigest().upper())
    assert (several.status, len(several.texts("MessageId"))) == (201, 2)

    assert says("GET", "/queues/jobs/messages?peekonly=true").text("MessageBody") == "aGVsbG8="
    assert says("GET", "/queues/jobs/messages?numOfMessages=16&peekonly=true").texts("MessageBody")[1:] == ["b", "c"]
    received = says("GET", "/queues/jobs/messages?waitseconds=1")
    handle = dialect.escape(received.text("ReceiptHandle"))
    changed = says("PUT", "/queues/jobs/messages?" + dialect.change.format(handle, 50))
    stale = says("DELETE", f"/queues/jobs/messages?ReceiptHandle={handle}")
    handle = dialect.escape(changed.text("ReceiptHandle"))
    deleted = says("DELETE", f"/queues/jobs/messages?ReceiptHandle={handle}")
    assert (received.text("MessageBody"), changed.status, deleted.status) == ("aGVsbG8=", 200, 204)
    assert (stale.status, stale.text("Code")) == (404, "MessageNotExist")

    rest = says("GET", "/queues/jobs/messages?numOfMessages=16&waitseconds=1").texts("ReceiptHandle")
    handles = "".join(f"<ReceiptHandle>{handle}</ReceiptHandle>" for handle in [*rest, FOREIGN])
    failed = says("DELETE", "/queues/jobs/messages", dialect.document("ReceiptHandles", handles))
    empty = says("GET", "/queues/jobs/messages")
    assert (failed.status, failed.texts("ReceiptHandle")) == (404, [FOREIGN])
    assert (len(rest), empty.status, empty.text("Code")) == (2, 404, "MessageNotExist")
    assert says("DELETE", "/queues/jobs").status == says("DELETE", "/queues/jobs").status == 204


def test_a_topic_is_worked_with_in_every_dialect(client: Speaker) -> None:
    says, dialect = client.says, client.dialect
    says("PUT", "/queues/jobs", dialect.document("Queue", ""))
    assert says("PUT", "/topics/t", dialect.document("Topic", "<LoggingEnabled>True</LoggingEnabled>")).status == 201
    size = dialect.document("Topic", "<MaximumMessageSize>2048</MaximumMessageSize>")
    assert says("PUT", "/topics/t?metaoverride=true", size).status == 204
    attributes = says("GET", "/topics/t")
    assert (attributes.text("MaximumMessageSize"), attributes.text("LoggingEnabled")) == ("2048", "True")

    endpoint = f"acs:mns:{ACCOUNT.region}:{ACCOUNT.account_id}:queues/jobs"
    wanted = f"<Endpoint>{endpoint}</Endpoint><NotifyContentFormat>SIMPLIFIED</NotifyContentFormat>"
    made = says("PUT", "/topics/t/subscriptions/s", dialect.document("Subscription", wanted))
    strategy = dialect.document("Subscription", "<NotifyStrategy>EXPONENTIAL_DECAY_RETRY</NotifyStrategy>")
    assert (made.status, made.location.endswith("/topics/t/subscriptions/s")) == (201, True)
    assert says("PUT", "/topics/t/subscriptions/s?metaoverride=true", strategy).status == 204
    assert says("GET", "/topics/t/subscriptions/s").text("NotifyStrategy") == "EXPONENTIAL_DECAY_RETRY"
    assert says("GET", "/topics/t/subscriptions", x_mns_ret_number="1").texts("SubscriptionURL") == [made.location]

    attributes_of_mail = '<MessageAttributes><DirectMail>{"Subject":"s"}</DirectMail></MessageAttributes>'
    published = says(
        "POST", "/topics/t/messages", dialect.document("Message", client.message("news", attributes_of_mail))
    )
    assert (published.status, says("GET", "/queues/jobs/messages").text("MessageBody")) == (201, "news")
    assert says("DELETE", "/topics/t/subscriptions/s").status == says("DELETE", "/topics/t").status == 204
    gone = says("GET", "/topics/t")
    assert (gone.status, gone.text("Code")) == (404, "TopicNotExist")
