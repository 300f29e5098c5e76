"""The parameters of a template: their values, checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from localcloud.ros_types import DEFERRED

TYPES = ("String", "Number", "Boolean", "Json", "CommaDelimitedList")
KEYS = (
    "Type", "Default", "AllowedValues", "AllowedPattern", "Description", "Label", "NoEcho", "ConstraintDescription",
    "MinLength", "MaxLength", "MinValue", "MaxValue", "AssociationProperty", "AssociationPropertyMetadata",
)  # fmt: skip


def parameter_values(section: Mapping[str, Any], given: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """Each parameter's value: what was given, else its default. Text that was given is read by the parameter's type."""
    problems.extend(
        f"Parameters.{name}: was given, but the template has no such parameter; it has {', '.join(sorted(section))}"
        for name in sorted(set(given) - set(section))
    )
    values = {}
    for name, body in section.items():
        path = f"Parameters.{name}"
        if not isinstance(body, dict) or body.get("Type") not in TYPES:
            problems.append(f"{path}.Type: must be one of {', '.join(TYPES)}")
            values[name] = DEFERRED
            continue
        problems.extend(f"{path}.{key}: unknown; known are {', '.join(KEYS)}" for key in body if key not in KEYS)
        if name not in given and "Default" not in body:
            problems.append(f"{path}: has no default and no value was given")
            values[name] = DEFERRED
            continue
        value = given[name] if name in given else body["Default"]
        try:
            values[name] = _typed(value, body["Type"])
            problems.extend(f"{path}: {problem}" for problem in _bound_problems(values[name], body))
        except (ValueError, msgspec.DecodeError):
            problems.append(f"{path}: {value!r} is not a {body['Type']}")
            values[name] = DEFERRED  # said once: it fits every property
    return values


def _typed(value: Any, type_name: str) -> Any:
    """Raises ValueError."""
    if type_name == "String":
        if not isinstance(value, str):
            raise ValueError(value)
        return value
    if type_name == "CommaDelimitedList":
        return value if isinstance(value, list) else [item.strip() for item in str(value).split(",")]
    if type_name == "Json":
        return msgspec.json.decode(value) if isinstance(value, str) else value
    if type_name == "Boolean":
        return value if isinstance(value, bool) else _boolean(str(value).lower())
    if isinstance(value, bool):
        raise ValueError(value)
    return value if isinstance(value, int | float) else _number(str(value))


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch(r"-?\d+", text) else float(text)


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _bound_problems(value: Any, body: Mapping[str, Any]) -> Iterator[str]:
    if "AllowedValues" in body and value not in body["AllowedValues"]:
        yield f"{value!r} is not one of {', '.join(map(str, body['AllowedValues']))}"
    if "AllowedPattern" in body and not re.fullmatch(body["AllowedPattern"], str(value)):
        yield f"{value!r} does not match {body['AllowedPattern']}"
    if isinstance(value, str) and not body.get("MinLength", 0) <= len(value) <= body.get("MaxLength", len(value)):
        yield f"{value!r} has {len(value)} characters, not {body.get('MinLength', 0)} to {body.get('MaxLength')}"
    if isinstance(value, int | float) and not body.get("MinValue", value) <= value <= body.get("MaxValue", value):
        yield f"{value} does not lie from {body.get('MinValue')} to {body.get('MaxValue')}"
