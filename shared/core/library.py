"""A command stored in Cloud Assistant, as the library of commands shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoredCommand:
    command_id: str
    name: str
    type: str
    """RunShellScript, RunBatScript or RunPowerShellScript."""
    description: str
    timeout: int
    """Seconds, unless a call says otherwise."""
    working_dir: str
    provider: str
    """"" = the account's own; AlibabaCloud = a public one."""
    parameters: tuple[str, ...]
    """Names that the script has as {{name}}."""
    created_at: str
    invoked: int
    """How often it has been run."""
    content: bytes | None
    """The script; None when it was not asked for."""


@dataclass(frozen=True, slots=True)
class NewCommand:
    """A command to be stored."""

    name: str
    type: str
    content: bytes
    description: str
    timeout: int
    working_dir: str
    has_parameters: bool
