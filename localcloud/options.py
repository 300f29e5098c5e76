"""What can be chosen about a local cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from localcloud.account import Account
from localcloud.faults import Rule

PORT_DEFAULT = 7150
PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Options:
    """Everything has a default; `Options()` is the cloud of `make run` on a free port."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 = any free port."""
    project: Path = PROJECT
    """Where functions/ and shared/ are."""
    template: Path | None = None
    """None = template.yml of the project."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Values for the template's parameters, on top of what the local cloud sets itself (endpoints, warm instances)."""
    fleet: Path | None = None
    """Seed file of the fleet; None = the demo fleet."""
    instances: int | None = None
    """Scales the fleet; None = as many as the file says."""
    executor: Literal["process", "simulated"] = "process"
    """Whether instances run scripts for real, or answer by script without running anything."""
    account: Account = field(default_factory=Account)
    data: Path | None = None
    """Directory of the state; None = nothing survives the stop."""
    forgets: bool = False
    """Whether a state that is in `data` is deleted first."""
    seed: int | None = None
    """Of every id and every random number; None = another one at each start."""
    warm_instances: int = 1
    """Function instances that are started before `ready`, per function."""
    deploys: bool = True
    """False = an empty cloud: four services, nothing in them but the fleet."""
    strict: bool = True
    """False = signatures are not checked."""
    switches: Mapping[str, Any] = field(default_factory=dict)
    """Other limits and other readings of contested points: "ecs.stop_model" → "documented" (README.md lists them)."""
    faults: tuple[Rule, ...] = ()
    """In force from the start, and again after a reset."""
    frozen_at_ms: int | None = None
    """The clock stands still there; None = it goes."""
    state_to: Path | None = None
    requests_to: Path | None = None
    """Files that `run_foreground` writes when it ends: the state, and the log of requests. None = no such file."""

    @property
    def template_path(self) -> Path:
        return self.template or self.project / "template.yml"
