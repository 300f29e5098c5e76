"""The local cloud's HTTP: what goes over the wire, and what faults do to it."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.clock import ManualClock, Timeline
from localcloud.connection import BODY_BYTES_MAX, HEAD_BYTES_MAX, HttpConnection, Open, encode
from localcloud.controlled_clock import ControlledClock
from localcloud.faults import FaultPlan, Rule
from localcloud.http import Refusal, Request, Response
from localcloud.ids import Ids
from localcloud.journal import NoJournal
from localcloud.pipeline import Pipeline, route
from localcloud.request_log import RequestLog
from localcloud.server import Pump, Server


class EchoEndpoint:
    """Answers with what it was sent; remembers what it was handed."""

    name = "ecs"

    def __init__(self) -> None:
        self.handled: list[Request] = []

    def operation(self, request: Request) -> str:
        return "Echo"

    async def handle(self, request: Request) -> Response:
        self.handled.append(request)
        if request.path == "/bug":
            raise ZeroDivisionError
        return Response(200, (("X-Path", request.path),), request.query.encode() + b"|" + request.body)

    def refuse(self, request: Request, refusal: Refusal) -> Response:
        body = b'{"Code":"%s"}' % (refusal.code or ("Throttling" if refusal.throttle else "InternalError")).encode()
        return Response(refusal.status or (400 if refusal.throttle else 500), (), body)


async def _no_control(request: Request) -> Response:
    return Response(404)


class World:
    """A server with one endpoint on a free port."""

    def __init__(self) -> None:
        self.endpoint = EchoEndpoint()
        self.faults = FaultPlan(Ids(1))
        self.log = RequestLog()
        timeline = Timeline(ManualClock())
        self.pipeline = Pipeline(
            endpoints={"ecs": self.endpoint},
            control=_no_control,
            timeline=timeline,
            faults=self.faults,
            journal=NoJournal(),
            log=self.log,
        )
        self.server = Server(self.pipeline.answer, now_ms=timeline.clock.now_ms)

    def run(self, act: Callable[[World], Awaitable[bytes]]) -> bytes:
        async def main() -> bytes:
            await self.server.start()
            try:
                return await asyncio.wait_for(act(self), timeout=20)
            finally:
                await self.server.stop()

        return asyncio.run(main())

    def exchange(self, *parts: bytes) -> bytes:
        """Sends the parts, one write each; answers all bytes until the server hangs up or has been quiet."""

        async def act(world: World) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
            for part in parts:
                writer.write(part)
                await writer.drain()
            content = b""
            while chunk := await _read(reader):
                content += chunk
            writer.close()
            return content

        return self.run(act)


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(65536)
    except ConnectionError:
        return b""


GET = b"GET /a%2Fb?x=%20+ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_a_request_arrives_exactly_as_sent_and_its_answer_carries_length_and_date() -> None:
    world = World()

    answer = world.exchange(GET)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nX-Path: /a%2Fb\r\nDate: ")
    assert head.endswith(b"GMT\r\nContent-Length: 7\r\nConnection: close")
    assert body == b"x=%20+|"
    assert world.endpoint.handled[0].headers == {"host": "x", "connection": "close"}


def test_requests_on_one_connection_are_answered_in_their_order() -> None:
    world = World()
    first = b"POST /1 HTTP/1.1\r\nContent-Length: 3\r\n\r\none"
    second = b"POST /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ntw\r\n1\r\no\r\n0\r\n\r\n"

    answer = world.exchange(first + second + GET)

    assert [request.body for request in world.endpoint.handled] == [b"one", b"two", b""]
    assert answer.index(b"/1") < answer.index(b"/2") < answer.index(b"/a%2Fb")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 120), min_size=1, max_size=4))
def test_however_the_bytes_are_cut_the_request_is_the_same(cuts: list[int]) -> None:
    whole = b"POST /path?q=1 HTTP/1.1\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    everything = Open()
    seen: list[Request] = []

    async def answer(request: Request) -> Response:
        seen.append(request)
        return Response(200)

    async def main() -> None:
        connection = HttpConnection(answer, now_ms=lambda: 5, everything=everything)
        connection.connection_made(_Sink())
        edges = sorted({0, len(whole), *(cut % len(whole) for cut in cuts)})
        for start, end in itertools.pairwise(edges):
            connection.data_received(whole[start:end])
        await asyncio.gather(*everything.tasks)

    asyncio.run(main())

    headers = {"x-a": "1, 2", "content-length": "5", "connection": "close"}
    assert seen == [Request("POST", "/path", "q=1", headers, b"hello", 5)]


class _Sink(asyncio.Transport):
    def write(self, data: object) -> None:
        return

    def is_closing(self) -> bool:
        return False

    def is_reading(self) -> bool:
        return True

    def close(self) -> None:
        return


def test_a_script_of_24_kb_percent_encoded_fits_into_the_target() -> None:
    world = World()
    script = b"%0A" * 24 * 1024 * 2

    answer = world.exchange(b"GET /?Content=" + script + b" HTTP/1.1\r\nConnection: close\r\n\r\n")

    assert answer.endswith(b"Content=" + script + b"|")


def test_a_target_without_end_is_refused() -> None:
    world = World()

    answer = world.exchange(b"GET /" + b"a" * (HEAD_BYTES_MAX + 1))

    assert answer.startswith(b"HTTP/1.1 414 ")
    assert world.endpoint.handled == []


def test_a_body_above_the_limit_is_refused() -> None:
    world = World()
    part = b"x" * (BODY_BYTES_MAX // 2 + 1)

    answer = world.exchange(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (2 * len(part)), part, part)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert world.endpoint.handled == []


def test_what_is_not_http_is_refused() -> None:
    world = World()

    answer = world.exchange(b"\x16\x03\x01 this is TLS\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_client_that_expects_100_continue_is_told_to() -> None:
    world = World()

    answer = world.exchange(
        b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n", b"hi"
    )

    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


def test_an_answer_to_head_and_a_204_have_no_body() -> None:
    response = Response(200, (), b"body")

    head = encode(response, is_head=True, keep_alive=True)
    empty = encode(Response(204, (), b""), is_head=False, keep_alive=True)

    assert b"Content-Length: 4\r\n" in head
    assert head.endswith(b"\r\n\r\n")
    assert b"Content-Length" not in empty


def test_a_bug_of_a_double_is_an_error_of_its_protocol(capsys: pytest.CaptureFixture[str]) -> None:
    world = World()

    answer = world.exchange(b"GET /bug HTTP/1.1\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rule", "status", "handled"),
    [
        (Rule(kind="error-before", code="Busy", status=503), b"HTTP/1.1 503 ", 0),
        (Rule(kind="throttle"), b"HTTP/1.1 400 ", 0),
        (Rule(kind="close"), b"", 0),
        (Rule(kind="error-after"), b"HTTP/1.1 500 ", 1),
        (Rule(kind="lost-reply"), b"", 1),
        (Rule(kind="delay", delay_ms=1), b"HTTP/1.1 200 ", 1),
    ],
)
def test_each_kind_of_fault_does_what_its_name_says(rule: Rule, status: bytes, handled: int) -> None:
    world = World()
    world.faults.add(rule)

    answer = world.exchange(GET)

    assert answer.startswith(status)
    assert (answer == b"") == (status == b"")
    assert len(world.endpoint.handled) == handled
    assert world.faults.as_json()[0]["fired"] == 1
    assert world.log.entries()[0].faults == ("fault-1",)


def test_a_rule_with_a_count_fires_that_often_and_only_on_its_operation() -> None:
    plan = FaultPlan(Ids(1))
    plan.add(Rule(kind="throttle", service="mns", operation="SendMessage", count=2))

    fired = [plan.harm("mns", "SendMessage", "/").refuse_before is not None for _ in range(4)]
    other = plan.harm("mns", "ReceiveMessage", "/")

    assert fired == [True, True, False, False]
    assert other.rule_ids == ()


def test_the_same_seed_harms_the_same_requests() -> None:
    def story(seed: int) -> list[bool]:
        plan = FaultPlan(Ids(seed))
        plan.add(Rule(kind="lost-reply", probability=0.3))
        return [plan.harm("ecs", "InvokeCommand", "/").lose_reply for _ in range(200)]

    first, second, other = story(7), story(7), story(8)

    assert first == second
    assert first != other
    assert 30 < sum(first) < 90


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"kind": "explode"}, "kind"),
        ({"kind": "delay", "delay": 5}, "delay"),
        ({"kind": "delay", "probability": 2}, "probability"),
        ({"kind": "delay", "count": 0}, "count"),
        ({"kind": "delay", "service": "s3"}, "service"),
        ({"kind": "delay", "delayMs": 10_000_000}, "delayMs"),
        ({"kind": "error-before", "status": 200}, "status"),
        ({"service": "ecs"}, "kind"),
    ],
)
def test_a_bad_fault_rule_is_refused_by_the_name_of_its_field(value: dict[str, object], named: str) -> None:
    plan = FaultPlan(Ids(1))

    with pytest.raises(ValueError, match=named):
        plan.add_json(value)

    assert plan.as_json() == []


def test_the_log_keeps_neither_query_nor_headers_nor_body() -> None:
    world = World()

    world.exchange(
        b"GET /?Secret=hush HTTP/1.1\r\nAuthorization: hush\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhush"
    )

    assert "hush" not in str(world.log.as_json())
    assert world.log.counts()["ecs"]["Echo"].requests == 1


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (Response(200), ("ok", None)),
        (
            Response(200, (("X-Fc-Error-Type", "UnhandledInvocationError"),)),
            ("function-error", "UnhandledInvocationError"),
        ),
        (Response(400, (), b'{"RequestId":"1","Code":"Throttling.User"}'), ("error", "Throttling.User")),
        (Response(404, (), b"<Error><Code>QueueNotExist</Code></Error>"), ("error", "QueueNotExist")),
        (Response(403, (), b"\n\x17OTSConditionCheckFail\x12\x10Condition check"), ("error", "OTSConditionCheckFail")),
        (Response(500, (), b""), ("error", None)),
        (None, ("no-answer", None)),
    ],
)
def test_the_log_names_the_vendors_error_code(response: Response | None, outcome: tuple[str, str | None]) -> None:
    log = RequestLog()
    request = Request("GET", "/", "", {}, b"", 0)

    log.add(request, response, service="ecs", operation="Echo", duration_ms=1, faults=())

    entry = log.entries()[0]
    assert (entry.outcome, entry.code) == outcome


@pytest.mark.parametrize(
    ("request_", "service"),
    [
        (Request("GET", "/", "Action=DescribeInstances", {}, b"", 0), "ecs"),
        (Request("POST", "/", "", {"x-acs-action": "InvokeCommand"}, b"", 0), "ecs"),
        (Request("POST", "/PutRow", "", {"x-ots-apiversion": "2015-12-31"}, b"", 0), "tablestore"),
        (Request("GET", "/PutRow", "", {"x-ots-apiversion": "2015-12-31"}, b"", 0), "tablestore"),
        (Request("GET", "/queues/q/messages", "", {"x-mns-version": "2015-06-06"}, b"", 0), "mns"),
        (Request("GET", "/queues", "", {"authorization": "MNS a:b"}, b"", 0), "mns"),
        (Request("GET", "/queues", "", {"authorization": "MNS4-HMAC-SHA256 Credential=a"}, b"", 0), "mns"),
        (Request("POST", "/2016-08-15/services/s/functions/f/invocations", "", {}, b"", 0), "fc"),
        (Request("GET", "/2023-03-30/functions", "", {}, b"", 0), "fc"),
        (Request("GET", "/proxy/s/f/path", "", {}, b"", 0), "fc"),
        (Request("GET", "/_local/health", "", {}, b"", 0), "control"),
    ],
)
def test_paths_and_headers_tell_the_services_apart(request_: Request, service: str) -> None:
    assert route(request_) == service


def test_only_this_machine_can_connect() -> None:
    async def act(world: World) -> bytes:
        assert world.server._server is not None
        addresses = {sock.getsockname()[0] for sock in world.server._server.sockets}
        return ",".join(sorted(addresses)).encode()

    listening = World().run(act)

    assert listening == b"127.0.0.1"


def test_the_pump_runs_what_is_due_and_goes_on_after_a_bug() -> None:
    async def main() -> list[str]:
        clock = ControlledClock()
        timeline = Timeline(clock)
        happened: list[str] = []
        done = asyncio.Event()
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: happened.append("bug"))
        pump = Pump(timeline, clock, after=lambda: None)

        timeline.after(10, done.set)
        timeline.after(5, lambda: happened.append("second"))
        timeline.after(1, lambda: 1 / 0)  # type: ignore[arg-type, return-value]
        await asyncio.wait_for(done.wait(), timeout=10)
        pump.stop()
        return happened

    happened = asyncio.run(main())

    assert happened == ["bug", "second"]


def test_a_frozen_clock_holds_what_is_due_until_it_is_moved() -> None:
    clock = ControlledClock(frozen_at_ms=1_000)
    timeline = Timeline(clock)
    happened: list[int] = []
    timeline.after(60_000, lambda: happened.append(clock.now_ms()))
    timeline.run_due()

    timeline.advance_to(100_000)

    assert happened == [61_000]
    assert clock.now_ms() == 100_000


def test_a_clock_that_was_moved_ahead_goes_on_from_there() -> None:
    clock = ControlledClock()
    before_ms = clock.now_ms()

    clock.set_ms(before_ms + 86_400_000)

    assert 86_390_000 < clock.ahead_ms <= 86_400_001
    assert clock.now_ms() >= before_ms + 86_400_000


def test_a_free_port_is_free_again_after_stop() -> None:
    world = World()
    world.exchange(GET)

    with socket.create_server(("127.0.0.1", world.server.port)) as again:
        assert again.getsockname()[1] == world.server.port
