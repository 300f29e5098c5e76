"""Custom domains: hosts under which functions with HTTP triggers are called, path by path.

The local cloud speaks plain HTTP: a certificate is kept to be shown, its private key is not kept at all. Nobody asks a
name server whether a domain leads here. Source: custom domain pages and error code page of FC 2.0, 2026-08; models of
alibabacloud_fc20230330 4.8.3. An exact path comes before one that ends with *, of those the longest.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from localcloud.clock import Clock
from localcloud.fc.errors import FcError, invalid
from localcloud.fc.http_config import METHODS

DOMAIN_CHARACTERS_MAX = 253
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DOMAIN = re.compile(rf"(?:{LABEL}\.)+[A-Za-z](?:[A-Za-z0-9-]{{0,61}}[A-Za-z0-9])")
"""No address and no `localhost`: a domain takes all requests that are sent to it."""
PROTOCOLS = ("HTTP", "HTTPS", "HTTP,HTTPS")


@dataclass(frozen=True, slots=True)
class Route:
    """`path`: as a whole, or as a beginning when it ends with *. `methods`: empty: all."""

    path: str
    service: str
    function: str
    qualifier: str = ""
    methods: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises FcError InvalidArgument naming the field."""
        if not self.path.startswith("/") or "*" in self.path[:-1]:
            raise invalid(f"path is {self.path!r}, it must begin with / and may have * at its end only")
        wrong = [method for method in self.methods if method not in METHODS]
        if wrong:
            raise invalid(f"methods has {wrong[0]!r}, it may have {', '.join(METHODS)}")

    def leads(self, path: str) -> bool:
        return path.startswith(self.path[:-1]) if self.path.endswith("*") else path == self.path


@dataclass(frozen=True, slots=True)
class Certificate:
    """Without its private key."""

    name: str
    certificate: str


@dataclass(frozen=True, slots=True)
class Domain:
    name: str
    protocol: str
    routes: tuple[Route, ...]
    certificate: Certificate | None
    created_ms: int
    modified_ms: int
    changes: int = 0

    @property
    def etag(self) -> str:
        told = f"{self.name}/{self.created_ms}/{self.changes}"
        return hashlib.md5(told.encode(), usedforsecurity=False).hexdigest()

    def route(self, path: str, method: str) -> Route:
        """Raises FcError: DomainRouteNotFound, MethodNotAllowed."""
        found = [route for route in self.routes if route.leads(path)]
        if not found:
            raise FcError("DomainRouteNotFound", f"no route found in domain '{self.name}' for path '{path}'")
        best = max(found, key=lambda route: (not route.path.endswith("*"), len(route.path)))
        if best.methods and method not in best.methods:
            raise FcError("MethodNotAllowed", f"method '{method}' is not allowed, {', '.join(best.methods)} is")
        return best


class Domains:
    """All custom domains. Their names are compared without regard to case."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._domains: dict[str, Domain] = {}

    def create(self, name: str, *, protocol: str, routes: Sequence[Route], certificate: Certificate | None) -> Domain:
        """Raises FcError: InvalidArgument naming the field, DomainNameAlreadyExists, NotImplemented for `*.…`."""
        if name.startswith("*."):
            raise FcError("NotImplemented", f"the local cloud does not offer wildcard domains such as {name[:300]!r}")
        if DOMAIN.fullmatch(name) is None or len(name) > DOMAIN_CHARACTERS_MAX:
            raise invalid(f"domainName is {name[:300]!r}, a name such as api.example.com is needed")
        if name.casefold() in self._domains:
            raise FcError("DomainNameAlreadyExists", f"domain name '{name}' already exists")
        now_ms = self._clock.now_ms()
        domain = _checked(Domain(name, protocol, tuple(routes), certificate, now_ms, now_ms))
        self._domains[name.casefold()] = domain
        return domain

    def update(self, name: str, changes: Mapping[str, Any]) -> Domain:
        """`changes`: fields of Domain. Raises FcError."""
        domain = self.get(name)
        now_ms = self._clock.now_ms()
        domain = _checked(replace(domain, **changes, modified_ms=now_ms, changes=domain.changes + 1))
        self._domains[name.casefold()] = domain
        return domain

    def get(self, name: str) -> Domain:
        domain = self._domains.get(name.casefold())
        if domain is None:
            raise FcError("DomainNameNotFound", f"domain name '{name}' does not exist")
        return domain

    def delete(self, name: str) -> None:
        self.get(name)
        del self._domains[name.casefold()]

    def all(self) -> list[Domain]:
        return sorted(self._domains.values(), key=lambda domain: domain.name)

    def restore(self, domain: Domain) -> None:
        self._domains[domain.name.casefold()] = domain

    def of_host(self, host: str) -> Domain | None:
        """`host`: as the header has it, with or without a port."""
        return self._domains.get(host.partition(":")[0].casefold()) if self._domains else None


def _checked(domain: Domain) -> Domain:
    if domain.protocol not in PROTOCOLS:
        raise invalid(f"protocol is {domain.protocol!r}, it must be one of {'; '.join(PROTOCOLS)}")
    if "HTTPS" in domain.protocol and domain.certificate is None:
        raise invalid(f"certConfig is missing: protocol is {domain.protocol}")
    twice = [path for path, count in Counter(route.path for route in domain.routes).items() if count > 1]
    if twice:
        raise invalid(f"routeConfig has the path {twice[0]!r} more than once")
    return domain
