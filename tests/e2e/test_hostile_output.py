"""What scripts print, however nasty, goes unharmed into rows and events, and is harmless on the operator's screen."""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Iterator
from html import escape

import pytest

from shared.core import limits
from shared.core.model import Run
from tests.cli.command_line import CommandLine, command_line
from tests.e2e.world import World, invoke, until, whole

OUTPUTS = {
    "ansi": b"\x1b[2J\x1b]0;title\x07\x1b[31mred\x1b[0m\r\x08\x7f done\n",
    "controls": bytes(range(1, 32)) + b"\x80\x9b31m\n",
    "not-utf-8": b"\xff\xfe\xc0\xaf\xed\xa0\x80 latin: \xe4\n",
    "bidi": "safe \u202egnp.exe\u202c \u200b\u2028 zero\n".encode(),
    "html": b"<script>alert(1)</script>&amp;<img src=x onerror=alert(1)>\n",
    "xml": "\ufffe\uffff ]]> <Message>\n".encode(),
    "emoji": "🦀".encode() * 6_144,
    "markup": b"[bold red]x[/] {{folder}} :bug: %s\n",
    "nul": b"a\x00b\n",
}

FIRST = {"name": "web-001"}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with whole(instances=12) as made:
        yield made


@pytest.fixture(scope="module")
def printed(world: World) -> dict[str, Run]:
    """One run for each output, printed by a real shell on the first instance."""
    requests = {name: invoke(f"print-{name}", script=printing(text), targets=FIRST) for name, text in OUTPUTS.items()}
    ids = {name: world.send(request) for name, request in requests.items()}
    return {name: world.ended(run_id) for name, run_id in ids.items()}


def printing(text: bytes) -> str:
    """A script that prints these bytes; a long text is one piece again and again, as a script is shorter than that."""
    piece = text[:4] if len(text) > 4_096 else text
    assert piece * (len(text) // len(piece)) == text
    return f"for i in $(seq {len(text) // len(piece)}); do echo {base64.b64encode(piece).decode()}; done | base64 -d"


@pytest.fixture
def fleetrun(world: World) -> CommandLine:
    return command_line(world.connection.settings.mns_endpoint)


def is_harmless(shown: str) -> bool:
    return not any(
        unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") and each not in "\n\t" for each in shown
    )


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_row_keeps_every_byte_that_was_printed(world: World, printed: dict[str, Run], name: str) -> None:
    run = printed[name]

    assert run.counts == {"Success": 1}
    assert world.connection.runs.read_outputs(run.run_id, 1)[0] == OUTPUTS[name]


@pytest.mark.parametrize("name", OUTPUTS)
def test_its_event_is_json_within_its_bounds(world: World, printed: dict[str, Run], name: str) -> None:
    run = printed[name]

    events = until("the events", lambda: _all(world, run))
    (finished,) = (event for event in events if event["type"] == "fleetrun.targets.finished")
    (target,) = finished["data"]["targets"]
    whole_text = OUTPUTS[name].decode("utf-8", "replace")

    assert target["output"] == whole_text[: limits.OUTPUT_CHARS_PER_EVENT]
    assert all(len(json.dumps(event)) <= limits.EVENT_BYTES_MAX for event in events)


def _all(world: World, run: Run) -> list[dict] | None:  # type: ignore[type-arg]
    events = world.events(run.run_id)
    return events if len(events) == run.event_seq else None


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_command_shows_it_harmless(fleetrun: CommandLine, printed: dict[str, Run], name: str) -> None:
    run_id = printed[name].run_id

    for words in (
        ("results", run_id),
        ("results", run_id, "--output"),
        ("results", run_id, "--json"),
        ("events", run_id),
        ("events", run_id, "--json"),
        ("status", run_id),
        ("status", run_id, "--json"),
        ("runs",),
    ):
        said = fleetrun(*words)
        assert said.code == 0, said.err
        assert is_harmless(said.out), f"{words}: {said.out[:300]!r}"


@pytest.mark.parametrize("name", OUTPUTS)
def test_json_gives_every_byte_back(fleetrun: CommandLine, printed: dict[str, Run], name: str) -> None:
    (line,) = fleetrun("results", printed[name].run_id, "--json").json

    given = base64.b64decode(line["outputBase64"]) if "outputBase64" in line else line["output"].encode()
    assert given == OUTPUTS[name]


def test_html_stays_text(fleetrun: CommandLine, printed: dict[str, Run]) -> None:
    shown = fleetrun("results", printed["html"].run_id, "--output").out

    assert "<script>alert(1)</script>" in shown
    assert escape("<script>") not in shown
