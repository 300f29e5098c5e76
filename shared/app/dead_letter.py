"""dead_letter: what fleetrun puts into its dead-letter queue; `fleetrun dlq` reads it, and sends `body` again."""

from __future__ import annotations

import base64

import msgspec

from shared.core import limits
from shared.core.errors import Refused
from shared.core.messages import Message
from shared.core.model import SCHEMA


def dead_letter_of(message: Message, error: Refused) -> bytes:
    """The message as it came (as much as a queue message holds), with the reason."""
    return msgspec.json.encode(
        {
            "schema": SCHEMA,
            "messageId": message.message_id,
            "source": message.source,
            "code": error.code,
            "field": error.field,
            "reason": error.message[:2000],
            "bytes": len(message.body),
            "body": base64.b64encode(message.body[: limits.DEAD_LETTER_BYTES_MAX]).decode(),
        }
    )
