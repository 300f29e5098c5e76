"""Layers: folders that stand for /opt, by name and version. Source: layer pages (021, 051), 2026-08."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.account import Account
from localcloud.clock import Clock
from localcloud.fc.errors import FcError
from localcloud.fc.limits import DIGITS_MAX


@dataclass(frozen=True, slots=True)
class LayerVersion:
    """One version. `folders`: what stands for /opt, the first wins."""

    name: str
    version: int
    arn: str
    folders: tuple[Path, ...]
    runtimes: tuple[str, ...]
    description: str
    license: str
    created_ms: int
    code: bytes = b""


@dataclass(slots=True)
class LayerShelf:
    """What one layer has published. Numbers are not used twice."""

    versions: dict[int, LayerVersion] = field(default_factory=dict)
    last: int = 0
    acl: str = "0"
    """"0" = private, "1" = public."""


class Layers:
    """All layers of the account."""

    def __init__(self, *, account: Account, clock: Clock) -> None:
        self._account = account
        self._clock = clock
        self.shelves: dict[str, LayerShelf] = {}

    def create(
        self,
        name: str,
        folders: Sequence[Path],
        *,
        runtimes: Sequence[str] = (),
        description: str = "",
        license: str = "",  # noqa: A002  the API's word
        code: bytes = b"",
    ) -> LayerVersion:
        """The layer's next version."""
        shelf = self.shelves.setdefault(name, LayerShelf())
        shelf.last += 1
        made = LayerVersion(
            name,
            shelf.last,
            self.arn(name, shelf.last),
            tuple(folders),
            tuple(runtimes),
            description,
            license,
            self._clock.now_ms(),
            code,
        )
        shelf.versions[made.version] = made
        return made

    def arn(self, name: str, version: int) -> str:
        account = self._account
        return f"acs:fc:{account.region}:{account.account_id}:layers/{name}/versions/{version}"

    def find(self, name: str, version: str) -> LayerVersion:
        """Raises FcError: LayerNotFound, LayerVersionNotFound."""
        shelf = self._shelf(name)
        is_number = version.isascii() and version.isdecimal() and len(version) <= DIGITS_MAX
        found = shelf.versions.get(int(version)) if is_number else None
        if found is None:
            raise FcError("LayerVersionNotFound", f"version '{version}' of layer '{name}' does not exist")
        return found

    def find_arn(self, arn: str) -> LayerVersion:
        """Raises FcError."""
        place = arn.split(":", 4)[-1].split("/")
        if len(place) != 4 or place[0] != "layers" or place[2] != "versions":
            raise FcError("InvalidArgument", f"{arn!r} is not the ARN of a layer's version")
        found = self.find(place[1], place[3])
        if found.arn != arn:
            raise FcError("LayerVersionNotFound", f"there is no layer {arn!r} in the local cloud")
        return found

    def folders(self, arns: Sequence[str]) -> tuple[Path, ...]:
        return tuple(folder for arn in arns for folder in self.find_arn(arn).folders)

    def latest(self) -> list[LayerVersion]:
        """The newest version of each layer, by name."""
        return [shelf.versions[max(shelf.versions)] for _, shelf in sorted(self.shelves.items()) if shelf.versions]

    def versions(self, name: str) -> list[LayerVersion]:
        """The newest first."""
        return [layer for _, layer in sorted(self._shelf(name).versions.items(), reverse=True)]

    def delete(self, name: str, version: str) -> LayerVersion:
        """Functions that have it keep it."""
        found = self.find(name, version)
        del self.shelves[name].versions[found.version]
        return found

    def acl(self, name: str) -> str:
        return self._shelf(name).acl

    def set_acl(self, name: str, acl: str) -> None:
        self._shelf(name).acl = acl

    def state(self) -> Mapping[str, list[int]]:
        return {name: sorted(shelf.versions) for name, shelf in sorted(self.shelves.items())}

    def _shelf(self, name: str) -> LayerShelf:
        shelf = self.shelves.get(name)
        if shelf is None:
            raise FcError("LayerNotFound", f"layer '{name}' does not exist")
        return shelf
