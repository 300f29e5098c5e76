"""Pushing events to others: which ones to whom, when again, and to which addresses never.

Strategy: an answer 2xx is a delivery; 410 means that nobody wants it any more; anything else is tried again after a
pause, nine times in three days. What may be sent where is decided on the address that the connection will use, not on
the name: a name may resolve to something else a moment later (DNS rebinding).
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass

import msgspec

from shared.core import limits
from shared.core.emit import TYPES
from shared.core.errors import Refused

PAUSES_S = (5, 30, 120, 600, 3_600, 14_400, 43_200, 86_400, 86_400)
"""Ours, after Standard Webhooks' advice of several days with growing pauses."""
PUSH_ATTEMPTS_MAX = len(PAUSES_S) + 1
"""Ours."""
_SPREAD = 4
"""A pause is up to a quarter longer, by the name of what is sent: not all of them come back in one second."""
_NAME = re.compile(r"^[a-z0-9][a-z0-9_-]{0,63}\Z")
_URL = re.compile(
    r"^(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[!-~]{0,1900})?\Z"
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SubscriptionRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Who wants to be told, and of what."""

    name: str
    url: str
    types: tuple[str, ...] = ()
    """Event types such as "run.finished"; () = all."""
    sealed_secret: str
    created_ms: int
    created_by: str
    status: str = "Active"
    """Active, Paused, or Gone: it answered 410."""
    version: int = 1

    @property
    def purpose(self) -> str:
        """What the secret is sealed for: a sealed text copied into another row does not open there."""
        return f"subscription:{self.name}"

    def wants(self, kind: str) -> bool:
        return self.status == "Active" and (not self.types or kind in self.types)


@dataclass(frozen=True, slots=True)
class Push:
    """One POST."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Retry(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag_field="kind", tag="push"):
    """A message of fleetrun-pushes to itself: this event, to this one, once more."""

    subscription: str
    attempt: int
    """2, 3, …"""
    event_id: str
    event: str = ""
    """Its JSON; "" = too long for a queue: it is read from the rows."""
    first_ms: int


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of an address that was checked."""

    scheme: str
    host: str
    """Without the brackets of IPv6."""
    port: int
    path: str


def parse_url(text: str) -> Url:
    """Raises Refused (BadAddress). No user names, no fragments, no spaces, no characters beyond ASCII."""
    found = _URL.match(text)
    if found is None:
        raise _bad_url(text, 'an address looks like "https://example.com/fleetrun"')
    port = int(found["port"] or (443 if found["scheme"] == "https" else 80))
    if not 1 <= port <= 65535:
        raise _bad_url(text, "its port must be 1 to 65535")
    if "#" in (found["path"] or ""):
        raise _bad_url(text, "it must not have a fragment (#)")
    return Url(found["scheme"], found["host"].strip("[]").lower(), port, found["path"] or "/")


def _bad_url(text: str, problem: str) -> Refused:
    return Refused(f"url is {text[:200]!r}; {problem}", code="BadAddress", field="url")


def networks_of(text: str) -> tuple[Network, ...]:
    """A setting such as "127.0.0.0/8,10.1.0.0/16". Raises ValueError."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def is_public(address: Address) -> bool:
    """Reachable on the Internet, and nothing else: not private, loopback, link-local, shared (100.64/10, where Alibaba
    Cloud keeps its metadata service), multicast, reserved; nor an IPv6 address that carries such an IPv4 one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or _nat64(address)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052."""


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None


def is_allowed(address: Address, allowed: tuple[Network, ...]) -> bool:
    """`allowed`: the deployment's exceptions."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return is_public(address) or any(address in network for network in allowed)


def check_addresses(url: Url, addresses: list[Address], allowed: tuple[Network, ...]) -> Address:
    """The address to connect to. Raises Refused (ForbiddenAddress): one bad address among several is enough, and
    without TLS only the exceptions may be spoken to."""
    if not addresses:
        raise Refused(f"url: {url.host} has no address", code="BadAddress", field="url")
    for address in addresses:
        if not is_allowed(address, allowed):
            raise Refused(
                f"url: {url.host} is {address}, which is not public; PushNetworks of the template can allow it",
                code="ForbiddenAddress",
                field="url",
            )
    first = addresses[0]
    if url.scheme == "http" and not any(first in network for network in allowed):
        raise Refused("url must be https: events go over networks of others", code="ForbiddenAddress", field="url")
    return first


def check_subscription(name: str, url: str, types: tuple[str, ...]) -> Url:
    """Raises Refused that names the field."""
    if not _NAME.match(name):
        raise Refused(
            f"name is {name[:80]!r}; it must have 1 to 64 of a-z, 0-9, '_' and '-'", code="BadRequest", field="name"
        )
    known = {*TYPES, "schedule.fired", "schedule.missed"}
    for index, kind in enumerate(types):
        if kind not in known:
            raise Refused(
                f"types[{index}] is {kind[:80]!r}; it must be one of {', '.join(sorted(known))}",
                code="BadRequest",
                field=f"types[{index}]",
            )
    return parse_url(url)


def pause_s(attempt: int, name: str) -> int:
    """After the `attempt`th try failed, how long to wait; 0 = that was the last."""
    if attempt >= PUSH_ATTEMPTS_MAX:
        return 0
    pause = PAUSES_S[attempt - 1]
    spread = int.from_bytes(hashlib.sha256(f"{name}:{attempt}".encode()).digest()[:4], "big") / 2**32
    return min(limits.DELAY_S_MAX, int(pause * (1 + spread / _SPREAD)))


def is_delivered(status: int) -> bool:
    return 200 <= status < 300


GONE = 410
"""The receiver wants no more of it (RFC 9110): the subscription ends."""
EVENT_IN_MESSAGE_MAX = 40_000
"""Ours: a longer event would not fit a queue message after Base64 and with its quotes escaped; rows hold it too."""
