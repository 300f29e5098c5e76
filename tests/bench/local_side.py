"""What the local cloud does, through the official SDKs, each figure beside moto's of the same kind."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.account import Account
from tests.bench.rates import SECONDS, memory_mb, rate, running

ACCOUNT = Account()
QUEUED = 100_000
INSTANCES, MANY_INSTANCES = 50, 100_000
BODY = "x" * 200


def measure() -> dict[str, dict[str, float]]:
    """Every figure by its name."""
    figures = {"start": start()}
    with tempfile.TemporaryDirectory() as folder:
        options = ["--empty", "--simulated"]
        with cloud(*options, "--instances", str(INSTANCES * 2)) as (server, _):
            figures["queue"] = queue(server, 0)
            figures["counter"] = counter(server)
            figures["invoke"] = invoke(server, "")
            with floor(server) as lowest:
                for name, most in (
                    ("queue", queue(lowest, 0)),
                    ("counter", counter(lowest)),
                    ("invoke", invoke(lowest, "")),
                ):
                    figures[name]["sdk_per_s"] = most["per_s"]
            figures["long queue"] = {**queue(server, QUEUED), "queued": QUEUED}
        with cloud(*options, "--data", str(Path(folder) / "data")) as (server, _):
            figures["queue, kept on disk"] = queue(server, 0)
            figures["counter, kept on disk"] = counter(server)
        with cloud("--empty", "--instances", str(INSTANCES * 2)) as (server, _):
            figures["invoke, scripts that run"] = invoke(server, "echo hello", seconds=SECONDS / 2)
        with cloud(*options, "--instances", str(MANY_INSTANCES)) as (server, seconds):
            invoke(server, "", seconds=SECONDS / 4)
            figures["many instances"] = {"mb": memory_mb(server.pid), "seconds": seconds, "instances": MANY_INSTANCES}
    return figures


@dataclass(frozen=True)
class Running:
    """A local cloud in a process of its own."""

    pid: int
    url: str


@contextmanager
def cloud(*options: str) -> Iterator[tuple[Running, float]]:
    """`fleetrun local` with these options on a free port; with the seconds from its start to its line `ready`."""
    with _ready([sys.executable, "-m", "cli", "local", "--port", "0", "--until-stdin-closes", *options]) as ready:
        yield ready


@contextmanager
def floor(server: Running) -> Iterator[Running]:
    """What answers with the bytes that `server` answered first."""
    with _ready([sys.executable, "-m", "tests.bench.floor", server.url.removeprefix("http://")]) as (lowest, _):
        yield lowest


@contextmanager
def _ready(command: list[str]) -> Iterator[tuple[Running, float]]:
    told: list[str] = []

    def is_ready(process: subprocess.Popen[str]) -> bool:
        assert process.stdout is not None
        told.append(process.stdout.readline().strip())
        return told[-1].startswith("ready: ")

    with running(command, is_ready) as (pid, seconds):
        yield Running(pid, told[-1].removeprefix("ready: ")), seconds


def start(times: int = 5) -> dict[str, float]:
    """The whole of `fleetrun local`: the project's template deployed, its functions warm. The fastest of `times`."""
    seconds = []
    for _ in range(times):
        with cloud() as (_, took):
            seconds.append(took)
    return {"seconds": min(seconds), "slowest": max(seconds), "times": times}


def queue(server: Running, queued: int) -> dict[str, float]:
    """SendMessage, ReceiveMessage, DeleteMessage: one round trip."""
    from mns.account import Account as MnsAccount
    from mns.queue import Message, QueueMeta

    warnings.simplefilter("ignore", DeprecationWarning)  # the SDK calls its own deprecated properties
    account = MnsAccount(server.url, ACCOUNT.access_key_id, ACCOUNT.access_key_secret)
    jobs = account.get_queue(f"bench-{queued}")
    jobs.create(QueueMeta())
    message = Message(BODY)
    for _ in range(0, queued, 16):
        jobs.batch_send_message([message] * 16)

    def round_trip() -> None:
        jobs.send_message(message)
        jobs.delete_message(jobs.receive_message().receipt_handle)

    return rate(round_trip, server=server.pid)


def counter(server: Running) -> dict[str, float]:
    """UpdateRow that adds 1 where a column is below a limit, and answers the sum."""
    from tests.bench.tablestore_double import client_of, fill, taking

    client = client_of(server.url)
    fill(client, 0)
    return rate(taking(client), server=server.pid)


def invoke(server: Running, script: str, *, seconds: float = SECONDS) -> dict[str, float]:
    """InvokeCommand of a kept command on 50 instances."""
    ask = _asking(server)
    content = base64.b64encode(script.encode() or b"echo hello").decode()
    command = ask("CreateCommand", Name="bench", Type="RunShellScript", CommandContent=content)["CommandId"]
    found = ask("DescribeInstances", PageSize=100, Status="Running")["Instances"]["Instance"]
    ids = [one["InstanceId"] for one in found][:INSTANCES]
    assert len(ids) == INSTANCES
    return rate(lambda: ask("InvokeCommand", CommandId=command, InstanceIds=ids), server=server.pid, seconds=seconds)


def _asking(server: Running) -> Callable[..., Any]:
    from importlib import import_module

    from aliyunsdkcore.client import AcsClient

    client = AcsClient(ACCOUNT.access_key_id, ACCOUNT.access_key_secret, ACCOUNT.region)

    def ask(operation: str, **parameters: Any) -> Any:
        module = import_module(f"aliyunsdkecs.request.v20140526.{operation}Request")
        request = getattr(module, f"{operation}Request")()
        request.set_endpoint(server.url.removeprefix("http://"))
        request.set_protocol_type("http")
        request.set_method("POST")
        for name, value in parameters.items():
            getattr(request, f"set_{name}")(value)
        return json.loads(client.do_action_with_exception(request))

    return ask
