"""A message that kills or hangs its function: put aside after some deliveries, while its neighbours go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.options import PROJECT
from shared.core.model import rejection_id_of, run_id_of
from tests.cli.command_line import command_line
from tests.e2e.world import World, invoke, until, whole

KILLER = "kill the function"
WAYS = {"dies": "os.kill(os.getpid(), signal.SIGKILL)", "hangs": "time.sleep(3600)"}
"""What the function does at such a message. One that hangs is killed by the platform at its timeout."""
TIMEOUT_S = 3
POISON = """

# -- a bug that this test deploys -------------------------------------------------------------------------------------
import os
import signal
import time

from shared.app import isolate

_receive = isolate.receive


def _deadly(ports, policy, message):
    if b"@KILLER@" in message.body:
        @WAY@
    return _receive(ports, policy, message)


isolate.receive = _deadly
"""


@pytest.fixture(params=sorted(WAYS))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with whole(instances=12, project=poisoned_project(tmp_path, WAYS[request.param])) as made:
        yield made


def poisoned_project(folder: Path, way: str, *, timeout_s: int = TIMEOUT_S) -> Path:
    """This project with a function that breaks at certain messages, and with less patience for those."""
    for name in ("functions", "shared"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    template = (PROJECT / "template.yml").read_text()
    (folder / "template.yml").write_text(swapped(template, "Timeout: 300\n", f"Timeout: {timeout_s}\n"))
    index = folder / "functions" / "accept_requests" / "index.py"
    index.write_text(index.read_text() + POISON.replace("@KILLER@", KILLER).replace("@WAY@", way))
    limits = folder / "shared" / "core" / "limits.py"
    patient = swapped(limits.read_text(), "DELIVERIES_MAX = 5\n", "DELIVERIES_MAX = 3\n")
    limits.write_text(swapped(patient, "DELIVERIES_SPREAD_MS = 30_000\n", "DELIVERIES_SPREAD_MS = 5_000\n"))
    return folder


def swapped(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def mend(world: World) -> None:
    """Deploys the function as it is in this project, as an operator would: with Function Compute's SDK."""
    import fc2

    keys = world.connection.settings.credentials
    assert keys is not None
    endpoint = world.connection.settings.fc_endpoint
    client: Any = fc2.Client(endpoint=endpoint, accessKeyID=keys.access_key_id, accessKeySecret=keys.access_key_secret)
    client.update_function("fleetrun", "accept_requests", codeDir=str(PROJECT / "functions" / "accept_requests"))


def send_together(world: World, bodies: list[str]) -> list[str]:
    """One BatchSendMessage, so that they may come in one batch; answers the message ids."""
    from mns.queue import Message

    sent = world.mns.get_queue("fleetrun-requests").batch_send_message([Message(body) for body in bodies])
    return [str(entry.message_id) for entry in sent]


@pytest.mark.slow
def test_a_killer_is_put_aside_its_neighbours_go_on_and_after_a_mend_it_is_redriven(world: World) -> None:
    names = [f"neighbour-{number}" for number in range(8)]
    bodies = [json.dumps(invoke(name)) for name in names]
    bodies.insert(3, json.dumps(invoke("killer", script=f"echo {KILLER}")))
    fleetrun = command_line(world.connection.settings.mns_endpoint)

    message_id = send_together(world, bodies)[3]
    neighbours = [world.ended(run_id_of(name)) for name in names]
    rejection = world.ended(rejection_id_of(message_id))

    assert [run.counts.get("Success") for run in neighbours] == [10] * len(names)
    assert (rejection.refusal["code"], rejection.request_id) == ("Poisoned", "killer")
    events = until("its event", lambda: world.events(rejection.run_id) or None)
    assert [(event["type"], event["data"]["code"]) for event in events] == [("fleetrun.run.rejected", "Poisoned")]

    listed = fleetrun("dlq", "list", "--json").json
    assert [letter["messageId"] for letter in listed] == [message_id]
    assert "broke the function that handled it 3 times" in fleetrun("dlq", "show", listed[0]["id"]).out
    mend(world)
    assert fleetrun("dlq", "redrive", listed[0]["id"]).code == 0

    assert world.ended(run_id_of("killer")).counts.get("Success") == 10
    assert fleetrun("dlq", "list", "--json").json == []


@pytest.mark.slow
def test_while_one_hangs_requests_that_come_later_are_accepted(tmp_path: Path) -> None:
    """With one batch at a time they would wait for its timeout, five minutes."""
    project = poisoned_project(tmp_path, WAYS["hangs"], timeout_s=300)
    with whole(instances=12, project=project) as world:
        world.send(invoke("killer", script=f"echo {KILLER}"))
        until("it to be taken", lambda: world.connection.queues.attributes("fleetrun-requests").hidden == 1)

        later = [world.run(invoke(f"later-{number}")) for number in range(2)]

        assert [run.counts.get("Success") for run in later] == [10, 10]
        assert world.connection.runs.read_run(run_id_of("killer")) is None
