"""Log lines: one JSON object per line, on standard output. What a script says or is told never stands in one.

Redaction is by allowlist: plain numbers, words and lists of them are printed; bytes, the fields of SECRET_FIELDS and
all that the log does not know are printed as length and hash, or as their type.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Callable, Mapping

import msgspec

from shared.core.days import iso
from shared.ports import Clock

SECRET_FIELDS = frozenset(
    {
        "access_key_secret",
        "body",
        "command",
        "content",
        "credentials",
        "output",
        "outputs",
        "output_head",
        "parameters",
        "password",
        "request",
        "script",
        "secret",
        "security_token",
        "token",
    }
)
_CHARS_MAX = 2_000
_ITEMS_MAX = 100
_SILENT = ("tablestore-client", "aliyunsdkcore", "aliyunsdkcore.client", "aliyunsdkcore.http.http_response", "fc2")
_ORDER = {"info": 0, "error": 1}


class JsonLog:
    """Callable as the port `Log`; `error` for what an operator should see."""

    def __init__(
        self,
        clock: Clock,
        *,
        write: Callable[[str], object],
        level: str = "info",
        bound: Mapping[str, object] | None = None,
    ) -> None:
        self._clock = clock
        self._write = write
        self._level = level
        self._bound = dict(bound or {})

    def bind(self, **fields: object) -> JsonLog:
        """A log that adds these fields to each of its lines."""
        return JsonLog(self._clock, write=self._write, level=self._level, bound={**self._bound, **fields})

    def __call__(self, event: str, /, **fields: object) -> None:
        self._line("info", event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        self._line("error", event, fields)

    def _line(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        if _ORDER[level] < _ORDER[self._level]:
            return
        line: dict[str, object] = {"time": iso(self._clock.now_ms()), "level": level, "event": event}
        line |= {name: redacted(name, value) for name, value in {**self._bound, **fields}.items()}
        self._write(msgspec.json.encode(line).decode() + "\n")


def redacted(name: str, value: object) -> object:
    """What may be printed of a field."""
    if name in SECRET_FIELDS or isinstance(value, (bytes, bytearray)):
        return _fingerprint(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        text = value.encode("utf-8", "replace").decode()
        return text if len(text) <= _CHARS_MAX else text[:_CHARS_MAX] + f"… ({len(text)} characters)"
    if isinstance(value, Mapping):
        return {str(key): redacted(str(key), part) for key, part in list(value.items())[:_ITEMS_MAX]}
    if isinstance(value, (list, tuple)):
        return [redacted(name, part) for part in value[:_ITEMS_MAX]]
    return f"<{type(value).__name__}>"


def _fingerprint(value: object) -> object:
    if value is None:
        return None
    raw = bytes(value) if isinstance(value, (bytes, bytearray)) else str(value).encode("utf-8", "replace")
    return f"{len(raw)} bytes, sha256 {hashlib.sha256(raw).hexdigest()[:12]}"


def write_to_stdout(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


def quieten_sdks() -> None:
    """The SDKs log each lost race as an error, and URLs with keys in them. What matters of it, we log ourselves."""
    for name in _SILENT:
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL)
        # Disabled, too: one of them sets its level again when it is imported.
        logger.disabled = True
    for name in ("tablestore", "urllib3"):
        # Warnings that tell nothing: "native decoder not available" at import, "retrying" at each refused connection.
        logging.getLogger(name).setLevel(logging.ERROR)
