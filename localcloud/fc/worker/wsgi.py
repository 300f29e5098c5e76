"""HTTP calls as FC 2.0's Python runtime passes them: the function is a WSGI application.

Source: the runtime's wsgi module (FC 2.0) and the HTTP trigger page of FC 2.0.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Any


class InvalidResponse(Exception):
    """The application returned what cannot be joined to bytes."""


def environment(request: dict[str, Any], body: bytes, context: Any) -> dict[str, Any]:
    """`request`: {"path", "method", "requestURI", "clientIP", "query", "headers": [[name, value]], "takesBytes"}.

    The path is decoded.
    """
    values: dict[str, Any] = dict(os.environ)
    values.update(
        {
            "REQUEST_METHOD": request["method"],
            "PATH_INFO": request["path"],
            "QUERY_STRING": request["query"],
            "SCRIPT_NAME": "",
            "SERVER_NAME": "FCRUNTIME",
            "SERVER_PORT": "9000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": request["clientIP"],
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/octet-stream",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "fc.context": context,
            "fc.request_uri": request["requestURI"],
        }
    )
    for name, value in request["headers"]:
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            values["CONTENT_TYPE"] = value
        elif key != "CONTENT_LENGTH":
            values[f"HTTP_{key}"] = value
    return values


def call(
    application: Callable[..., Any], request: dict[str, Any], body: bytes, context: Any
) -> tuple[int, list[list[str]], bytes]:
    """Status, headers, body. Raises whatever the application raises, or InvalidResponse."""
    begun: list[tuple[int, list[list[str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        if exc_info is None and begun:
            raise AssertionError("start_response was called twice")
        begun[:] = [(int(str(status).split(" ", maxsplit=1)[0]), [[name, value] for name, value in headers])]
        return written.append

    returned = application(environment(request, body, context), start_response)
    if request["takesBytes"] and isinstance(returned, bytes):
        returned = [returned]  # the bytes of Python 2 are a sequence of bytes
    try:
        content = b"".join([*written, *returned])
    except TypeError as error:
        raise InvalidResponse(f"invalid response type: {error}") from error
    finally:
        if hasattr(returned, "close"):
            returned.close()
    if not begun:
        raise InvalidResponse("start_response was not called")
    status, headers = begun[0]
    return status, headers, content
