"""Limits modules → tables: each bound with value, source and date, as it stands beside it in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType

from cli.reference.markdown import code, number, table

_SECTION = re.compile(r"^# -- (.+?) -*$")


@dataclass(frozen=True, slots=True)
class Bound:
    section: str
    name: str
    value: str
    source: str


def bounds(module: ModuleType) -> Iterator[Bound]:
    """Every constant of the module with the text under it, in the order of the file."""
    path = module.__file__
    assert path is not None
    with open(path, encoding="utf-8") as file:
        text = file.read()
    lines, section = text.splitlines(), ""
    body = ast.parse(text).body
    for node, after in pairwise(body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(after, ast.Expr):
            section = _section_above(lines, node.lineno - 1) or section
            name = node.targets[0].id
            assert isinstance(after.value, ast.Constant), f"{name} has no text"
            yield Bound(section, name, number(getattr(module, name)), str(after.value.value))


def _section_above(lines: list[str], index: int) -> str:
    """The heading directly above a line, "" if there is none."""
    found = _SECTION.match(lines[index - 1]) if index else None
    return found.group(1) if found else ""


def sections(module: ModuleType) -> str:
    found = list(bounds(module))
    names = list(dict.fromkeys(bound.section for bound in found))
    return "\n".join(f"### {name}\n\n{_table([b for b in found if b.section == name])}" for name in names)


def selected(module: ModuleType, names: Collection[str]) -> str:
    found = {bound.name: bound for bound in bounds(module)}
    return _table([found[name] for name in names])


def _table(found: list[Bound]) -> str:
    return table(("limit", "value", "source"), [(code(b.name), b.value, b.source) for b in found])
