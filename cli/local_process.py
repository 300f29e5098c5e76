"""The local cloud as a process of ours: started, awaited, and stopped whatever happens to us.

Its standard input is a pipe that we hold: when we die, even by kill -9, the pipe closes and it stops by itself. It has
a session of its own, so that Ctrl-C reaches us alone and the order of stopping is ours.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
STOP_S_MAX = 8.0
"""Ours: how long it may take to stop its workers and instances."""
LOG_LINES_SHOWN = 15


class NotStarted(Exception):
    """The local cloud ended before it was ready; the message is what it said last."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class LocalProcess:
    """A running local cloud. `url` once it is ready."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self._process = process
        self._log = log
        self.url = ""

    @property
    def pid(self) -> int:
        """Also the id of its session."""
        return self._process.pid

    def wait_ready(self) -> str:
        """The address. Raises NotStarted."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            text = line.decode("utf-8", "replace").strip()
            if text.startswith("ready: "):
                self.url = text.removeprefix("ready: ")
                return self.url
        code = self._process.wait()
        raise NotStarted(self.last_words(), exit_code=code)

    def last_words(self) -> str:
        """The end of what it wrote to standard error."""
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        return "\n".join(lines[-LOG_LINES_SHOWN:])

    def stop(self) -> None:
        """Asks it to stop; after STOP_S_MAX kills it with all that is in its session."""
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()


@contextmanager
def local_process(options: Sequence[str]) -> Iterator[LocalProcess]:
    """`fleetrun local` with `options`; stopped at the end of the block, in every case that leaves us a say."""
    command = [sys.executable, "-m", "cli", "local", "--until-stdin-closes", *options]
    log = tempfile.TemporaryFile()  # noqa: SIM115  closed in stop()
    with _signals_as_exceptions():
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        local = LocalProcess(process, log)
        try:
            yield local
        finally:
            with _signals_ignored():
                local.stop()


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """A polite kill and a closed terminal unwind the stack, as Ctrl-C does."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """An impatient second Ctrl-C must not leave processes behind; stopping is bounded."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
