"""What each double offers, out of its tables of operations: the tables of localcloud/README.md.

An operation that is known and not offered is answered by name (501, or as the service says that it has no such thing).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Coverage:
    """Operations of one service's API, sorted. `others`: known by name and not offered."""

    offered: tuple[str, ...]
    others: tuple[str, ...] = ()


def ecs() -> Coverage:
    from localcloud.ecs.api import ACTIONS, OPERATIONS

    return _coverage(OPERATIONS, Path(ACTIONS).read_text(encoding="utf-8").split())


def mns() -> Coverage:
    from localcloud.mns import routes
    from localcloud.mns.operations import OPERATIONS, RECEIVES

    return _coverage([*OPERATIONS, *RECEIVES], [*routes.OPERATIONS.values(), *routes.OVERRIDES.values()])


def tablestore() -> Coverage:
    from localcloud.tablestore.operations import OPERATIONS

    return _coverage(OPERATIONS, [])


def fc() -> Coverage:
    """Of both API versions: an operation counts as offered if one of them has it."""
    from localcloud.fc.operations import OPERATIONS

    return _coverage([name for table in OPERATIONS.values() for name in table], [])


def _coverage(offered: Iterable[str], known: Iterable[str]) -> Coverage:
    mine = set(offered)
    return Coverage(tuple(sorted(mine)), tuple(sorted(set(known) - mine)))


def parameters() -> str:
    """Of ECS: the parameters that are not read, with their operations and what becomes of them."""
    from localcloud.ecs.parameters import OWNERS, PARAMETERS

    found: dict[tuple[str, str], list[str]] = {}
    for action, known in PARAMETERS.items():
        fates = {name: f"no effect: {reason}" for name, reason in known.ignores.items() if name not in OWNERS}
        for name, fate in {**fates, **dict.fromkeys(sorted(known.refuses), "refused by name")}.items():
            found.setdefault((name, fate), []).append(action)
    rows: dict[tuple[str, str], list[str]] = {}
    for (name, fate), actions in found.items():
        rows.setdefault((fate, _names(actions)), []).append(name)
    lines = ["| parameters | operations | what becomes of them |", "| --- | --- | --- |"]
    lines.append(f"| {_names(OWNERS)} | all | no effect: {next(iter(OWNERS.values()))} |")
    lines += [f"| {_names(names)} | {actions} | {fate} |" for (fate, actions), names in sorted(rows.items())]
    count = sum(len(known.reads) for known in PARAMETERS.values())
    return "\n".join(lines) + f"\n\nThe other {count} parameters of {len(PARAMETERS)} operations are read.\n"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


CONTESTED = {"ECS": "ecs", "MNS": "mns", "Tablestore": "tablestore", "Function Compute": "fc"}
"""Services whose limits are one value, by folder: what is no number in it decides a contested
point, and so does a number whose text begins with "Contested"."""
SERVICES = {"ECS": ecs, "MNS": mns, "Tablestore": tablestore, "Function Compute": fc}


def tables() -> Mapping[str, str]:
    """Service → a table in Markdown."""
    return {name: table(find()) for name, find in SERVICES.items()}


def table(coverage: Coverage) -> str:
    """Offered operations by the thing that they are about; the others as a number, or by name if they are few."""
    groups: dict[str, list[str]] = {}
    for name in coverage.offered:
        groups.setdefault(_verb(name), []).append(name)
    lines = ["| offered | operations |", "| --- | --- |"]
    lines += [f"| {verb} | {', '.join(f'`{name}`' for name in names)} |" for verb, names in sorted(groups.items())]
    text = "\n".join(lines) + f"\n\n{len(coverage.offered)} operations."
    return text + _not_offered(coverage.others) + "\n"


def _not_offered(names: tuple[str, ...]) -> str:
    if not names:
        return ""
    if len(names) > 20:
        return f" The other {len(names)} of the API are known by name and answered as not offered."
    return f" Known and not offered: {', '.join(f'`{name}`' for name in names)}."


def _verb(name: str) -> str:
    found = re.match(r"[A-Z]+[a-z]*", name)
    return found.group() if found else name


def switches() -> Mapping[str, str]:
    """Service → a table of its contested points: the field of `Limits` that decides, its default, what it is about."""
    return {name: _switches(Path(__file__).with_name(folder) / "limits.py") for name, folder in CONTESTED.items()}


def _switches(path: Path) -> str:
    lines = ["| switch | default | what it decides |", "| --- | --- | --- |"]
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name == "Limits":
            lines += [_row(field, text) for field, text in _fields(node) if _is_contested(field, text)]
    return "\n".join(lines) + "\n" if len(lines) > 2 else "Numbers only: see `limits.py`.\n"


def _fields(limits: ast.ClassDef) -> list[tuple[ast.AnnAssign, str]]:
    """Fields with the text under them."""
    return [
        (field, str(ast.literal_eval(after.value)))
        for field, after in pairwise(limits.body)
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr)
    ]


def _is_contested(field: ast.AnnAssign, text: str) -> bool:
    """What is no number; and numbers whose text begins with "Contested"."""
    kind = ast.unparse(field.annotation)
    return text.startswith("Contested") or (kind in ("bool", "str", "Unpublished") or kind.startswith("Literal"))


def _row(field: ast.AnnAssign, text: str) -> str:
    kind, default = ast.unparse(field.annotation), ast.unparse(field.value) if field.value else ""
    choices = kind.removeprefix("Literal[").removesuffix("]").replace("'", "") if kind.startswith("Literal") else ""
    shown = f"`{default}`" + (f" of {choices}" if choices else "")
    return f"| `{ast.unparse(field.target)}` | {shown} | {' '.join(text.removeprefix('Contested: ').split())} |"
