"""The keys that all clients sign with."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of a RAM user (no token), or the function's role (with its token). Prints without its secrets."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    """"" for a RAM user's own keys."""
