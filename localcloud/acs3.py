"""The signature of the current generation of SDKs, `ACS3-HMAC-SHA256`: the same for ECS and Function Compute.

Wire format: `Authorization: ACS3-HMAC-SHA256 Credential=<AccessKeyId>,SignedHeaders=<a;b>,Signature=<hex>`. Signed are
method, path, query (decoded, encoded again as RFC 3986, sorted by name), the named headers, their names and the SHA-256
of the body. Sources: "V3 request structure and signature" (alibabacloud.com, 2026-06), alibabacloud-tea-openapi 0.4.6.

The date and the nonce are among the headers that are answered; each double judges them by its own rules.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import quote, unquote_to_bytes

from localcloud.account import Account
from localcloud.http import Request

ALGORITHM: Final = "ACS3-HMAC-SHA256"
AUTHORIZATION = re.compile(
    r"(?P<algorithm>\S+)\s+Credential=(?P<key>[^,\s]+)\s*,\s*SignedHeaders=(?P<headers>[^,\s]+)\s*,"
    r"\s*Signature=(?P<signature>[0-9a-fA-F]{64})"
)
REQUIRED = ("host", "x-acs-date", "x-acs-content-sha256")
REQUIRED_WITHOUT_PAYLOAD = ("host", "x-acs-date")

Reason = Literal["malformed", "algorithm", "missing", "unsigned", "key", "token", "payload", "mismatch"]


class BadSignature(Exception):
    """Why a request is not let in; each double has its own code for `reason`.

    malformed: the Authorization header; algorithm: another one than ours; missing, unsigned: a header, named in the
    message; key, token: not those of the account; payload: the digest is not the body's; mismatch: the signature, and
    the message ends with our string to sign.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message


def is_acs3(request: Request) -> bool:
    """Whether the request claims to be signed this way (with any of its algorithms)."""
    return request.headers.get("authorization", "").startswith("ACS3-")


def verify(request: Request, *, account: Account, signs_payload: bool = True) -> Mapping[str, str]:
    """The x-acs-* headers of a request whose signature is right. Raises BadSignature.

    `signs_payload` false: an empty text stands in the place of the body's digest, as HTTP triggers have it.
    """
    headers = request.headers
    match = AUTHORIZATION.fullmatch(headers.get("authorization", "").strip())
    if match is None:
        raise BadSignature(
            "malformed", f"Authorization must read {ALGORITHM} Credential=…,SignedHeaders=…,Signature=…."
        )
    if match["algorithm"] != ALGORITHM:
        raise BadSignature("algorithm", f"The signature algorithm must be {ALGORITHM}.")
    names = match["headers"].split(";")
    _check_headers(headers, names, signs_payload=signs_payload)
    if match["key"] != account.access_key_id:
        raise BadSignature("key", "The AccessKeyId of the Credential is not known.")
    token = headers.get("x-acs-security-token", "")
    if token and token != account.security_token:
        raise BadSignature("token", "The x-acs-security-token is not one that the account has been given.")
    payload = headers["x-acs-content-sha256"] if signs_payload else ""
    if signs_payload and payload.lower() != sha256(request.body):
        raise BadSignature("payload", "The x-acs-content-sha256 is not the SHA-256 of the body.")
    _check_signature(request, names, payload, given=match["signature"], secret=account.access_key_secret)
    return {name: value for name, value in headers.items() if name.startswith("x-acs-")}


def _check_headers(headers: Mapping[str, str], names: list[str], *, signs_payload: bool) -> None:
    for name in REQUIRED if signs_payload else REQUIRED_WITHOUT_PAYLOAD:
        if not headers.get(name):
            raise BadSignature("missing", f"The header {name} is mandatory.")
    for name in names:
        if name not in headers:
            raise BadSignature("missing", f"The header {name} of SignedHeaders is not there.")
    if names != sorted(set(names)):
        raise BadSignature("malformed", "SignedHeaders must be lower-case names, sorted, each once.")
    # What is there of these must be signed: otherwise a stranger could change it on the way.
    for name in headers:
        if (name.startswith("x-acs-") or name == "host") and name not in names:
            raise BadSignature("unsigned", f"The header {name} must be signed.")


def _check_signature(request: Request, names: list[str], payload: str, *, given: str, secret: str) -> None:
    canonical = canonical_request(request, names, payload)
    candidates = {canonical, canonical_request(request, names, payload, path=canonical_path(request.path))}
    expected = [sign(candidate, secret) for candidate in candidates]
    if not any([hmac.compare_digest(given.lower(), signature) for signature in expected]):  # noqa: C419  all of them
        raise BadSignature(
            "mismatch",
            "Specified signature is not matched with our calculation. server string to sign is:"
            f"{string_to_sign(canonical)}, server canonical request is:{canonical}",
        )


def canonical_request(request: Request, names: list[str], payload: str, *, path: str | None = None) -> str:
    """What is signed of a request. `path`: in the place of the one that was sent."""
    signed = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in names)
    return "\n".join(
        (
            request.method,
            request.path if path is None else path,
            canonical_query(request.query),
            signed,
            ";".join(names),
            payload,
        )
    )


def canonical_query(query: str) -> str:
    """Decoded as a form (a plus is a blank) and encoded again: SDKs send a blank as `+` and sign it as `%20`."""
    pairs = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((_bytes(name), _bytes(value)))
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(pairs))


def canonical_path(path: str) -> str:
    """Each segment decoded and encoded again: clients differ in which letters they leave alone."""
    segments = path.encode("latin-1", "replace").split(b"/")
    return "/".join(quote(unquote_to_bytes(segment), safe="") for segment in segments)


def string_to_sign(canonical: str) -> str:
    return f"{ALGORITHM}\n{sha256(canonical.encode('latin-1', 'replace'))}"


def sign(canonical: str, secret: str) -> str:
    """The signature of a canonical request, in lower-case hexadecimal."""
    return hmac.new(secret.encode(), string_to_sign(canonical).encode(), hashlib.sha256).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _bytes(text: str) -> bytes:
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1", "replace"))
