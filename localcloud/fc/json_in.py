"""JSON as callers send it, in bodies and in texts inside of them: an object that can be kept and shown again.

What can be read is not always what can be written: msgpack, in which the journal is, has no integers of more than 64
bits, and Python writes fewer levels of objects in objects than it reads.
"""

from __future__ import annotations

from typing import Any

import msgspec

from localcloud.fc.errors import invalid
from localcloud.fc.limits import JSON_LEVELS_MAX


def json_object(raw: bytes | str, name: str) -> dict[str, Any]:
    """Raises FcError InvalidArgument for what is no such object. `name`: of what it stands in."""
    try:
        value = msgspec.json.decode(raw, type=dict[str, Any])
        msgspec.msgpack.encode(value)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise invalid(f"{name} is not a JSON object: {error}") from error
    except OverflowError as error:
        raise invalid(f"{name} has an integer of more than 64 bits") from error
    _check_levels(value, name)
    return value


def _check_levels(value: Any, name: str) -> None:
    level = [value]
    for _ in range(JSON_LEVELS_MAX):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _parts(one)]
        if not level:
            return
    raise invalid(f"{name} has objects and lists in each other more than {JSON_LEVELS_MAX} deep")


def _parts(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value
