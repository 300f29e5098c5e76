"""A request for a queue, signed with an API key: the receiving half is shared/app/admit.py."""

from __future__ import annotations

import base64
import secrets
import time

import msgspec

from shared.adapters.sealing import Ed25519Signatures
from shared.core.errors import Refused
from shared.core.keys import parse_key, signing_seed
from shared.core.requests import decode_request
from shared.core.signed import Envelope, signed_content


def signed_message(key: str, request: bytes) -> str:
    """JSON. Raises Refused when the key is none, or the request is wrong: nobody should find that out later."""
    parsed = parse_key(key)
    if parsed is None:
        raise Refused("FLEETRUN_API_KEY is no key; it looks like frk_<id>_<secret>", code="BadEnvironment")
    decode_request(request)
    key_id, secret = parsed
    message_id, timestamp = f"msg_{secrets.token_hex(12)}", time.time_ns() // 1_000_000_000
    signature = Ed25519Signatures().sign(signing_seed(secret), signed_content(message_id, timestamp, request))
    envelope = Envelope(
        key_id=key_id,
        message_id=message_id,
        timestamp=timestamp,
        signature="v1a," + base64.b64encode(signature).decode(),
        request=request.decode(),
    )
    return msgspec.json.encode(envelope).decode()
