"""The functions of ROS templates: Ref, Fn::GetAtt, Fn::Sub, Fn::Join, Fn::Select, Fn::If, and conditions.

One walk serves both the check of a template (where attributes of resources are not known yet) and its deployment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.ros_types import DEFERRED

FUNCTIONS = ("Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::If")
LOGIC = ("Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or")
NO_VALUE = "ALIYUN::NoValue"
PLACEHOLDER = re.compile(r"\$\{(!?)([^}]*)\}")


class BadReference(Exception):
    """Says what is wrong with a function; the caller adds where."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean."""

    values: Mapping[str, Any]
    """Parameters and pseudo parameters."""
    attribute: Callable[[str, str | None], Any]
    """(resource, attribute or None for `Ref`) → value; raises BadReference."""
    conditions: Mapping[str, bool]

    def ref(self, name: str) -> Any:
        return self.values[name] if name in self.values else self.attribute(name, None)


def function_of(value: object) -> tuple[str, Any] | None:
    """Name and argument if `value` is a function call."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    name, argument = next(iter(value.items()))
    if name == "Ref" or (isinstance(name, str) and name.startswith("Fn::")):
        return name, argument
    return None


def evaluate(value: Any, scope: Scope, problem: Callable[[str, str], None], path: str) -> Any:
    """`value` with every function replaced by its result. What cannot be said is reported and becomes DEFERRED."""
    call = function_of(value)
    if call is not None:
        try:
            return _call(*call, scope, problem, path)
        except BadReference as error:
            problem(path, str(error))
            return DEFERRED
    if isinstance(value, dict):
        pairs = ((key, evaluate(item, scope, problem, f"{path}.{key}")) for key, item in value.items())
        return {key: item for key, item in pairs if item != NO_VALUE}
    if isinstance(value, list):
        items = [evaluate(item, scope, problem, f"{path}[{number}]") for number, item in enumerate(value)]
        return [item for item in items if item != NO_VALUE]
    return value


def _call(name: str, argument: Any, scope: Scope, problem: Callable[[str, str], None], path: str) -> Any:
    if name == "Ref":
        return scope.ref(_text(argument, "Ref"))
    if name == "Fn::GetAtt":
        return scope.attribute(*_attribute(argument))
    if name == "Fn::Sub":
        return _sub(argument, scope, problem, path)
    if name == "Fn::Join":
        separator, items = _pair(evaluate(argument, scope, problem, path), "Fn::Join [separator, list]")
        return DEFERRED if items is DEFERRED or DEFERRED in items else str(separator).join(map(_said, items))
    if name == "Fn::Select":
        index, items = _pair(evaluate(argument, scope, problem, path), "Fn::Select [index, list]")
        return DEFERRED if items is DEFERRED else items[int(index)]
    if name == "Fn::If":
        if not isinstance(argument, list) or len(argument) != 3:
            raise BadReference("Fn::If needs [condition, then, otherwise]")
        chosen = argument[1] if _condition(argument[0], scope) else argument[2]
        return evaluate(chosen, scope, problem, path)
    raise BadReference(f"{name} is not offered; offered are {', '.join(FUNCTIONS)}")


def _sub(argument: Any, scope: Scope, problem: Callable[[str, str], None], path: str) -> Any:
    own: Mapping[str, Any] = {}
    if isinstance(argument, list):
        argument, raw = _pair(argument, "Fn::Sub [text, names]")
        own = evaluate(raw, scope, problem, path)
    text = _text(argument, "Fn::Sub")
    is_deferred = False

    def replace(match: re.Match[str]) -> str:
        nonlocal is_deferred
        escaped, name = match.groups()
        if escaped:
            return f"${{{name}}}"
        value = own[name] if name in own else _dotted(name, scope)
        is_deferred = is_deferred or value is DEFERRED
        return _said(value)

    result = PLACEHOLDER.sub(replace, text)
    return DEFERRED if is_deferred else result


def _dotted(name: str, scope: Scope) -> Any:
    resource, dot, attribute = name.partition(".")
    return scope.attribute(resource, attribute) if dot else scope.ref(name)


def truth(value: Any, scope: Scope) -> bool:
    """What a condition comes to. Raises BadReference."""
    call = function_of(value)
    if call is None:
        raise BadReference(f"a condition is one of {', '.join(LOGIC)}")
    name, argument = call
    if name == "Fn::Equals":
        problems: list[str] = []
        left, right = _pair(argument, "Fn::Equals [a, b]")
        sides = [evaluate(side, scope, lambda _, said: problems.append(said), "") for side in (left, right)]
        if problems:
            raise BadReference(problems[0])
        return bool(sides[0] == sides[1])
    parts = argument if isinstance(argument, list) else [argument]
    results = [_part(part, scope) for part in parts]
    if name == "Fn::Not" and len(results) == 1:
        return not results[0]
    if name == "Fn::And":
        return all(results)
    if name == "Fn::Or":
        return any(results)
    raise BadReference(f"a condition is one of {', '.join(LOGIC)}")


def references(value: Any) -> set[str]:
    """Names that `value` speaks of: resources, parameters and pseudo parameters."""
    call = function_of(value)
    if call is not None:
        name, argument = call
        if name == "Ref":
            return {str(argument)}
        if name == "Fn::GetAtt":
            return {str(argument[0] if isinstance(argument, list) and argument else argument).partition(".")[0]}
        if name == "Fn::Sub":
            text = argument[0] if isinstance(argument, list) and argument else argument
            own = argument[1] if isinstance(argument, list) and len(argument) == 2 else {}
            names = {name.partition(".")[0] for escaped, name in PLACEHOLDER.findall(str(text)) if not escaped}
            return (names - set(own)) | references(own)
        return references(argument)
    if isinstance(value, dict):
        return set().union(*(references(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(references(item) for item in value))
    return set()


def _condition(name: Any, scope: Scope) -> bool:
    if not isinstance(name, str) or name not in scope.conditions:
        raise BadReference(f"there is no condition {name!r}")
    return scope.conditions[name]


def _attribute(argument: Any) -> tuple[str, str]:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    resource, attribute = _pair(parts, "Fn::GetAtt [resource, attribute]")
    return _text(resource, "Fn::GetAtt"), _text(attribute, "Fn::GetAtt")


def _pair(value: Any, usage: str) -> tuple[Any, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise BadReference(f"{usage} needs two items")
    return value[0], value[1]


def _text(value: Any, usage: str) -> str:
    if not isinstance(value, str):
        raise BadReference(f"{usage} needs a string, not {value!r}")
    return value


def _part(part: Any, scope: Scope) -> bool:
    """A part of a condition: another's name, plain or as {Condition: name}, or a function."""
    name = part.get("Condition") if isinstance(part, dict) else part
    return _condition(name, scope) if isinstance(name, str) else truth(part, scope)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
