"""A server that does next to nothing: what is left of a round trip is the SDK's, and no server can beat it.

    python -m tests.bench.floor HOST:PORT       of a local cloud

The first request of each kind is passed on, and its answer kept; each further one gets the same bytes again. The SDKs
sign no host, so that the bytes need no change. One thread for each connection; standard library alone.
"""

from __future__ import annotations

import re
import socket
import sys
import threading

READ_BYTES = 1 << 16
LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
ACTION = re.compile(rb"[?&]Action=(\w+)")
Kind = tuple[bytes, bytes, bytes]


def kind_of(request: bytes) -> Kind:
    """Method, path and, of the RPC services, operation."""
    method, _, rest = request.partition(b" ")
    target = rest.partition(b" ")[0]
    action = ACTION.search(target)
    return method, target.partition(b"?")[0], action.group(1) if action else b""


def message_from(connection: socket.socket) -> bytes:
    """A request or an answer, whole; b"" when the other side has closed before one began."""
    read = b""
    while (end := read.find(b"\r\n\r\n")) < 0:
        more = connection.recv(READ_BYTES)
        if not more:
            return b""
        read += more
    length = LENGTH.search(read, 0, end)
    whole = end + 4 + (int(length.group(1)) if length else 0)
    while len(read) < whole:
        more = connection.recv(READ_BYTES)
        if not more:
            return b""
        read += more
    return read


class Floor:
    def __init__(self, upstream: tuple[str, int]) -> None:
        self._upstream = upstream
        self._kept: dict[Kind, bytes] = {}

    def serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            while request := message_from(connection):
                kind = kind_of(request)
                answer = self._kept.get(kind)
                if answer is None:
                    answer = self._kept[kind] = self._ask(request)
                connection.sendall(answer)

    def _ask(self, request: bytes) -> bytes:
        with socket.create_connection(self._upstream) as upstream:
            upstream.sendall(request)
            return message_from(upstream)


def main() -> None:
    host, _, port = sys.argv[1].rpartition(":")
    floor = Floor((host, int(port)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"ready: http://127.0.0.1:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=floor.serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
