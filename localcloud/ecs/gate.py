"""Who is let in, and what is asked: both signatures that the SDKs use, dates, nonces, tokens.

Without a signature to check (`checks_signature=False`) everybody is let in, and read just as strictly.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import lru_cache
from typing import Final

from localcloud import acs3
from localcloud.account import Account
from localcloud.clock import Clock
from localcloud.ecs import rpc
from localcloud.ecs.errors import EcsError, missing
from localcloud.ecs.limits import Limits
from localcloud.ecs.rpc import Call
from localcloud.ecs.signatures import sign, string_to_sign
from localcloud.http import Request
from localcloud.ids import Ids
from localcloud.nonces import Nonces

VERSION: Final = "2014-05-26"
METHODS = ("GET", "POST")
COMMON = frozenset(
    {
        "AccessKeyId",
        "Action",
        "Format",
        "SecurityToken",
        "Signature",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureType",
        "SignatureVersion",
        "TimeStamp",
        "Timestamp",
        "Version",
    }
)
"""What every call has and no operation reads. RegionId is the operations' own."""
TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
NONCE_CHARS_MAX = 256
"""Ours; the SDKs send 32 and 36."""
OF_ACS3: Mapping[acs3.Reason, str] = {
    "malformed": "IncompleteSignature",
    "algorithm": "UnsupportedSignatureMethod",
    "missing": "MissingParameter",
    "unsigned": "IncompleteSignature",
    "key": "InvalidAccessKeyId.NotFound",
    "token": "InvalidSecurityToken.Malformed",
    "payload": "SignatureDoesNotMatch",
    "mismatch": "SignatureDoesNotMatch",
}


