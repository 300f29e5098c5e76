"""Who asks, and that the answer is ours: signatures V2 and V4 of requests, and the one of replies.

What is signed, for a request: "/" + operation, "POST", the sorted query, every x-ots- header as "name:value" sorted,
each with a line feed; V4 adds "ots". V2: HMAC-SHA1 with the secret. V4: HMAC-SHA256 with a key derived from the secret,
the day and the region. A reply: its x-ots- headers, a line feed, "/" + operation; always HMAC-SHA1, with the request's
key.
Source: auth.py and protocol.py of the Python SDK 6.4.8.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import lru_cache
from urllib.parse import parse_qsl, urlencode

from localcloud.account import Account
from localcloud.http import Request
from localcloud.tablestore.errors import denied, invalid
from localcloud.tablestore.limits import Limits

API_VERSION = "2015-12-31"
CONTENT_TYPE = "protocol buffer"
SIGNATURE_V2, SIGNATURE_V4 = "x-ots-signature", "x-ots-signaturev4"
REQUIRED = ("x-ots-date", "x-ots-apiversion", "x-ots-accesskeyid", "x-ots-instancename", "x-ots-contentmd5")
REQUIRED_V4 = ("x-ots-signdate", "x-ots-signregion")
DATE_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def verify(request: Request, operation: str, account: Account, *, limits: Limits, now_ms: int) -> None:
    """Raises OTSParameterInvalid for headers that are missing or malformed, else OTSAuthFailed."""
    headers = request.headers
    is_v4 = SIGNATURE_V4 in headers
    for name in (*REQUIRED, *REQUIRED_V4, SIGNATURE_V4) if is_v4 else (*REQUIRED, SIGNATURE_V2):
        if name not in headers:
            raise invalid(f"Missing header: '{name}'.")
    if headers["x-ots-apiversion"] != API_VERSION:
        raise invalid(f"Invalid API version: '{headers['x-ots-apiversion']}'.")
    _check_date(headers["x-ots-date"], now_ms, limits)
    if headers["x-ots-contentmd5"] != content_md5(request.body):
        raise denied("Mismatch between MD5 value of request body and x-ots-contentmd5 in header.")
    if headers["x-ots-accesskeyid"] != account.access_key_id:
        raise denied("The AccessKeyID does not exist.")
    token = headers.get("x-ots-ststoken")
    if token is not None and token != account.security_token:
        raise denied("The STS token is invalid.")
    if is_v4 and headers["x-ots-signregion"] != account.region:
        raise denied(f"The region of the signature is '{headers['x-ots-signregion']}', not '{account.region}'.")
    if not hmac.compare_digest(_expected(request, operation, account, is_v4=is_v4), _given(headers, is_v4=is_v4)):
        raise denied("Signature mismatch.")
    if headers["x-ots-instancename"] != account.tablestore_instance:
        raise denied("The instance is not found.")


def signing_key(headers: Mapping[str, str], account: Account) -> bytes:
    """The key that the reply to these headers is signed with."""
    if SIGNATURE_V4 not in headers:
        return account.access_key_secret.encode()
    day, region = headers.get("x-ots-signdate", ""), headers.get("x-ots-signregion", "")
    return derived_key(account.access_key_secret, day, region)


def reply_headers(
    operation: str, body: bytes, *, request_id: str, now_ms: int, signer: tuple[str, bytes] | None
) -> tuple[tuple[str, str], ...]:
    """The headers that the SDKs insist on; without `Authorization` when there is no `signer` (access key id, key)."""
    headers = (
        ("x-ots-contentmd5", content_md5(body)),
        ("x-ots-contenttype", CONTENT_TYPE),
        ("x-ots-date", _date(now_ms // 1000)),
        ("x-ots-requestid", request_id),
    )
    if signer is None:
        return headers
    access_key_id, key = signer
    signed = "\n".join([f"{name}:{value}" for name, value in headers]) + f"\n/{operation}"
    signature = base64.b64encode(hmac.digest(key, signed.encode(), "sha1")).decode()
    return (*headers, ("Authorization", f"OTS {access_key_id}:{signature}"))


def content_md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body).digest()).decode()


@lru_cache(maxsize=64)
def derived_key(secret: str, day: str, region: str) -> bytes:
    """Of V4."""
    key = f"aliyun_v4{secret}".encode()
    for part in (day, region, "ots", "aliyun_v4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return base64.b64encode(key)


def _expected(request: Request, operation: str, account: Account, *, is_v4: bool) -> bytes:
    headers = request.headers
    lines = sorted(
        f"{name}:{value.strip()}"
        for name, value in headers.items()
        if name.startswith("x-ots-") and name not in (SIGNATURE_V2, SIGNATURE_V4)
    )
    query = urlencode(sorted(parse_qsl(request.query))) if request.query else ""
    signed = f"/{operation}\nPOST\n{query}\n" + "\n".join(lines) + "\n"
    if not is_v4:
        return base64.b64encode(hmac.digest(account.access_key_secret.encode(), signed.encode(), "sha1"))
    key = derived_key(account.access_key_secret, headers["x-ots-signdate"], headers["x-ots-signregion"])
    return base64.b64encode(hmac.digest(key, f"{signed}ots".encode(), "sha256"))


def _given(headers: Mapping[str, str], *, is_v4: bool) -> bytes:
    return headers[SIGNATURE_V4 if is_v4 else SIGNATURE_V2].strip().encode("latin-1", "replace")


def _check_date(text: str, now_ms: int, limits: Limits) -> None:
    moment_ms = _parsed(text)
    if moment_ms is None:
        raise invalid(f"Invalid date format: {text}.")
    if abs(moment_ms - now_ms) > limits.clock_skew_ms_max:
        raise denied(f"Mismatch between system time and x-ots-date: {text}.")


@lru_cache(maxsize=16)
def _parsed(text: str) -> int | None:
    """Cached: within a second all requests bear the same date."""
    try:
        moment = datetime.strptime(text, DATE_FORMAT).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return int(moment.timestamp() * 1000)


@lru_cache(maxsize=16)
def _date(now_s: int) -> str:
    return datetime.fromtimestamp(now_s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
