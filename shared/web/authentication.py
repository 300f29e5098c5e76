"""Who calls: the API key that came with a request → a caller. The one place of the API that decides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.access_ports import Access
from shared.core import limits
from shared.core.access import Caller
from shared.core.bucket import Buckets
from shared.core.errors import Refused
from shared.core.keys import KeyRow, bootstrap_row, is_secret_of, parse_key
from shared.ports import Ports


@dataclass(frozen=True, slots=True)
class RequestParts:
    """What a caller can be known by."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    address: str


Authenticator = Callable[[RequestParts], Caller]
"""Raises Refused: Unauthorized, RateLimited; Unavailable when the keys cannot be read."""


class Gate:
    """Keeps count of who comes how often, as long as the function's instance lives. Built-in runtimes handle one call
    at a time, so it needs no lock.

    A good key is counted on itself, wherever it comes from; everything else on its address. An address that has used
    up what it has is not even asked for its key until there is room again: who guesses costs no reads then.
    """

    def __init__(self) -> None:
        self._keys = _buckets(limits.RATE_PER_KEY)
        self._addresses = _buckets(limits.RATE_PER_ADDRESS)

    def authenticate(self, parts: RequestParts, *, ports: Ports) -> Caller:
        """Raises Refused: Unauthorized (the same words whatever is wrong with the key), RateLimited."""
        assert ports.access is not None, "a deployment with an API has access"
        now_ms = ports.clock.now_ms()
        _check(self._addresses, parts.address, now_ms=now_ms)
        found = parse_key(_bearer(parts.headers.get("authorization", "")))
        if found is None:
            self.count_stranger(parts.address, now_ms=now_ms)
            raise Refused(
                "Authorization is missing or no key; it must be: Bearer frk_<id>_<secret>",
                code="Unauthorized",
                field="Authorization",
            )
        key_id, secret = found
        row = _row_of(ports.access, key_id)
        # Compared in any case, so that a key that does not exist takes as long as one that does.
        if not is_secret_of(secret, row) or row is None:
            self.count_stranger(parts.address, now_ms=now_ms)
            raise Refused("the key is not known", code="Unauthorized", field="Authorization")
        if why := row.why_not(now_ms=now_ms):
            raise Refused(f"the key {key_id} {why}", code="Unauthorized", field="Authorization")
        _take(self._keys, key_id, now_ms=now_ms)
        return Caller(key_id, row.grant.role, row.grant, via="key", address=parts.address)

    def count_stranger(self, address: str, *, now_ms: int) -> None:
        """Of calls that prove nothing with a key: bad keys, hooks. Raises Refused (RateLimited)."""
        _take(self._addresses, address, now_ms=now_ms)


def _buckets(per_second: int) -> Buckets:
    return Buckets(per_second=per_second, burst=per_second * limits.RATE_BURST_S, names_max=limits.BUCKETS_MAX)


def _take(buckets: Buckets, name: str, *, now_ms: int) -> None:
    wait_ms = buckets.take(name, now_ms=now_ms)
    if wait_ms:
        raise _limited(wait_ms)


def _check(buckets: Buckets, name: str, *, now_ms: int) -> None:
    wait_ms = buckets.wait_ms(name, now_ms=now_ms)
    if wait_ms:
        raise _limited(wait_ms)


def _limited(wait_ms: int) -> Refused:
    return Refused(f"too many requests; there is room again in {wait_ms} ms", code="RateLimited")


def _bearer(header: str) -> str:
    scheme, _, text = header.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _row_of(access: Access, key_id: str) -> KeyRow | None:
    """The deployment's first key stands in its settings; a row of its id (it was revoked) counts more."""
    row = access.keys.read_key(key_id)
    if row is None and access.admin_key.startswith(f"{key_id}:"):
        return bootstrap_row(access.admin_key)
    return row
