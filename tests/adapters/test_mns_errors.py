"""Every way in which a call to MNS can end, and what goes over the wire."""

from __future__ import annotations

import base64
import re
import socket
import threading
from html import unescape

import pytest

from localcloud.http import Response
from shared.adapters.mns import MnsEvents, MnsQueues, xml_safe
from shared.core.errors import FleetrunError, Unavailable, UnknownOutcome
from tests.adapters.canned import HANG_UP, canned
from tests.adapters.clients import Sleepless, mns_accounts

NS = 'xmlns="http://mns.aliyuncs.com/doc/v1/"'
SENT = Response(
    201,
    (("x-mns-request-id", "5F29"), ("Content-Type", "text/xml")),
    f"<Message {NS}><MessageId>M1</MessageId><MessageBodyMD5>ABC</MessageBodyMD5></Message>".encode(),
)


def error(status: int, code: str) -> Response:
    xml = f"<Error {NS}><Code>{code}</Code><Message>m</Message><RequestId>R1</RequestId><HostId>h</HostId></Error>"
    return Response(status, (("x-mns-request-id", "R1"),), xml.encode())


FAMILIES = [
    (error(429, "TooManyRequests"), Unavailable),
    (error(403, "QpsLimitExceeded"), Unavailable),
    (error(404, "QueueNotExist"), Unavailable),
    (error(403, "AccessDenied"), Unavailable),
    (error(500, "InternalError"), UnknownOutcome),
    (error(500, "InternalServerError"), UnknownOutcome),
    (Response(503, (), b""), UnknownOutcome),
    (Response(502, (), b"<html>bad gateway</html>"), UnknownOutcome),
    (HANG_UP, UnknownOutcome),
]


@pytest.mark.parametrize(("answer", "family"), FAMILIES)
def test_a_failed_send_is_of_the_family_that_says_what_may_have_happened(
    answer: Response | None, family: type[FleetrunError]
) -> None:
    with canned(answer) as server:
        queues = MnsQueues(mns_accounts(server.url), Sleepless().patience)

        with pytest.raises(family) as raised:
            queues.send_wakeup(b"{}", delay_s=0)

    assert type(raised.value) is family


@pytest.mark.parametrize(("answer", "family"), FAMILIES)
def test_a_failed_publish_is_of_the_same_families(answer: Response | None, family: type[FleetrunError]) -> None:
    with canned(answer) as server:
        events = MnsEvents(mns_accounts(server.url), Sleepless().patience)

        with pytest.raises(family) as raised:
            events.publish(b"{}")

    assert type(raised.value) is family


def test_a_throttled_send_is_sat_out_and_a_missing_queue_is_not() -> None:
    with canned(error(429, "TooManyRequests"), SENT) as server:
        MnsQueues(mns_accounts(server.url), Sleepless().patience).send_wakeup(b"{}", delay_s=0)
    with canned(error(404, "QueueNotExist")) as other, pytest.raises(Unavailable):
        MnsQueues(mns_accounts(other.url), Sleepless().patience).send_wakeup(b"{}", delay_s=0)

    assert (len(server.requests), len(other.requests)) == (2, 1)


def test_a_refused_connection_says_that_nothing_happened() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

        with pytest.raises(Unavailable, match="cannot be reached"):
            MnsQueues(mns_accounts(url), Sleepless().patience).send_dead_letter(b"{}")


def test_a_wakeup_goes_to_its_queue_in_base64_with_its_delay() -> None:
    body = '{"name":"größe & <b>"}'.encode()
    with canned(SENT) as server:
        MnsQueues(mns_accounts(server.url), Sleepless().patience).send_wakeup(body, delay_s=7)

    request = server.requests[0]
    xml = request.body.decode()
    assert request.path == "/queues/fleetrun-wakeups/messages"
    assert base64.b64decode(re.findall("<MessageBody>(.*)</MessageBody>", xml)[0]) == body
    assert "<DelaySeconds>7</DelaySeconds>" in xml


def test_an_event_is_published_as_plain_text_whatever_a_script_printed() -> None:
    body = '{"output":"größe & <b> ]]> \\u0000 \ufffe\uffff 🚀"}'.encode()
    with canned(SENT) as server:
        MnsEvents(mns_accounts(server.url), Sleepless().patience).publish(body)

    request = server.requests[0]
    assert request.path == "/topics/fleetrun-events/messages"
    text = unescape(re.findall("<MessageBody>(.*)</MessageBody>", request.body.decode())[0])
    assert text == '{"output":"größe & <b> ]]> \\u0000 \\ufffe\\uffff 🚀"}'


def test_text_that_xml_can_hold_is_left_alone() -> None:
    assert xml_safe('{"a":"ö\\u0001"}') == '{"a":"ö\\u0001"}'


def test_every_thread_has_an_account_and_a_connection_of_its_own() -> None:
    with canned(SENT) as server:
        accounts = mns_accounts(server.url)
        queues = MnsQueues(accounts, Sleepless().patience)
        seen: list[int] = []

        def send() -> None:
            for _ in range(5):
                queues.send_wakeup(b"{}", delay_s=0)
            seen.append(id(accounts.get()))

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(server.requests) == 40
    assert len(seen) == 8


def test_a_silent_server_is_waited_for_no_longer_than_the_bound_over_http_and_https() -> None:
    plain, secure = mns_accounts("http://127.0.0.1:1").get(), mns_accounts("https://127.0.0.1:1").get()

    assert plain.mns_client.http.conn.connection_timeout == 15
    assert secure.mns_client.http.conn.timeout == 15
