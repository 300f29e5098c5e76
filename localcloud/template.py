"""Reads a ROS template: strictly, so that what passes here passes there.

Everything that is wrong is found in one go and listed with its path: unknown types and properties, missing and
ill-typed ones, references to nothing, parameters without a value, cycles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.intrinsics import BadReference, Scope, evaluate, references, truth
from localcloud.ros_types import DEFERRED, problems_of, resource_types
from localcloud.template_parameters import parameter_values
from localcloud.template_yaml import parse

FORMAT_VERSION = "2015-09-01"
SECTIONS = ("ROSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Conditions", "Resources", "Outputs")
RESOURCE_KEYS = ("Type", "Properties", "DependsOn", "Condition", "DeletionPolicy", "Metadata")
OUTPUT_KEYS = ("Description", "Value", "Condition", "Label")


class TemplateError(Exception):
    """A template that cannot be deployed; `problems` has one line for each reason."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__(
            f"the template has {len(problems)} problem(s):\n" + "\n".join(f"  {line}" for line in problems)
        )


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource, checked; its properties still hold their functions."""

    name: str
    type: str
    properties: Mapping[str, Any]
    needs: tuple[str, ...]
    """Resources that must be there first, sorted."""
    retains: bool = False
    """DeletionPolicy Retain: it stays when the template no longer has it."""


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template. `resources` are in an order in which each comes after what it needs."""

    resources: tuple[Resource, ...]
    values: Mapping[str, Any]
    """Parameters and pseudo parameters."""
    conditions: Mapping[str, bool]
    outputs: Mapping[str, Any]

    def of_type(self, type_name: str) -> tuple[Resource, ...]:
        return tuple(resource for resource in self.resources if resource.type == type_name)

    def properties(self, resource: Resource, attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """The resource's properties with every function evaluated.

        `attributes`: resource → attribute → value of those that were made before. Raises TemplateError.
        """

        def attribute(name: str, attribute_name: str | None) -> Any:
            made = attributes[name]
            return made["Ref"] if attribute_name is None else made[attribute_name]

        path = f"Resources.{resource.name}.Properties"
        problems: list[str] = []
        scope = Scope(self.values, attribute, self.conditions)
        value = evaluate(
            dict(resource.properties), scope, lambda where, said: problems.append(f"{where}: {said}"), path
        )
        problems.extend(problems_of(resource_types()[resource.type], value, path))
        if problems:
            raise TemplateError(problems)
        assert isinstance(value, dict)
        return value

    def output_values(self, attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        def attribute(name: str, attribute_name: str | None) -> Any:
            return attributes[name][attribute_name or "Ref"]

        scope = Scope(self.values, attribute, self.conditions)
        return {name: evaluate(value, scope, lambda *_: None, name) for name, value in sorted(self.outputs.items())}


def read_template(text: str, *, parameters: Mapping[str, Any], pseudo: Mapping[str, str]) -> Template:
    """`parameters`: values that override the template's defaults. `pseudo`: "ALIYUN::Region" and so on.

    Raises TemplateError.
    """
    problems: list[str] = []
    document = parse(text, problems)
    _check_sections(document, problems)
    values = {**pseudo, **parameter_values(_section(document, "Parameters"), parameters, problems)}
    conditions = _conditions(_section(document, "Conditions"), values, problems)
    present = dict(_resources(_section(document, "Resources"), conditions, problems))
    reading = _Reading(present, Scope(values, _attribute_reader(present), conditions), problems)
    resources = [reading.resource(name) for name in present]
    outputs = reading.outputs(_section(document, "Outputs"))
    ordered = _ordered(resources, problems)
    if problems:
        raise TemplateError(problems)
    return Template(tuple(ordered), values, conditions, outputs)


def _check_sections(document: Mapping[str, Any], problems: list[str]) -> None:
    problems.extend(
        f"{name}: unknown section; known are {', '.join(SECTIONS)}" for name in document if name not in SECTIONS
    )
    if document.get("ROSTemplateFormatVersion") != FORMAT_VERSION:
        problems.append(f"ROSTemplateFormatVersion: must be '{FORMAT_VERSION}'")
    if not document.get("Resources"):
        problems.append("Resources: is missing")
    for name in ("Parameters", "Conditions", "Resources", "Outputs"):
        if not isinstance(document.get(name, {}), dict):
            problems.append(f"{name}: must be a mapping")


def _section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name, {})
    return section if isinstance(section, dict) else {}


def _conditions(section: Mapping[str, Any], values: Mapping[str, Any], problems: list[str]) -> dict[str, bool]:
    known: dict[str, bool] = {}
    for name, value in section.items():
        try:
            known[name] = truth(value, Scope(values, _no_resource, known))
        except BadReference as error:
            problems.append(f"Conditions.{name}: {error}")
            known[name] = True
    return known


def _no_resource(name: str, attribute: str | None) -> Any:  # noqa: ARG001  Scope's signature
    raise BadReference(f"there is no parameter {name}")


def _resources(
    section: Mapping[str, Any], conditions: Mapping[str, bool], problems: list[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Those of a known type whose condition holds."""
    for name, body in section.items():
        path = f"Resources.{name}"
        if not isinstance(body, dict):
            problems.append(f"{path}: must be a mapping")
            continue
        problems.extend(
            f"{path}.{key}: unknown; known are {', '.join(RESOURCE_KEYS)}" for key in body if key not in RESOURCE_KEYS
        )
        if body.get("Type") not in resource_types():
            known = ", ".join(sorted(resource_types()))
            problems.append(f"{path}.Type: unknown type {body.get('Type')!r}; known are {known}")
            continue
        condition = body.get("Condition")
        if condition is not None and condition not in conditions:
            problems.append(f"{path}.Condition: there is no condition {condition!r}")
        if condition is None or conditions.get(condition, True):
            yield name, body


def _attribute_reader(present: Mapping[str, Mapping[str, Any]]) -> Any:
    def attribute(name: str, attribute_name: str | None) -> Any:
        if name not in present:
            raise BadReference(f"there is no parameter or resource {name!r}")
        known = resource_types()[present[name]["Type"]].attributes
        if attribute_name is not None and attribute_name not in known:
            raise BadReference(f"{name} has no attribute {attribute_name!r}; it has {', '.join(known) or 'none'}")
        return DEFERRED

    return attribute


@dataclass(frozen=True, slots=True)
class _Reading:
    """The check of what is in a template, before anything is made."""

    present: Mapping[str, Mapping[str, Any]]
    scope: Scope
    problems: list[str]

    def resource(self, name: str) -> Resource:
        body = self.present[name]
        path = f"Resources.{name}.Properties"
        properties = body.get("Properties", {})
        kind = resource_types()[body["Type"]]
        self.problems.extend(problems_of(kind, self.evaluated(properties, path), path))
        named = body.get("DependsOn", [])
        depends = {named} if isinstance(named, str) else set(named)
        self.problems.extend(
            f"Resources.{name}.DependsOn: there is no resource {other!r}"
            for other in sorted(depends - set(self.present))
        )
        needs = (references(properties) | depends) & set(self.present)
        retains = body.get("DeletionPolicy") == "Retain"
        return Resource(
            name, body["Type"], properties if isinstance(properties, dict) else {}, tuple(sorted(needs)), retains
        )

    def outputs(self, section: Mapping[str, Any]) -> dict[str, Any]:
        outputs = {}
        for name, body in section.items():
            if not isinstance(body, dict) or "Value" not in body:
                self.problems.append(f"Outputs.{name}.Value: is missing")
                continue
            self.problems.extend(
                f"Outputs.{name}.{key}: unknown; known are {', '.join(OUTPUT_KEYS)}"
                for key in body
                if key not in OUTPUT_KEYS
            )
            if self.scope.conditions.get(body.get("Condition", ""), True):
                self.evaluated(body["Value"], f"Outputs.{name}.Value")
                outputs[name] = body["Value"]
        return outputs

    def evaluated(self, value: Any, path: str) -> Any:
        return evaluate(value, self.scope, lambda where, said: self.problems.append(f"{where}: {said}"), path)


def _ordered(resources: list[Resource], problems: list[str]) -> list[Resource]:
    """Each after what it needs; otherwise in the template's order."""
    waiting = {resource.name: resource for resource in resources}
    ordered: list[Resource] = []
    while waiting:
        ready = next((resource for resource in waiting.values() if not set(resource.needs) & waiting.keys()), None)
        if ready is None:
            problems.append(f"Resources: these need each other in a circle: {', '.join(sorted(waiting))}")
            break
        ordered.append(waiting.pop(ready.name))
    return ordered
