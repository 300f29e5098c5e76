"""The life of a worker process: start → (invoke | wsgi)* → preStop → end, one frame in, one frame out."""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import io
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localcloud.fc.worker.answers import encode_error, encode_value, error_document
from localcloud.fc.worker.contexts import context_of
from localcloud.fc.worker.frames import Decoder, encode, read_frame
from localcloud.fc.worker.handlers import Handlers, LoadError, set_path
from localcloud.fc.worker.logs import RequestFormatter, set_up
from localcloud.fc.worker.wsgi import call

OWN_FOLDER = str(Path(__file__).resolve().parent)
Answer = tuple[dict[str, Any], bytes]


def serve(control: int, lifeline: int) -> None:
    """Answers the parent's frames until it closes the socket `control`; dies at once when the parent does."""
    for descriptor in (control, lifeline):
        os.set_inheritable(descriptor, False)
    _die_with_parent(lifeline)
    # Thread stacks on stderr when the timeout's SIGTERM comes, then the default action: the end.
    faulthandler.register(signal.SIGTERM, all_threads=True, chain=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    connection = socket.socket(fileno=control)
    decoder = Decoder()
    first = read_frame(connection, decoder)
    if first is None:
        return
    worker = Worker(first[0])
    frame: tuple[dict[str, Any], bytes] | None = first
    while frame is not None:
        header, answer = worker.answer(*frame)
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(encode(header, answer))
        frame = read_frame(connection, decoder)


def _die_with_parent(lifeline: int) -> None:
    """The parent holds the other end of this pipe and never writes: its death is the only signal there will be.

    The signal ends the process in the middle of a call too, and Linux lets it be the one that ends a frozen process
    (elsewhere it is SIGIO, which waits for the thaw). Without a thread: forking stays safe.
    """
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


class Worker:
    """The function in this process."""

    def __init__(self, start: dict[str, Any]) -> None:
        sys.argv[:] = [""]
        self._start = start
        self._handlers = Handlers(start["code"])
        set_path(start["code"], start["layers"], start["packages"])
        self._log: RequestFormatter = set_up(os.environ.get("FC_SERVER_LOG_LEVEL", "INFO"))
        self._kinds: dict[str, Callable[[dict[str, Any], bytes, Any], Answer]] = {
            "start": self._initialize,
            "invoke": self._invoke,
            "wsgi": self._wsgi,
            "preStop": self._pre_stop,
        }

    def answer(self, header: dict[str, Any], body: bytes) -> Answer:
        """Never raises for what the function does, short of ending the process."""
        self._log.request_id = header["context"]["request_id"]
        try:
            return self._kinds[header["kind"]](header, body, context_of(header["context"]))
        except LoadError as error:
            return {"ok": False}, error_document(str(error), error.kind)
        except Exception as error:  # noqa: BLE001  what a function raises is its answer
            traceback.print_exc()
            return {"ok": False}, encode_error(error, own_folder=OWN_FOLDER)

    def _initialize(self, header: dict[str, Any], body: bytes, context: Any) -> Answer:  # noqa: ARG002
        if header["initializer"]:
            self._handlers.find(header["initializer"])(context)
        elif header["preloads"]:
            # What fails here will fail again, and be told, at the first call.
            with contextlib.suppress(LoadError):
                self._handlers.find(self._start["handler"])
        return {"ok": True}, b""

    def _invoke(self, header: dict[str, Any], body: bytes, context: Any) -> Answer:  # noqa: ARG002
        return {"ok": True}, encode_value(self._handlers.find(self._start["handler"])(body, context))

    def _wsgi(self, header: dict[str, Any], body: bytes, context: Any) -> Answer:
        application = self._handlers.find(self._start["handler"])
        status, headers, content = call(application, header["request"], body, context)
        return {"ok": True, "status": status, "headers": headers}, content

    def _pre_stop(self, header: dict[str, Any], body: bytes, context: Any) -> Answer:  # noqa: ARG002
        self._handlers.find(self._start["preStop"])(context)
        return {"ok": True}, b""
