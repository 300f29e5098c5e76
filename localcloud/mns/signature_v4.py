"""The signature V4 of MNS: a key derived for one day, region and product.

Wire format: `Authorization: MNS4-HMAC-SHA256 Credential=<AccessKeyId>/<yyyymmdd>/<region>/mns/aliyun_v4_request,
Signature=<64 hexadecimal digits>`, no space after the comma; the time is that of the Date header. Source:
aliyun-mns-java-sdk 2.0 (its signer and the known answers of its tests). Unlike other V4 schemes the canonical request
is signed whole, not its digest.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import quote, unquote

from localcloud.http import Request

ALGORITHM = "MNS4-HMAC-SHA256"
PRODUCT = "mns"
TERMINATOR = "aliyun_v4_request"
CLAIM = re.compile(
    rf"{ALGORITHM} Credential=([^/,\s]+)/(\d{{8}})/([^/,\s]+)/{PRODUCT}/{TERMINATOR},\s*Signature=([0-9a-f]{{64}})",
    re.ASCII,
)
SIGNED_HEADERS = ("content-md5", "content-type")
"""Besides all that begin with x-mns-, and only if they are there."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What an Authorization header says. `day`: yyyymmdd, UTC."""

    key_id: str
    day: str
    region: str
    signature: str


def claim_of(authorization: str) -> Claim | None:
    """None: it is no V4 header."""
    match = CLAIM.fullmatch(authorization)
    return Claim(*match.groups()) if match else None


def sign(request: Request, secret: str, *, region: str, sent_ms: int) -> str:
    """The signature that `request` should have when its Date is `sent_ms`."""
    day, scope_rest = day_of(sent_ms), (region, PRODUCT, TERMINATOR)
    scope = "/".join((day, *scope_rest))
    text = "\n".join((ALGORITHM, _utc(sent_ms).strftime("%Y%m%dT%H%M%SZ"), scope, canonical(request)))
    key = f"aliyun_v4{secret}".encode()
    for part in (day, *scope_rest):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def day_of(sent_ms: int) -> str:
    """Yyyymmdd, UTC."""
    return _utc(sent_ms).strftime("%Y%m%d")


def canonical(request: Request) -> str:
    """Method, path, query, headers; names of parameters in lower case, everything percent-encoded anew."""
    pairs = [item.partition("=") for item in request.query.split("&") if item]
    query = sorted((_escaped(name.strip().lower()), _escaped(value.strip())) for name, _, value in pairs)
    headers = sorted(
        f"{name}:{value}\n"
        for name, value in request.headers.items()
        if name in SIGNED_HEADERS or name.startswith("x-mns-")
    )
    return "\n".join(
        (
            request.method,
            quote(unquote(request.path), safe="/"),
            "&".join(f"{name}={value}" if value else name for name, value in query),
            "".join(headers) + "\n",
        )
    )


def _utc(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms // 1000, tz=timezone.utc)


def _escaped(text: str) -> str:
    return quote(unquote(text), safe="")
