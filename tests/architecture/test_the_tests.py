"""Tests wait for nothing, ask no clock and draw no lots: what they show is the same on every machine."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import Source, dotted, sources, told
from tests.architecture.test_purity import uses_of_clock

REAL_PROCESSES = {
    # Processes of the operating system end when they end: poll until they have, or fail after a bound.
    "tests/cli/test_local.py": "polls a killed command's processes",
    "tests/contract/ecs/test_ecs_sdk.py": "polls, as a caller does, until a real shell has ended",
    "tests/contract/ecs_edge/stage.py": "waits until real processes have ended, up to a bound",
    "tests/contract/ecs_edge/test_ecs_newer_sdk.py": "polls, as a caller does, until a real shell has ended",
    "tests/contract/ecs_edge/test_ecs_sdk_edge.py": "polls, as a caller does, until a real shell has ended",
    "tests/contract/fc/conftest.py": "dates a signed request as a caller does",
    "tests/contract/fc/real.py": "waits for real worker processes, up to a bound",
    "tests/contract/fc/test_fc_deployed.py": "waits for real worker processes, up to a bound",
    "tests/contract/fc/test_fc_ends.py": "waits until real worker processes have ended, up to a bound",
    "tests/e2e/test_chaos.py": "kills function processes in the middle, after a seeded time",
    "tests/e2e/world.py": "waits for a condition of the whole cloud, up to a bound",
    # The official SDK sleeps or dates by itself; the server's time must be the caller's.
    "tests/adapters/canned.py": "the official SDKs date their requests",
    "tests/adapters/test_tablestore_batches.py": "the SDK checks the date of the answer",
    "tests/cli/deployment.py": "the same",
    "tests/cli/test_runs_and_results.py": "asserts the day of today, read before and after",
    "tests/contract/mns/test_mns_sdk_queues.py": "polls a thread of the SDK; a create time is about now",
    "tests/contract/mns/test_mns_sdk_topics.py": "polls a thread of the SDK",
    "tests/contract/mns/test_mns_messages.py": "compares the growth of two times, never a time with a number",
    # Programs that measure or tell; no test.
    "tests/bench/": "measures",
    "tests/sim/__main__.py": "tells how long it has played",
}


def uses_of_chance(source: Source) -> Iterator[ast.AST]:
    """`random.choice(…)` and its kind, and a Random without a seed."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name in ("random.SystemRandom", "uuid.uuid4", "uuid.uuid1", "os.urandom"):
                yield node
            elif name in ("random.Random", "Random"):
                yield from [] if node.args else [node]
            elif name.startswith(("random.", "secrets.")):
                yield node


def sleeps(source: Source) -> Iterator[ast.AST]:
    """asyncio.sleep(0) only lets the others go on."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and dotted(node.func) == "asyncio.sleep":
            first = node.args[0] if node.args else None
            if not (isinstance(first, ast.Constant) and first.value == 0):
                yield node


def _is_listed(source: Source) -> bool:
    return any(source.name == name or (name.endswith("/") and source.name.startswith(name)) for name in REAL_PROCESSES)


def test_no_test_asks_a_clock_or_sleeps() -> None:
    wrong = [
        source.at(node)
        for source in sources("tests")
        if not _is_listed(source)
        for node in [*uses_of_clock(source), *sleeps(source)]
    ]

    assert not wrong, told(
        "Move the injected clock instead; a real process gets its file on the list, with why.", wrong
    )


def test_no_test_draws_lots_without_a_seed() -> None:
    wrong = [source.at(node) for source in sources("tests") for node in uses_of_chance(source)]

    assert not wrong, told("A failure that nobody can repeat is a rumour: give the seed.", wrong)


@pytest.mark.parametrize("name", sorted(REAL_PROCESSES))
def test_whoever_is_on_the_list_needs_it(name: str) -> None:
    found = [source for source in sources("tests") if source.name.startswith(name)]

    assert any([*uses_of_clock(source), *sleeps(source)] for source in found), f"take {name} off the list"


@pytest.mark.parametrize("text", ["random.random()", "random.Random()", "uuid.uuid4()", "secrets.token_hex()"])
def test_a_draw_without_a_seed_is_seen(text: str) -> None:
    assert len(list(uses_of_chance(Source("planted.py", text, ast.parse(text))))) == 1


def test_a_seeded_draw_is_none() -> None:
    text = "Random(7).random()\nrandom.Random(seed)"

    assert list(uses_of_chance(Source("planted.py", text, ast.parse(text)))) == []
