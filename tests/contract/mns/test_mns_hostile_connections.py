"""Requests that are broken, over a real socket: never a hang; a refusal in form, or the connection's end; and then on.

What HTTP can read is answered by an error document of MNS, and the connection goes on. What it cannot read is a 400 in
plain text (414 or 431 if too long), and the connection ends. What is not whole is ended with the client.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate
from xml.etree import ElementTree

import pytest

from tests.contract.mns.conftest import MnsServer
from tests.contract.mns.worlds import ACCOUNT, signature

NAMESPACE = "{http://mns.aliyuncs.com/doc/v1/}"
SILENCE_SECONDS_MAX = 10.0
"""Longer than any of these takes by far: a hang is what is looked for, no speed."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """Of the error document, whose four elements are there."""
        found = {child.tag.removeprefix(NAMESPACE): child.text or "" for child in ElementTree.fromstring(self.body)}
        assert list(found) == ["Code", "Message", "RequestId", "HostId"]
        return found["Code"]


class Connection:
    """A socket, and what has come over it that nobody has read."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), SILENCE_SECONDS_MAX)
        self._rest = b""

    def send(self, content: bytes) -> None:
        with suppress(ConnectionError):  # it has hung up already; what it said before can still be read
            self.socket.sendall(content)

    def answer(self) -> Answer | None:
        """The next answer; None when the connection has ended. Raises TimeoutError when nothing comes."""
        while b"\r\n\r\n" not in self._rest:
            if not self._more():
                return None
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(self._rest) < length:
            assert self._more(), "an answer was cut"
        body, self._rest = self._rest[:length], self._rest[length:]
        return Answer(int(status.split(" ")[1]), headers, body)

    def _more(self) -> bool:
        try:
            part = self.socket.recv(65_536)
        except ConnectionError:
            part = b""
        self._rest += part
        return bool(part)


@contextmanager
def connected(server: MnsServer) -> Iterator[Connection]:
    connection = Connection(server.served.port)
    try:
        yield connection
    finally:
        connection.socket.close()


def signed(method: str, target: str, body: bytes = b"", extra: dict[str, str] | None = None) -> bytes:
    headers = {"host": "h", "date": formatdate(usegmt=True), "x-mns-version": "2015-06-06", **(extra or {})}
    headers["authorization"] = f"MNS {ACCOUNT.access_key_id}:" + signature(
        method, target, headers, ACCOUNT.access_key_secret
    )
    headers.setdefault("content-length", str(len(body)))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


GOOD = signed("GET", "/queues")


@pytest.mark.parametrize(
    ("request_bytes", "code"),
    [
        (signed("PATCH", "/queues/q"), "NotImplemented"),
        (signed("GET", "/queues/%ff%00"), "QueueNotExist"),
        (signed("GET", "/" + "a/" * 4_000), "InvalidRequestURL"),
        (signed("GET", "/queues?" + "x" * 9_000), "InvalidQueryString"),
        (signed("PUT", "/queues/" + "q" * 5_000), "QueueNameLengthError"),
        (signed("PUT", "/queues/q", b"\0" * 999), "MalformedXML"),
        (signed("PUT", "/queues/q", b"<Queue>" * 9_999), "MalformedXML"),
        (signed("PUT", "/queues/q", b"x" * 1_048_577), "InvalidArgument"),
        (signed("GET", "/queues", extra={"x-mns-ret-number": "9" * 500}), "InvalidArgument"),
        (signed("GET", "/queues", extra={"x-mns-marker": "!" * 500}), "InvalidArgument"),
        (GOOD.replace(b"MNS ", b"MNS \xff"), "InvalidAccessKeyId"),
        (GOOD.replace(b"MNS ", b"\xffMNS "), "InvalidAuthorizationHeader"),
        (GOOD.replace(b"2015-06-06", b"2015-06-07"), "InvalidArgument"),
        (GOOD.replace(b" GMT", b"\xff"), "InvalidDateHeader"),
        (b"GET / HTTP/1.1\r\n\r\n", "MissingAuthorizationHeader"),
        (b"GET http://else.where:1/queues HTTP/1.1\r\nauthorization: MNS a:b\r\n\r\n", "MissingVersionHeader"),
        (b"DELETE * HTTP/1.1\r\nx-mns-version: 1\r\n\r\n", "MissingAuthorizationHeader"),
    ],
)
def test_what_http_can_read_is_refused_in_form_and_the_connection_goes_on(
    server: MnsServer, request_bytes: bytes, code: str
) -> None:
    with connected(server) as connection:
        connection.send(request_bytes)
        refused = connection.answer()
        connection.send(GOOD)
        after = connection.answer()

    assert refused is not None
    assert refused.code == code
    assert refused.headers["connection"] == "keep-alive"
    assert after is not None
    assert after.status == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET /queues HTTP/9.9\r\n\r\n",
        b"BREW /queues HTTP/1.1\r\n\r\n",
        b"GET /queues HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /queues HTTP/1.1\r\nhost: a\r\n b: folded\x00\r\n\r\n",
        GOOD.replace(b"content-length: 0", b"content-length: -1"),
        GOOD.replace(b"content-length: 0", b"content-length: 0\r\ncontent-length: 5"),
        GOOD.replace(b"content-length: 0", b"content-length: 9\r\ntransfer-encoding: chunked") + b"0\r\n\r\n",
        GOOD.replace(b"content-length: 0", b"transfer-encoding: chunked") + b"zz\r\n",
        signed("GET", "/" + "a" * 300_000),
        signed("GET", "/queues", extra={"x-mns-prefix": "a" * 300_000}),
    ],
)
def test_what_http_cannot_read_is_refused_and_the_end_of_the_connection(
    server: MnsServer, request_bytes: bytes
) -> None:
    with connected(server) as connection:
        connection.send(request_bytes)
        refused = connection.answer()
        end = connection.answer()

    is_large = len(request_bytes) > 65_536  # refused before it is read: the answer may be lost with the rest of it
    assert refused is not None or is_large
    assert refused is None or refused.status in ({414, 431} if is_large else {400})
    assert end is None


