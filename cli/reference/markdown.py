"""Tables, and parts of a page between marks. Pure text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of GitHub's Markdown; a bar within a cell is escaped, a line break becomes a space."""
    lines = [list(head), ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(_cell(text) for text in line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def number(value: object) -> str:
    return f"{value:,}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


class MissingMarks(ValueError):
    """A page has no place for a part that is made."""


def with_part(page: str, name: str, text: str) -> str:
    """`page` with `text` between `<!-- made: name -->` and `<!-- end: name -->`. Raises MissingMarks."""
    start, end = f"<!-- made: {name} -->\n", f"<!-- end: {name} -->"
    head, found, rest = page.partition(start)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise MissingMarks(f"the page needs the lines {start.strip()} and {end}")
    return head + start + text.rstrip("\n") + "\n" + end + tail


def has_part(page: str, name: str) -> bool:
    return f"<!-- made: {name} -->" in page
