"""Who is let in: FC's own signature, and the one of the current SDKs. Each is taken on both APIs.

Wire format: `Authorization: FC <AccessKeyId>:<Base64 of HMAC-SHA256>` over method, Content-MD5, Content-Type, Date, the
x-fc-* headers (`name:value` and a line feed each, sorted) and the path, decoded and without the query. Only for HTTP
triggers the query follows: a line feed, then `name=value`, decoded, sorted, one a line; aliyun-fc2 2.5.2 ends with the
line feed when there is no query, other clients do not. Sources: its `auth.py`; signature page, 2026-08.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, unquote_plus

from localcloud.account import Account
from localcloud.acs3 import BadSignature, is_acs3, verify
from localcloud.clock import Clock
from localcloud.fc.errors import FcError, invalid
from localcloud.fc.limits import Limits
from localcloud.http import Request
from localcloud.nonces import Nonces

AUTHORIZATION = re.compile(r"FC ([^:\s]+):([A-Za-z0-9+/]+={0,2})")
CODES = {
    "key": "InvalidAccessKeyID",
    "token": "InvalidSecurityToken",
    "missing": "MissingRequiredHeader",
    "payload": "SignatureNotMatch",
    "mismatch": "SignatureNotMatch",
}
"""What FC calls the reasons of ACS3; the others are InvalidArgument. Unverified: the SDK shows texts only."""
NOT_MATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your access key and signing method"
)
NONCE_CHARS_MAX = 256
"""Ours; the SDK sends 32."""


class Gate:
    """Checks requests against the account. With `checks_signature` false it lets everybody in.

    `date_clock`: what a request's date is compared with; None: the time at which it was received, which is not the
    caller's time when the local cloud's clock is frozen or moved.
    """

    def __init__(
        self, *, account: Account, limits: Limits, checks_signature: bool = True, date_clock: Clock | None = None
    ) -> None:
        self._account = account
        self._limits = limits
        self._checks_signature = checks_signature
        self._date_clock = date_clock
        self._nonces = Nonces(life_ms=2 * limits.clock_skew_ms, kept_max=limits.nonces_max)

    def check(self, request: Request) -> None:
        """A call of the API. Raises the FcError that the first fault deserves."""
        self._check(request, is_http_trigger=False)

    def check_http_trigger(self, request: Request) -> None:
        """A call of an HTTP trigger whose authType is `function`."""
        self._check(request, is_http_trigger=True)

    def _check(self, request: Request, *, is_http_trigger: bool) -> None:
        if not self._checks_signature:
            return
        if is_acs3(request):
            self._check_acs3(request, signs_payload=not is_http_trigger)
        else:
            self._check_own(request, is_http_trigger=is_http_trigger)

    def _check_acs3(self, request: Request, *, signs_payload: bool) -> None:
        try:
            signed = verify(request, account=self._account, signs_payload=signs_payload)
        except BadSignature as error:
            raise FcError(CODES.get(error.reason, "InvalidArgument"), error.message) from error
        text = signed["x-acs-date"]
        try:
            date = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        except ValueError as error:
            raise invalid(f"x-acs-date is {text!r}, it must read like 2026-08-09T12:00:00Z") from error
        self._check_date(request, date)
        self._take_nonce(request, signed.get("x-acs-signature-nonce", ""))

    def _take_nonce(self, request: Request, nonce: str) -> None:
        """Last, so that a forged request uses up nothing. Without a nonce there is nothing to take: see `Limits`."""
        if not nonce:
            return
        if len(nonce) > NONCE_CHARS_MAX:
            raise invalid(f"x-acs-signature-nonce has {len(nonce)} characters, at most {NONCE_CHARS_MAX}")
        is_new = self._nonces.take(nonce, self._now_ms(request))
        if not is_new and self._limits.refuses_repeated_nonces:
            raise FcError("SignatureNonceUsed", "Specified signature nonce was used already.")

    def _check_own(self, request: Request, *, is_http_trigger: bool) -> None:
        headers = request.headers
        if not headers.get("authorization"):
            raise FcError("MissingRequiredHeader", "required HTTP header authorization was not specified")
        match = AUTHORIZATION.fullmatch(headers["authorization"])
        if match is None:
            raise invalid("authorization must read: FC <AccessKeyId>:<signature>")
        if not headers.get("date"):
            raise FcError("MissingRequiredHeader", "required HTTP header date was not specified")
        try:
            date = parsedate_to_datetime(headers["date"])
        except (ValueError, TypeError, IndexError) as error:
            raise invalid(f"date is {headers['date']!r}, it must read as RFC 1123 has it") from error
        self._check_date(request, date if date.tzinfo else date.replace(tzinfo=timezone.utc))
        if match.group(1) != self._account.access_key_id:
            raise FcError("InvalidAccessKeyID", f"invalid access key ID '{match.group(1)}'")
        token = headers.get("x-fc-security-token", "")
        if token and token != self._account.security_token:
            raise FcError("InvalidSecurityToken", "the security token is not one that the account has been given")
        texts = strings_to_sign(request, is_http_trigger=is_http_trigger)
        expected = [sign(text, self._account.access_key_secret) for text in texts]
        if not any([hmac.compare_digest(match.group(2), one) for one in expected]):  # noqa: C419  all of them
            raise FcError("SignatureNotMatch", f"{NOT_MATCH}; the string to sign is {texts[0]!r}")

    def _check_date(self, request: Request, date: datetime) -> None:
        if abs(date.timestamp() * 1000 - self._now_ms(request)) > self._limits.clock_skew_ms:
            minutes = self._limits.clock_skew_ms // 60_000
            raise FcError(
                "RequestTimeTooSkewed", f"the request's time differs from the server's by over {minutes} minutes"
            )

    def _now_ms(self, request: Request) -> int:
        return request.received_ms if self._date_clock is None else self._date_clock.now_ms()


def strings_to_sign(request: Request, *, is_http_trigger: bool) -> tuple[str, ...]:
    """What may have been signed; the likeliest first."""
    headers = request.headers
    canonical = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-fc-"))
    head = [request.method, *(headers.get(name, "") for name in ("content-md5", "content-type", "date"))]
    path = unquote(request.path)
    plain = "\n".join([*head, canonical + path])
    if not is_http_trigger:
        return (plain,)
    with_query = f"{plain}\n{canonical_query(request.query)}"
    return (with_query,) if request.query else (with_query, plain)


def canonical_query(query: str) -> str:
    """Decoded pairs as they were sent (`name` without `=` stays bare), sorted, one a line."""
    lines = []
    for part in query.split("&"):
        if part:
            name, equals, value = part.partition("=")
            lines.append(unquote_plus(name) + equals + unquote_plus(value))
    return "\n".join(sorted(lines))


def sign(text: str, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()
