"""What the documents say is there is there, and what is made out of the code is what the code says now."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import click
import pytest

from cli import exits
from cli.main import fleetrun
from cli.reference.markdown import MissingMarks, with_part
from cli.reference.pages import pages
from localcloud import coverage
from tests.architecture.source import ROOT, files, texts, told

DOCUMENTS = sorted(name for name in files() if name.endswith(".md"))
SUBJECT = re.compile(r"(?:^|[\s`(;]|&&)fleetrun ((?:[a-z-]+ ?){1,2})", re.MULTILINE)
TARGET = re.compile(r"(?:^|`|[ (])make ([a-z][a-z-]*)(?=[\s`,.;:)=]|$)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`|^    [^\n]+$", re.MULTILINE | re.DOTALL)
REGISTRY = re.compile(
    r"(?:[a-z0-9.-]*pypi[a-z0-9-]*\.[a-z.]+|npmjs\.org|--(?:extra-)?index-url|artifactory|/simple/)", re.IGNORECASE
)
THIS_MACHINE = re.compile(r"(?<![\w.$}])/(?:work|root|home/[a-z]+|Users/[A-Za-z]+)/[\w.-]+|\.\./shared/")


def test_the_made_pages_are_up_to_date() -> None:
    stale = [name for name, text in pages().items() if (ROOT / name).read_text(encoding="utf-8") != text]

    assert not stale, told("run: make docs", stale)


def test_a_page_without_a_place_for_a_made_part_is_refused() -> None:
    with pytest.raises(MissingMarks, match="made: limits"):
        with_part("# A page\n", "limits", "| a |")


def test_a_made_part_takes_the_place_of_the_old_one_only() -> None:
    page = "above\n<!-- made: x -->\nold\n<!-- end: x -->\nbelow\n"

    assert with_part(page, "x", "new\n") == "above\n<!-- made: x -->\nnew\n<!-- end: x -->\nbelow\n"


@pytest.mark.parametrize("service", sorted(coverage.SERVICES))
def test_the_readme_of_the_local_cloud_lists_what_each_double_offers(service: str) -> None:
    readme = (ROOT / "localcloud" / "README.md").read_text(encoding="utf-8")
    _, _, rest = readme.partition(f"<!-- made: {service} operations -->")
    part = rest.partition("<!-- end:")[0]

    offered = coverage.SERVICES[service]().offered

    assert len(offered) >= 15
    assert [name for name in offered if f"`{name}`" not in part] == []


def commands() -> set[str]:
    """`status`, and of groups `dlq` and `dlq list`."""
    found = set()
    for name, command in fleetrun.commands.items():
        found.add(name)
        if isinstance(command, click.Group):
            found |= {f"{name} {inner}" for inner in command.commands}
    return found


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def unknown_commands(text: str) -> list[str]:
    """Commands named in code that do not exist."""
    known, wrong = commands(), []
    for code in CODE.findall(text):
        for said in SUBJECT.findall(code):
            first, *rest = said.split()
            is_group = any(name.startswith(first + " ") for name in known)
            if first not in known or (is_group and rest and f"{first} {rest[0]}" not in known):
                wrong.append(f"fleetrun {said.strip()}")
    return wrong


def unknown_targets(text: str) -> list[str]:
    return [
        f"make {name}" for code in CODE.findall(text) for name in TARGET.findall(code) if name not in make_targets()
    ]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_and_make_targets_of_a_document_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")

    wrong = unknown_commands(text) + unknown_targets(text)

    assert not wrong, told(f"{name} names what there is not:", wrong)


def test_a_command_that_does_not_exist_is_seen() -> None:
    text = "Say `fleetrun statsu RUN`, `fleetrun dlq lst`, `make tset`; or `fleetrun dlq list` and `make test`."

    assert unknown_commands(text) == ["fleetrun statsu", "fleetrun dlq lst"]
    assert unknown_targets(text) == ["make tset"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_files_that_a_document_links_to_exist(name: str) -> None:
    text, folder = (ROOT / name).read_text(encoding="utf-8"), PurePosixPath(name).parent

    wrong = [
        link
        for link in LINK.findall(text)
        if not link.startswith(("http://", "https://")) and not (ROOT / folder / link).exists()
    ]

    assert not wrong, told(f"{name} links to nowhere:", wrong)


def test_no_file_names_a_registry() -> None:
    wrong = _lines(REGISTRY, but={"tests/architecture/test_documents.py"})

    assert not wrong, told("Where packages come from is the user's setting (pip's own), not ours.", wrong)


def test_no_file_names_a_path_of_one_machine() -> None:
    wrong = _lines(THIS_MACHINE, but={"tests/architecture/test_documents.py"})

    assert not wrong, told("Users do not have our machine.", wrong)


def _lines(pattern: re.Pattern[str], *, but: set[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in texts()
        if name not in but
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_the_front_page_knows_every_exit_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    codes = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}

    assert len(codes) >= 7
    assert [code for code in sorted(codes) if not re.search(rf"(?:^\| |\b){code}\b", readme, re.MULTILINE)] == []
