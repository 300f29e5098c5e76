"""Calls of HTTP triggers: request → the function's event (FC 3.0) or WSGI call (FC 2.0) → response. Pure.

Source: HTTP trigger pages (056, 028, 002), 2026-08.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl, unquote

from localcloud.account import Account
from localcloud.fc.errors import FcError, invalid
from localcloud.fc.limits import DIGITS_MAX, HTTP_HEADER_BYTES_MAX, HTTP_TARGET_BYTES_MAX
from localcloud.fc.values import HttpRequest, Outcome
from localcloud.http import Request, Response

TEXT_TYPES = (
    "application/json",
    "application/ld+json",
    "application/xhtml+xml",
    "application/xml",
    "application/atom+xml",
    "application/javascript",
)
"""Besides text/*: what is handed over as it is; the rest, and what has no type, is Base64."""
WITHHELD = ("connection", "content-length", "date", "keep-alive", "server", "content-disposition")
"""What a function cannot set, beside X-Fc-*."""
NOT_PASSED_ON = ("authorization", "connection", "content-length", "transfer-encoding")


def http_request(request: Request, rest: str, *, is_signed: bool) -> HttpRequest:
    """Raises FcError InvalidArgument for what is larger than FC takes.

    `is_signed`: the platform used up the Authorization header; otherwise it is the function's to read.
    """
    used = sum(len(name) + len(value) for name, value in request.headers.items())
    if used > HTTP_HEADER_BYTES_MAX:
        raise invalid(f"the request's headers have {used} bytes, at most {HTTP_HEADER_BYTES_MAX}")
    target = f"{rest}?{request.query}" if request.query else rest
    if len(target) > HTTP_TARGET_BYTES_MAX:
        raise invalid(f"path and query have {len(target)} bytes, at most {HTTP_TARGET_BYTES_MAX}")
    withheld = NOT_PASSED_ON if is_signed else NOT_PASSED_ON[1:]
    headers = tuple(
        (canonical_name(name), value) for name, value in sorted(request.headers.items()) if name not in withheld
    )
    return HttpRequest(request.method, rest, request.query, headers, request.body)


def canonical_name(name: str) -> str:
    """As Go spells header names: content-type → Content-Type."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def event_of(
    http: HttpRequest, *, account: Account, function_id: str, request_id: str, now_ms: int, host: str
) -> bytes:
    """FC 3.0's event, version v1."""
    headers = dict(http.headers)
    is_text = _is_text(headers.get("Content-Type", ""))
    moment = datetime.fromtimestamp(now_ms / 1000, tz=timezone.utc)
    prefix = function_id[:8]
    event = {
        "version": "v1",
        "rawPath": http.path,
        "body": http.body.decode("utf-8", "replace") if is_text else base64.b64encode(http.body).decode(),
        "isBase64Encoded": not is_text,
        "headers": headers,
        "queryParameters": _query(http.query),
        "requestContext": {
            "accountId": account.account_id,
            "domainName": host or f"{prefix}.{account.region}.fcapp.run",
            "domainPrefix": prefix,
            "http": {
                "method": http.method,
                "path": unquote(http.path),
                "protocol": "HTTP/1.1",
                "sourceIp": http.source_ip,
                "userAgent": headers.get("User-Agent", ""),
            },
            "requestId": request_id,
            "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            "timeEpoch": str(now_ms),
        },
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _is_text(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in TEXT_TYPES


def _query(query: str) -> dict[str, str]:
    """A name that comes twice has its values joined with a comma."""
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return {name: ",".join(found) for name, found in values.items()}


def response_of_event(outcome: Outcome, *, request_id: str) -> Response:
    """What the client sees of what an FC 3.0 function returned. Raises FcError BadResponse."""
    told = _told(outcome.body)
    if told is None or "statusCode" not in told:
        return _response(200, {"Content-Type": "application/json"}, outcome.body, request_id)
    status = told["statusCode"]
    if isinstance(status, str) and status.isascii() and status.isdecimal() and len(status) <= DIGITS_MAX:
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
        raise FcError("BadResponse", f"statusCode is {told['statusCode']!r}, a number from 100 to 599 is needed")
    headers = {"Content-Type": "application/json"}
    given = told.get("headers") or {}
    if not isinstance(given, Mapping):
        raise FcError("BadResponse", "headers must be an object")
    names = {name.lower(): name for name in headers}
    for name, value in given.items():
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        headers[names.setdefault(str(name).lower(), str(name))] = text
    return _response(status, headers, _body(told), request_id)


def _told(body: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _body(told: Mapping[str, Any]) -> bytes:
    """Base64 that is none is returned as it stands."""
    body = told.get("body", "")
    if not isinstance(body, str):
        return b"" if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    raw = body.encode("utf-8", "surrogatepass")
    if told.get("isBase64Encoded") is True:
        try:
            return base64.b64decode(raw, validate=True)
        except (binascii.Error, ValueError):
            return raw
    return raw


def response_of_wsgi(outcome: Outcome, *, request_id: str) -> Response:
    """Raises FcError BadResponse."""
    headers: dict[str, str] = {}
    for name, value in outcome.http_headers:
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return _response(outcome.http_status, headers, outcome.body, request_id)


def _response(status: int, headers: Mapping[str, str], body: bytes, request_id: str) -> Response:
    kept = [
        (name, value)
        for name, value in headers.items()
        if name.lower() not in WITHHELD and not name.lower().startswith("x-fc-")
    ]
    for name, value in kept:
        if any(mark in name + value for mark in "\r\n\0"):
            raise FcError("BadResponse", f"the response header {name!r} holds a line break")
    used = sum(len(name) + len(value) for name, value in kept)
    if used > HTTP_HEADER_BYTES_MAX:
        raise FcError("BadResponse", f"the response's headers have {used} bytes, at most {HTTP_HEADER_BYTES_MAX}")
    return Response(status, (*kept, ("X-Fc-Request-Id", request_id)), body)
