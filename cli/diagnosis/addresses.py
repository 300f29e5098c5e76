"""Is each service there, is it asked over https, and do its clock and ours agree?

A plain GET without keys: whatever a service answers to that, it answers with its Date (RFC 9110, 6.6.1).
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from cli.diagnosis.finding import Finding, fail, ok, warn

ANSWER_S_MAX = 5.0
"""Ours."""
SKEW_S_WARN = 5.0
"""core.limits.CLOCK_SKEW_MS_MAX: what the quota's day change bears."""
SKEW_S_FAIL = 15 * 60.0
"""MNS and Tablestore refuse requests whose Date is 15 minutes off: their signature pages, 2025."""
_HERE = ("127.0.0.1", "localhost", "::1")


def is_here(address: str) -> bool:
    """Whether it is an address of this machine: the local cloud's."""
    return urlsplit(address).hostname in _HERE


def check(addresses: Mapping[str, str], *, now_ms: Callable[[], int]) -> Iterator[Finding]:
    """`addresses`: service → base URL; several services at one address are asked once. `now_ms`: our own clock."""
    by_address: dict[str, list[str]] = {}
    for service in sorted(addresses):
        by_address.setdefault(addresses[service], []).append(service)
    for address, services in by_address.items():
        yield from _check(address, ", ".join(services), now_ms)


def _check(address: str, services: str, now_ms: Callable[[], int]) -> Iterator[Finding]:
    where = urlsplit(address)
    if where.scheme == "http" and not is_here(address):
        yield warn("address", f"{services}: {address} is not encrypted", "use an https:// address")
    try:
        skew_s = _skew_s(address, now_ms)
    except (OSError, http.client.HTTPException) as error:
        said = f"{services}: {address} cannot be reached ({error or type(error).__name__})"
        advice = "check the address, the network and the service's status page"
        yield Finding("FAIL", "address", said, advice, is_unreachable=True)
        return
    yield ok("address", f"{services}: {address} answers")
    if skew_s is None:
        yield warn("clock", f"{services} answered without a Date", "compare this machine's clock by hand (NTP)")
    elif abs(skew_s) >= SKEW_S_FAIL:
        yield fail("clock", f"{services}: {_told(skew_s)}; requests are refused", "set this machine's clock (NTP)")
    elif abs(skew_s) > SKEW_S_WARN:
        yield warn("clock", f"{services}: {_told(skew_s)}", "set this machine's clock (NTP)")
    else:
        yield ok("clock", f"{services}: {_told(skew_s)}")


def _told(skew_s: float) -> str:
    if abs(skew_s) < 1:
        return "this machine's clock agrees to the second"
    return f"this machine's clock is {abs(skew_s):,.0f} s {'behind' if skew_s > 0 else 'ahead'}"


def _skew_s(address: str, now_ms: Callable[[], int]) -> float | None:
    """Their clock minus ours, as near as a Date of whole seconds tells; None without a Date."""
    where = urlsplit(address)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = kind(where.hostname or "", where.port, timeout=ANSWER_S_MAX)
    try:
        before_s = now_ms() / 1000
        connection.request("GET", "/", headers={"User-Agent": "fleetrun-doctor"})
        date = connection.getresponse().getheader("Date")
        after_s = now_ms() / 1000
    finally:
        connection.close()
    if not date:
        return None
    try:
        earliest_s = parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return None
    # It was made at some moment of the second that it names, between our sending and our reading.
    if earliest_s > after_s:
        return earliest_s - after_s
    return min(0.0, earliest_s + 1 - before_s)
