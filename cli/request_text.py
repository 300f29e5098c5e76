"""What goes into a queue: a request from a file or from options, checked by the same code that will read it there."""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cli.connection import api_address
from cli.queues import check_size
from shared.core.errors import Refused
from shared.core.requests import Request, decode_request
from shared.core.signed import decode_envelope, is_envelope

PLACEHOLDER = "{now}"
"""In a file's requestId: replaced by time and chance, so that each sending is a run of its own."""
_PERCENT_OR_NUMBER = re.compile(r"^[0-9]+%?$")


@dataclass(frozen=True, slots=True)
class Checked:
    """A request that the functions will be able to read."""

    body: bytes
    request: Request


def fresh_id(prefix: str) -> str:
    """`prefix-20261124T161419Z-1a2b3c`."""
    return f"{prefix}-{_stamp()}"


def _stamp() -> str:
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def check(body: bytes) -> Checked:
    """Raises Refused, which names the field."""
    request = decode_request(body)
    if api_address() is None:
        check_size(body)
    return Checked(body, request)


def from_file(name: str, *, request_id: str | None) -> Checked:
    """The request in a file (`-`: standard input). `request_id` replaces the file's. Raises Refused.

    A signed message (`fleetrun keys sign`) is sent to the byte.
    """
    body = _read(name)
    if not is_envelope(body):
        return check(with_request_id(body, request_id=request_id))
    if request_id is not None:
        raise Refused("--request-id: a signed message cannot be changed; sign another", code="BadUsage")
    if api_address() is not None:
        raise Refused("a signed message is for the queues; over the API the key itself says who asks", code="BadUsage")
    request = check(decode_envelope(body).request.encode("utf-8", "surrogatepass")).request
    check_size(body)
    return Checked(body, request)


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise Refused(f"{name}: {error.strerror}", code="NoFile") from None


def with_request_id(body: bytes, *, request_id: str | None) -> bytes:
    """`body` with its requestId replaced, or its placeholder filled in; anything else is left as it is."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return body
    if not isinstance(value, dict):
        return body
    told = value.get("requestId")
    wanted = request_id or (told.replace(PLACEHOLDER, _stamp()) if isinstance(told, str) else told)
    if wanted == told:
        return body
    return json.dumps({**value, "requestId": wanted}, ensure_ascii=False).encode()


def from_options(command: Mapping[str, Any], targets: Mapping[str, Any], rest: Mapping[str, Any]) -> Checked:
    """Fields as they stand in the JSON; those that are None or empty are left out. Raises Refused."""
    value = _told({"kind": "invoke", "command": _told(command), "targets": _told(targets), **rest})
    return check(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape"))


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: _told(fields[name]) if isinstance(fields[name], dict) else fields[name] for name in fields}
    return {name: told[name] for name in told if told[name] not in (None, {}, [], "")}


def pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """`k=v` each; a value may hold further `=`. Raises Refused."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise Refused(f"{option} {text!r}: it must look like name=value", code="BadUsage")
        if name in found:
            raise Refused(f"{option} {name!r} is given twice", code="BadUsage")
        found[name] = value
    return found


def bound(option: str, text: str | None) -> int | str | None:
    """A number, or a percentage as text. Raises Refused."""
    if text is None:
        return None
    if not _PERCENT_OR_NUMBER.match(text):
        raise Refused(f"{option} {text!r}: it must be a number such as 5, or a percentage such as 10%", code="BadUsage")
    return text if text.endswith("%") else int(text)
