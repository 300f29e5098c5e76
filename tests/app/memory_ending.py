"""How a script ends on an instance of the in-memory ECS."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ending:
    """How a script ends on one instance, counted from the call."""

    status: str = "Success"
    after_ms: int = 2_000
    exit_code: int | None = 0
    output: bytes = b"ok\n"
    error_code: str = ""
    error_info: str = ""
    dropped: int = 0
    missing: bool = False
    """ECS shows no row for this instance, ever."""
    silent: bool = False
    """It stays Running for ever."""
    start_ms: int = 500
    """Pending until then."""
