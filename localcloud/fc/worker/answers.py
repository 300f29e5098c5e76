"""What a call answers: the bytes of a returned value, the JSON of an exception.

Source: the runtime's utils (FC 2.0) and the error page, 2026-08.
"""

from __future__ import annotations

import datetime
import decimal
import json
import traceback
from typing import Any


def encode_value(value: Any) -> bytes:
    """bytes as they are, text as UTF-8, anything else as JSON. Raises TypeError."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, str):
        return value.encode()
    return json.dumps(value, indent=4, sort_keys=True, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if hasattr(value, "to_json"):
        return value.to_json()
    raise TypeError(f"{type(value).__name__} is not JSON serializable")


def encode_error(error: BaseException, *, own_folder: str) -> bytes:
    """The error document; frames of the runtime itself (in `own_folder`) are left out."""
    stack = [
        [f'File "{frame.filename}"', f"line {frame.lineno}", f"in {frame.name}", frame.line or ""]
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(own_folder) and not frame.filename.startswith("<frozen importlib")
    ]
    return error_document(str(error), type(error).__name__, stack)


def error_document(message: str, kind: str, stack: list[list[str]] | None = None) -> bytes:
    document: dict[str, Any] = {"errorMessage": message, "errorType": kind}
    if stack:
        document["stackTrace"] = stack
    return json.dumps(document).encode()
