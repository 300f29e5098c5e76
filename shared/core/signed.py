"""Signatures of webhooks and of queue messages, both by the Standard Webhooks scheme (standardwebhooks.com, 1.0.0).

    webhook-id         names the message; the same for each try
    webhook-timestamp  seconds since 1970
    webhook-signature  one or more, separated by spaces: `v1,<Base64 HMAC-SHA256>` or `v1a,<Base64 Ed25519>`

What is signed is `<id>.<timestamp>.<body>`, the body as bytes: a body that was parsed and written anew is another body.
GitHub signs the body alone (`X-Hub-Signature-256: sha256=<hex>`, webhook page 2025) and names the delivery beside it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from shared.core import limits
from shared.core.errors import Refused

_ID = re.compile(r"^[\x21-\x2d\x2f-\x7e]{1,256}\Z")
"""Printable, without the dot that ends it in what is signed."""
_SECRET_BYTES_MIN, _SECRET_BYTES_MAX = 16, 128
_SIGNATURES_MAX = 10
_DELIVERY = re.compile(r"^[A-Za-z0-9-]{1,100}\Z")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the three headers say."""

    message_id: str
    timestamp_s: int
    signatures: tuple[str, ...]


def signed_content(message_id: str, timestamp_s: int, body: bytes) -> bytes:
    return f"{message_id}.{timestamp_s}.".encode() + body


def sign(secret: bytes, message_id: str, timestamp_s: int, body: bytes) -> str:
    """`v1,…`"""
    digest = hmac.digest(secret, signed_content(message_id, timestamp_s, body), "sha256")
    return "v1," + base64.b64encode(digest).decode()


def stamp_of(headers: Mapping[str, str]) -> Stamp:
    """`headers`: names in lower case. Raises Refused (Unauthorized) when one is missing or no such thing."""
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        if not headers.get(name):
            raise unauthorized(name, "is missing")
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if not _ID.match(message_id):
        raise unauthorized("webhook-id", "must have 1 to 256 printable characters, without spaces and dots")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise unauthorized("webhook-timestamp", "must be seconds since 1970")
    signatures = tuple(headers["webhook-signature"].split(" "))
    if len(signatures) > _SIGNATURES_MAX:
        raise unauthorized("webhook-signature", f"has {len(signatures)} signatures; at most {_SIGNATURES_MAX}")
    return Stamp(message_id, int(timestamp), signatures)


def check_age(timestamp_s: int, *, now_ms: int, age_s_max: int, field: str = "webhook-timestamp") -> None:
    """Raises Refused (Stale)."""
    age_s = now_ms // 1000 - timestamp_s
    if age_s > age_s_max or age_s < -limits.SIGNATURE_AGE_S_MAX:
        raise Refused(
            f"{field} is {age_s} s old; it must be at most {age_s_max} s old, "
            f"and at most {limits.SIGNATURE_AGE_S_MAX} s ahead",
            code="Stale",
            field=field,
        )


def verify(secrets: Sequence[bytes], stamp: Stamp, body: bytes) -> bool:
    """Whether one of the signatures is by one of the secrets (two while one is being replaced). Constant time each."""
    expected = [sign(secret, stamp.message_id, stamp.timestamp_s, body).encode() for secret in secrets]
    given = [text.encode("utf-8", "replace") for text in stamp.signatures if text.startswith("v1,")]
    return any(hmac.compare_digest(mine, theirs) for mine in expected for theirs in given)


def verify_github(secrets: Sequence[bytes], header: str, body: bytes) -> bool:
    """`header`: of X-Hub-Signature-256."""
    given = header.encode("utf-8", "replace")
    expected = [b"sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest().encode() for secret in secrets]
    return any(hmac.compare_digest(mine, given) for mine in expected)


def github_delivery(headers: Mapping[str, str]) -> str:
    """X-GitHub-Delivery: not signed, so it names a delivery and proves nothing. Raises Refused."""
    delivery = headers.get("x-github-delivery", "")
    if not _DELIVERY.match(delivery):
        raise unauthorized("x-github-delivery", "is missing, or no delivery id")
    return delivery


def secret_bytes(text: str) -> bytes:
    """Of `whsec_<Base64>`, or any other text as it is (GitHub's). Raises Refused (BadRequest)."""
    raw = text.encode()
    if text.startswith("whsec_"):
        try:
            raw = base64.b64decode(text.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            raise Refused('secret is no Base64 after "whsec_"', code="BadRequest", field="secret") from None
    if not _SECRET_BYTES_MIN <= len(raw) <= _SECRET_BYTES_MAX:
        raise Refused(
            f"secret has {len(raw)} bytes; it must have {_SECRET_BYTES_MIN} to {_SECRET_BYTES_MAX}",
            code="BadRequest",
            field="secret",
        )
    return raw


def unauthorized(field: str, problem: str) -> Refused:
    return Refused(f"{field} {problem}", code="Unauthorized", field=field)


# -- queue messages ---------------------------------------------------------------------------------------------------
class Envelope(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
    tag_field="kind",
    tag="signed",
):
    """A request in a queue, with the key of who sends it."""

    key_id: str
    message_id: str
    timestamp: int
    """Seconds since 1970."""
    signature: str
    """`v1a,<Base64 Ed25519>` of `<messageId>.<timestamp>.<request>`."""
    request: str
    """The request as JSON text, to the byte as it was signed."""

    def content(self) -> bytes:
        return signed_content(self.message_id, self.timestamp, self.request.encode("utf-8", "surrogatepass"))

    def raw_signature(self) -> bytes:
        """b"" if there is none of the right form."""
        version, _, text = self.signature.partition(",")
        try:
            return base64.b64decode(text, validate=True) if version == "v1a" else b""
        except (binascii.Error, ValueError):
            return b""


def is_envelope(body: bytes) -> bool:
    """A look at the beginning would miss other orders of fields, so the tag is read."""
    try:
        return msgspec.json.decode(body, type=_Kind).kind == "signed"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def inner_request(body: bytes) -> bytes:
    """The request in a signed message, verified or not; `body` itself if it is not signed."""
    try:
        return decode_envelope(body).request.encode("utf-8", "surrogatepass") if is_envelope(body) else body
    except Refused:
        return body


class _OnlyId(msgspec.Struct, rename="camel"):
    request_id: str = ""


def request_id_in(body: bytes) -> str:
    """The request id of a message that is otherwise wrong, so that its sender recognises it; "" if there is none."""
    try:
        return msgspec.json.decode(inner_request(body), type=_OnlyId).request_id[: limits.REQUEST_ID_CHARS_MAX]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


class _Kind(msgspec.Struct):
    kind: str = ""


def decode_envelope(body: bytes) -> Envelope:
    """Raises Refused (BadRequest)."""
    try:
        return msgspec.json.decode(body, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"the signed message is none: {str(error)[:200]}", code="BadRequest", field="$") from None
