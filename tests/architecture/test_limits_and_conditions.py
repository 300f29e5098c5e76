"""Bounds have one home and a source; conditions say what a missing column means."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import Source, dotted, sources, told

LIMITS = (
    "shared/core/limits.py",
    "shared/adapters/limits.py",
    "localcloud/ecs/limits.py",
    "localcloud/fc/limits.py",
    "localcloud/mns/limits.py",
    "localcloud/tablestore/limits.py",
)
ORDINARY = {1, 2, 5, 10, 15, 16, 20, 30, 60, 64, 100, 200, 500, 1_000, 60_000, 86_400}
"""Vendors' numbers that also count minutes, percent or HTTP statuses: a search for them says nothing."""


def bounds_of(source: Source) -> Iterator[tuple[str, object, str]]:
    """Name, value and docstring ("" if it has none) of each constant of a module."""
    for index, node in enumerate(source.tree.body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            after = source.tree.body[index + 1] if index + 1 < len(source.tree.body) else None
            yield node.targets[0].id, value_of(node.value), text_of(after)


def value_of(node: ast.expr) -> object:
    try:
        return eval(compile(ast.Expression(node), "limits", "eval"), {"__builtins__": {}})
    except (NameError, TypeError):
        return None


def text_of(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return ""


def literals(source: Source) -> Iterator[tuple[ast.expr, object]]:
    """Numbers, and products of numbers such as 24 * 1024."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            yield node, node.value
        elif isinstance(node, ast.BinOp) and isinstance(node.left, ast.Constant):
            yield node, value_of(node)


@pytest.mark.parametrize("name", LIMITS[:2])
def test_every_limit_tells_its_source(name: str) -> None:
    source = next(each for each in sources("shared") if each.name == name)

    wrong = [bound for bound, value, text in bounds_of(source) if not text]

    assert sum(1 for _ in bounds_of(source)) > 15
    assert not wrong, told("Beside a bound stands where it is from and of when, or that it is ours.", wrong)


@pytest.mark.parametrize("name", LIMITS[2:])
def test_the_limits_of_a_double_tell_their_source(name: str) -> None:
    source = next(each for each in sources("localcloud") if each.name == name)

    assert "page" in source.text.lower(), f"{name} names no page"
    assert " 20" in source.text, f"{name} names no year"


def test_a_vendors_number_stands_in_limits_only() -> None:
    vendors = {
        value: bound
        for source in sources("shared")
        if source.name in LIMITS
        for bound, value, text in bounds_of(source)
        if isinstance(value, (int, float)) and not text.startswith("Ours")
    }
    wrong = [
        f"{source.at(node)} has {value}: {vendors[value]}"
        for source in sources("shared", "functions")
        if source.name not in LIMITS
        for node, value in literals(source)
        if value in vendors and value not in ORDINARY
    ]

    assert {24 * 1024, 65_536, 604_800} <= set(vendors)
    assert not wrong, told("The vendor changes a number, and we change one line.", wrong)


def test_a_bound_outside_of_limits_is_ours_and_says_so() -> None:
    wrong = [
        f"{source.name}: {bound}"
        for source in sources("shared")
        if source.name not in LIMITS
        for bound, value, text in bounds_of(source)
        if bound.endswith(("_MAX", "_MIN")) and not bound.startswith("_") and not text.startswith("Ours")
    ]

    assert not wrong, told(
        'What bounds us alone may stand where it is used, and says "Ours"; the rest in limits.', wrong
    )


CONDITIONS = ("Where", "SingleColumnCondition", "SingleColumnRegexCondition")


def conditions_without(source: Source) -> Iterator[ast.Call]:
    """Conditions on a column that leave open what happens when the row does not have it."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in CONDITIONS:
            words = {word.arg: word.value for word in node.keywords}
            if "pass_if_missing" not in words:
                yield node


def test_every_column_condition_says_what_a_missing_column_means() -> None:
    wrong = [source.at(node) for source in sources("shared", "cli") for node in conditions_without(source)]
    all_of_them = [
        node
        for source in sources("shared")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in CONDITIONS
    ]

    assert len(all_of_them) >= 8
    assert not wrong, told(
        "Tablestore's SDK lets a write through when the column is missing: say pass_if_missing.", wrong
    )


def test_a_condition_that_forgets_it_is_seen() -> None:
    planted = 'Where("version", "==", 3)\nWhere("version", "==", 3, pass_if_missing=False)'

    found = list(conditions_without(Source("planted.py", planted, ast.parse(planted))))

    assert [node.lineno for node in found] == [1]
