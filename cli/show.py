"""Printing. What machines said is shown harmlessly: no character of it can move the cursor or turn the text around."""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from cli.exits import NOBODY_READS
from cli.options import leave

if TYPE_CHECKING:
    from rich.console import Console

_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls (ANSI begins with one), formats (bidi overrides, zero width), surrogates, line and paragraph separators."""


def harmless(text: str) -> str:
    """`text` with every character that is not simply shown, other than line end and tab, as its escape."""
    text = text.replace("\r\n", "\n")
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def one_line(text: str) -> str:
    """`text` harmless and on one line: what stands in a line of ours must not make up lines of its own."""
    return harmless(text).replace("\n", "\\n").replace("\t", "\\t")


def _escaped(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in _HARMFUL:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def first_lines(text: str, *, lines: int = 1, width: int = 60) -> str:
    """The first lines of an output that say anything, harmless, each cut to `width`."""
    told = [line.rstrip() for line in harmless(text).split("\n") if line.strip()][:lines]
    return "\n".join(line if len(line) <= width else line[: width - 1] + "…" for line in told)


@cache
def out() -> Console:
    """Standard output. Nothing in a text is taken for markup."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> None:
            self.quiet = True
            _leave_unread()

    return Output(markup=False, highlight=False, emoji=False, soft_wrap=True)


@cache
def err() -> Console:
    """Standard error: what is not the answer."""
    from rich.console import Console

    return Console(markup=False, highlight=False, emoji=False, soft_wrap=True, stderr=True)


def as_json(value: Any) -> None:
    """One JSON value; ASCII only, so that it is harmless on a terminal, too."""
    _write(json.dumps(value, ensure_ascii=True, indent=2) + "\n")


def as_json_line(value: Any) -> None:
    _write(json.dumps(value, ensure_ascii=True) + "\n")


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_unread()


def _leave_unread() -> NoReturn:
    """Nobody reads any more. What is still buffered goes nowhere, so that the interpreter's end stays quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    leave(NOBODY_READS)


def number(count: int, one: str, many: str = "") -> str:
    """`1 target`, `3 targets`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
