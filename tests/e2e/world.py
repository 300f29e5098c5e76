"""The whole of it, for real: a local cloud with worker processes and shells, spoken to with the official SDKs.

    with whole(instances=20) as world:
        run = world.run(invoke("count-1", script=COUNT, parameters={"folder": str(tmp_path)}))
        assert run.status == "Success"

Nothing here is virtual, so waiting is bounded and polls; no test asserts how long anything took.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cli.connection import Connection, connection_of
from cli.local import local_environment
from cli.report import Report, is_ended, read_report
from cli.settings import settings_of
from localcloud.options import PROJECT
from localcloud.threaded import RunningCloud, local_cloud
from shared.core.model import Run, run_id_of

WAIT_S_MAX = 60.0
PAUSE_S = 0.05
DEMO_TAG = {"tags": {"env": "demo"}}

COUNT = 'echo run >> "{{folder}}/$ECS_INSTANCE_ID"\necho "counted"'
"""Each execution leaves a line in a file named for its instance."""

T = TypeVar("T")


def invoke(request_id: str, *, script: str = "echo hello", **fields: Any) -> dict[str, Any]:
    """An invoke request over the whole fleet of the demo."""
    return {
        "kind": "invoke",
        "requestId": request_id,
        "command": {"type": "RunShellScript", "content": script},
        "targets": DEMO_TAG,
        "timeout": 60,
        **fields,
    }


def until(what: str, seen: Callable[[], T | None], *, wait_s: float = WAIT_S_MAX) -> T:
    """The first answer of `seen` that is not None (nor False)."""
    end = time.monotonic() + wait_s
    while True:
        found = seen()
        if found is not None and found is not False:
            return found
        assert time.monotonic() < end, f"waited {wait_s:.0f} s in vain for {what}"
        time.sleep(PAUSE_S)


@dataclass
class World:
    """A running local cloud and the ways into it."""

    cloud: RunningCloud
    connection: Connection
    mns: Any
    """An `mns.account.Account` of the official SDK."""
    heard: list[dict[str, Any]] = field(default_factory=list)
    """Events taken from the queue `fleetrun-events` so far, in the order of their coming."""

    def send_text(self, body: str, *, queue: str = "fleetrun-requests") -> str:
        """Whatever it is; answers the message's id."""
        from mns.queue import Message

        return str(self.mns.get_queue(queue).send_message(Message(body)).message_id)

    def send(self, request: dict[str, Any]) -> str:
        """A request into the queue; answers the id of its run."""
        self.send_text(json.dumps(request))
        return run_id_of(request["requestId"])

    def run(self, request: dict[str, Any]) -> Run:
        """A request, followed to its end."""
        return self.ended(self.send(request))

    def ended(self, run_id: str, *, wait_s: float = WAIT_S_MAX) -> Run:
        """The run once it has ended and all its events are out."""

        def over() -> Run | None:
            run = self.connection.runs.read_run(run_id)
            return run if run is not None and is_ended(run) and run.due_ms == 0 else None

        return until(f"the end of {run_id}", over, wait_s=wait_s)

    def report(self, run: Run) -> Report:
        return read_report(self.connection, run)

    def events(self, subject: str) -> list[dict[str, Any]]:
        """What came out of the events' queue about one run, by number, repeats dropped."""
        self._listen()
        by_id = {event["id"]: event for event in self.heard if event["subject"] == subject}
        return sorted(by_id.values(), key=lambda event: int(event["sequence"]))

    def _listen(self) -> None:
        from mns.mns_exception import MNSServerException

        queue = self.mns.get_queue("fleetrun-events")
        queue.set_encoding(False)
        while True:
            try:
                messages = queue.batch_receive_message(16)
            except MNSServerException as error:
                if error.type == "MessageNotExist":
                    return
                raise
            for message in messages:
                self.heard.append(json.loads(message.message_body))
                queue.delete_message(message.receipt_handle)

    def dead_letters(self) -> list[dict[str, Any]]:
        """What lies in the dead-letter queue; it stays there."""
        return [json.loads(letter.body) for letter in self.connection.queues.peek("fleetrun-dead-letters")]


def impatient_template(folder: Path) -> Path:
    """The project's template with short timeouts: a killed function's lease (its timeout and a margin) ends sooner."""
    text = (PROJECT / "template.yml").read_text()
    impatient = text.replace("Timeout: 300", "Timeout: 15").replace("Timeout: 60", "Timeout: 10")
    assert impatient.count("Timeout: 10\n") >= 3, "the template's timeouts have changed"
    path = folder / "impatient.yml"
    path.write_text(impatient)
    return path


def executions(folder: Path) -> dict[str, int]:
    """How often each instance has run the script COUNT."""
    return {path.name: len(path.read_text().splitlines()) for path in sorted(folder.iterdir())}


@contextmanager
def whole(**options: Any) -> Iterator[World]:
    """A local cloud deployed from template.yml, with whatever options."""
    with local_cloud(**options) as cloud:
        yield world_of(cloud)


def world_of(cloud: RunningCloud) -> World:
    from mns.account import Account as MnsAccount

    environment = local_environment(cloud.url)
    key_id, secret = environment["ALIBABA_CLOUD_ACCESS_KEY_ID"], environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    connection = connection_of(settings_of(environment, endpoint=None))
    return World(cloud, connection, MnsAccount(cloud.url, key_id, secret, ""))
