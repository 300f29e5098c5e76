"""THE state table → pictures (Mermaid) and tables."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping

from cli.reference.markdown import code, table
from shared.core import transitions

States = Mapping[str, frozenset[str]]
_MEANT = re.compile(r'^    # (.+)\n    "(\w+)":', re.MULTILINE)


def meanings(name: str) -> dict[str, str]:
    """What stands above each status in the table of that name."""
    _, _, rest = inspect.getsource(transitions).partition(f"\n{name}: ")
    return {status: text for text, status in _MEANT.findall(rest.partition("\n}")[0])}


def picture(states: States, *, first: str) -> str:
    """A state diagram, in the table's order."""
    ends = [status for status, next_ones in states.items() if not next_ones]
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    lines += [f"    {old} --> {new}" for old in states for new in states if new in states[old]]
    lines += [f"    {status} --> [*]" for status in ends]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def rows(name: str) -> str:
    """The table of that name, e.g. RUN."""
    states: States = getattr(transitions, name)
    texts = meanings(name)
    found = []
    for status, next_ones in states.items():
        after = ", ".join(code(each) for each in sorted(next_ones)) or "nothing: the end"
        found.append((code(status), texts.get(status, ""), after))
    head = ("status", "meaning", "may become")
    if not texts:
        return table(("status", "may become"), [(status, after) for status, _, after in found])
    return table(head, found)


def listed(statuses: frozenset[str]) -> str:
    return ", ".join(code(status) for status in sorted(statuses))
