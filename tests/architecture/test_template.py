"""template.yml and the code speak of the same functions, queues, tables and settings."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import yaml

from shared.runtime import settings
from tests.architecture.source import ROOT, files, sources, told

OF_OTHERS = {"FC_REGION", "FC_ACCOUNT_ID", "ALIYUN_ACCESS_KEY_ID"}
"""Variables that the settings look at and nobody sets for fleetrun: the platform's, and one that must not be there."""


@cache
def template() -> dict[str, dict[str, object]]:
    read: dict[str, dict[str, object]] = yaml.safe_load((ROOT / "template.yml").read_text(encoding="utf-8"))
    return read


def names_of(kind: str, key: str) -> set[str]:
    """What the resources of a type are called in the cloud."""
    found = set()
    for resource in template()["Resources"].values():
        assert isinstance(resource, dict)
        if resource["Type"] == kind:
            found.add(str(resource["Properties"][key]))
    return found


def folders_below(top: str) -> set[str]:
    return {parts[1] for name in files() if (parts := name.split("/"))[0] == top and len(parts) > 2}


def test_every_function_of_the_template_has_its_folder_and_the_other_way_round() -> None:
    described = names_of("ALIYUN::FC3::Function", "FunctionName")

    assert described == folders_below("functions"), "one folder of functions/ is one function of template.yml"


def test_every_folder_of_functions_has_its_door() -> None:
    for name in folders_below("functions"):
        tree = ast.parse((ROOT / "functions" / name / "index.py").read_text(encoding="utf-8"))
        doors = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}

        assert {"initializer", "handler"} <= doors, f"functions/{name}/index.py"


def test_every_folder_of_samples_belongs_to_a_function() -> None:
    samples = folders_below("events") - {"schema"}

    assert samples - folders_below("functions") == set(), "events/<function>/<case>.json"


def test_every_function_has_samples() -> None:
    assert folders_below("functions") - folders_below("events") == set(), "a user calls a function with a sample"


def strings_in(*folders: str) -> dict[str, str]:
    """Every text constant with the place where it stands first; docstrings are none."""
    found: dict[str, str] = {}
    for source in sources(*folders):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.setdefault(node.value, source.at(node))
    return found


def queues_and_topics() -> set[str]:
    return names_of("ALIYUN::MNS::Queue", "QueueName") | names_of("ALIYUN::MNS::Topic", "TopicName")


def constants_called(*names: str) -> dict[str, str]:
    """Text constants of modules of shared that hold the name of a queue, topic or table."""
    found: dict[str, str] = {}
    for source in sources("shared/adapters"):
        for node in source.tree.body:
            if isinstance(node, ast.Assign):
                for target, value in _pairs(node):
                    if target in names and isinstance(value, ast.Constant):
                        found[str(value.value)] = source.at(node)
    return found


def _pairs(node: ast.Assign) -> list[tuple[str, ast.expr]]:
    target = node.targets[0]
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
        return [(ast.unparse(left), right) for left, right in zip(target.elts, node.value.elts, strict=True)]
    return [(ast.unparse(target), node.value)]


TABLES = (
    "RUNS",
    "UNFINISHED",
    "RECENT",
    "QUOTA",
    "SCHEDULES",
    "DUE",
    "API_KEYS",
    "AUDIT",
    "USAGE",
    "HOOKS",
    "SUBSCRIPTIONS",
)
QUEUES = ("REQUESTS", "STOPS", "WAKEUPS", "DEAD_LETTERS", "EVENTS", "FIRINGS", "PUSHES")


def test_the_tables_of_the_code_and_of_the_template_are_the_same() -> None:
    assert set(constants_called(*TABLES)) == names_of("ALIYUN::OTS::Table", "TableName")


def test_what_the_code_sends_to_the_template_makes() -> None:
    named = constants_called(*QUEUES)

    missing = [f"{place} names {name}" for name, place in sorted(named.items()) if name not in queues_and_topics()]

    assert len(named) >= 3
    assert not missing, told("A queue or topic that the template does not make is there on nobody's machine.", missing)


def test_every_queue_and_topic_of_the_template_is_known_to_the_code() -> None:
    known = set(strings_in("shared", "cli"))

    assert queues_and_topics() - known == set(), "a queue that nobody uses costs money and attention"


def test_no_other_name_of_ours_is_spoken_of() -> None:
    pattern = re.compile(r"^fleetrun-[a-z-]+$")
    ours = queues_and_topics() | {"fleetrun-run", "fleetrun-chunk", "fleetrun-doctor"}

    strange = [
        f"{place}: {name}"
        for name, place in strings_in("shared", "cli").items()
        if pattern.match(name) and name not in ours
    ]

    assert not strange, told("Neither a queue or topic of the template nor a tag or agent of ours.", strange)


def settings_read() -> set[str]:
    """Variables that the settings read: every upper-case name in the code below the docstring."""
    source = next(each for each in sources("shared") if each.name == "shared/runtime/settings.py")
    names = {
        value for value in strings_of(source.tree) if re.fullmatch(r"(FLEETRUN|ALIBABA_CLOUD|FC|ALIYUN)_[A-Z_]+", value)
    }
    services = {node.args[1].value for node in ast.walk(source.tree) if _names_an_endpoint(node)}  # type: ignore[attr-defined]
    return names | {f"FLEETRUN_{service}_ENDPOINT" for service in services}


def strings_of(tree: ast.AST) -> list[str]:
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def _names_an_endpoint(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_endpoint"


def test_every_setting_is_documented_where_it_is_read() -> None:
    told_of = set(re.findall(r"\b(?:FLEETRUN|ALIBABA_CLOUD|FC)_[A-Z_]+\b", settings.__doc__ or ""))

    assert settings_read() - OF_OTHERS == told_of - OF_OTHERS


def test_every_setting_is_in_the_reference() -> None:
    page = Path(ROOT / "docs" / "settings.md").read_text(encoding="utf-8")

    assert [name for name in sorted(settings_read() - OF_OTHERS) if f"`{name}`" not in page] == []


def test_the_template_sets_only_what_is_read() -> None:
    given = set()
    for resource in template()["Resources"].values():
        assert isinstance(resource, dict)
        if resource["Type"] == "ALIYUN::FC3::Function":
            given |= set(resource["Properties"]["EnvironmentVariables"])

    assert given - settings_read() == set(), "a misspelt variable is silently the default"
