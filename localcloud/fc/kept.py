"""What is there of Function Compute survives a restart: what the API made and what the template did.

Strategy: `note` is called once for each call of the API that may change something, before its answer leaves, and writes
the difference between what is there and what the journal has (`kept_forms`: in which form). No operation can forget to
be kept. Folders are not kept but archives of them, each once, by its digest (`fc.archives`), for as long as a function,
a version or a layer has it.

Order: what others need is put first, and dropped first when it goes; what a torn end leaves without its owner is
swept at the next start. So a change is there wholly or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from localcloud.fc.domains import Domain
from localcloud.fc.functions import ServiceRecord
from localcloud.fc.kept_forms import Forms, KeptLayers, KeptRecord, KeptShelf, KeptTrigger
from localcloud.fc.triggers import TriggerRecord
from localcloud.journal import Journal, NoJournal

if TYPE_CHECKING:
    from localcloud.fc.service import FcService

T = TypeVar("T")

ARCHIVES, COUNTERS, LAYERS = "fc.archives", "fc.counters", "fc.layers"
SERVICES, FUNCTIONS, VERSIONS, TRIGGERS = "fc.services", "fc.functions", "fc.versions", "fc.triggers"
DOMAINS = "fc.domains"
ORDER = (COUNTERS, LAYERS, SERVICES, FUNCTIONS, VERSIONS, TRIGGERS, DOMAINS)
GENERATION, WITHOUT_DEFAULT = "generation", "without the default service"
"""Counters: the last generation given; 1 once the API has deleted the service that is there without being made."""


class Kept:
    """Keeps one service's registry in its journal."""

    def __init__(self, service: FcService, journal: Journal) -> None:
        self._service = service
        self._journal = journal
        self._keeps = not isinstance(journal, NoJournal)
        self._written: dict[str, dict[str, bytes]] = {name: {} for name in ORDER}
        self._archives: set[str] = set()
        self._forms = Forms(service)

    # -- out ----------------------------------------------------------------------------------------------------------
    def note(self) -> None:
        """Writes what has changed since the last time."""
        used = set(self._used())
        if self._keeps:
            self._write_all(used)
        self._service.code.forget_others(used)

    def _write_all(self, used: set[Path]) -> None:
        code = self._service.code
        current = {name: dict(self._current(name)) for name in ORDER}
        self._forms.forget_unseen()
        folders = {digest: path for path in used if (digest := code.digest(path))}
        for digest in sorted(folders.keys() - self._archives):
            self._journal.put(ARCHIVES, digest, code.archived(folders[digest]))
        for name in ORDER:
            self._write(name, current[name])
        for digest in sorted(self._archives - folders.keys()):
            self._journal.drop(ARCHIVES, digest)
        self._archives = set(folders)

    def _write(self, name: str, current: Mapping[str, Any]) -> None:
        written = self._written[name]
        for key in sorted(written.keys() - current.keys()):
            self._journal.drop(name, key)
            del written[key]
        for key, value in current.items():
            encoded = msgspec.msgpack.encode(value)
            if written.get(key) != encoded:
                self._journal.put(name, key, msgspec.Raw(encoded))
                written[key] = encoded

    def _current(self, name: str) -> Iterator[tuple[str, Any]]:
        """What is to be kept of a collection."""
        fc, forms = self._service, self._forms
        if name == COUNTERS:
            yield GENERATION, fc.functions.generation
            if not fc.functions.has_service(fc.functions.service_name):
                yield WITHOUT_DEFAULT, 1
        elif name == LAYERS:
            for layer, layers in fc.layers.shelves.items():
                if forms.is_layer_kept(layers):
                    yield layer, forms.layers(layers)
        elif name == SERVICES:
            for service in fc.functions.services():
                yield service.name, service
        elif name == FUNCTIONS:
            for record in fc.functions.all():
                if forms.is_kept(record.function):
                    yield record.key, forms.record(record)
        elif name == VERSIONS:
            for owner, shelf in fc.versions.shelves.items():
                yield owner, forms.shelf(shelf)
        elif name == DOMAINS:
            for domain in fc.domains.all():
                yield domain.name, domain
        else:
            for trigger in fc.triggers.all():
                yield f"{trigger.spec.function}/{trigger.spec.name}", forms.trigger(trigger)

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
    def restore(self, trees: Mapping[str, Path], move: Callable[[str], str]) -> None:
        """What the last process left, before anything is made.

        `trees`: folders that are there already, by the digests under which they are kept. `move`: a text that may
        speak of this cloud's address of then → of now. Raises DamagedJournal.
        """
        fc, forms = self._service, self._forms
        forms.move = move
        fc.code.trees.update({path: tree for tree, path in trees.items()})
        forms.folders.update(trees)
        for digest, archive in self._journal.load(ARCHIVES, bytes):
            self._archives.add(digest)
            if digest not in trees:
                forms.folders[digest] = forms.unpacked(digest, archive)
        counters = dict(self._load(COUNTERS, int))
        fc.functions.generation = counters.get(GENERATION, 0)
        if counters.get(WITHOUT_DEFAULT):
            fc.functions.delete_service(fc.functions.service_name)
        for name, layers in self._load(LAYERS, KeptLayers):
            fc.layers.shelves[name] = forms.layers_again(name, layers)
        for _, service in self._load(SERVICES, ServiceRecord):
            fc.functions.restore_service(service)
        for _, kept in self._load(FUNCTIONS, KeptRecord):
            if fc.functions.has_service(kept.function.service):
                fc.functions.restore(forms.record_again(kept))
        self._restore_dependents()
        self.note()

    def _restore_dependents(self) -> None:
        fc = self._service
        owners = {f"services/{one.name}" for one in fc.functions.services()}
        owners |= {f"functions/{one.key}" for one in fc.functions.all()}
        for owner, shelf in self._load(VERSIONS, KeptShelf):
            if owner in owners:
                fc.versions.shelves[owner] = self._forms.shelf_again(shelf)
        for _, trigger in self._load(TRIGGERS, KeptTrigger):
            if f"functions/{trigger.spec.function}" in owners:
                times = (trigger.created_ms, trigger.modified_ms)
                fc.triggers.restore(TriggerRecord(trigger.spec, trigger.trigger_id, *times, is_kept=True))
        for _, domain in self._load(DOMAINS, Domain):
            fc.domains.restore(domain)

    def _load(self, name: str, kind: type[T]) -> Iterator[tuple[str, T]]:
        """All of it counts as written, so that `note` drops what found no place."""
        for key, value in self._journal.load(name, kind):
            self._written[name][key] = msgspec.msgpack.encode(value)
            yield key, value
