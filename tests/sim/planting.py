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

from tests.sim.bugs import BUGS, Edit

ROOT = Path(__file__).parents[2]


class Planter(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module with the change in it."""

    def __init__(self, edit: Edit) -> None:
        self.edit = edit

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.edit.module:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(_file_of(fullname)))

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(changed(self.edit), str(_file_of(self.edit.module)), "exec"), module.__dict__)


def changed(edit: Edit) -> str:
    """The module's source with the bug in it."""
    source = _file_of(edit.module).read_text()
    assert source.count(edit.old) == 1, f"{edit.old!r} is not there once in {edit.module}"
    return source.replace(edit.old, edit.new)


def _file_of(module: str) -> Path:
    return ROOT / (module.replace(".", "/") + ".py")


def plant(name: str) -> None:
    """Before anything of ours is imported."""
    (bug,) = (bug for bug in BUGS if bug.name == name)
    for edit in bug.edits:
        assert edit.module not in sys.modules, f"{edit.module} is imported already"
        sys.meta_path.insert(0, Planter(edit))
