"""How long a module and a function may be, and what none is called."""

from __future__ import annotations

import pytest

from tests.architecture.source import PRODUCT, Source, files, functions_in, sources, told

MODULE_LINES_MAX = 350
FUNCTION_LINES_MAX = 70
INDEX_LINES_MAX = 40
TEST_LINES_MAX = 500
"""A module of tests is a list of cases, and lists may be longer than thoughts."""
LONGER = {
    "tests/wire/test_ecs_requests.py": 550,  # one request each for everything that a damaged call can be
}
"""The bound only ever falls; a module that is short enough leaves the list."""
BANNED = ("util", "utils", "helper", "helpers", "common", "manager", "misc", "base", "stuff")
STAGES = ("chunk", "emit", "invoke", "preflight", "quota", "roll_up", "track")
"""Stage 1, accept, is a use case; the rest of the eight begin in core."""


def test_no_module_is_longer_than_one_can_hold_in_mind() -> None:
    wrong = [
        f"{source.name} has {source.lines} lines"
        for source in sources(*PRODUCT, "tests")
        if source.lines > LONGER.get(source.name, _lines_max(source))
    ]

    assert not wrong, told(
        f"A module has at most {MODULE_LINES_MAX} lines ({TEST_LINES_MAX} of tests); split it by what it is about.",
        wrong,
    )


def _lines_max(source: Source) -> int:
    return TEST_LINES_MAX if source.name.startswith("tests/") else MODULE_LINES_MAX


@pytest.mark.parametrize("name", sorted(LONGER))
def test_the_list_of_long_modules_only_shrinks(name: str) -> None:
    found = [source for source in sources("tests") if source.name == name]

    assert [source.lines > _lines_max(source) for source in found] == [True], f"take {name} off the list"


def test_no_function_is_longer_than_a_screen() -> None:
    wrong = [
        f"{source.at(node)} {node.name} has {length} lines"
        for source in sources(*PRODUCT, "tests")
        for node in functions_in(source)
        if (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]

    assert not wrong, told(f"A function has at most {FUNCTION_LINES_MAX} lines.", wrong)


def test_the_code_of_a_function_is_only_its_door() -> None:
    wrong = [
        f"{source.name} has {source.lines} lines" for source in sources("functions") if source.lines > INDEX_LINES_MAX
    ]

    assert not wrong, told(f"index.py opens, calls one use case, answers: at most {INDEX_LINES_MAX} lines.", wrong)


def test_no_name_says_that_nobody_decided() -> None:
    parts = [(name, part.removesuffix(".py")) for name in files() for part in name.split("/") if name.endswith(".py")]

    wrong = [name for name, part in parts if set(part.split("_")) & set(BANNED)]

    assert not wrong, told(f"A module is called for what it does; none is called {', '.join(BANNED)}.", wrong)


def test_every_folder_with_modules_says_what_it_is() -> None:
    missing = [source.name for source in sources(*PRODUCT) if not _opens_with_a_docstring(source)]

    assert not missing, told("A module opens with a line that says what it is about.", missing)


def _opens_with_a_docstring(source: Source) -> bool:
    return not source.text.strip() or source.text.startswith('"""')


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_of_core_says_which_it_is_and_what_goes_in_and_out(stage: str) -> None:
    module = next(source for source in sources("shared/core") if source.name == f"shared/core/{stage}.py")

    first = module.text.splitlines()[0]

    assert first.startswith('"""Stage '), first
    assert " of 8: " in first, first
    assert "->" in first or "→" in first, first