@pytest.mark.parametrize("cut", [1, 30, -1])
def test_what_is_not_whole_ends_with_the_client_and_has_no_effect(server: MnsServer, cut: int) -> None:
    whole = signed("PUT", "/queues/half", b"<Queue></Queue>")

    with connected(server) as connection:
        connection.send(whole[:cut])
        connection.socket.shutdown(socket.SHUT_WR)
        end = connection.answer()

    assert end is None
    assert server.served.call(lambda: server.service.queues()[0]) == []


def test_requests_that_come_all_at_once_are_answered_in_their_order(server: MnsServer) -> None:
    put = b"".join(signed("PUT", f"/queues/{name}") for name in ("-", "a", "a"))

    with connected(server) as connection:
        connection.send(put + signed("GET", "/queues/none") + GOOD)
        answers = [connection.answer() for _ in range(5)]

    assert [answer.status if answer else None for answer in answers] == [400, 201, 204, 404, 200]


def mangled(chance: random.Random) -> bytes:
    """A signed request with some bytes changed, taken away or put in."""
    whole = bytearray(
        chance.choice(
            [
                signed("PUT", "/queues/new", b"<Queue><DelaySeconds>1</DelaySeconds></Queue>"),
                signed("POST", "/queues/q/messages", b"<Message><MessageBody>a</MessageBody></Message>"),
                signed("GET", "/queues/q/messages?numOfMessages=16"),
                signed("DELETE", "/queues/q/messages?ReceiptHandle=1-a=="),
                GOOD,
            ]
        )
    )
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(whole))
        match chance.randrange(3):
            case 0:
                whole[at] = chance.randrange(256)
            case 1:
                del whole[at : at + chance.randint(1, 9)]
            case _:
                whole[at:at] = chance.randbytes(chance.randint(1, 9))
        if not whole:
            break
    return bytes(whole)


def test_no_mangled_request_whatsoever_hangs_the_server_or_is_answered_out_of_form(server: MnsServer) -> None:
    chance = random.Random(20_261_125)
    server.served.call(lambda: server.service.create_queue("q"))
    read, refused = 0, 0
    for _ in range(300):
        with connected(server) as connection:
            connection.send(mangled(chance))
            connection.socket.shutdown(socket.SHUT_WR)
            while (answer := connection.answer()) is not None:
                read += 1
                if answer.status >= 400 and answer.headers["content-type"].startswith("text/xml"):
                    refused += 1
                    assert answer.code != "InternalError"

    with connected(server) as connection:
        connection.send(GOOD)
        after = connection.answer()

    assert after is not None
    assert after.status == 200
    assert read > refused > 20
