"""Who is let in: the headers that each request must have, its signature, its digest.

Wire format: `Authorization: MNS <AccessKeyId>:<Base64 of HMAC-SHA1>` over method, Content-MD5, Content-Type, Date, the
x-mns-* headers and the target exactly as sent. Content-MD5 is the Base64 of the hexadecimal digest, as all SDKs of the
vendor have it (Python 1.3.0, Go 2.0, Node 1.x, PHP); RFC 1864, which the documents name, is taken too. The signature V4
of the Java SDK is in `signature_v4`.
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
from localcloud.mns import signature_v4
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
        claim = None if match else signature_v4.claim_of(headers["authorization"])
        if match is None and claim is None:
            raise MnsError("InvalidAuthorizationHeader")
        if "x-mns-version" not in headers:
            raise MnsError("MissingVersionHeader")
        if headers["x-mns-version"] != VERSION:
            raise MnsError("InvalidArgument", f"The value of x-mns-version should be {VERSION}.")
        sent_ms = self._check_date(request)
        if match is not None:
            self._check_key(request, match.group(1))
            self._check_signature(request, match.group(2))
        elif claim is not None:
            self._check_key(request, claim.key_id)
            self._check_v4(request, claim, sent_ms)

    def _check_digest(self, request: Request) -> None:
        claimed = request.headers.get("content-md5")
        if not claimed:
            return
        digest = hashlib.md5(request.body, usedforsecurity=False)
        accepted = (base64.b64encode(digest.hexdigest().encode()), base64.b64encode(digest.digest()))
        if claimed.encode("latin-1", "replace") not in accepted:
            raise MnsError("InvalidDegist")

    def _check_date(self, request: Request) -> int:
        """Answers what it says, in milliseconds."""
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
        return sent_ms

    def _check_key(self, request: Request, key_id: str) -> None:
        account, token = self._account, request.headers.get("security-token", "")
        if key_id != account.access_key_id:
            raise MnsError("InvalidAccessKeyId")
        if token and token != account.security_token:
            raise MnsError("AccessDenied", "The security token you provided is not one of the local cloud.")

    def _check_signature(self, request: Request, signature: str) -> None:
        # Nearly everybody signs Date: the other is worked out only where that is not what was signed.
        for date in dict.fromkeys((request.headers.get("date", ""), request.headers.get("x-mns-date", ""))):
            expected = sign(request, self._account.access_key_secret, date)
            if hmac.compare_digest(signature.encode(), expected.encode()):
                return
        raise MnsError("SignatureDoesNotMatch")

    def _check_v4(self, request: Request, claim: signature_v4.Claim, sent_ms: int) -> None:
        """A key of another day or region is no key here: that is what V4 is for."""
        region = self._account.region
        expected = signature_v4.sign(request, self._account.access_key_secret, region=region, sent_ms=sent_ms)
        is_ours = claim.region == region and claim.day == signature_v4.day_of(sent_ms)
        if not is_ours or not hmac.compare_digest(claim.signature, expected):
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
