"""One worker process: started, spoken to, watched, killed.

Strategy: a socket carries frames, a pipe carries whatever the process and its children print, a second pipe (never
written to) tells the worker that we died. All on the event loop's readers, no threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from localcloud.fc.worker.frames import READ_BYTES, Decoder, encode

START_SCRIPT = Path(__file__).resolve().parent / "worker" / "start.py"
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MIB = 1024 * 1024
REAP_SECONDS_MAX = 5.0
"""Ours: a killed process is gone within milliseconds; longer means that the kernel cannot end it."""


class ProcessDied(Exception):
    """The process ended before it answered."""


class WorkerProcess:
    """A process that answers one frame at a time. Belongs to the event loop's thread."""

    def __init__(self, python: str, *, folder: Path, environment: Mapping[str, str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket, theirs = socket.socketpair()
        their_lifeline, self._lifeline = os.pipe()
        self._output, their_output = os.pipe()
        try:
            self._process = subprocess.Popen(
                [python, "-I", "-S", str(START_SCRIPT), str(theirs.fileno()), str(their_lifeline)],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=their_output,
                stderr=their_output,
                pass_fds=(theirs.fileno(), their_lifeline),
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(their_lifeline)
            os.close(their_output)
        self._socket.setblocking(False)
        os.set_blocking(self._output, False)
        self.on_output: Callable[[bytes], None] = lambda _: None
        self.on_died: Callable[[], None] = lambda: None
        self._decoder = Decoder()
        self._answer: asyncio.Future[tuple[dict[str, Any], bytes]] | None = None
        self._is_open = True
        self.died = asyncio.Event()
        self._loop.add_reader(self._socket, self._on_readable)
        self._loop.add_reader(self._output, self.drain)
        # The socket's end may be held open by a child that the function forked; Linux tells of the process itself.
        self._pidfd = os.pidfd_open(self.pid) if hasattr(os, "pidfd_open") else -1
        if self._pidfd >= 0:
            self._loop.add_reader(self._pidfd, self._ended)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, header: dict[str, Any], body: bytes = b"") -> tuple[dict[str, Any], bytes]:
        """Sends one frame and waits for its answer. Raises ProcessDied."""
        assert self._answer is None, "one frame at a time"
        if self.died.is_set():
            raise ProcessDied
        self._answer = self._loop.create_future()
        try:
            await self._send(encode(header, body))
            return await self._answer
        except OSError as error:
            raise ProcessDied from error
        finally:
            self._answer = None

    async def _send(self, frame: bytes) -> None:
        # Most frames fit into the socket's buffer; only long ones are worth a writer on the loop.
        with contextlib.suppress(BlockingIOError):
            frame = frame[self._socket.send(frame) :]
        if frame:
            await self._loop.sock_sendall(self._socket, frame)

    def _on_readable(self) -> None:
        try:
            received = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._ended()
            return
        for frame in self._decoder.feed(received):
            # What it printed before it answered is in the pipe already: the log belongs to the answer.
            self.drain()
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(frame)

    def drain(self) -> None:
        """Takes in what has been printed."""
        while self._output >= 0:
            try:
                printed = os.read(self._output, READ_BYTES)
            except BlockingIOError:
                return
            if not printed:
                self._close_output()
                return
            self.on_output(printed)

    def _close_output(self) -> None:
        if self._output >= 0:
            self._loop.remove_reader(self._output)
            os.close(self._output)
            self._output = -1

    def _ended(self) -> None:
        self._loop.remove_reader(self._socket)
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        self.drain()
        self.died.set()
        self._loop.call_soon(self.on_died)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ProcessDied())

    def memory_mb(self, field: str = "rss") -> float:
        """Resident memory now ("rss") or the most it ever was ("peak"); 0 when it is gone or there is no /proc."""
        try:
            if field == "rss":
                return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE_BYTES / MIB
            status = Path(f"/proc/{self.pid}/status").read_text()
            return int(status.partition("VmHWM:")[2].split()[0]) / 1024
        except (OSError, IndexError, ValueError):
            return 0.0

    def signal(self, number: signal.Signals) -> None:
        """To the whole process group; nothing when it is gone."""
        # Not after it was reaped: the number may be somebody else's by then.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def kill(self, *, grace_ms: int = 0) -> None:
        """Ends the process and everything in its group; returns when it is gone. Twice does nothing."""
        if not self._is_open:
            return
        self._is_open = False
        if grace_ms and not self.died.is_set():
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGCONT)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.died.wait(), grace_ms / 1000)
        self.signal(signal.SIGKILL)
        if not self.died.is_set():
            self._ended()
        await self._reap()
        self.drain()
        self._close_output()
        self._socket.close()
        os.close(self._lifeline)

    async def _reap(self) -> None:
        pause = 0.0005
        waited = 0.0
        while self._process.poll() is None and waited < REAP_SECONDS_MAX:
            await asyncio.sleep(pause)
            waited += pause
            pause = min(pause * 2, 0.02)


def default_python() -> str:
    return sys.executable
