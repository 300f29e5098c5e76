"""Damaged requests: every wrong bit, every cut, noise, and bytes that come one by one."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.tablestore.messages import messages
from tests.contract.tablestore.worlds import ONE_KEY, TablestoreWorld, running
from tests.wire.tablestore_messages import error_of, requests, update_with_an_increment


@pytest.fixture
def world() -> TablestoreWorld:
    made = TablestoreWorld()
    made.table(ONE_KEY)
    made.service.put_row("t", ("a",), {"n": 1, "s": "x"})
    return made


@pytest.mark.parametrize("operation", sorted(requests()))
def test_a_message_with_any_wrong_bit_is_answered_or_refused_and_never_a_bug(
    world: TablestoreWorld, operation: str
) -> None:
    body = requests()[operation].SerializeToString()
    assert world.handle(world.request(operation, body)).status == 200
    refused = 0

    for bit in range(len(body) * 8):
        broken = bytearray(body)
        broken[bit // 8] ^= 1 << bit % 8
        response = world.handle(world.request(operation, bytes(broken)))

        if response.status == 200:
            getattr(messages().table, f"{operation}Response").FromString(response.body)
            continue
        status, code, message = error_of(response)
        assert (status, code.startswith("OTS"), bool(message)) == (status, True, True), bit
        assert status in (400, 403, 404, 409), (bit, status, code)
        refused += 1
    assert refused > len(body)  # the greater part of the bits matters


@pytest.mark.parametrize("operation", sorted(requests()))
def test_a_message_cut_off_anywhere_is_no_bug(world: TablestoreWorld, operation: str) -> None:
    body = requests()[operation].SerializeToString()

    for length in range(len(body)):
        response = world.handle(world.request(operation, body[:length]))
        assert response.status in (200, 400, 404, 409), length  # 200: what is missing was optional
        assert response.status == 200 or error_of(response)[1].startswith("OTS")


@given(body=st.binary(max_size=120), operation=st.sampled_from(sorted(requests())))
def test_noise_is_refused(body: bytes, operation: str) -> None:
    world = TablestoreWorld()

    response = world.handle(world.request(operation, body))

    assert response.status in (400, 404)
    assert error_of(response)[1] in ("OTSParameterInvalid", "OTSObjectNotExist")


def test_a_row_with_a_wrong_checksum_is_refused_and_nothing_is_written(world: TablestoreWorld) -> None:
    request = update_with_an_increment()
    request.row_change = request.row_change[:-1] + bytes([request.row_change[-1] ^ 1])

    answer = world.ask("UpdateRow", request)

    assert answer.code == "OTSParameterInvalid"
    assert answer.message.startswith("Cell data broken, checksum is mismatch, ")
    row = world.service.get_row("t", ("a",)).row
    assert row is not None
    assert row.columns == {"n": 1, "s": "x"}


def test_a_request_that_comes_byte_by_byte_is_answered_like_any_other() -> None:
    with running() as server:
        server.served.call(lambda: server.service.create_table(ONE_KEY))
        world = TablestoreWorld()
        world.timeline.advance_to(server.served.call(server.clock.now_ms))
        pb = messages().table
        request = world.request("DescribeTable", pb.DescribeTableRequest(table_name="t").SerializeToString())
        head = [f"POST {request.path} HTTP/1.1", "Host: x", f"Content-Length: {len(request.body)}", "Connection: close"]
        head += [f"{name}: {value}" for name, value in request.headers.items()]

        with socket.create_connection(("127.0.0.1", server.served.port), timeout=10) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in "\r\n".join([*head, "", ""]).encode() + request.body:
                connection.sendall(bytes([byte]))
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 200 ")
    assert pb.DescribeTableResponse.FromString(body).table_meta.table_name == "t"
