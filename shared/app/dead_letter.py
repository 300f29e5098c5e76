"""dead_letter: what fleetrun puts into its dead-letter queue; `fleetrun dlq` reads it, and sends `body` again."""

from __future__ import annotations

import base64

import msgspec

from shared.core import limits
from shared.core.errors import Refused
from shared.core.messages import Message
from shared.core.model import SCHEMA
from shared.core.secret_parameters import without_secrets


def dead_letter_of(message: Message, error: Refused) -> bytes:
    """The message as it came (as much as a queue message holds), with the reason; without what it marks as secret."""
    body = without_secrets(message.body)
    return msgspec.json.encode(
        {
            "schema": SCHEMA,
            "messageId": message.message_id,
            "source": message.source,
            "code": error.code,
            "field": error.field,
            "reason": error.message[:2000],
            "bytes": len(message.body),
            "body": base64.b64encode(body[: limits.DEAD_LETTER_BYTES_MAX]).decode(),
        }
    )
