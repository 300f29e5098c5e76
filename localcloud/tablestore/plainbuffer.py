"""PlainBuffer: how rows travel. Source: PlainBuffer page, 2021, corrected by what the Python SDK 6.4.8 sends.

    buffer = LE32 0x75, row …
    row    = 01 cell …  [02 cell …]  [08]  09 crc8            key cells, other cells, delete marker, checksum
    cell   = 03  04 LE32 n name  [05 LE32 len variant]  [06 operation]  [07 LE64 version]  0A crc8
    variant= type byte, then: 00 LE64 | 01 double | 02 one byte | 03 LE32 n UTF-8 | 07 LE32 n bytes | 09, 0A, 0B nothing

A cell's checksum covers name, variant, version, then operation, although the operation is sent before the version. A
row's checksum covers the checksums of its cells, then 1 with a delete marker, else 0. All of them are verified; what
is not understood to the last byte is refused with OTSParameterInvalid, except for zeros behind the last row.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from localcloud.tablestore.crc8 import crc8
from localcloud.tablestore.errors import TablestoreError, invalid
from localcloud.tablestore.values import AUTO_INCREMENT, INF_MAX, INF_MIN, Key

HEADER = 0x75
ROW_KEY, ROW_DATA, CELL, CELL_NAME, CELL_VALUE, CELL_OPERATION, CELL_VERSION = range(1, 8)
DELETE_MARKER, ROW_CHECKSUM, CELL_CHECKSUM = 8, 9, 10
DELETE_ALL, DELETE_ONE, INCREMENT = 1, 3, 4
INTEGER, DOUBLE, BOOLEAN, STRING, BINARY = 0, 1, 2, 3, 7
MARKS: dict[int, Any] = {9: INF_MIN, 10: INF_MAX, 11: AUTO_INCREMENT}

_U32 = struct.Struct("<I")
_I64 = struct.Struct("<q")
_F64 = struct.Struct("<d")
_HEADER = _U32.pack(HEADER)
_CHECKSUMS = tuple(bytes([CELL_CHECKSUM, checksum]) for checksum in range(256))
"""How a cell ends."""


class WireCell(NamedTuple):
    """A cell as it was sent. `value` None: it has none."""

    name: str
    value: Any
    operation: int | None
    version_ms: int | None


class WireRow(NamedTuple):
    """A row as it was sent."""

    key: tuple[WireCell, ...]
    cells: tuple[WireCell, ...]
    has_delete_marker: bool


# -- reading ----------------------------------------------------------------------------------------------------------
def decode_row(data: bytes) -> WireRow:
    """Exactly one row. Raises OTSParameterInvalid."""
    rows = decode_rows(data)
    if len(rows) != 1:
        raise invalid("Cell data broken, has more data in cell, but they can't be parsed.")
    return rows[0]


def decode_rows(data: bytes) -> list[WireRow]:
    """At least one row. Raises OTSParameterInvalid."""
    try:
        header = _U32.unpack_from(data)[0]
        if header != HEADER:
            raise invalid(f"Cell data broken, mismatch header, actual: {header}, expect: {HEADER}.")
        row, at = _row(data, 4)
        rows = [row]
        while at < len(data) and not _is_padding(data, at):
            row, at = _row(data, at)
            rows.append(row)
    except (IndexError, struct.error):
        raise _too_short() from None
    return rows


def decode_variant(data: bytes) -> Any:
    """A value, INF_MIN, INF_MAX or AUTO_INCREMENT; the whole of `data`. Raises OTSParameterInvalid."""
    if not data:
        raise _too_short()
    kind = data[0]
    try:
        if kind in (STRING, BINARY):
            if _U32.unpack_from(data, 1)[0] != len(data) - 5:
                raise invalid(f"Cell data broken, wrong string format, size: {len(data)}.")
            return data[5:].decode() if kind == STRING else data[5:]
        if kind == INTEGER:
            return _I64.unpack(data[1:])[0]
        if kind == DOUBLE:
            return _F64.unpack(data[1:])[0]
    except struct.error:
        raise _too_short() from None
    except UnicodeDecodeError:
        raise invalid("Value of column must be UTF8 encoding.") from None
    if kind == BOOLEAN:
        if len(data) != 2 or data[1] > 1:
            raise invalid(f"Invalid boolean real value, value length: {len(data) - 1}.")
        return data[1] == 1
    if kind not in MARKS or len(data) != 1:
        raise invalid("data format is invalid, unknown variant type occured.")
    return MARKS[kind]


def _is_padding(data: bytes, at: int) -> bool:
    """Nothing but zeros to the end: the SDK for Node.js sends one for each INF_MIN, INF_MAX and AUTO_INCREMENT."""
    return data[at] == 0 and not any(data[at:])


def _row(data: bytes, at: int) -> tuple[WireRow, int]:
    if data[at] != ROW_KEY:
        raise _wrong_tag(data[at], ROW_KEY)
    at += 1
    checksums = bytearray()
    key: list[WireCell] = []
    cells: list[WireCell] = []
    while data[at] == CELL:
        cell, at = _cell(data, at + 1, checksums)
        key.append(cell)
    if not key:
        raise invalid("Cell data broken, no PK follow PKTag.")
    if data[at] == ROW_DATA:
        at += 1
        while data[at] == CELL:
            cell, at = _cell(data, at + 1, checksums)
            cells.append(cell)
        if not cells:
            raise invalid("Cell data broken, no Cells follow CellTag.")
    has_delete_marker = data[at] == DELETE_MARKER
    at += has_delete_marker
    if data[at] != ROW_CHECKSUM:
        raise invalid("Cell data broken, row is not end with checksum tag.")
    checksums.append(has_delete_marker)
    _check(data[at + 1], crc8(checksums))
    return WireRow(tuple(key), tuple(cells), has_delete_marker), at + 2


def _cell(data: bytes, at: int, checksums: bytearray) -> tuple[WireCell, int]:
    """The cell whose tag stands before `at`, and where it ends. Adds its checksum to `checksums`."""
    if data[at] != CELL_NAME:
        raise _wrong_tag(data[at], CELL_NAME)
    end = at + 5 + _U32.unpack_from(data, at + 1)[0]
    checked = data[at + 5 : end]
    name = _name(checked)
    at = end
    value = operation = version_ms = None
    if data[at] == CELL_VALUE:
        end = at + 5 + _U32.unpack_from(data, at + 1)[0]
        if end > len(data):
            raise _too_short()
        variant = data[at + 5 : end]
        value = decode_variant(variant)
        checked += variant
        at = end
    last = b""
    if data[at] == CELL_OPERATION:
        operation = data[at + 1]
        last = data[at + 1 : at + 2]
        at += 2
    if data[at] == CELL_VERSION:
        version_ms = _I64.unpack_from(data, at + 1)[0]
        checked += data[at + 1 : at + 9]
        at += 9
    if data[at] != CELL_CHECKSUM:
        raise invalid("Cell data broken, cell is not end with checksum[0x0A] tag.")
    checksum = crc8(checked + last)
    _check(data[at + 1], checksum)
    checksums.append(checksum)
    return WireCell(name, value, operation, version_ms), at + 2


@lru_cache(maxsize=4096)
def _name(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise invalid("Invalid column name: it must be UTF8 encoding.") from None


def _check(given: int, expected: int) -> None:
    if given != expected:
        raise invalid(f"Cell data broken, checksum is mismatch, {given} : {expected}.")


def _too_short() -> TablestoreError:
    return invalid("Input encoded PK broken, length is shorter than expect.")


def _wrong_tag(actual: int, expected: int) -> TablestoreError:
    return invalid(f"Cell data broken, mismatch tag, actual tag({actual}), expect({expected}).")


# -- writing ----------------------------------------------------------------------------------------------------------
def encode_key(names: tuple[str, ...], key: Key) -> bytes:
    """A key alone, e.g. where the next page starts."""
    return encode_rows(names, [(key, ())])


def encode_rows(names: tuple[str, ...], rows: Iterable[tuple[Key, Iterable[tuple[str, Any, int]]]]) -> bytes:
    """Rows of a reply: key and (name, value, version in ms). No rows: nothing at all, not even a header."""
    parts: list[bytes] = []
    for key, cells in rows:
        _encode_row(parts, names, key, cells)
    return _HEADER + b"".join(parts) if parts else b""


def encode_variant(value: Any) -> bytes:
    """A value, INF_MIN, INF_MAX or AUTO_INCREMENT as type and data."""
    kind = type(value)
    if kind is int:
        return b"\0" + _I64.pack(value)
    if kind is str or kind is bytes:
        text: bytes = value.encode() if kind is str else value
        return (b"\3" if kind is str else b"\7") + _U32.pack(len(text)) + text
    if kind is bool:
        return b"\2\1" if value else b"\2\0"
    if kind is float:
        return b"\1" + _F64.pack(value)
    return next(bytes([number]) for number, mark in MARKS.items() if mark is value)


def _encode_row(parts: list[bytes], names: tuple[str, ...], key: Key, cells: Iterable[tuple[str, Any, int]]) -> None:
    checksums = bytearray()
    parts.append(b"\1")
    for name, value in zip(names, key, strict=True):
        begin, remainder = _named(name)
        variant = encode_variant(value)
        checksum = crc8(variant, remainder)
        checksums.append(checksum)
        parts += (begin, _U32.pack(len(variant)), variant, _CHECKSUMS[checksum])
    tag = b"\2"
    for name, value, version_ms in cells:
        begin, remainder = _named(name)
        variant = encode_variant(value)
        version = _I64.pack(version_ms)
        checksum = crc8(variant + version, remainder)
        checksums.append(checksum)
        parts += (tag, begin, _U32.pack(len(variant)), variant, b"\7", version, _CHECKSUMS[checksum])
        tag = b""
    checksums.append(0)
    parts += (b"\x09", crc8(checksums).to_bytes(1, "big"))


@lru_cache(maxsize=4096)
def _named(name: str) -> tuple[bytes, int]:
    """How a cell of this name begins, up to the length of its value; and the checksum of the name."""
    text = name.encode()
    return b"\3\4" + _U32.pack(len(text)) + text + b"\5", crc8(text)
