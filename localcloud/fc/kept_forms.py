"""The forms in which the registry is kept: records of the service to records of the journal, and back.

Folders are not kept: a record names the archives they were unpacked from, by their SHA-256, and the template's layers
by their ARNs.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localcloud.fc.errors import FcError
from localcloud.fc.functions import FunctionRecord
from localcloud.fc.layers import LayerShelf, LayerVersion
from localcloud.fc.values import AsyncConfig, Function, FunctionSpec, TriggerSpec
from localcloud.fc.versions import Alias, Published, Shelf

if TYPE_CHECKING:
    from localcloud.fc.service import FcService

PATHS = ("code_dir", "layer_dirs", "package_dirs")


@dataclass(frozen=True, slots=True)
class KeptFunction:
    """A function without folders. `layers`: digests of archives, or ARNs of layers that the template makes."""

    spec: dict[str, Any]
    code: str
    layers: list[str]
    key: str
    service: str
    generation: int
    instances_max: int
    qualifier: str
    version_id: str


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A `FunctionRecord`."""

    function: KeptFunction
    function_id: str
    created_ms: int
    modified_ms: int
    attributes: dict[str, Any]
    async_configs: dict[str, AsyncConfig]
    async_times: dict[str, tuple[int, int]]
    reserved_concurrency: int | None
    provisioned: dict[str, int]


@dataclass(frozen=True, slots=True)
class KeptVersion:
    version_id: str
    description: str
    created_ms: int
    functions: dict[str, KeptFunction]


@dataclass(frozen=True, slots=True)
class KeptShelf:
    versions: list[KeptVersion]
    aliases: dict[str, Alias]
    last: int


@dataclass(frozen=True, slots=True)
class KeptTrigger:
    spec: TriggerSpec
    trigger_id: str
    created_ms: int
    modified_ms: int


@dataclass(frozen=True, slots=True)
class KeptLayer:
    version: int
    arn: str
    code: str
    runtimes: list[str]
    description: str
    license: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class KeptLayers:
    versions: list[KeptLayer]
    last: int
    acl: str


class Forms:
    """Of one service. `folders`: what the archives of the journal were unpacked into, by digest."""

    def __init__(self, service: FcService) -> None:
        self._service = service
        self.folders: dict[str, Path] = {}
        self._arns: dict[Path, str] = {}

    def remember_layers(self) -> None:
        """The template's, by folder: a function that has one keeps it, also when the API deletes the version."""
        for shelf in self._service.layers.shelves.values():
            for layer in shelf.versions.values():
                self._arns.update(dict.fromkeys(layer.folders, layer.arn))

    # -- out ----------------------------------------------------------------------------------------------------------
    def _digest(self, path: Path) -> str:
        """ "" for a folder of the template."""
        return self._service.code.archives.get(path, ("", b""))[0]

    def record(self, record: FunctionRecord) -> KeptRecord:
        return KeptRecord(
            self.function(record.function),
            record.function_id,
            record.created_ms,
            record.modified_ms,
            record.attributes,
            record.async_configs,
            record.async_times,
            record.reserved_concurrency,
            record.provisioned,
        )

    def function(self, function: Function) -> KeptFunction:
        spec = function.spec
        return KeptFunction(
            {one.name: getattr(spec, one.name) for one in fields(spec) if one.name not in PATHS},
            self._digest(spec.code_dir),
            list(dict.fromkeys(self._digest(path) or self._arns.get(path, "") for path in spec.layer_dirs)),
            function.key,
            function.service,
            function.generation,
            function.instances_max,
            function.qualifier,
            function.version_id,
        )

    @staticmethod
    def can_be_made_again(kept: Any) -> bool:
        """Not what Python made of a folder after the start: it has no archive."""
        if isinstance(kept, KeptRecord):
            return kept.function.code != ""
        return not isinstance(kept, KeptLayers) or all(one.code for one in kept.versions)

    def shelf(self, shelf: Shelf) -> KeptShelf:
        """Of functions that the template makes, versions are not kept: their code is made anew."""
        versions = [
            KeptVersion(
                one.version_id,
                one.description,
                one.created_ms,
                {
                    key: self.function(function)
                    for key, function in one.functions.items()
                    if self._digest(function.spec.code_dir)
                },
            )
            for one in shelf.versions.values()
        ]
        return KeptShelf(versions, shelf.aliases, shelf.last)

    def layers(self, shelf: LayerShelf) -> KeptLayers:
        versions = [
            KeptLayer(
                one.version,
                one.arn,
                self._digest(one.folders[0]) if one.folders else "",
                list(one.runtimes),
                one.description,
                one.license,
                one.created_ms,
            )
            for one in shelf.versions.values()
        ]
        return KeptLayers(versions, shelf.last, shelf.acl)

    # -- in -----------------------------------------------------------------------------------------------------------
    def record_again(self, kept: KeptRecord) -> FunctionRecord:
        function = self.function_again(kept.function)
        return FunctionRecord(
            function,
            kept.function_id,
            kept.created_ms,
            kept.modified_ms,
            kept.attributes,
            self._service.code.archives[function.spec.code_dir][1],
            async_configs=kept.async_configs,
            async_times=kept.async_times,
            reserved_concurrency=kept.reserved_concurrency,
            provisioned=kept.provisioned,
        )

    def function_again(self, kept: KeptFunction) -> Function:
        folders: list[Path] = []
        for layer in kept.layers:
            try:
                folders += [self.folders[layer]] if layer in self.folders else self._service.layers.folders([layer])
            except FcError as error:
                report(f"function {kept.key!r} is without a layer: {error}")
        spec = FunctionSpec(code_dir=self.folders[kept.code], layer_dirs=tuple(folders), **kept.spec)
        where = {"qualifier": kept.qualifier, "version_id": kept.version_id}
        return Function(spec, kept.key, kept.service, kept.generation, kept.instances_max, **where)

    def shelf_again(self, kept: KeptShelf) -> Shelf:
        versions = {}
        for one in kept.versions:
            functions = {key: self.function_again(function) for key, function in one.functions.items()}
            versions[one.version_id] = Published(one.version_id, one.description, one.created_ms, functions)
        return Shelf(versions, kept.aliases, kept.last)

    def layers_again(self, name: str, kept: KeptLayers) -> LayerShelf:
        shelf = LayerShelf(last=kept.last, acl=kept.acl)
        for one in kept.versions:
            folder = self.folders[one.code]
            code = self._service.code.archives[folder][1]
            told = (tuple(one.runtimes), one.description, one.license, one.created_ms, code)
            shelf.versions[one.version] = LayerVersion(name, one.version, one.arn, (folder,), *told)
        return shelf


def report(what: str) -> None:
    """Of a kept record that cannot be as it was: it stays, and the cloud starts."""
    sys.stderr.write(f"local cloud: {what}\n")
