"""What the command line shows: any bytes as an event's body or a script's output. It is shown, and harmless."""

from __future__ import annotations

import json
import sys
import unicodedata

import atheris

with atheris.instrument_imports(include=["cli", "shared"]):
    from cli import events, show
    from shared.core.model import Event

HARMFUL = ("Cc", "Cf", "Cs", "Zl", "Zp")
KINDS = ("run.planned", "run.rejected", "run.deferred", "chunk.invoked", "targets.finished", "run.finished", "other")


def one_input(body: bytes) -> None:
    event = events.decoded(Event("run-0001", 7, "run.planned", body))
    json.dumps(event)
    for kind in KINDS:
        assert_harmless(events.told(kind, event["data"]))
    text = body.decode("utf-8", "replace")
    assert_harmless(show.one_line(text))
    assert_harmless(show.harmless(text).replace("\n", "").replace("\t", ""))
    assert_harmless(show.first_lines(text, lines=1).replace("\t", ""))


def assert_harmless(shown: str) -> None:
    found = {hex(ord(character)) for character in shown if unicodedata.category(character) in HARMFUL}
    assert not found, found


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
