"""The local cloud in one piece: clock, ids, journal, four services, their endpoints, one port."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from localcloud import control
from localcloud.clock import Timeline
from localcloud.controlled_clock import ControlledClock
from localcloud.faults import FaultPlan
from localcloud.file_journal import FileJournal
from localcloud.http import Request, Response
from localcloud.ids import Ids
from localcloud.journal import Journal, NoJournal
from localcloud.options import Options
from localcloud.pipeline import Pipeline
from localcloud.request_log import RequestLog
from localcloud.server import Pump, Server
from localcloud.services import Services, assemble

API_OUTPUT, API_PATH = "ApiUrl", "/api/"
"""The template's output that names the HTTP trigger's address, and the beginning of paths that stands for it."""


class LocalCloud:
    """One local cloud. All methods belong to the thread of its event loop (see `local_cloud` for tests).

    `start` answers the base URL once everything that the template describes is there and its functions are warm.
    `stop` leaves no process and no temporary file behind; it may be called at any time, more than once.
    """

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.clock = ControlledClock(self.options.frozen_at_ms)
        self.timeline = Timeline(self.clock)
        self.ids = Ids(self.options.seed)
        self.faults = FaultPlan(self.ids)
        self._add_faults()
        self.log = RequestLog()
        self.url = ""
        self.outputs: Mapping[str, Any] = {}
        """The template's outputs."""
        self.services: Services
        self._started_s = 0.0
        self._journal: Journal = NoJournal()
        self._folder: Path | None = None
        self._server: Server | None = None
        self._pump: Pump | None = None
        self._pipeline: Pipeline

    # -- life ---------------------------------------------------------------------------------------------------------
    async def start(self) -> str:
        """Raises TemplateError, BuildError, BadFleet, DamagedJournal or OSError (the port is taken)."""
        self._started_s = time.perf_counter()
        if self.options.data is not None:
            self._journal = FileJournal(self.options.data)
            if self.options.forgets:
                self._journal.clear()
        self._folder = Path(tempfile.mkdtemp(prefix="local-cloud-"))
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        return self.url

    async def _start(self) -> None:
        self._pipeline = Pipeline(
            endpoints={},
            control=self._answer_control,
            timeline=self.timeline,
            faults=self.faults,
            journal=self._journal,
            log=self.log,
        )
        self._server = Server(
            self._pipeline.answer, now_ms=self.clock.now_ms, host=self.options.host, port=self.options.port
        )
        # Listens first: the functions' environment speaks of the port. Nobody knows it before `start` answers.
        await self._server.start()
        self.url = self._server.url
        await self._open()
        self._pump = Pump(self.timeline, self.clock, after=self._journal.flush)

    async def _open(self) -> None:
        """Makes the services and what the template says is in them."""
        assert self._folder is not None
        self.services = assemble(
            self.options,
            timeline=self.timeline,
            ids=self.ids,
            journal=self._journal,
            faults=self.faults,
            folder=self._folder,
            url=self.url,
        )
        self._pipeline.endpoints = self.services.endpoints
        self._pipeline.is_custom_domain = self.services.is_custom_domain
        self.outputs = await self.services.open()
        if API_OUTPUT in self.outputs:
            self._pipeline.aliases = {API_PATH: str(self.outputs[API_OUTPUT]).removeprefix(self.url)}
        self._journal.flush()

    async def stop(self) -> None:
        if self._pump is not None:
            self._pump.stop()
        if self._server is not None:
            await self._server.stop()
        if hasattr(self, "services"):
            await self.services.close()
        if isinstance(self._journal, FileJournal):
            self._journal.close()
            self._journal = NoJournal()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    async def run_forever(self) -> None:
        """Until cancelled."""
        await asyncio.Event().wait()

    @property
    def api_url(self) -> str:
        """Where the template's HTTP trigger answers, in short; "" if it describes none."""
        return f"{self.url}{API_PATH.rstrip('/')}" if API_OUTPUT in self.outputs else ""

    # -- control ------------------------------------------------------------------------------------------------------
    def health(self) -> dict[str, Any]:
        return {
            "status": "ready",
            "url": self.url,
            "region": self.options.account.region,
            "services": sorted(self._pipeline.endpoints),
            "outputs": dict(self.outputs),
        }

    async def reset(self) -> None:
        """Back to how it was at the start: fleet, template, the options' faults, an empty log. The clock stays."""
        await self.services.close()
        self.timeline.clear()
        self.faults.clear()
        self._add_faults()
        self.log.clear()
        if isinstance(self._journal, FileJournal):
            self._journal.clear()
        await self._open()
        self._arm()

    def reseed(self, seed: int) -> None:
        self.ids.reseed(seed)

    def clock_state(self) -> dict[str, Any]:
        return {"nowMs": self.clock.now_ms(), "frozen": self.clock.is_frozen, "aheadMs": self.clock.ahead_ms}

    def freeze_clock(self) -> None:
        self.clock.freeze()
        self._arm()

    def advance_clock(self, ms: int) -> None:
        """Moves the clock ahead; everything that falls due on the way happens at its own time."""
        self.timeline.advance_to(self.clock.now_ms() + ms)
        self._arm()

    def follow_clock(self) -> None:
        self.clock.follow()
        self._arm()

    def state(self) -> dict[str, Any]:
        return self.services.state()

    def _add_faults(self) -> None:
        for rule in self.options.faults:
            self.faults.add(rule)

    def _arm(self) -> None:
        if self._pump is not None:
            self._pump.arm()

    async def _answer_control(self, request: Request) -> Response:
        return await control.answer(self, request)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """uvloop's where it is installed: a third faster."""
    try:
        import uvloop  # not there on every platform
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def run_foreground(options: Options) -> None:
    """Serves until SIGINT or SIGTERM; prints `ready: URL` when it does, then `api: URL`.

    Raises what `LocalCloud.start` raises.
    """
    loop = new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(_serve(options))
    finally:
        loop.close()


async def _serve(options: Options) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    told_to_end = asyncio.Event()

    def end() -> None:
        # Once: a second Ctrl-C shall not cut the cleaning up short.
        if not told_to_end.is_set():
            told_to_end.set()
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    cloud = LocalCloud(options)
    try:
        url = await cloud.start()
        sys.stdout.write(f"ready: {url}\n")
        if cloud.api_url:
            sys.stdout.write(f"api: {cloud.api_url}\n")
        sys.stdout.flush()
        await cloud.run_forever()
    except asyncio.CancelledError:
        pass
    finally:
        told_to_end.set()
        if cloud.url:
            _save(cloud)
        await cloud.stop()


def _save(cloud: LocalCloud) -> None:
    """Before it stops: what is in it then is gone."""
    if cloud.options.state_to is not None:
        cloud.options.state_to.write_bytes(msgspec.json.encode(cloud.state()) + b"\n")
    if cloud.options.requests_to is not None:
        cloud.options.requests_to.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in cloud.log.as_json()))
