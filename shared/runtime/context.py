"""What Function Compute tells a call about itself. Python 3.10 and 3.12 runtimes differ: see `credentials_in`."""

from __future__ import annotations

from typing import Any, Protocol

from shared.adapters.credentials import Credentials


class FunctionFacts(Protocol):
    """`timeout` is a number of seconds, or its text: the runtime's source keeps it as text, the docs show a number."""

    @property
    def name(self) -> str: ...

    @property
    def timeout(self) -> int | str: ...


class Context(Protocol):
    """The part of FC's context that we use."""

    @property
    def request_id(self) -> str: ...

    @property
    def function(self) -> FunctionFacts: ...


def credentials_in(context: Context) -> Credentials | None:
    """The role's keys as Python 3.10 passes them; None on 3.12, where they stand in the environment."""
    keys: Any = getattr(context, "credentials", None)
    key_id = getattr(keys, "access_key_id", None)
    secret = getattr(keys, "access_key_secret", None)
    if not key_id or not secret:
        return None
    return Credentials(str(key_id), str(secret), str(getattr(keys, "security_token", None) or ""))
