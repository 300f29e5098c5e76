"""What was made over the API and survives a restart; what the template makes is not kept, it is made again.

Strategy: `note` is called once for each call of the API, before its answer leaves, and writes the difference between
what is there and what the journal has. No operation can forget to be kept. Folders are not kept but the archives they
were unpacked from, each once, by its SHA-256 (`fc.archives`), for as long as a function, a version or a layer has it.

Order: what others need is put first, and dropped first when it goes; what a torn end leaves without its owner is
swept at the next start. So a change is there wholly or not at all. The template's records win over kept ones.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from localcloud.fc.errors import FcError
from localcloud.fc.functions import FunctionRecord, ServiceRecord
from localcloud.fc.layers import LayerShelf, LayerVersion
from localcloud.fc.triggers import TriggerRecord
from localcloud.fc.values import AsyncConfig, Function, FunctionSpec, TriggerSpec
from localcloud.fc.versions import Alias, Published, Shelf
from localcloud.journal import Journal

if TYPE_CHECKING:
    from localcloud.fc.service import FcService

T = TypeVar("T")

ARCHIVES, COUNTERS, LAYERS = "fc.archives", "fc.counters", "fc.layers"
SERVICES, FUNCTIONS, VERSIONS, TRIGGERS = "fc.services", "fc.functions", "fc.versions", "fc.triggers"
ORDER = (COUNTERS, LAYERS, SERVICES, FUNCTIONS, VERSIONS, TRIGGERS)
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


class Kept:
    """Keeps one service's registry in its journal."""

    def __init__(self, service: FcService, journal: Journal) -> None:
        self._service = service
        self._journal = journal
        self._made: dict[str, set[str]] = {}
        """Names of what was there before anything was restored: the template's."""
        self._written: dict[str, dict[str, bytes]] = {name: {} for name in ORDER}
        self._archives: set[str] = set()
        self._folders: dict[str, Path] = {}

    # -- out ----------------------------------------------------------------------------------------------------------
    def note(self) -> None:
        """Writes what has changed since the last time."""
        current = {name: dict(self._current(name)) for name in ORDER}
        archives = self._service.code.archives
        used = {path for path in self._used() if path in archives}
        digests = {archives[path][0]: archives[path][1] for path in sorted(used)}
        for digest in sorted(digests.keys() - self._archives):
            self._journal.put(ARCHIVES, digest, digests[digest])
        for name in ORDER:
            self._write(name, current[name])
        for digest in sorted(self._archives - digests.keys()):
            self._journal.drop(ARCHIVES, digest)
        self._archives = set(digests)
        self._service.code.forget_others(used)

    def _write(self, name: str, current: Mapping[str, Any]) -> None:
        written = self._written[name]
        for key in sorted(written.keys() - current.keys()):
            self._journal.drop(name, key)
            del written[key]
        for key, value in current.items():
            encoded = msgspec.msgpack.encode(value)
            if written.get(key) != encoded:
                self._journal.put(name, key, value)
                written[key] = encoded

    def _current(self, name: str) -> Iterator[tuple[str, Any]]:
        """What is to be kept of a collection."""
        for key, value in self._all(name):
            if key not in self._made.get(name, ()):
                yield key, value

    def _all(self, name: str) -> Iterator[tuple[str, Any]]:
        fc = self._service
        if name == COUNTERS:
            yield "generation", fc.functions.generation
        elif name == LAYERS:
            for layer, layers in fc.layers.shelves.items():
                yield layer, self._layers(layers)
        elif name == SERVICES:
            for service in fc.functions.services():
                yield service.name, service
        elif name == FUNCTIONS:
            for record in fc.functions.all():
                yield record.key, self._record(record)
        elif name == VERSIONS:
            for owner, shelf in fc.versions.shelves.items():
                if owner.removeprefix("functions/") not in self._made.get(FUNCTIONS, ()):
                    yield owner, self._shelf(shelf)
        else:
            for trigger in fc.triggers.all():
                value = KeptTrigger(trigger.spec, trigger.trigger_id, trigger.created_ms, trigger.modified_ms)
                yield f"{trigger.spec.function}/{trigger.spec.name}", value

    def _used(self) -> Iterator[Path]:
        fc = self._service
        functions = [record.function for record in fc.functions.all()]
        for shelf in fc.versions.shelves.values():
            functions += [function for version in shelf.versions.values() for function in version.functions.values()]
        for function in functions:
            yield function.spec.code_dir
            yield from function.spec.layer_dirs
        for layers in fc.layers.shelves.values():
            for layer in layers.versions.values():
                yield from layer.folders

    def _digest(self, path: Path) -> str:
        """ "" for a folder of the template."""
        return self._service.code.archives.get(path, ("", b""))[0]

    def _record(self, record: FunctionRecord) -> KeptRecord:
        return KeptRecord(
            self._function(record.function),
            record.function_id,
            record.created_ms,
            record.modified_ms,
            record.attributes,
            record.async_configs,
            record.async_times,
            record.reserved_concurrency,
            record.provisioned,
        )

    def _function(self, function: Function) -> KeptFunction:
        spec = function.spec
        return KeptFunction(
            {one.name: getattr(spec, one.name) for one in fields(spec) if one.name not in PATHS},
            self._digest(spec.code_dir),
            list(dict.fromkeys(self._digest(path) or self._arn(path) for path in spec.layer_dirs)),
            function.key,
            function.service,
            function.generation,
            function.instances_max,
            function.qualifier,
            function.version_id,
        )

    def _arn(self, path: Path) -> str:
        for shelf in self._service.layers.shelves.values():
            for layer in shelf.versions.values():
                if path in layer.folders:
                    return layer.arn
        return ""

    def _shelf(self, shelf: Shelf) -> KeptShelf:
        """Of functions that the template makes, versions are not kept: their code is made anew."""
        versions = [
            KeptVersion(
                one.version_id,
                one.description,
                one.created_ms,
                {
                    key: self._function(function)
                    for key, function in one.functions.items()
                    if self._digest(function.spec.code_dir)
                },
            )
            for one in shelf.versions.values()
        ]
        return KeptShelf(versions, shelf.aliases, shelf.last)

    def _layers(self, shelf: LayerShelf) -> KeptLayers:
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
    def restore(self) -> None:
        """Adds what is kept to what the template has made, before anything runs. Raises DamagedJournal."""
        fc = self._service
        self._made = {name: {key for key, _ in self._all(name)} for name in ORDER if name != COUNTERS}
        # The default service is ours; what was published of it is not the template's.
        self._made[VERSIONS] = set()
        for digest, archive in self._journal.load(ARCHIVES, bytes):
            self._folders[digest] = fc.code.unpack(archive)
            self._archives.add(digest)
        for _, generation in self._load(COUNTERS, int):
            fc.functions.generation = max(fc.functions.generation, generation)
        for name, layers in self._load(LAYERS, KeptLayers):
            fc.layers.shelves[name] = self._layers_again(name, layers)
        for _, service in self._load(SERVICES, ServiceRecord):
            fc.functions.restore_service(service)
        for _, kept in self._load(FUNCTIONS, KeptRecord):
            if kept.function.service in {one.name for one in fc.functions.services()}:
                fc.functions.restore(self._record_again(kept))
        self._restore_dependents()
        self.note()

    def _restore_dependents(self) -> None:
        fc = self._service
        owners = {f"services/{one.name}" for one in fc.functions.services()}
        owners |= {f"functions/{one.key}" for one in fc.functions.all()}
        for owner, shelf in self._load(VERSIONS, KeptShelf):
            if owner in owners and owner.removeprefix("functions/") not in self._made.get(FUNCTIONS, ()):
                fc.versions.shelves[owner] = self._shelf_again(shelf)
        for _, trigger in self._load(TRIGGERS, KeptTrigger):
            if f"functions/{trigger.spec.function}" in owners:
                times = (trigger.created_ms, trigger.modified_ms)
                fc.triggers.restore(TriggerRecord(trigger.spec, trigger.trigger_id, *times, is_kept=True))

    def _load(self, name: str, kind: type[T]) -> Iterator[tuple[str, T]]:
        """What the template has not made; all of it counts as written, so that `note` drops the rest."""
        for key, value in self._journal.load(name, kind):
            self._written[name][key] = msgspec.msgpack.encode(value)
            if key not in self._made.get(name, ()):
                yield key, value

    def _record_again(self, kept: KeptRecord) -> FunctionRecord:
        function = self._function_again(kept.function)
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

    def _function_again(self, kept: KeptFunction) -> Function:
        folders: list[Path] = []
        for layer in kept.layers:
            try:
                folders += [self._folders[layer]] if layer in self._folders else self._service.layers.folders([layer])
            except FcError as error:
                report(f"function {kept.key!r} is without a layer: {error}")
        spec = FunctionSpec(code_dir=self._folders[kept.code], layer_dirs=tuple(folders), **kept.spec)
        where = {"qualifier": kept.qualifier, "version_id": kept.version_id}
        return Function(spec, kept.key, kept.service, kept.generation, kept.instances_max, **where)

    def _shelf_again(self, kept: KeptShelf) -> Shelf:
        versions = {}
        for one in kept.versions:
            functions = {key: self._function_again(function) for key, function in one.functions.items()}
            versions[one.version_id] = Published(one.version_id, one.description, one.created_ms, functions)
        return Shelf(versions, kept.aliases, kept.last)

    def _layers_again(self, name: str, kept: KeptLayers) -> LayerShelf:
        shelf = LayerShelf(last=kept.last, acl=kept.acl)
        for one in kept.versions:
            folder = self._folders[one.code]
            code = self._service.code.archives[folder][1]
            told = (tuple(one.runtimes), one.description, one.license, one.created_ms, code)
            shelf.versions[one.version] = LayerVersion(name, one.version, one.arn, (folder,), *told)
        return shelf


def report(what: str) -> None:
    """Of a kept record that cannot be as it was: it stays, and the cloud starts."""
    sys.stderr.write(f"local cloud: {what}\n")
