"""Broken requests over real connections: always an answer in form, or a closed connection; never a hang."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from random import Random
from typing import BinaryIO, NamedTuple

import pytest

from localcloud.http import Request
from localcloud.tablestore.messages import messages
from tests.contract.tablestore.worlds import ONE_KEY, TablestoreServer, TablestoreWorld, running
from tests.wire.tablestore_messages import requests

ROUNDS = 60
"""Connections of each kind of damage; the numbers are their seeds."""
SECONDS_MAX = 10
"""Of silence, after which a test fails."""
HTTP_ERRORS = {400, 413, 414, 431, 501}
VALUES = ["", " ", "0", "-1", "é", "x" * 5000, "2015-12-31T00:00:00.000Z", "2015-12-32T00:00:00.000Z", "\t,;="]


class Answer(NamedTuple):
    """What came back on a connection."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(scope="module")
def served() -> Iterator[TablestoreServer]:
    with running() as server:
        server.served.call(lambda: server.service.create_table(ONE_KEY))
        yield server


@pytest.fixture
def signer(served: TablestoreServer) -> TablestoreWorld:
    """Its clock shows the server's time, so that what it signs is let in."""
    world = TablestoreWorld()
    world.timeline.advance_to(served.served.call(served.clock.now_ms))
    return world


@pytest.fixture
def connection(served: TablestoreServer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.served.port), timeout=SECONDS_MAX) as opened:
        yield opened


def raw(request: Request) -> bytes:
    lines = [f"{request.method} {request.path} HTTP/1.1", "Host: x", f"Content-Length: {len(request.body)}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + request.body


def read(answers: BinaryIO) -> Answer | None:
    """The next answer; None when the connection was closed before one."""
    first = answers.readline()
    if not first:
        return None
    lines = iter(answers.readline, b"\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.decode().partition(":") for line in lines)}
    length = int(headers["content-length"])
    body = answers.read(length)
    assert len(body) == length, "closed in the middle of an answer"
    return Answer(int(first.split()[1]), headers, body)


def in_form(answer: Answer) -> None:
    """An answer of the operation, or the protocol's error document."""
    assert answer.headers["x-ots-requestid"]
    if answer.status == 200:
        return
    error = messages().table.Error.FromString(answer.body)
    assert (answer.status in {400, 403, 404, 405, 409, 413}, bool(error.code), bool(error.message)) == (True,) * 3


def damaged_message(lots: Random, signer: TablestoreWorld) -> Request:
    """Signed rightly; the message has bytes changed, cut off or added."""
    operation, message = lots.choice(list(requests().items()))
    body = bytearray(message.SerializeToString())
    for _ in range(lots.choice([1, 1, 2, 5])):
        at = lots.randrange(len(body) + 1)
        body[at : at + lots.randrange(4)] = lots.randbytes(lots.randrange(4))
    return signer.request(operation, bytes(body))


def damaged_headers(lots: Random, signer: TablestoreWorld) -> Request:
    """A header is away, or says something else; or the path or the method is another one."""
    operation, message = lots.choice(list(requests().items()))
    request = signer.request(operation, message.SerializeToString())
    headers = dict(request.headers)
    path, method = request.path, request.method
    match lots.randrange(4):
        case 0:
            del headers[lots.choice(list(headers))]
        case 1:
            headers[lots.choice(list(headers))] = lots.choice(VALUES)
        case 2:
            path = "/" + "".join(lots.choice("GetRow/.%?&x0") for _ in range(lots.randrange(12)))
        case _:
            method = lots.choice(["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
    return Request(method, path, "", headers, request.body, request.received_ms)


def broken_http(lots: Random, whole: bytes) -> bytes:
    """What is no HTTP, or not any more."""
    head, _, body = whole.partition(b"\r\n\r\n")
    length = f"Content-Length: {len(body)}".encode()
    return lots.choice(
        [
            lots.randbytes(lots.randrange(1, 80)) + b"\r\n\r\n",
            whole.replace(b"HTTP/1.1", lots.choice([b"HTTP/9.9", b"HTP/1.1", b""]), 1),
            whole.replace(length, b"Content-Length: " + lots.choice([b"-1", b"x", b"1e3", b"9" * 30]), 1),
            whole.replace(length, length + b"\r\nContent-Length: 1", 1),
            whole.replace(length, b"Transfer-Encoding: chunked", 1).partition(b"\r\n\r\n")[0] + b"\r\n\r\nzz\r\n",
            head.replace(b"Host: x", b"no colon in here", 1) + b"\r\n\r\n" + body,
            head.replace(b"Host: x", b"Host: " + lots.choice([b"\0", b"\x7f"]), 1) + b"\r\n\r\n" + body,
            head.replace(b"Host: x", b"Long: " + b"x" * 300_000, 1) + b"\r\n\r\n" + body,
        ]
    )


def right(signer: TablestoreWorld) -> bytes:
    message = messages().table.DescribeTableRequest(table_name="t")
    return raw(signer.request("DescribeTable", message.SerializeToString()))


@pytest.mark.parametrize("damage", [damaged_message, damaged_headers])
def test_after_a_damaged_request_the_connection_goes_on(
    signer: TablestoreWorld, connection: socket.socket, damage: Callable[[Random, TablestoreWorld], Request]
) -> None:
    answers = connection.makefile("rb")

    for seed in range(ROUNDS):
        connection.sendall(raw(damage(Random(seed), signer)) + right(signer))
        first, second = read(answers), read(answers)

        assert first is not None, seed
        in_form(first)
        assert second is not None, seed
        assert second.status == 200, seed
        assert messages().table.DescribeTableResponse.FromString(second.body).table_meta.table_name == "t"


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_what_is_no_http_is_told_so_and_hung_up_on(
    signer: TablestoreWorld, connection: socket.socket, seed: int
) -> None:
    answers = connection.makefile("rb")

    connection.sendall(broken_http(Random(seed), right(signer)))
    connection.shutdown(socket.SHUT_WR)
    answer = read(answers)

    if answer is not None:
        assert answer.status in HTTP_ERRORS
        assert answer.headers["connection"] == "close"
        assert read(answers) is None


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_request_that_is_never_finished_changes_nothing_and_ends_with_its_connection(
    served: TablestoreServer, signer: TablestoreWorld, connection: socket.socket, share: float
) -> None:
    whole = raw(signer.request("BatchWriteRow", requests()["BatchWriteRow"].SerializeToString()))
    before = served.served.call(served.service.state)

    connection.sendall(whole[: int(len(whole) * share)])
    connection.shutdown(socket.SHUT_WR)

    assert read(connection.makefile("rb")) is None
    assert served.served.call(served.service.state) == before
