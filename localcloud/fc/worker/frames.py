"""How parent and worker talk: frames over a stream socket, both ways.

Wire format (ours): two big-endian 32-bit lengths, then a header of that many bytes of JSON (an object), then a body of
raw bytes. Parent → worker: {"kind": "start" | "invoke" | "wsgi" | "preStop", …}; worker → parent: {"ok": bool, …}.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

LENGTHS = struct.Struct(">II")
READ_BYTES = 1 << 18


def encode(header: dict[str, Any], body: bytes = b"") -> bytes:
    head = json.dumps(header).encode()
    return LENGTHS.pack(len(head), len(body)) + head + body


class Decoder:
    """Bytes in whatever pieces → frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, received: bytes) -> list[tuple[dict[str, Any], bytes]]:
        """The frames that `received` completes."""
        self._buffer += received
        frames = []
        while len(self._buffer) >= LENGTHS.size:
            head_bytes, body_bytes = LENGTHS.unpack_from(self._buffer)
            body_at = LENGTHS.size + head_bytes
            end = body_at + body_bytes
            if len(self._buffer) < end:
                break
            header = json.loads(self._buffer[LENGTHS.size : body_at])
            frames.append((header, bytes(self._buffer[body_at:end])))
            del self._buffer[:end]
        return frames


def read_frame(connection: socket.socket, decoder: Decoder) -> tuple[dict[str, Any], bytes] | None:
    """Waits for one frame; None when the other side is gone. The parent sends the next only after an answer."""
    while True:
        received = connection.recv(READ_BYTES)
        if not received:
            return None
        frames = decoder.feed(received)
        if frames:
            return frames[0]
