"""A rule that never fires proves nothing: each detector is shown the mistake that it is there for."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.source import Source, files, imports, sources
from tests.architecture.test_purity import reads_environment, uses_of_clock


def a_source(text: str) -> Source:
    return Source("shared/core/planted.py", text, ast.parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "time.time()",
        "time.sleep(1)",
        "x = lambda: time.monotonic()",
        "datetime.now(tz=UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "datetime.fromtimestamp(5)",
    ],
)
def test_a_look_at_the_clock_is_seen(text: str) -> None:
    assert len(list(uses_of_clock(a_source(text)))) == 1


@pytest.mark.parametrize("text", ["datetime.fromtimestamp(5, tz=UTC)", "run.time()", "timeline.now()", "'time.time()'"])
def test_what_only_computes_is_no_look_at_the_clock(text: str) -> None:
    assert list(uses_of_clock(a_source(text))) == []


@pytest.mark.parametrize(
    "text",
    ["os.environ['A']", "os.getenv('A')", "dict(os.environ)", "from os import environ", "import os\nos.environb"],
)
def test_a_look_at_the_environment_is_seen(text: str) -> None:
    assert len(list(reads_environment(a_source(text)))) == 1


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("import localcloud.clock", "localcloud.clock"),
        ("from shared.core import limits", "shared.core.limits"),
        ("from shared.core.limits import WAVES_MAX", "shared.core.limits"),
        ("def f():\n    from cli import main", "cli.main"),
        ("if TYPE_CHECKING:\n    from localcloud.account import Account", "localcloud.account"),
    ],
)
def test_an_import_is_seen_wherever_it_stands(text: str, target: str) -> None:
    assert [each.target for each in imports(a_source(text))] == [target]


def test_the_walk_finds_us_and_nothing_that_was_made_or_fetched() -> None:
    names = files()

    assert {"template.yml", "shared/core/cron.py", ".ci/run", "tests/architecture/source.py"} <= set(names)
    assert [name for name in names if name.startswith((".venv", "build/", "dist/")) or "__pycache__" in name] == []
    assert len(sources("shared")) > 40
