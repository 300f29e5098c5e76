"""The row codec: both directions, bytes of the vendor's encoder, broken bytes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.tablestore.crc8 import crc8
from localcloud.tablestore.errors import TablestoreError
from localcloud.tablestore.plainbuffer import (
    DELETE_ALL,
    DELETE_ONE,
    INCREMENT,
    WireCell,
    WireRow,
    decode_row,
    decode_rows,
    decode_variant,
    encode_key,
    encode_rows,
    encode_variant,
)
from localcloud.tablestore.values import AUTO_INCREMENT, INF_MAX, INF_MIN

# Recorded from the Python encoder of the SDK 6.4.8.
PUT_ROW = bytes.fromhex(
    "7500000001030401000000730508000000030300000061c3a90a6003040100000069050900000000feffffffffffffff0a8003040100000062"
    "0507000000070200000000ff0a26020304010000006e05090000000007000000000000000a220304010000007405060000000301000000780a34"
    "03040100000064050900000001000000000000f83f077ba8da769b0100000aca03040100000079050200000002010a700304010000007a050600"
    "00000701000000010ade0948"
)
UPDATE_ROW = bytes.fromhex(
    "7500000001030402000000696405060000000301000000610a91020304010000006e05090000000001000000000000000a480304010000006f05"
    "09000000000200000000000000077ba8da769b0100000afa0304010000007606030700a8da769b0100000aa60304010000006706010a99030401"
    "00000063050900000000050000000000000006040a9b0905"
)
DELETE_ROW = bytes.fromhex("7500000001030402000000696405060000000301000000610a910809f3")
MARKS_KEY = bytes.fromhex(
    "7500000001030401000000610501000000090adf0304010000006205010000000a0ae90304010000006305010000000b0afb0968"
)
LONG_KEY = bytes.fromhex("75000000010304020000006964" + "05cd00000003c8000000" + "78" * 200 + "0a66098b")
RECORDED = {"put": PUT_ROW, "update": UPDATE_ROW, "delete": DELETE_ROW, "marks": MARKS_KEY, "long": LONG_KEY}

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True)
VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(max_size=400),
)
KEY_VALUES = st.one_of(st.integers(-(2**63), 2**63 - 1), st.text(st.characters(exclude_categories=["Cs"])), st.binary())
CELLS = st.tuples(NAMES, VALUES, st.integers(0, 2**62))


def test_a_put_row_of_the_sdk_is_read() -> None:
    row = decode_row(PUT_ROW)

    assert row.key == (
        WireCell("s", "aé", None, None),
        WireCell("i", -2, None, None),
        WireCell("b", b"\0\xff", None, None),
    )
    assert row.cells == (
        WireCell("n", 7, None, None),
        WireCell("t", "x", None, None),
        WireCell("d", 1.5, None, 1_767_225_600_123),
        WireCell("y", True, None, None),
        WireCell("z", b"\1", None, None),
    )
    assert not row.has_delete_marker


def test_operations_of_an_update_of_the_sdk_are_read() -> None:
    row = decode_row(UPDATE_ROW)

    assert row.cells == (
        WireCell("n", 1, None, None),
        WireCell("o", 2, None, 1_767_225_600_123),
        WireCell("v", None, DELETE_ONE, 1_767_225_600_000),
        WireCell("g", None, DELETE_ALL, None),
        WireCell("c", 5, INCREMENT, None),
    )


def test_a_delete_marker_of_the_sdk_is_read() -> None:
    assert decode_row(DELETE_ROW) == WireRow((WireCell("id", "a", None, None),), (), has_delete_marker=True)


def test_marks_of_the_sdk_are_read() -> None:
    assert [cell.value for cell in decode_row(MARKS_KEY).key] == [INF_MIN, INF_MAX, AUTO_INCREMENT]


def test_keys_are_written_as_the_sdk_writes_them() -> None:
    assert encode_key(("a", "b", "c"), (INF_MIN, INF_MAX, AUTO_INCREMENT)) == MARKS_KEY
    assert encode_key(("id",), ("x" * 200,)) == LONG_KEY


@pytest.mark.parametrize(
    ("value", "recorded"),
    [
        (3, "000300000000000000"),
        ("ab", "03020000006162"),
        (1.5, "01000000000000f83f"),
        (True, "0201"),
        (b"\2", "070100000002"),
    ],
)
def test_variants_are_those_of_the_sdk(value: Any, recorded: str) -> None:
    assert encode_variant(value).hex() == recorded
    assert decode_variant(bytes.fromhex(recorded)) == value


def test_no_rows_are_no_bytes() -> None:
    assert encode_rows(("id",), []) == b""


@given(VALUES)
def test_a_value_survives_the_way_there_and_back(value: Any) -> None:
    came_back = decode_variant(encode_variant(value))

    assert came_back == value
    assert type(came_back) is type(value)


@given(st.lists(st.tuples(st.tuples(KEY_VALUES, KEY_VALUES), st.lists(CELLS, max_size=5)), min_size=1, max_size=4))
def test_rows_survive_the_way_there_and_back(rows: list[Any]) -> None:
    came_back = decode_rows(encode_rows(("k0", "k1"), rows))

    read = [
        (
            tuple(cell.value for cell in row.key),
            [(cell.name, cell.value, cell.version_ms) for cell in row.cells],
        )
        for row in came_back
    ]
    assert read == rows


@given(st.binary(max_size=1000))
def test_the_quick_checksum_is_that_of_the_plain_loop(content: bytes) -> None:
    remainder = 0
    for byte in content:
        remainder ^= byte
        for _ in range(8):
            remainder = (remainder << 1) ^ 0x107 if remainder & 0x80 else remainder << 1

    assert crc8(content) == remainder
    for cut in (1, len(content) // 2):
        assert crc8(content[cut:], crc8(content[:cut])) == remainder


@pytest.mark.parametrize("data", RECORDED.values(), ids=RECORDED.keys())
def test_every_single_wrong_bit_is_refused(data: bytes) -> None:
    for bit in range(len(data) * 8):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8

        with pytest.raises(TablestoreError) as caught:
            decode_row(bytes(broken))

        assert (caught.value.code, caught.value.status) == ("OTSParameterInvalid", 400), bit


@pytest.mark.parametrize("data", RECORDED.values(), ids=RECORDED.keys())
def test_every_cut_off_end_is_refused(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(TablestoreError) as caught:
            decode_row(data[:length])

        assert caught.value.code == "OTSParameterInvalid", length


@pytest.mark.parametrize("data", RECORDED.values(), ids=RECORDED.keys())
def test_bytes_behind_the_end_are_refused(data: bytes) -> None:
    for extra in (b"\1", b"\0\1", data, data[4:]):
        with pytest.raises(TablestoreError):
            decode_row(data + extra)


@pytest.mark.parametrize("data", RECORDED.values(), ids=RECORDED.keys())
def test_zeros_behind_the_end_are_the_padding_of_the_node_sdk(data: bytes) -> None:
    assert decode_row(data + b"\0\0\0") == decode_row(data)


@given(st.binary(max_size=200))
def test_noise_is_refused_and_never_crashes(noise: bytes) -> None:
    for data in (noise, PUT_ROW[:4] + noise, PUT_ROW[:30] + noise):
        with pytest.raises(TablestoreError):
            decode_rows(data)


def _variant_or_code(data: bytes) -> tuple[Any, str | None]:
    try:
        return decode_variant(data), None
    except TablestoreError as error:
        return None, error.code


@given(st.binary(max_size=40))
def test_a_noisy_variant_is_a_value_or_is_refused(noise: bytes) -> None:
    value, code = _variant_or_code(noise)

    if code is not None:
        assert code == "OTSParameterInvalid"
    elif not (isinstance(value, float) and math.isnan(value)):
        assert encode_variant(value) == noise


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Input encoded PK broken, length is shorter than expect."),
        (b"\x76\0\0\0\1", "Cell data broken, mismatch header, actual: 118, expect: 117."),
        (b"\x75\0\0\0\2", "Cell data broken, mismatch tag, actual tag(2), expect(1)."),
        (b"\x75\0\0\0\1\x09\0", "Cell data broken, no PK follow PKTag."),
        (DELETE_ROW[:-1] + b"\0", "Cell data broken, checksum is mismatch, 0 : 243."),
        (DELETE_ROW[:-3], "Input encoded PK broken, length is shorter than expect."),
    ],
)
def test_a_refusal_says_what_is_broken(data: bytes, message: str) -> None:
    with pytest.raises(TablestoreError) as caught:
        decode_row(data)

    assert caught.value.message == message
