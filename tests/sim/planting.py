"""Plants a bug of `bugs.py` into a module of ours while it is imported, in a process made for it.

Production code knows nothing of it: the change is made to the source text on its way into this process.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from tests.sim.bug import Bug, Edit
from tests.sim.bugs import BUGS

ROOT = Path(__file__).parents[2]


class Planter(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module with the changes in it."""

    def __init__(self, module: str, edits: Sequence[Edit]) -> None:
        self.module, self.edits = module, edits

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.module:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(_file_of(fullname)))

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(changed(self.module, self.edits), str(_file_of(self.module)), "exec"), module.__dict__)


def changed(module: str, edits: Sequence[Edit]) -> str:
    """The module's source with the bug in it."""
    source = _file_of(module).read_text()
    for edit in edits:
        assert source.count(edit.old) == 1, f"{edit.old!r} is not there once in {module}"
        source = source.replace(edit.old, edit.new)
    return source


def _file_of(module: str) -> Path:
    return ROOT / (module.replace(".", "/") + ".py")


def plant(name: str) -> None:
    """Before anything of ours is imported."""
    (bug,) = (bug for bug in BUGS if bug.name == name)
    for module, edits in by_module(bug).items():
        assert module not in sys.modules, f"{module} is imported already"
        sys.meta_path.insert(0, Planter(module, edits))


def by_module(bug: Bug) -> dict[str, list[Edit]]:
    return {edit.module: [each for each in bug.edits if each.module == edit.module] for edit in bug.edits}
