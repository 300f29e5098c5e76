"""Receipt handles: what a consumer shows to delete a message or to change its visibility.

Form: "1-" and Base64 of "<number>-<second of next visibility>-<how many handles so far>-<priority>", as real ones look.
"""

from __future__ import annotations

import base64
import binascii
import re

from localcloud.mns.backlog import Message
from localcloud.mns.errors import MnsError

CONTENT = re.compile(r"(\d{1,18})-\d{1,18}-\d{1,18}-\d{1,2}\Z", re.ASCII)
HANDLE_CHARS_MAX = 200
"""Ours."""


def give_receipt(message: Message) -> None:
    """Gives the message a new handle; the one before is no longer valid."""
    message.receipts += 1
    content = f"{message.number}-{message.visible_ms // 1000}-{message.receipts}-{message.priority}"
    message.receipt_handle = "1-" + base64.b64encode(content.encode()).decode()


def number_of(handle: str) -> int:
    """The number of the message that a handle is for. Raises ReceiptHandleError when nobody gave that handle."""
    if not handle.startswith("1-") or len(handle) > HANDLE_CHARS_MAX:
        raise MnsError("ReceiptHandleError")
    try:
        content = base64.b64decode(handle[2:].encode("ascii"), validate=True).decode("ascii")
    except (binascii.Error, UnicodeError) as error:
        raise MnsError("ReceiptHandleError") from error
    match = CONTENT.match(content)
    if match is None:
        raise MnsError("ReceiptHandleError")
    return int(match.group(1))
