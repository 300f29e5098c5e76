"""Versions and aliases: what was published and does not change any more, and names that point at it.

An owner is a service (FC 2.0: `services/<name>`, all its functions are published together) or a function (FC 3.0:
`functions/<key>`). Source: versions and aliases pages, 2026-08; aliyun-fc2 2.5.2.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from localcloud.clock import Clock
from localcloud.fc.errors import FcError, invalid
from localcloud.fc.values import Function

LATEST = "LATEST"


@dataclass(frozen=True, slots=True)
class Published:
    """A version. `functions`: by key, as they were; `attributes`: of the service, as they were then."""

    version_id: str
    description: str
    created_ms: int
    functions: Mapping[str, Function]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    revision: str = ""
    """Of what was published; "" when it is not known any more."""


@dataclass(slots=True)
class Alias:
    """A name for a version. `weights`: of additional versions, from 0 to 1; the rest goes to `version_id`."""

    name: str
    version_id: str
    description: str
    weights: dict[str, float]
    created_ms: int
    modified_ms: int


@dataclass(slots=True)
class Shelf:
    """What one owner has published. Numbers are not used twice."""

    versions: dict[str, Published] = field(default_factory=dict)
    aliases: dict[str, Alias] = field(default_factory=dict)
    last: int = 0


class Versions:
    """All versions and aliases of all owners."""

    def __init__(self, *, clock: Clock, stream: random.Random) -> None:
        self._clock = clock
        self._stream = stream
        self.shelves: dict[str, Shelf] = {}
        """By owner."""

    def publish(
        self,
        owner: str,
        functions: Mapping[str, Function],
        description: str,
        *,
        attributes: Mapping[str, Any] | None = None,
        revision: str = "",
    ) -> Published:
        """`functions` with generations of their own. Raises FcError VersionPublishError: the newest is of it."""
        shelf = self._shelf(owner)
        newest = next(reversed(shelf.versions.values()), None)
        if newest is not None and revision and newest.revision == revision:
            what, _, name = owner.partition("s/")
            detail = "No changes were made since last publish"
            raise FcError("VersionPublishError", f"can not publish version for {what} '{name}', detail: '{detail}'")
        self.shelves[owner] = shelf
        shelf.last += 1
        version_id = str(shelf.last)
        kept = {
            key: replace(function, version_id=version_id, qualifier=version_id) for key, function in functions.items()
        }
        now_ms = self._clock.now_ms()
        published = Published(version_id, description, now_ms, kept, dict(attributes or {}), revision)
        shelf.versions[version_id] = published
        return published

    def versions(self, owner: str) -> list[Published]:
        """The oldest first."""
        return list(self._shelf(owner).versions.values())

    def delete_version(self, owner: str, version_id: str) -> None:
        """Also one that an alias points at: the alias leads nowhere then."""
        shelf = self._shelf(owner)
        if version_id not in shelf.versions:
            raise _no_version(version_id, owner)
        del shelf.versions[version_id]

    # -- aliases ------------------------------------------------------------------------------------------------------
    def create_alias(
        self, owner: str, name: str, version_id: str, *, description: str, weights: Mapping[str, Any]
    ) -> Alias:
        """Raises FcError: InvalidArgument, AliasAlreadyExists, VersionNotFound."""
        if not name or name == LATEST or name[0].isdigit() or not name.replace("-", "").replace("_", "").isalnum():
            raise invalid(f"aliasName is {name!r}: letters, digits, - and _, no digit first, and not {LATEST}")
        shelf = self._shelf(owner)
        if name in shelf.aliases:
            raise FcError("AliasAlreadyExists", f"alias '{name}' already exists in {owner}")
        now_ms = self._clock.now_ms()
        checked = self._check_target(owner, version_id, weights)
        alias = Alias(name, version_id, description, checked, now_ms, now_ms)
        self.shelves.setdefault(owner, shelf).aliases[name] = alias
        return alias

    def update_alias(
        self,
        owner: str,
        name: str,
        *,
        version_id: str | None,
        description: str | None,
        weights: Mapping[str, Any] | None,
    ) -> Alias:
        """None leaves as it is."""
        alias = self.alias(owner, name)
        version_id = alias.version_id if version_id is None else version_id
        checked = self._check_target(owner, version_id, alias.weights if weights is None else weights)
        alias.version_id, alias.weights = version_id, checked
        alias.description = alias.description if description is None else description
        alias.modified_ms = self._clock.now_ms()
        return alias

    def alias(self, owner: str, name: str) -> Alias:
        found = self._shelf(owner).aliases.get(name)
        if found is None:
            raise FcError("AliasNotFound", f"alias '{name}' does not exist in {owner}")
        return found

    def aliases(self, owner: str) -> list[Alias]:
        return [alias for _, alias in sorted(self._shelf(owner).aliases.items())]

    def delete_alias(self, owner: str, name: str) -> None:
        self.alias(owner, name)
        del self.shelves[owner].aliases[name]

    def forget(self, owner: str) -> None:
        """The owner was deleted, and what it had published with it."""
        self.shelves.pop(owner, None)

    # -- looking up ---------------------------------------------------------------------------------------------------
    def check(self, owner: str, qualifier: str) -> None:
        """Raises FcError: VersionNotFound, AliasNotFound."""
        if qualifier in ("", LATEST):
            return
        self.published(owner, qualifier)

    def published(self, owner: str, qualifier: str) -> Published:
        """The version of this number, or the one to which the alias leads most. Raises FcError as `check` does."""
        shelf = self._shelf(owner)
        version_id = qualifier if qualifier.isdecimal() else self.alias(owner, qualifier).version_id
        version = shelf.versions.get(version_id)
        if version is None:
            raise _no_version(version_id, owner)
        return version

    def function(self, owner: str, qualifier: str, key: str, *, draws: bool) -> Function | None:
        """The function as a version or an alias has it; None: not here.

        Raises FcError VersionNotFound for an alias that leads to a version that was deleted.
        `draws`: whether an alias with weights may lead to its other versions, as calls do, or to its own one only.
        """
        shelf = self._shelf(owner)
        alias = shelf.aliases.get(qualifier)
        version_id = qualifier
        if alias is not None:
            version_id = self._draw(alias) if draws else alias.version_id
        version = shelf.versions.get(version_id)
        if alias is not None and version is None:
            raise _no_version(version_id, owner)
        found = None if version is None else version.functions.get(key)
        return None if found is None else replace(found, qualifier=qualifier)

    def _draw(self, alias: Alias) -> str:
        if not alias.weights:
            return alias.version_id
        drawn = self._stream.random()
        for version_id, weight in sorted(alias.weights.items()):
            if drawn < weight:
                return version_id
            drawn -= weight
        return alias.version_id

    def _shelf(self, owner: str) -> Shelf:
        return self.shelves.get(owner) or Shelf()

    def _check_target(self, owner: str, version_id: str, weights: Mapping[str, Any]) -> dict[str, float]:
        shelf = self._shelf(owner)
        for one in (version_id, *weights):
            if one not in shelf.versions:
                raise _no_version(one, owner)
        checked = {}
        for one, weight in weights.items():
            if not isinstance(weight, int | float) or isinstance(weight, bool) or not 0 <= weight <= 1:
                raise invalid(f"additionalVersionWeight of {one} is {weight!r}, a number from 0 to 1 is needed")
            checked[one] = float(weight)
        if sum(checked.values()) > 1:
            raise invalid(f"additionalVersionWeight adds up to {sum(checked.values())}, at most 1")
        return checked


def _no_version(version_id: str, owner: str) -> FcError:
    return FcError("VersionNotFound", f"version '{version_id}' does not exist in {owner}")
