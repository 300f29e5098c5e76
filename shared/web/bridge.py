"""Function Compute's HTTP event (FC 3.0, version v1) ↔ WSGI, for any WSGI application.

Source: HTTP trigger page, 2026-08. What the event has lost cannot be had back: repeated headers and query parameters
come joined with a comma, and the whole answer is one body, so that nothing can be streamed.
"""

from __future__ import annotations

import base64
import binascii
import io
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

import msgspec

from shared.core.errors import Refused

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Http(msgspec.Struct):
    method: str
    path: str = "/"
    source_ip: str = msgspec.field(name="sourceIp", default="")


class _Context(msgspec.Struct):
    http: _Http
    domain_name: str = msgspec.field(name="domainName", default="")
    request_id: str = msgspec.field(name="requestId", default="")


class HttpEvent(msgspec.Struct):
    """The part of the event that is used."""

    context: _Context = msgspec.field(name="requestContext")
    raw_path: str = msgspec.field(name="rawPath", default="/")
    body: str = ""
    is_base64: bool = msgspec.field(name="isBase64Encoded", default=False)
    headers: dict[str, str] = {}
    query: dict[str, str] = msgspec.field(name="queryParameters", default_factory=dict)


def decode_event(payload: bytes) -> HttpEvent:
    """Raises Refused when this is no event of an HTTP trigger."""
    try:
        return msgspec.json.decode(payload, type=HttpEvent)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"this is no event of an HTTP trigger: {str(error)[:200]}", code="BadEvent") from None


def environ_of(event: HttpEvent, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The WSGI environment of the call; `extra` joins it."""
    body, http = _body_of(event), event.context.http
    environ: dict[str, Any] = {
        "REQUEST_METHOD": http.method,
        "SCRIPT_NAME": "",
        # WSGI wants the decoded bytes of the path, as latin-1 text.
        "PATH_INFO": unquote_to_bytes(event.raw_path or "/").decode("latin-1"),
        "QUERY_STRING": urlencode(event.query),
        "REMOTE_ADDR": http.source_ip,
        "SERVER_NAME": event.context.domain_name.partition(":")[0] or "localhost",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in event.headers.items():
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = value
        elif key != "CONTENT_LENGTH":
            environ[f"HTTP_{key}"] = value
    return {**environ, **extra}


def _body_of(event: HttpEvent) -> bytes:
    """The bytes as they were sent: signatures are computed over them."""
    raw = event.body.encode("utf-8", "surrogatepass")
    if not event.is_base64:
        return raw
    try:
        return base64.b64decode(raw, validate=True)
    except (binascii.Error, ValueError):
        return raw


def serve(application: Wsgi, event: HttpEvent, extra: Mapping[str, Any]) -> dict[str, Any]:
    """What Function Compute makes the client's answer of."""
    told: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], object]:
        told["statusCode"] = int(status.split(" ", 1)[0])
        told["headers"] = _joined(headers)
        return written.append

    written: list[bytes] = []
    answered = application(environ_of(event, extra), start_response)
    try:
        body = b"".join([*written, *answered])
    finally:
        if hasattr(answered, "close"):
            answered.close()
    try:
        return {**told, "isBase64Encoded": False, "body": body.decode()}
    except UnicodeDecodeError:
        return {**told, "isBase64Encoded": True, "body": base64.b64encode(body).decode()}


def _joined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Function Compute takes one value for a name."""
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]},{value}" if name in found else value
    return found
