"""The pusher on real sockets: to the address that was checked and to no other, once, without following anybody."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from shared.adapters.pusher import HttpPusher
from shared.core.errors import Refused, Unavailable, UnknownOutcome
from shared.core.push import Push, networks_of
from tests.adapters.receiver import Receiver, receiving, respond

LOCAL = networks_of("127.0.0.0/8")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def pusher(allowed: Any = LOCAL) -> HttpPusher:
    return HttpPusher(queues=None, allowed=allowed)  # type: ignore[arg-type]


def push(port: int, *, host: str = "127.0.0.1", path: str = "/hook?x=1") -> Push:
    return Push(f"http://{host}:{port}{path}", (("webhook-id", "e-1"), ("Content-Type", "application/json")), b"{}")


def test_what_is_pushed_arrives_as_it_is_under_the_name_it_was_sent_to(receiver: Receiver) -> None:
    status = pusher().push(push(receiver.port, host="localhost"))

    ((path, headers, body),) = receiver.got
    assert (status, path, body) == (204, "/hook?x=1", b"{}")
    assert headers["Host"] == f"localhost:{receiver.port}"
    assert headers["webhook-id"] == "e-1"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "0x7f.1", "127.1"])
def test_nothing_is_sent_to_this_machine_however_it_is_written(receiver: Receiver, host: str) -> None:
    with pytest.raises((Refused, Unavailable)) as caught:
        pusher(allowed=()).push(push(receiver.port, host=host))

    assert caught.value.code in ("ForbiddenAddress", "BadAddress", "NoAddress")
    assert receiver.got == []


def test_a_name_that_changes_its_address_after_the_check_changes_nothing(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the first answer is the one that was checked, and the one that is used."""
    answers = ["127.0.0.1", "127.0.0.2"]
    real = socket.getaddrinfo

    def resolve(host: str, port: Any, *rest: Any, **more: Any) -> Any:
        if host != "rebinding.example":
            return real(host, port, *rest, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)

    status = pusher(networks_of("127.0.0.1/32")).push(push(receiver.port, host="rebinding.example"))

    assert status == 204
    assert answers == ["127.0.0.2"]


def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda request: respond(request, 307, Location=f"http://127.0.0.1:{receiver.port}/other")

    assert pusher().push(push(receiver.port)) == 307

    assert [path for path, _, _ in receiver.got] == ["/hook?x=1"]


def test_a_connection_that_breaks_after_the_request_may_have_delivered_it(receiver: Receiver) -> None:
    receiver.answer = lambda request: request.connection.shutdown(socket.SHUT_RDWR)

    with pytest.raises(UnknownOutcome):
        pusher().push(push(receiver.port))

    assert len(receiver.got) == 1


def test_nobody_there_is_told_from_no_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))

        with pytest.raises(Unavailable):
            pusher().push(push(free.getsockname()[1]))


def test_a_receiver_without_a_good_certificate_gets_nothing(receiver: Receiver) -> None:
    with pytest.raises(Unavailable) as caught:
        pusher().push(Push(f"https://127.0.0.1:{receiver.port}/", (), b"{}"))

    assert caught.value.code == "BadCertificate"
    assert receiver.got == []
