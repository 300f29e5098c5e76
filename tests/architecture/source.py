"""Our own source as the architecture tests see it: files, syntax trees, imports. Read from the disk, never imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("shared", "functions", "localcloud", "cli")
_MADE = {"__pycache__", "build", "dist", "node_modules"}
TEXT = {"", ".cfg", ".in", ".ini", ".js", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"}


@dataclass(frozen=True)
class Source:
    """One Python file. `name`: as it stands in the tree, e.g. shared/core/cron.py."""

    name: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        return self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    def at(self, node: ast.AST) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 0)}"


@dataclass(frozen=True)
class Import:
    """`target`: a module or package of ours if there is one of that name, otherwise what was written."""

    source: Source
    node: ast.stmt
    target: str

    def __str__(self) -> str:
        return f"{self.source.at(self.node)} imports {self.target}"


def is_below(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@cache
def files() -> tuple[str, ...]:
    """Every file that belongs to the project, sorted; nothing that is made or fetched."""
    return tuple(sorted(path.relative_to(ROOT).as_posix() for path in _walk(ROOT)))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        hidden = path.name.startswith(".") and path.name not in (".ci", ".gitignore", ".github")
        if hidden or path.name in _MADE or path.is_symlink():
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path


def texts() -> Iterator[tuple[str, str]]:
    """Every text file with its name."""
    for name in files():
        path = ROOT / name
        if path.suffix in TEXT:
            yield name, path.read_text(encoding="utf-8")


@cache
def sources(*tops: str) -> tuple[Source, ...]:
    """The Python files below the given folders, e.g. "shared/core"."""
    names = [name for name in files() if name.endswith(".py") and name.startswith(tuple(top + "/" for top in tops))]
    return tuple(_read(name) for name in names)


@cache
def _read(name: str) -> Source:
    text = (ROOT / name).read_text(encoding="utf-8")
    return Source(name, text, ast.parse(text, name))


def exists(module: str) -> bool:
    path = module.replace(".", "/")
    return f"{path}.py" in files() or any(name.startswith(f"{path}/") for name in files())


def imports(source: Source) -> Iterator[Import]:
    """At the top and further down; those for type checking, too: a direction is a direction."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(source, node, alias.name)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield Import(source, node, inner if exists(inner) else node.module)


def functions_in(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an expression that is one, "" otherwise."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def told(rule: str, found: list[str]) -> str:
    """What a failing rule prints: the rule, its reason, then the places."""
    return rule + "".join(f"\n  {place}" for place in found)
