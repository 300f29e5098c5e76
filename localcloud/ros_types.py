"""What the resource types of ROS look like: properties, which of them are required, attributes.

The table `ros_types.json` holds type → properties, shapes (the types of nested mappings) and attributes. A property's
type is `string`, `number`, `boolean`, `map`, `list`, a shape, or `list of <shape>`; "!" marks a required one. Source:
the ROS resource type reference, 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

Properties = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One type: name → type of each property, with "!" when required."""

    properties: Properties
    shapes: Mapping[str, Properties]
    attributes: tuple[str, ...]


@cache
def resource_types() -> Mapping[str, ResourceType]:
    """All types that a template may use."""
    content = Path(__file__).with_name("ros_types.json").read_bytes()
    return msgspec.json.decode(content, type=dict[str, ResourceType])


class Deferred:
    """Stands for a value that is known only when another resource has been made. Fits every type."""

    def __repr__(self) -> str:
        return "(known at deployment)"


DEFERRED = Deferred()


def problems_of(kind: ResourceType, properties: object, path: str) -> Iterator[str]:
    """One line for each unknown, missing or ill-typed property, opened by its path."""
    yield from _mapping_problems(kind, kind.properties, properties, path)


def _mapping_problems(kind: ResourceType, expected: Properties, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: is {_said(value)}, a mapping is needed"
        return
    for name in value:
        if name not in expected:
            yield f"{path}.{name}: unknown property; known are {', '.join(sorted(expected))}"
    for name, type_name in expected.items():
        if name in value:
            yield from _value_problems(kind, type_name.rstrip("!"), value[name], f"{path}.{name}")
        elif type_name.endswith("!"):
            yield f"{path}.{name}: is missing"


def _value_problems(kind: ResourceType, type_name: str, value: object, path: str) -> Iterator[str]:
    if value is DEFERRED:
        return
    if type_name in PLAIN:
        if not PLAIN[type_name](value):
            yield f"{path}: is {_said(value)}, a {type_name} is needed"
    elif type_name.startswith("list of "):
        if not isinstance(value, list):
            yield f"{path}: is {_said(value)}, a list is needed"
            return
        for number, item in enumerate(value):
            yield from _value_problems(kind, type_name.removeprefix("list of "), item, f"{path}[{number}]")
    else:
        yield from _mapping_problems(kind, kind.shapes[type_name], value, path)


PLAIN: Mapping[str, Any] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "map": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
}


def _said(value: object) -> str:
    names = {dict: "a mapping", list: "a list", bool: "a boolean", str: "a string", type(None): "empty"}
    name = names.get(type(value), "a number")
    return f"{name} ({value!r})" if isinstance(value, str | int | float) else name
