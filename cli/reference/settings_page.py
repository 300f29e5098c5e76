"""The settings of the functions, the template's parameters, and which of these sets which."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from cli.reference.markdown import code, table
from shared.runtime import settings

_NAME = re.compile(r"\b[A-Z]+_[A-Z_]+\b")
_SET_BY_PLATFORM = "set by Function Compute for a function with a role; by you for the command line"


def described() -> Iterator[tuple[str, str]]:
    """Variable and text, in the order of the settings' docstring."""
    for line in (settings.__doc__ or "").splitlines():
        if not _NAME.match(line):
            continue
        names, _, text = line.partition("  ")
        if "," in names:
            yield from ((name, _SET_BY_PLATFORM) for name in _NAME.findall(line))
        else:
            yield names, text.strip().replace("<", "&lt;")  # Markdown would take it for HTML


def settings_table(template: Mapping[str, Any]) -> str:
    sets = _parameters_by_variable(template)
    rows = [(code(name), text, ", ".join(code(each) for each in sets.get(name, ()))) for name, text in described()]
    return table(("variable", "meaning", "set by the template's parameter"), rows)


def parameters_table(template: Mapping[str, Any]) -> str:
    rows = []
    for name, about in template["Parameters"].items():
        allowed = about.get("AllowedValues") or about.get("AllowedPattern") or ""
        text = ", ".join(str(each) for each in allowed) if isinstance(allowed, list) else code(str(allowed))
        default = code(str(about["Default"])) if about.get("Default") != "" else "empty"
        rows.append((code(name), default, text if allowed else "", str(about.get("Description", ""))))
    return table(("parameter", "default", "allowed", "meaning"), rows)


def read_template(path: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def _parameters_by_variable(template: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Which parameters reach which variable of any function: whatever its value refers to."""
    parameters, found = template["Parameters"], dict[str, tuple[str, ...]]()
    for resource in template["Resources"].values():
        if resource["Type"] == "ALIYUN::FC3::Function":
            for name, value in resource["Properties"]["EnvironmentVariables"].items():
                text = json.dumps(value)
                used = [each for each in parameters if f'"{each}"' in text or "${" + each + "}" in text]
                found[name] = tuple(used)
    return found
