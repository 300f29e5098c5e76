"""What was made over the API and survives a restart; what the template makes is not kept, it is made again.

Strategy: `note` is called once for each call of the API that may change something, before its answer leaves, and writes
the difference between what is there and what the journal has (`kept_forms`: in which form). No operation can forget to
be kept. Folders are not kept but the archives they were unpacked from, each once, by its SHA-256 (`fc.archives`), for
as long as a function, a version or a layer has it.

Order: what others need is put first, and dropped first when it goes; what a torn end leaves without its owner is
swept at the next start. So a change is there wholly or not at all. The template's records win over kept ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from localcloud.fc.functions import ServiceRecord
from localcloud.fc.kept_forms import Forms, KeptLayers, KeptRecord, KeptShelf, KeptTrigger
from localcloud.fc.triggers import TriggerRecord
from localcloud.fc.values import TriggerSpec
from localcloud.journal import Journal

if TYPE_CHECKING:
    from localcloud.fc.service import FcService

T = TypeVar("T")

ARCHIVES, COUNTERS, LAYERS = "fc.archives", "fc.counters", "fc.layers"
SERVICES, FUNCTIONS, VERSIONS, TRIGGERS = "fc.services", "fc.functions", "fc.versions", "fc.triggers"
ORDER = (COUNTERS, LAYERS, SERVICES, FUNCTIONS, VERSIONS, TRIGGERS)


class Kept:
    """Keeps one service's registry in its journal."""

    def __init__(self, service: FcService, journal: Journal) -> None:
        self._service = service
        self._journal = journal
        self._made: dict[str, set[str]] = {}
        """Names of what was there before anything was restored: the template's."""
        self._written: dict[str, dict[str, bytes]] = {name: {} for name in ORDER}
        self._archives: set[str] = set()
        self._forms = Forms(service)

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
            if key not in self._made.get(name, ()) and self._forms.can_be_made_again(value):
                yield key, value

    def _all(self, name: str) -> Iterator[tuple[str, Any]]:
        fc = self._service
        if name == COUNTERS:
            yield "generation", fc.functions.generation
        elif name == LAYERS:
            for layer, layers in fc.layers.shelves.items():
                yield layer, self._forms.layers(layers)
        elif name == SERVICES:
            for service in fc.functions.services():
                # The default service is ours, not the template's; it is worth a record once the API has changed it.
                if service.name != fc.functions.service_name or service.changes:
                    yield service.name, service
        elif name == FUNCTIONS:
            for record in fc.functions.all():
                yield record.key, self._forms.record(record)
        elif name == VERSIONS:
            for owner, shelf in fc.versions.shelves.items():
                if owner.removeprefix("functions/") not in self._made.get(FUNCTIONS, ()):
                    yield owner, self._forms.shelf(shelf)
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

    # -- in -----------------------------------------------------------------------------------------------------------
    def restore(self) -> None:
        """Adds what is kept to what the template has made, before anything runs. Raises DamagedJournal."""
        fc = self._service
        self._made = {name: {key for key, _ in self._all(name)} for name in ORDER if name != COUNTERS}
        # What was published of the default service is not the template's.
        self._made[VERSIONS] = set()
        self._forms.remember_layers()
        for digest, archive in self._journal.load(ARCHIVES, bytes):
            self._forms.folders[digest] = fc.code.unpack(archive)
            self._archives.add(digest)
        for _, generation in self._load(COUNTERS, int):
            fc.functions.generation = max(fc.functions.generation, generation)
        for name, layers in self._load(LAYERS, KeptLayers):
            fc.layers.shelves[name] = self._forms.layers_again(name, layers)
        for _, service in self._load(SERVICES, ServiceRecord):
            fc.functions.restore_service(service)
        for _, kept in self._load(FUNCTIONS, KeptRecord):
            if kept.function.service in {one.name for one in fc.functions.services()}:
                fc.functions.restore(self._forms.record_again(kept))
        self._restore_dependents()
        self.note()

    def _restore_dependents(self) -> None:
        fc = self._service
        owners = {f"services/{one.name}" for one in fc.functions.services()}
        owners |= {f"functions/{one.key}" for one in fc.functions.all()}
        for owner, shelf in self._load(VERSIONS, KeptShelf):
            if owner in owners and owner.removeprefix("functions/") not in self._made.get(FUNCTIONS, ()):
                fc.versions.shelves[owner] = self._forms.shelf_again(shelf)
        for _, trigger in self._load(TRIGGERS, KeptTrigger):
            if f"functions/{trigger.spec.function}" in owners and not self._is_second_http(trigger.spec):
                times = (trigger.created_ms, trigger.modified_ms)
                fc.triggers.restore(TriggerRecord(trigger.spec, trigger.trigger_id, *times, is_kept=True))

    def _is_second_http(self, spec: TriggerSpec) -> bool:
        """A function has one HTTP trigger: the template's, where it has one by now."""
        return spec.type == "http" and self._service.triggers.http_of(spec.function) is not None

    def _load(self, name: str, kind: type[T]) -> Iterator[tuple[str, T]]:
        """What the template has not made; all of it counts as written, so that `note` drops the rest."""
        for key, value in self._journal.load(name, kind):
            self._written[name][key] = msgspec.msgpack.encode(value)
            if key not in self._made.get(name, ()):
                yield key, value
