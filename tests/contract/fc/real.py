"""Functions that really run: a service whose workers are processes, on an event loop of the test's own.

async def story(real: RealWorld) -> None:
    real.function("f", "def handler(event, context):\\n    return event")
    outcome = await real.call("f", b"hello")

play(tmp_path, story)
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from localcloud.clock import Timeline
from localcloud.controlled_clock import ControlledClock
from localcloud.fc.limits import STRICT, Limits
from localcloud.fc.mns_queues import MnsQueues
from localcloud.fc.pool import ProcessWorkers
from localcloud.fc.service import FcService
from localcloud.fc.values import FunctionSpec, Outcome
from localcloud.ids import Ids
from localcloud.journal import NoJournal
from localcloud.mns.service import MnsService
from localcloud.server import Pump
from tests.contract.fc.worlds import ACCOUNT

WAIT_S_MAX = 20.0
PAUSE_S = 0.005

COUNTS = """
    calls = 0
    def handler(event, context):
        global calls
        calls += 1
        return calls
"""
WAITS_FOR_FILE = """
    import os, pathlib, time
    def handler(event, context):
        place = pathlib.Path(event.decode())
        (place / f"running-{os.getpid()}").touch()
        while not (place / "go").exists():
            time.sleep(0.005)
        return os.getpid()
"""
linux_only = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


class RealWorld:
    """Made within a running event loop. Its clock goes."""

    def __init__(self, folder: Path, *, limits: Limits = STRICT) -> None:
        self.folder = folder
        self.clock = ControlledClock()
        self.timeline = Timeline(self.clock)
        ids = Ids(1)
        self.mns = MnsService(account=ACCOUNT, timeline=self.timeline, ids=ids, journal=NoJournal())
        self.workers = ProcessWorkers(account=ACCOUNT, timeline=self.timeline, ids=ids, limits=limits)
        self.fc = FcService(
            account=ACCOUNT,
            timeline=self.timeline,
            ids=ids,
            journal=NoJournal(),
            queues=MnsQueues(self.mns),
            workers=self.workers,
            limits=limits,
        )

    def function(self, name: str, code: str, **fields: Any) -> None:
        """`code`: of index.py."""
        folder = self.files(f"{name}-code", {"index.py": code})
        values = {"handler": "index.handler", "runtime": "python3.10", "timeout": 20, **fields}
        self.fc.create_function(FunctionSpec(name=name, code_dir=folder, **values))

    def files(self, name: str, contents: dict[str, str]) -> Path:
        folder = self.folder / name
        for place, text in contents.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(dedent(text))
        return folder

    async def call(self, name: str, event: bytes = b"", **how: Any) -> Outcome:
        return await self.fc.invoke(name, event, **how)

    async def returned(self, name: str, event: bytes = b"") -> Any:
        """What the function returned, from JSON; an error fails the test."""
        outcome = await self.call(name, event)
        assert outcome.error_type is None, outcome.body
        return json.loads(outcome.body)


def play(folder: Path, story: Callable[[RealWorld], Awaitable[None]], *, limits: Limits = STRICT) -> None:
    """The story between start and close."""

    async def whole() -> None:
        real = RealWorld(folder, limits=limits)
        pump = Pump(real.timeline, real.clock, after=lambda: None)
        await real.fc.start()
        try:
            await asyncio.wait_for(story(real), WAIT_S_MAX)
        finally:
            pump.stop()
            await real.fc.close()

    asyncio.run(whole())


async def until(what: str, seen: Callable[[], object]) -> None:
    """Returns when `seen` answers something true; another process does it, so there is nothing to wait upon."""
    loop = asyncio.get_running_loop()
    end = loop.time() + WAIT_S_MAX
    while not seen():
        assert loop.time() < end, f"waited in vain for {what}"
        await asyncio.sleep(PAUSE_S)


def error_of(outcome: Outcome) -> dict[str, Any]:
    """The error document of a failed call."""
    assert outcome.error_type is not None, outcome.body
    document: dict[str, Any] = json.loads(outcome.body)
    return document


def process_state(pid: int) -> str:
    """R, S, T (stopped) …; "" when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


async def is_running(folder: Path, count: int = 1) -> None:
    await until(f"{count} running calls", lambda: len(list(folder.glob("running-*"))) >= count)
