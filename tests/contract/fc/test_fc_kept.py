"""What is kept of Function Compute, in one process: torn changes are there wholly or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localcloud.clock import ManualClock, Timeline
from localcloud.fc.api import FcEndpoint
from localcloud.fc.errors import FcError
from localcloud.fc.mns_queues import MnsQueues
from localcloud.fc.service import FcService
from localcloud.fc.values import TriggerSpec
from localcloud.file_journal import FileJournal
from localcloud.http import Request
from localcloud.ids import Ids
from localcloud.mns.service import MnsService
from tests.contract.fc.conftest import archive
from tests.contract.fc.worlds import ACCOUNT, FcWorld, Functions, queue_trigger, spec

TOPIC = "acs:mns:cn-hangzhou:1234567890123456:/topics/t"
KEY = "shop$k"
Change = Callable[[FcWorld], Any]


def packed(result: str) -> bytes:
    return archive({"index.py": f"def handler(event, context):\n    return {result!r}\n"})


def play(journal: FileJournal, *changes: Change) -> None:
    """As the API does: each change, then what it left is noted."""

    async def story(world: FcWorld) -> None:
        for change in changes:
            change(world)
            world.fc.kept.note()

    FcWorld(journal=journal).play(story)


def make(world: FcWorld) -> None:
    """Something of each kind."""
    fc = world.fc
    fc.functions.create_service("shop", {"description": "old"})
    code = packed("old")
    fc.create_function(
        spec("k", code_dir=fc.code.unpack(code), description="old"), service="shop", attributes={}, code=code
    )
    fc.create_trigger(queue_trigger(function=KEY))
    for owner in ("services/shop", f"functions/{KEY}"):
        fc.versions.publish(owner, {KEY: fc.functions.find(KEY).function}, "first")
        fc.versions.create_alias(owner, "prod", "1", description="", weights={})
    layer = archive({"python/word.py": "WORD = 1\n"})
    fc.layers.create("l", [fc.code.unpack(layer)], code=layer)


def update_function(world: FcWorld) -> None:
    code, old = packed("new, and of another length"), world.fc.functions.find(KEY).function.spec
    new = replace(old, code_dir=world.fc.code.unpack(code), description="new")
    world.fc.update_function(KEY, new, attributes={"tag": "new"}, code=code)


def publish(world: FcWorld) -> None:
    function = world.fc.functions.find(KEY).function
    world.fc.versions.publish(f"functions/{KEY}", {KEY: function}, "second")


def move_alias(world: FcWorld) -> None:
    world.fc.versions.update_alias(f"functions/{KEY}", "prod", version_id=None, description="moved", weights={"1": 0.5})


def update_trigger(world: FcWorld) -> None:
    world.fc.triggers.update(KEY, "from-q", {"config": queue_trigger(queue="dlq").config, "description": "new"})


def delete_function(world: FcWorld) -> None:
    world.fc.triggers.delete(KEY, "from-q")
    world.fc.delete_function(KEY)


CHANGES: dict[str, Change] = {
    "the function is updated": update_function,
    "the function is deleted": delete_function,
    "the trigger is updated": update_trigger,
    "the trigger is deleted": lambda world: world.fc.triggers.delete(KEY, "from-q"),
    "a version is published": publish,
    "the alias is updated": move_alias,
    "the alias is deleted": lambda world: world.fc.versions.delete_alias(f"functions/{KEY}", "prod"),
    "the service is updated": lambda world: world.fc.functions.update_service("shop", {"description": "new"}),
    "the layer's version is deleted": lambda world: world.fc.layers.delete("l", "1"),
}


def picture(world: FcWorld) -> str:
    """All that callers can see of it, the code with it."""
    fc = world.fc

    def shown(function: Any) -> Any:
        return function.spec.description, (function.spec.code_dir / "index.py").read_text()

    functions = {one.key: one for one in fc.functions.all() if one.key == KEY}
    return repr(
        (
            [(one.name, one.attributes, one.changes) for one in fc.functions.services()],
            [(shown(one.function), one.attributes, one.archive()) for one in functions.values()],
            [
                (
                    owner,
                    shelf.last,
                    shelf.aliases,
                    [(one, shown(made.functions[KEY])) for one, made in shelf.versions.items()],
                )
                for owner, shelf in sorted(fc.versions.shelves.items())
            ],
            [(one.spec, one.modified_ms) for one in fc.triggers.all()],
            {
                name: (shelf.last, [(one.folders[0] / "python/word.py").read_text() for one in shelf.versions.values()])
                for name, shelf in fc.layers.shelves.items()
            },
        )
    )


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_is_torn_leaves_the_old_state_or_the_new_one(tmp_path: Path, name: str) -> None:
    whole, sizes, pictures, seen = tmp_path / "whole", [], [], []
    journal = FileJournal(whole)

    def mark(world: FcWorld) -> None:
        journal.flush()
        sizes.append((whole / "journal").stat().st_size)
        pictures.append(picture(world))

    play(journal, make, mark, CHANGES[name], mark)
    journal.close()
    content = (whole / "journal").read_bytes()

    for end in [*range(sizes[0], sizes[1], 40), sizes[1]]:
        folder = tmp_path / f"cut-{end}"
        folder.mkdir()
        (folder / "journal").write_bytes(content[:end])
        torn = FileJournal(folder)
        play(torn, lambda world: seen.append(picture(world)))
        torn.close()

    assert set(seen) == set(pictures)
    assert len(set(pictures)) == 2
    assert (seen[0], seen[-1]) == tuple(pictures)


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    journal = FileJournal(tmp_path / "data")
    yield journal
    journal.close()


def test_a_function_keeps_the_layer_whose_version_the_api_deleted(journal: FileJournal) -> None:
    def change(world: FcWorld) -> None:
        code, layer = packed("x"), world.fc.layers.find("l", "1")
        folders = {"code_dir": world.fc.code.unpack(code), "layer_dirs": layer.folders}
        world.fc.create_function(spec("with-layer", **folders), code=code)
        world.fc.layers.delete("l", "1")

    def look(world: FcWorld) -> None:
        assert world.fc.layers.state() == {"l": []}
        (kept,) = world.fc.functions.find("with-layer").function.spec.layer_dirs
        assert (kept / "python/word.py").read_text() == "WORD = 1\n"

    play(journal, make, change)
    play(journal, look)
    play(journal, look)


def test_the_default_service_is_the_same_one_and_stays_deleted(journal: FileJournal) -> None:
    seen: list[str] = []

    def look(world: FcWorld) -> None:
        seen.extend(one.service_id for one in world.fc.functions.services())

    def delete(world: FcWorld) -> None:
        world.fc.functions.delete("f")
        world.fc.functions.delete("g")
        world.fc.functions.delete_service("fleetrun")

    def start_again() -> FcService:
        mns = MnsService(account=ACCOUNT, timeline=Timeline(ManualClock()), ids=Ids(2), journal=journal)
        return FcService(
            account=ACCOUNT,
            timeline=Timeline(ManualClock()),
            ids=Ids(2),
            journal=journal,
            queues=MnsQueues(mns),
            workers=Functions(),
        )

    play(journal, look)
    again = start_again()
    again.restore()
    seen.extend(one.service_id for one in again.functions.services())
    play(journal, delete)
    last = start_again()
    last.restore()

    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert last.functions.services() == []


def test_a_changed_attribute_of_the_default_service_is_kept(journal: FileJournal) -> None:
    seen: list[Any] = []

    def change(world: FcWorld) -> None:
        record = world.fc.functions.update_service("fleetrun", {"description": "mine"})
        seen.append((record.attributes, record.etag))

    def look(world: FcWorld) -> None:
        record = world.fc.functions.service("fleetrun")
        seen.append((record.attributes, record.etag))

    play(journal, change)
    play(journal, look)
    play(journal, look)

    assert seen[0][0] == {"description": "mine"}
    assert seen[1:] == [seen[0]] * 2


def test_a_function_that_python_made_of_a_folder_does_not_stop_the_next_start(journal: FileJournal) -> None:
    seen: list[list[str]] = []

    play(journal, lambda world: world.fc.create_function(spec("of-a-folder")))
    play(journal, lambda world: seen.append([one.key for one in world.fc.functions.all()]))

    assert seen == [["f", "g"]]


def test_a_refused_update_of_a_trigger_leaves_the_old_one_running_and_kept(journal: FileJournal) -> None:
    topic = TriggerSpec(KEY, "told", "mns_topic", {}, source_arn=TOPIC)

    def refused(world: FcWorld) -> None:
        world.fc.create_trigger(topic)
        with pytest.raises(FcError, match="nowhere"):
            world.fc.triggers.update(KEY, "told", {"source_arn": TOPIC.replace("topics/t", "topics/nowhere")})
        assert world.fc.triggers.find(KEY, "told").runner is not None

    def look(world: FcWorld) -> None:
        assert world.fc.triggers.find(KEY, "told").spec == topic

    play(journal, make, refused)
    play(journal, look)


def services_in(file: Path, folder: Path) -> list[str]:
    """As the next start would find them."""
    folder.mkdir()
    (folder / "journal").write_bytes(file.read_bytes())
    copy = FileJournal(folder)
    found = sorted(name for name, _ in copy.load("fc.services", dict))
    copy.close()
    return found


def test_calls_that_may_change_something_are_noted_before_they_are_answered_and_reads_are_not(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "data")
    noted: list[list[str]] = []

    async def story(world: FcWorld) -> None:
        endpoint = FcEndpoint(world.fc, account=ACCOUNT, ids=world.ids, checks_signature=False)
        # What Python changes is not noted by itself.
        world.fc.functions.create_service("by-python", {})
        for method, body in (("GET", b""), ("POST", b'{"serviceName": "by-api"}')):
            await endpoint.handle(Request(method, "/2016-08-15/services", "", {}, body, world.now_ms))
            journal.flush()
            noted.append(services_in(tmp_path / "data" / "journal", tmp_path / method))

    FcWorld(journal=journal).play(story)
    journal.close()

    assert noted == [["fleetrun"], ["by-api", "by-python", "fleetrun"]]
