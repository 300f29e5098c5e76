"""Texts of machines on a terminal: nothing in them acts, nothing of them is lost."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import show

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
NASTY = st.lists(
    st.one_of(
        ANY,
        st.sampled_from(
            [
                "\x1b[2J",
                "\x1b]0;title\x07",
                "\x9b31m",
                "\u202e",
                "\u2066",
                "\u200b",
                "\ufeff",
                "\r",
                "\b",
                "\x00",
                "\u2028",
            ]
        ),
    ),
    max_size=8,
).map("".join)
_ESCAPE = re.compile(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}")


@given(NASTY)
def test_no_character_that_acts_is_left(text: str) -> None:
    shown = show.harmless(text)

    assert all(each in "\n\t" or unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in shown)
    shown.encode()


@given(NASTY)
def test_every_character_is_shown_or_written_out(text: str) -> None:
    shown = show.harmless(text)

    told = _ESCAPE.sub(lambda found: chr(int(found.group()[2:], 16)), shown) if "\\" not in text else None
    assert told in (None, text.replace("\r\n", "\n"))


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"])))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert show.harmless(text) == text


@given(NASTY)
def test_making_harmless_twice_changes_nothing_more(text: str) -> None:
    assert show.harmless(show.harmless(text)) == show.harmless(text)


@given(NASTY)
def test_one_line_is_one_line(text: str) -> None:
    assert len(show.one_line(text).splitlines()) <= 1
    assert "\t" not in show.one_line(text)


@given(NASTY, st.integers(1, 3), st.integers(2, 80))
def test_first_lines_keep_to_their_bounds(text: str, lines: int, width: int) -> None:
    told = show.first_lines(text, lines=lines, width=width)

    assert len(told.split("\n")) <= lines
    assert all(len(line) <= width for line in told.split("\n"))


@given(NASTY)
def test_json_is_ascii_and_gives_the_text_back(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        patch.setattr("sys.stdout", type("Out", (), {"write": written.append, "flush": lambda self: None})())
        show.as_json({"output": text})

    assert "".join(written).isascii()
    assert json.loads("".join(written)) == {"output": text}


def test_twenty_four_kilobytes_of_emoji_stay_whole() -> None:
    emoji = "🦀" * 6_144

    assert show.harmless(emoji) == emoji
    assert show.first_lines(emoji, width=40) == "🦀" * 39 + "…"


def test_html_and_markup_are_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    show.out().print("<script>alert(1)</script> [red]not red[/red] :crab:")

    assert capsys.readouterr().out == "<script>alert(1)</script> [red]not red[/red] :crab:\n"
