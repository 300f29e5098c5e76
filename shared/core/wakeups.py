"""The wake-up: a hint that a run is due. Rows are the truth; a lost, late or doubled wake-up changes nothing."""

from __future__ import annotations

import msgspec

from shared.core.errors import Refused
from shared.core.model import SCHEMA

NEVER_STALE = 1 << 60
"""Number of a wake-up that no later one replaces: a stop does not wait for the run's own."""


class WakeUp(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`wakeup_no` orders the wake-ups of a run; `event_sent`: events 1..event_sent were published before it."""

    run_id: str
    wakeup_no: int
    event_sent: int = 0
    schema: int = SCHEMA


def encode_wakeup(wakeup: WakeUp) -> bytes:
    return msgspec.json.encode(wakeup)


def decode_wakeup(body: bytes) -> WakeUp:
    """Raises Refused when `body` is no wake-up of this schema or the one before."""
    try:
        wakeup = msgspec.json.decode(body, type=WakeUp)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"this is no wake-up: {str(error)[:200]}", code="BadWakeUp") from None
    if wakeup.schema not in (SCHEMA, SCHEMA - 1):
        raise Refused(f"the wake-up has schema {wakeup.schema}; it must be {SCHEMA} or {SCHEMA - 1}", code="BadWakeUp")
    return wakeup
