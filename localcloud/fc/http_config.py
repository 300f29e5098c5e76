"""The configuration of an HTTP trigger. Source: HTTP trigger pages (028, 056) and security pages 02 to 05, 2026-08."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from localcloud.fc.errors import FcError, invalid
from localcloud.fc.versions import LATEST

METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS")
OFFERED = ("anonymous", "function")
KNOWN = (*OFFERED, "jwt", "bearer", "basic")


@dataclass(frozen=True, slots=True)
class HttpConfig:
    auth_type: str
    methods: tuple[str, ...]
    disables_url: bool = False


def read_http_config(config: Mapping[str, Any]) -> HttpConfig:
    """Raises FcError: InvalidArgument, or NotImplemented for an authType that the local cloud does not check."""
    auth_type = str(config.get("authType") or "function").lower()
    if auth_type not in KNOWN:
        raise invalid(f"authType is {auth_type!r}, it must be one of {', '.join(KNOWN)}")
    if auth_type not in OFFERED:
        raise FcError("NotImplemented", f"the local cloud does not check authType '{auth_type}'")
    methods = config.get("methods") or ["GET"]
    if not isinstance(methods, list) or any(method not in METHODS for method in methods):
        raise invalid(f"methods is {methods!r}, it must be a list of {', '.join(METHODS)}")
    return HttpConfig(auth_type, tuple(methods), disables_url=bool(config.get("disableURLInternet")))


def trigger_url(cloud: str, *, service: str, function: str, qualifier: str) -> str:
    """Where a trigger is called. One bound to a version or an alias has a URL of its own. `cloud`: http://host:port."""
    under = "" if qualifier in ("", LATEST) else f".{quote(qualifier, safe='')}"
    return f"{cloud}/2016-08-15/proxy/{service}{under}/{function}/"
