"""The forms in which the registry is kept: records of the service to records of the journal, and back.

Folders are not kept: a record names the archives of them by their digests. A version never changes and most functions
do not between two calls, so what frozen values look like is encoded once (`Forms._once`): with 200 functions that is
most of the work.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from localcloud.build import TREE, packages
from localcloud.fc.functions import FunctionRecord
from localcloud.fc.layers import LayerShelf, LayerVersion
from localcloud.fc.triggers import TriggerRecord
from localcloud.fc.values import AsyncConfig, Function, FunctionSpec, TriggerSpec
from localcloud.fc.versions import Alias, Published, Shelf

if TYPE_CHECKING:
    from localcloud.fc.service import FcService

T = TypeVar("T")
PATHS = ("code_dir", "layer_dirs", "package_dirs")


@dataclass(frozen=True, slots=True)
class KeptFunction:
    """A function without folders. `code`, `layers`: digests of archives. `packages`: whether it sees those of ours."""

    spec: dict[str, Any]
    code: str
    layers: list[str]
    key: str
    service: str
    generation: int
    instances_max: int
    qualifier: str
    version_id: str
    packages: bool = False


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
    on_demand: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptVersion:
    version_id: str
    description: str
    created_ms: int
    functions: dict[str, KeptFunction]
    attributes: dict[str, Any] = field(default_factory=dict)
    revision: str = ""


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
    """Of one service. `folders`: what the archives of the journal are unpacked into, by digest."""

    def __init__(self, service: FcService) -> None:
        self._service = service
        self.folders: dict[str, Path] = {}
        self.move: Callable[[str], str] = str
        """A text that speaks of the cloud's address of then → of now."""
        self._encoded: dict[int, tuple[object, msgspec.Raw]] = {}
        self._seen: dict[int, tuple[object, msgspec.Raw]] = {}
        """By identity; the value is held too, so that no other one gets its identity."""

    # -- out ----------------------------------------------------------------------------------------------------------
    def _once(self, frozen: object, form: Callable[[], T]) -> T:
        """The form of a value that never changes, encoded: msgspec writes it as it is."""
        known = self._encoded.get(id(frozen))
        if known is None:
            known = (frozen, msgspec.Raw(msgspec.msgpack.encode(form())))
        self._seen[id(frozen)] = known
        return cast(T, known[1])

    def forget_unseen(self) -> None:
        """What was not asked for since the last time is gone from the registry."""
        self._encoded, self._seen = self._seen, {}

    def is_kept(self, function: Function) -> bool:
        """Not what Python made of a folder that nobody told the digest of."""
        return self._service.code.digest(function.spec.code_dir) != ""

    def is_layer_kept(self, shelf: LayerShelf) -> bool:
        return all(self._layer_digest(one) for one in shelf.versions.values())

    def _layer_digest(self, layer: LayerVersion) -> str:
        return self._service.code.digest(layer.folders[0]) if len(layer.folders) == 1 else ""

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
            record.on_demand,
        )

    def function(self, function: Function) -> KeptFunction:
        return self._once(function, partial(self._function, function))

    def _function(self, function: Function) -> KeptFunction:
        spec, digest = function.spec, self._service.code.digest
        return KeptFunction(
            {one.name: getattr(spec, one.name) for one in fields(spec) if one.name not in PATHS},
            digest(spec.code_dir),
            list(dict.fromkeys(digest(path) for path in spec.layer_dirs)),
            function.key,
            function.service,
            function.generation,
            function.instances_max,
            function.qualifier,
            function.version_id,
            packages=spec.package_dirs != (),
        )

    def shelf(self, shelf: Shelf) -> KeptShelf:
        versions = [self._once(one, partial(self._version, one)) for one in shelf.versions.values()]
        return KeptShelf(versions, shelf.aliases, shelf.last)

    def _version(self, version: Published) -> KeptVersion:
        functions = {key: self.function(one) for key, one in version.functions.items() if self.is_kept(one)}
        told = (version.version_id, version.description, version.created_ms)
        return KeptVersion(*told, functions, dict(version.attributes), version.revision)

    def layers(self, shelf: LayerShelf) -> KeptLayers:
        versions = [self._once(one, partial(self._layer, one)) for one in shelf.versions.values()]
        return KeptLayers(versions, shelf.last, shelf.acl)

    def _layer(self, layer: LayerVersion) -> KeptLayer:
        told = (list(layer.runtimes), layer.description, layer.license, layer.created_ms)
        return KeptLayer(layer.version, layer.arn, self._layer_digest(layer), *told)

    def trigger(self, trigger: TriggerRecord) -> KeptTrigger:
        spec = self._once(trigger.spec, lambda: trigger.spec)
        return KeptTrigger(spec, trigger.trigger_id, trigger.created_ms, trigger.modified_ms)

    # -- in -----------------------------------------------------------------------------------------------------------
    def unpacked(self, digest: str, archive: bytes) -> Path:
        code = self._service.code
        return code.unpack_tree(archive, digest) if digest.startswith(TREE) else code.unpack(archive)

    def record_again(self, kept: KeptRecord) -> FunctionRecord:
        function = self.function_again(kept.function)
        return FunctionRecord(
            function,
            kept.function_id,
            kept.created_ms,
            kept.modified_ms,
            kept.attributes,
            self._archive(function.spec.code_dir),
            async_configs=kept.async_configs,
            async_times=kept.async_times,
            reserved_concurrency=kept.reserved_concurrency,
            provisioned=kept.provisioned,
            on_demand=kept.on_demand,
        )

    def _archive(self, folder: Path) -> bytes:
        """As it came through the API; empty for a folder, which is packed when somebody asks."""
        return self._service.code.archives.get(folder, ("", b""))[1]

    def function_again(self, kept: KeptFunction) -> Function:
        if not all(layer in self.folders for layer in kept.layers):
            report(f"function {kept.key!r} is without a layer: it was not made of an archive")
        environment = {name: self.move(value) for name, value in kept.spec["environment"].items()}
        spec = FunctionSpec(
            code_dir=self.folders[kept.code],
            layer_dirs=tuple(self.folders[layer] for layer in kept.layers if layer in self.folders),
            package_dirs=packages() if kept.packages else (),
            **{**kept.spec, "environment": environment},
        )
        told = (kept.key, kept.service, kept.generation, kept.instances_max, kept.qualifier, kept.version_id)
        return Function(spec, *told)

    def shelf_again(self, kept: KeptShelf) -> Shelf:
        versions = {}
        for one in kept.versions:
            functions = {key: self.function_again(function) for key, function in one.functions.items()}
            told = (one.version_id, one.description, one.created_ms)
            versions[one.version_id] = Published(*told, functions, one.attributes, one.revision)
        return Shelf(versions, kept.aliases, kept.last)

    def layers_again(self, name: str, kept: KeptLayers) -> LayerShelf:
        shelf = LayerShelf(last=kept.last, acl=kept.acl)
        for one in kept.versions:
            folder = self.folders[one.code]
            told = (tuple(one.runtimes), one.description, one.license, one.created_ms, self._archive(folder))
            shelf.versions[one.version] = LayerVersion(name, one.version, one.arn, (folder,), *told)
        return shelf


def report(what: str) -> None:
    """Of a kept record that cannot be as it was: it stays, and the cloud starts."""
    sys.stderr.write(f"local cloud: {what}\n")
