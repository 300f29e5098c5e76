"""Time, chance and the environment come in at one place each."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import Source, dotted, sources, told

NOW = {"now", "utcnow", "today", "fromtimestamp"}
"""Methods of date and datetime that look at a clock, or at this machine's zone."""
CLOCK = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep", "localtime"}
ENVIRONMENT_READERS = {
    "shared/runtime/settings.py": "the one place",
    "cli/settings.py": "a client's: adds --endpoint and hands it to shared/runtime/settings.py",
    "localcloud/fc/worker/handlers.py": "a function's worker: its environment is what Function Compute gives it",
    "localcloud/fc/worker/serve.py": "the same",
    "localcloud/fc/worker/wsgi.py": "the same: WSGI hands the environment on",
}
CLOCKS = {
    "shared/adapters/system.py": "the clock's adapter",
}
"""Modules of what ships that may look at a clock."""


def uses_of_clock(source: Source) -> Iterator[ast.AST]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            last = name.rsplit(".", 1)[-1]
            of_date = name.split(".")[0] in ("datetime", "date", "dt") and last in NOW and not _has_zone(node, last)
            if of_date or (name.startswith("time.") and last in CLOCK):
                yield node


def _has_zone(call: ast.Call, method: str) -> bool:
    """`fromtimestamp(x, tz)` computes; all the others look at a clock."""
    return method == "fromtimestamp" and (len(call.args) > 1 or any(word.arg == "tz" for word in call.keywords))


@pytest.mark.parametrize("folder", ["shared/core", "shared/app"])
def test_decisions_never_ask_what_time_it_is(folder: str) -> None:
    wrong = [source.at(node) for source in sources(folder) for node in uses_of_clock(source)]

    assert not wrong, told("Time comes in as an argument or from the clock port: one time for one decision.", wrong)


def test_what_ships_asks_the_time_in_one_module() -> None:
    wrong = [
        source.at(node)
        for source in sources("shared", "functions")
        if source.name not in CLOCKS
        for node in uses_of_clock(source)
    ]

    assert not wrong, told("One forgotten look at the clock breaks every simulated run.", wrong)


def reads_environment(source: Source) -> Iterator[ast.AST]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and dotted(node) in ("os.environ", "os.environb", "os.getenv"):
            yield node
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from [node for alias in node.names if alias.name in ("environ", "environb", "getenv")]


def test_the_environment_is_read_in_the_settings_only() -> None:
    wrong = [
        source.at(node)
        for source in sources("shared", "functions", "localcloud", "cli")
        if source.name not in ENVIRONMENT_READERS
        for node in reads_environment(source)
    ]

    assert not wrong, told("A setting that is read where it is used is in no list, and its mistake shows late.", wrong)


def test_whoever_is_listed_as_a_reader_of_the_environment_is_one() -> None:
    readers = {source.name for source in sources("shared", "cli", "localcloud") if any(reads_environment(source))}

    assert readers == set(ENVIRONMENT_READERS)


def test_chance_comes_from_a_port_or_a_seed() -> None:
    """SystemRandom and Random are made where things are put together; nobody draws from the shared generator."""
    wrong = [
        source.at(node)
        for source in sources("shared", "functions", "localcloud", "cli")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and dotted(node.func).startswith("random.")
        and dotted(node.func) not in ("random.Random", "random.SystemRandom")
    ]

    assert not wrong, told("random.choice and its kind share one generator that no seed of ours governs.", wrong)
