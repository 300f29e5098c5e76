"""Answers in XML: what a caller gets who asks for no JSON.

A list in JSON stands under the name of its element (`"Tag": [...]`), so each of its items becomes one element of that
name; a list of plain values likewise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


def xml_of(root: str, document: Mapping[str, Any]) -> bytes:
    """`document` as the content of the element `root`."""
    return f"{DECLARATION}<{root}>{''.join(_content(document))}</{root}>".encode("utf-8", "replace")


def _content(document: Mapping[str, Any]) -> Iterator[str]:
    for name, value in document.items():
        for item in value if isinstance(value, list) else [value]:
            yield f"<{name}>{_text(item)}</{name}>"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(_content(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return _clean(escape(str(value)))


def _clean(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold: they become U+FFFD."""
    return "".join(one if one >= " " or one in "\t\n\r" else "\ufffd" for one in text)
