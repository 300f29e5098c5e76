"""The message that makes a schedule look at the clock: a hint, and may be lost, late or doubled; the row is true."""

from __future__ import annotations

import msgspec

from shared.core.errors import Refused
from shared.core.model import SCHEMA


class ScheduleWake(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Sent by a tick for each line of `due`, delayed until it is due."""

    schedule_id: str
    minute: str
    """Of the line of `due` that it was sent for: when the schedule is due in another one, the line can go."""
    is_redriven: bool = False
    """Out of the dead letters: somebody has mended what broke, so the schedule is no longer put aside."""
    schema: int = SCHEMA


def encode_wake(wake: ScheduleWake) -> bytes:
    return msgspec.json.encode(wake)


def decode_wake(body: bytes) -> ScheduleWake:
    """Raises Refused when `body` is no such message of this schema or the one before."""
    try:
        wake = msgspec.json.decode(body, type=ScheduleWake)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"this wakes no schedule: {str(error)[:200]}", code="BadWakeUp") from None
    if wake.schema not in (SCHEMA, SCHEMA - 1):
        raise Refused(f"the message has schema {wake.schema}; it must be {SCHEMA} or {SCHEMA - 1}", code="BadWakeUp")
    return wake
