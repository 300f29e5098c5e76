"""Who is let in: the headers that each request must have, its signature, its digest.

Wire format: `Authorization: MNS <AccessKeyId>:<Base64 of HMAC-SHA1>` over method, Content-MD5, Content-Type, Date, the
x-mns-* headers and the target exactly as sent. Content-MD5 is the Base64 of the hexadecimal digest, as all SDKs of the
vendor have it (Python 1.3.0, Go 2.0, Node 1.x, PHP); RFC 1864, which the documents name, is taken too.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache

from localcloud.account import Account
from localcloud.clock import Clock
from localcloud.http import Request
from localcloud.mns.errors import MnsError
from localcloud.mns.limits import Limits

AUTHORIZATION = re.compile(r"MNS ([^:\s]+):([A-Za-z0-9+/]+={0,2})")
VERSION = "2015-06-06"


class Gate:
    """Checks requests against the account. With `checks_signature` false it lets everybody in.

    `date_clock`: what a request's Date is compared with; None: the time at which it was received, which is not the
    caller's time when the local cloud's clock is frozen or moved.
    """

    def __init__(
        self, *, account: Account, limits: Limits, checks_signature: bool = True, date_clock: Clock | None = None
    ) -> None:
        self._account = account
        self._limits = limits
        self._checks_signature = checks_signature
        self._date_clock = date_clock

    def check(self, request: Request) -> None:
        """Raises the MnsError that the first fault deserves."""
        self._check_digest(request)
        if not self._checks_signature:
            return
        headers = request.headers
        if "authorization" not in headers:
            raise MnsError("MissingAuthorizationHeader")
        match = AUTHORIZATION.fullmatch(headers["authorization"])
        if match is None:
            raise MnsError("InvalidAuthorizationHeader")
        if "x-mns-version" not in headers:
            raise MnsError("MissingVersionHeader")
        if headers["x-mns-version"] != VERSION:
            raise MnsError("InvalidArgument", f"The value of x-mns-version should be {VERSION}.")
        self._check_date(request)
        self._check_signature(request, key_id=match.group(1), signature=match.group(2))

    def _check_digest(self, request: Request) -> None:
        claimed = request.headers.get("content-md5")
        if not claimed:
            return
        digest = hashlib.md5(request.body, usedforsecurity=False)
        accepted = (base64.b64encode(digest.hexdigest().encode()), base64.b64encode(digest.digest()))
        if claimed.encode("latin-1", "replace") not in accepted:
            raise MnsError("InvalidDegist")

    def _check_date(self, request: Request) -> None:
        text = request.headers.get("date") or request.headers.get("x-mns-date")
        if not text:
            raise MnsError("MissingDateHeader")
        try:
            sent_ms = _parsed(text)
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise MnsError("InvalidDateHeader") from error
        now_ms = request.received_ms if self._date_clock is None else self._date_clock.now_ms()
        if abs(now_ms - sent_ms) > self._limits.date_window_ms:
            raise MnsError("TimeExpired")

    def _check_signature(self, request: Request, *, key_id: str, signature: str) -> None:
        account, token = self._account, request.headers.get("security-token", "")
        if key_id != account.access_key_id:
            raise MnsError("InvalidAccessKeyId")
        if token and token != account.security_token:
            raise MnsError("AccessDenied", "The security token you provided is not one of the local cloud.")
        # Nearly everybody signs Date: the other is worked out only where that is not what was signed.
        for date in dict.fromkeys((request.headers.get("date", ""), request.headers.get("x-mns-date", ""))):
            expected = sign(request, account.access_key_secret, date)
            if hmac.compare_digest(signature.encode(), expected.encode()):
                return
        raise MnsError("SignatureDoesNotMatch")


def sign(request: Request, secret: str, date: str) -> str:
    """The signature of `request`, with `date` in the place of its Date."""
    headers = request.headers
    ours = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-mns-"))
    text = "\n".join(
        (request.method, headers.get("content-md5", ""), headers.get("content-type", ""), date, ours + request.target)
    )
    digest = hmac.digest(secret.encode(), text.encode("latin-1", "replace"), "sha1")
    return base64.b64encode(digest).decode()


@lru_cache(maxsize=64)
def _parsed(text: str) -> int:
    """Milliseconds; raises as `parsedate_to_datetime` does. Cached: within a second all requests bear the same."""
    date = parsedate_to_datetime(text)
    # "-0000" and a missing zone give a naive time; it is GMT then.
    return int((date if date.tzinfo else date.replace(tzinfo=timezone.utc)).timestamp() * 1000)