class Gate:
    """Checks requests against the account and reads them.

    `date_clock`: what a Timestamp is compared with; None: the time at which the request was received, which is not the
    caller's time when the local cloud's clock is frozen or moved.
    """

    def __init__(
        self,
        *,
        account: Account,
        limits: Limits,
        ids: Ids,  # noqa: ARG002  one signature for all parts of an endpoint
        checks_signature: bool = True,
        date_clock: Clock | None = None,
    ) -> None:
        self._account = account
        self._limits = limits
        self._checks_signature = checks_signature
        self._date_clock = date_clock
        self._nonces = Nonces(life_ms=limits.nonce_life_ms, kept_max=limits.nonces_max)

    def check(self, request: Request) -> Call:
        """Raises the EcsError that the first fault deserves."""
        if request.path != "/":
            raise EcsError("InvalidAction.NotFound")
        if request.method not in METHODS:
            raise EcsError("UnsupportedHTTPMethod")
        signed = rpc.merged(rpc.query_parameters(request), rpc.form_parameters(request))
        parameters = rpc.merged(signed, rpc.json_parameters(request))
        _check_body(request)
        action, version = self._operation(request, parameters)
        if self._checks_signature:
            if acs3.is_acs3(request):
                self._check_acs3(request)
            else:
                self._check_rpc(request, signed, parameters)
        return Call(
            action=action,
            version=version,
            parameters={name: value for name, value in parameters.items() if name not in COMMON},
            region=parameters.get("RegionId", ""),
            request=request,
            format=rpc.peek_format(request),
        )

    def _operation(self, request: Request, parameters: Mapping[str, str]) -> tuple[str, str]:
        # The old SDKs send the headers as well; their signature only covers the parameters.
        headers = request.headers if acs3.is_acs3(request) else {}
        action = headers.get("x-acs-action") or parameters.get("Action", "")
        if not action:
            raise missing("Action")
        if not rpc.ACTION.fullmatch(action):
            raise EcsError("InvalidAction.NotFound")
        version = headers.get("x-acs-version") or parameters.get("Version", "")
        if not version and self._checks_signature:
            raise missing("Version")
        if version not in ("", VERSION):
            raise EcsError("InvalidVersion", f"Specified parameter Version is not valid: ECS has {VERSION}.")
        return action, VERSION

    # -- RPC, signature version 1.0 -----------------------------------------------------------------------------------

    def _check_rpc(self, request: Request, signed: Mapping[str, str], parameters: Mapping[str, str]) -> None:
        if len(signed) != len(parameters):
            raise EcsError("IncompleteSignature", "A JSON body is not covered by a signature of version 1.0.")
        key_id = signed.get("AccessKeyId", "")
        if not key_id:
            raise EcsError("MissingAccessKeyId")
        _check_form_of_signature(signed)
        now_ms = self._now_ms(request)
        # Salt's driver of ECS (salt.cloud.clouds.aliyun) says TimeStamp.
        self._check_time(signed.get("Timestamp") or signed.get("TimeStamp", ""), now_ms)
        if key_id != self._account.access_key_id:
            raise EcsError("InvalidAccessKeyId.NotFound")
        token = signed.get("SecurityToken", "")
        if token and token != self._account.security_token:
            raise EcsError("InvalidSecurityToken.Malformed")
        text = string_to_sign(request.method, signed)
        expected = sign(text, self._account.access_key_secret)
        if not hmac.compare_digest(expected.encode(), signed["Signature"].encode()):
            # The old SDK compares what follows the first colon with its own text; without a colon it breaks.
            raise EcsError(
                self._limits.wrong_signature,
                f"Specified signature is not matched with our calculation. server string to sign is:{text}",
            )
        self._take_nonce(signed.get("SignatureNonce", ""), now_ms)

    # -- ACS3 ---------------------------------------------------------------------------------------------------------

    def _check_acs3(self, request: Request) -> None:
        date, now_ms = request.headers.get("x-acs-date", ""), self._now_ms(request)
        if date:
            self._check_time(date, now_ms)
        try:
            headers = acs3.verify(request, account=self._account)
        except acs3.BadSignature as error:
            raise EcsError(OF_ACS3[error.reason], error.message) from error
        for name in ("x-acs-action", "x-acs-version"):
            if not headers.get(name):
                raise missing(name)
        self._take_nonce(headers.get("x-acs-signature-nonce", ""), now_ms, "x-acs-signature-nonce")

    # -- both ---------------------------------------------------------------------------------------------------------

    def _check_time(self, text: str, now_ms: int) -> None:
        sent_ms = _parsed(text) if TIMESTAMP.fullmatch(text) else None
        if sent_ms is None:
            raise EcsError(
                "IllegalTimestamp",
                f"The Timestamp {text[:40]!r} is not valid: it is UTC and reads 2026-11-24T08:00:00Z."
                if text
                else None,
            )
        if abs(now_ms - sent_ms) > self._limits.clock_skew_ms:
            raise EcsError("InvalidTimeStamp.Expired")

    def _take_nonce(self, nonce: str, now_ms: int, name: str = "SignatureNonce") -> None:
        if not nonce:
            raise missing(name)
        if len(nonce) > NONCE_CHARS_MAX:
            raise EcsError("InvalidParameter", f"{name} has at most {NONCE_CHARS_MAX} characters.")
        if not self._nonces.take(nonce, now_ms):
            raise EcsError("SignatureNonceUsed")

    def _now_ms(self, request: Request) -> int:
        return request.received_ms if self._date_clock is None else self._date_clock.now_ms()


def _check_body(request: Request) -> None:
    """A body of a kind that nobody reads would be a call other than its caller meant."""
    kind = rpc.content_type(request)
    if request.body and kind not in (rpc.FORM, rpc.JSON):
        raise EcsError("InvalidParameter", f"A body must be {rpc.FORM} or {rpc.JSON}, not {kind[:60]!r}.")


def _check_form_of_signature(signed: Mapping[str, str]) -> None:
    """What must be said of a signature before it can be judged."""
    method = signed.get("SignatureMethod", "")
    if method != "HMAC-SHA1":
        if method:
            raise EcsError("UnsupportedSignatureMethod", f"SignatureMethod is {method[:40]!r}; it must be HMAC-SHA1.")
        raise missing("SignatureMethod")
    if signed.get("SignatureVersion", "") != "1.0":
        raise EcsError("IncompleteSignature", "SignatureVersion must be 1.0.")
    if signed.get("SignatureType", "") != "":
        raise EcsError("IncompleteSignature", "SignatureType must be empty.")
    if not signed.get("Signature", ""):
        raise EcsError("IncompleteSignature", "Signature must be specified.")


@lru_cache(maxsize=64)
def _parsed(text: str) -> int | None:
    """Milliseconds; None when there is no such day or hour. Cached: within a second all requests bear the same."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000
