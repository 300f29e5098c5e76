"""A restart is no deployment: of a template, only what differs from what was applied last is applied.

    stack = Stack(journal, kinds, address)
    outputs = stack.deploy(template)       # then whatever is written of what it made …
    stack.keep()                           # … and only then that it was applied

For each resource the journal has a digest of what was applied: its type, its properties worked out, and the content of
what it packages. Equal: what is there stands, whatever the APIs have made of it, and also when they deleted it. Else:
it is made, or changed into what the template says. What the template no longer has goes, unless it is another thing of
that name by now (`Kind.mark`) or its DeletionPolicy is Retain.

Two things follow from deletions over the APIs. A resource that is applied is not without what it is made of: a function
gets its layer back, a trigger its function. And what is made again gets its parts back, which went with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from localcloud.deploy.address import Address
from localcloud.deploy.attributes import Attributes, Properties
from localcloud.deploy.stack import Maker, each, not_offered
from localcloud.journal import Journal
from localcloud.template import Resource, Template

RESOURCES = "stack.resources"
FORM = 1
"""Of what the digests are made of, and of how makers read properties: with another number everything is applied."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of resources. What is told by attributes is told by those that `make` answered."""

    make: Maker
    place: tuple[str, ...] = ("Ref",)
    """Attributes that name it: what has another name is another thing."""
    mark: Callable[[Attributes], str] = lambda _: "always there"
    """Tells what is there under the name from another one, which somebody made under it later; "" when nothing is."""
    remove: Callable[[Attributes], None] = lambda _: None
    content: Callable[[Properties], str] = lambda _: ""
    """A digest of what it is made of beside the properties. Raises CannotMake."""
    part_of: str = ""
    """The type that it goes with."""
    made_of: tuple[str, ...] = ()
    """Further types without which it cannot be made."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A resource as it was applied last, as it is kept."""

    type: str
    digest: str
    attributes: Attributes
    mark: str
    retains: bool


class Stack:
    """What was applied of a template. `deploy` is to be called once."""

    def __init__(self, journal: Journal, kinds: Mapping[str, Kind], address: Address) -> None:
        self._journal = journal
        self._kinds = kinds
        self._before = {
            name: replace(one, attributes=address.moved(one.attributes))
            for name, one in journal.load(RESOURCES, Applied)
        }
        self._address = address
        self._now = dict(self._before)
        self._made_again: set[str] = set()
        self._wanted: set[str] = set()

    def deploy(self, template: Template) -> dict[str, Any]:
        """Answers the template's outputs. Raises TemplateError naming the resource."""
        while True:
            try:
                made = each(template, self._apply)
                break
            except _Lacking as lacking:
                self._wanted |= lacking.names
        for name in self._now.keys() - {resource.name for resource in template.resources}:
            del self._now[name]
        self._remove_what_is_gone()
        return template.output_values(made)

    def keep(self) -> None:
        """Once everything that was made is written: what is torn off here is applied once more."""
        for name in sorted(self._before.keys() - self._now.keys()):
            self._journal.drop(RESOURCES, name)
        for name, applied in self._now.items():
            if self._before.get(name) != applied:
                self._journal.put(RESOURCES, name, applied)

    def _apply(self, resource: Resource, properties: Properties) -> Attributes:
        """Raises CannotMake; _Lacking when something that the API deleted is needed again."""
        kind = self._kinds.get(resource.type)
        if kind is None:
            raise not_offered(resource)
        last, digest = self._now.get(resource.name), self._digest(resource.type, properties, kind.content(properties))
        if last is not None and last.type != resource.type:
            last = None
        if last is not None and last.digest == digest and not self._is_wanted(resource, kind, last):
            self._now[resource.name] = replace(last, retains=resource.retains)
            return last.attributes
        self._look_for_lacking(resource, kind)
        was_deleted = last is not None and not kind.mark(last.attributes)
        attributes = kind.make(properties)
        if was_deleted:
            self._made_again.add(resource.name)
        self._now[resource.name] = Applied(resource.type, digest, attributes, kind.mark(attributes), resource.retains)
        return attributes

    def _is_wanted(self, resource: Resource, kind: Kind, last: Applied) -> bool:
        """Though the template says what it said: it was deleted, and is needed again."""
        went_with = {name for name in resource.needs if self._now[name].type == kind.part_of}
        return not kind.mark(last.attributes) and (
            resource.name in self._wanted or not went_with.isdisjoint(self._made_again)
        )

    def _look_for_lacking(self, resource: Resource, kind: Kind) -> None:
        needed = [name for name in resource.needs if self._now[name].type in (kind.part_of, *kind.made_of)]
        lacking = {name for name in needed if not self._mark(self._now[name])} - self._wanted
        if lacking:
            raise _Lacking(lacking)

    def _mark(self, applied: Applied) -> str:
        """What is there under its name."""
        return self._kinds[applied.type].mark(applied.attributes)

    def _remove_what_is_gone(self) -> None:
        places = {self._place(one) for one in self._now.values()}
        for applied in self._before.values():
            if applied.type not in self._kinds or applied.retains or self._place(applied) in places:
                continue
            if self._mark(applied) == applied.mark:
                self._kinds[applied.type].remove(applied.attributes)

    def _place(self, applied: Applied) -> tuple[str, ...]:
        kind = self._kinds[applied.type]
        return (applied.type, *(str(applied.attributes[name]) for name in kind.place))

    def _digest(self, type_name: str, properties: Properties, content: str) -> str:
        """The cloud's own address does not enter it."""
        said = msgspec.json.encode([FORM, type_name, properties, content], order="deterministic").decode()
        return hashlib.sha256(self._address.neutral(said).encode()).hexdigest()


class _Lacking(Exception):
    """Resources that were deleted over an API and are needed."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
