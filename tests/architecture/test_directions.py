"""Who may import whom, and why."""

from __future__ import annotations

import ast
import sys

import pytest

from tests.architecture.source import PRODUCT, exists, imports, is_below, sources, told

MAY_IMPORT = {
    "shared/core": (
        ("shared.core",),
        "core decides in pure code; what it would import could act, and then a rule could no longer be tested as one",
    ),
    "shared/app": (
        ("shared.app", "shared.core", "shared.ports", "shared.access_ports", "shared.ecs_ports"),
        "a use case reaches the world through ports only, so that the simulation can put its own behind them",
    ),
    "shared/adapters": (
        ("shared.adapters", "shared.core", "shared.ports", "shared.access_ports", "shared.ecs_ports"),
        "an adapter translates and never decides; use cases are none of its business",
    ),
    "shared/web": (
        ("shared.web", "shared.app", "shared.core", "shared.ports", "shared.access_ports", "shared.ecs_ports"),
        "the web is a door like a queue: it opens a request and calls use cases; the adapters are for runtime to know",
    ),
    "shared/runtime": (("shared",), "runtime puts together what ships, and what ships stands in shared"),
    "functions": (
        ("shared.app", "shared.core", "shared.runtime", "shared.web"),
        "a function opens its payload and calls one use case; which adapters there are, runtime knows",
    ),
    "localcloud": (
        ("localcloud",),
        "a double that used our code would share our mistakes, and then prove them right",
    ),
    "cli": (("cli", "shared", "localcloud"), "the command is a client; it neither contains functions nor needs tests"),
}
OURS = (*PRODUCT, "tests")
OF_CORE = {
    *("__future__", "collections", "dataclasses", "enum", "functools", "itertools", "operator", "typing"),
    *("base64", "binascii", "hashlib", "hmac", "ipaddress", "json", "re", "string", "textwrap", "unicodedata"),
    *("bisect", "calendar", "datetime", "decimal", "fractions", "heapq", "math", "zoneinfo"),
    *("croniter", "jmespath", "msgspec"),
}
"""What computes and nothing else. zoneinfo reads the zone files of tzdata, which never change while we run."""


@pytest.mark.parametrize("folder", sorted(MAY_IMPORT))
def test_imports_go_one_way(folder: str) -> None:
    allowed, reason = MAY_IMPORT[folder]

    wrong = [
        str(each)
        for source in sources(folder)
        for each in imports(source)
        if each.target.split(".")[0] in OURS and not any(is_below(each.target, package) for package in allowed)
    ]

    assert not wrong, told(f"{folder} may import {', '.join(allowed)} of ours: {reason}.", wrong)


def test_the_ports_know_values_only() -> None:
    names = ("shared/ports.py", "shared/access_ports.py", "shared/ecs_ports.py")
    ports = [source for source in sources("shared") if source.name in names]

    wrong = [
        str(each)
        for source in ports
        for each in imports(source)
        if is_below(each.target, "shared")
        and not is_below(each.target, "shared.core")
        and each.target not in ("shared.access_ports", "shared.ecs_ports")
    ]

    assert len(ports) == len(names)
    assert not wrong, told("The ports speak of core's values: otherwise both sides would depend on one.", wrong)


@pytest.mark.parametrize("folder", ["shared/core", "shared/app"])
def test_decisions_import_what_computes_and_nothing_that_acts(folder: str) -> None:
    wrong = [
        str(each)
        for source in sources(folder)
        for each in imports(source)
        if each.target.split(".")[0] not in {*OF_CORE, *OURS}
    ]

    assert not wrong, told(
        f"{folder} has no clock, no chance, no environment, no network: the same input gives the same decision, "
        "which is what lets the simulation repeat a seed. Take it from a port.",
        wrong,
    )


def test_what_the_rules_call_a_folder_is_one() -> None:
    assert [folder for folder in MAY_IMPORT if not sources(folder)] == []


def test_only_the_command_and_the_tests_know_the_local_cloud() -> None:
    wrong = [
        str(each)
        for source in sources("shared", "functions", "events", "docs")
        for each in imports(source)
        if is_below(each.target, "localcloud")
    ]

    assert not wrong, told("The local cloud never ships, so what ships cannot need it.", wrong)


def test_imports_are_absolute() -> None:
    wrong = [
        source.at(node)
        for source in sources(*OURS)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]

    assert not wrong, told("An import says where from, so that a reader and a search both find it.", wrong)


def test_every_module_of_ours_that_is_imported_exists() -> None:
    wrong = [
        str(each)
        for source in sources(*OURS)
        for each in imports(source)
        if each.target.split(".")[0] in OURS and not exists(each.target)
    ]

    assert not wrong, told("What is imported is there; a late import is otherwise found by the first user.", wrong)


def test_the_web_framework_stays_behind_its_door() -> None:
    wrong = [
        str(each)
        for source in sources("shared", "functions")
        for each in imports(source)
        if each.target.split(".")[0] in ("flask", "werkzeug") and source.name != "shared/web/application.py"
    ]
    doors = [
        source.name
        for source in sources("shared", "functions")
        for each in imports(source)
        if is_below(each.target, "shared.web") and not source.name.startswith("shared/web/")
    ]

    assert not wrong, told(
        "Flask is the application's; a handler is an ordinary function, and is tested as one.", wrong
    )
    assert set(doors) <= {"functions/serve_http/index.py", "shared/runtime/serve.py"}, (
        "importing Flask costs a sixth of a second of cold start: only serve_http pays it"
    )


def test_what_ships_imports_only_packages_that_ship() -> None:
    top_level = {"aliyunsdkcore", "aliyunsdkecs", "mns", "tablestore", "fc", "fc2", "croniter", "msgspec", "requests"}
    top_level |= {"flask", "werkzeug"}
    top_level |= {"cryptography", "jmespath"}

    wrong = [
        str(each)
        for source in sources("shared", "functions")
        for each in imports(source)
        if (top := each.target.split(".")[0]) not in OURS
        and top not in sys.stdlib_module_names
        and top not in top_level
        and top != "urllib3"
    ]

    assert not wrong, told("The layer holds requirements.txt and nothing else.", wrong)
