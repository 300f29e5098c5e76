"""What a planted bug is: a change of the real source, and where it is looked for (bugs.py, access_bugs.py)."""

from __future__ import annotations

from dataclasses import dataclass

from tests.sim.trouble import Aim


@dataclass(frozen=True)
class Edit:
    module: str
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    name: str
    edits: tuple[Edit, ...]
    within: int = 300
    aim: Aim | None = None
    first: int = 1
    world: str = "runs"
    """In which it is looked for (worlds.py)."""


def bug(
    name: str,
    module: str,
    old: str,
    new: str,
    *,
    within: int = 300,
    aim: Aim | None = None,
    first: int = 1,
    world: str = "runs",
) -> Bug:
    return Bug(name, (Edit(module, old, new),), within, aim, first, world)
