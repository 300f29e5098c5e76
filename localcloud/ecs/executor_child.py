"""One process of a script: started, listened to, killed. On the event loop's readers, no threads.

Started with `subprocess.Popen`, which forks with vfork; a session of its own, so that no Ctrl-C of ours reaches it and
its group can be killed. It has ended when the process has, even if something that it left behind still holds the pipe.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable

from localcloud.ecs.executor_launch import Launch
from localcloud.ecs.executor_output import Tail

READ_BYTES = 64 * 1024
LAST_BYTES_MAX = 1024 * 1024
"""Linux: the most that a pipe can hold. More was printed after the end, by something else."""
POLL_S = 0.01
"""Ours, where the system cannot tell of the end of a process (no pidfd)."""


class Child:
    """A running script. `on_output` when it has printed, `on_end` once, when it has ended and all was read."""

    def __init__(self, launch: Launch, *, on_output: Callable[[], None], on_end: Callable[[int], None]) -> None:
        """Raises OSError, ValueError when it can not be started."""
        self.tail = Tail()
        self._on_output = on_output
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._pipe, theirs = os.pipe()
        try:
            self._process = subprocess.Popen(
                launch.command,
                cwd=launch.folder,
                env=launch.environment,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                start_new_session=True,
            )
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(theirs)
        os.set_blocking(self._pipe, False)
        self._is_open = True
        self._pidfd = os.pidfd_open(self.pid) if hasattr(os, "pidfd_open") else -1
        self._loop.add_reader(self._pipe, self._read)
        if self._pidfd >= 0:
            self._loop.add_reader(self._pidfd, self._look)
        else:
            self._loop.call_later(POLL_S, self._look)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self, *, group: bool) -> None:
        """The script's process, or all of its group."""
        if self._process.returncode is None:  # else the number may be somebody else's by now
            with contextlib.suppress(ProcessLookupError, PermissionError):
                (os.killpg if group else os.kill)(self.pid, signal.SIGKILL)

    def close(self, *, wait_s: float) -> None:
        """Stops listening, and waits until the process, which was killed before, is gone."""
        self._release()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(wait_s)

    def _read(self) -> int:
        """Takes in what is there, at most one buffer of it; answers how much."""
        try:
            printed = os.read(self._pipe, READ_BYTES)
        except BlockingIOError:
            return 0
        if printed:
            self.tail.add(printed)
            self._on_output()
        else:
            self._loop.remove_reader(self._pipe)  # everybody closed it; the process may live on
        return len(printed)

    def _look(self) -> None:
        if not self._is_open:
            return
        code = self._process.poll()
        if code is None:
            if self._pidfd < 0:
                self._loop.call_later(POLL_S, self._look)
            return
        left = LAST_BYTES_MAX
        while left > 0 and (size := self._read()):
            left -= size
        self._release()
        self._on_end(code)

    def _release(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        self._loop.remove_reader(self._pipe)
        os.close(self._pipe)
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
