"""Instances that really run their scripts: each in a folder of its own, each script in a session of its own.

What is killed when: at the timeout and at a cancel the script's process (Process), or everything that it started
(ProcessTree), found by the marker in its environment; at `close`, and when this process dies in whatever way,
everything that any script started (see executor_guard).
"""

from __future__ import annotations

import asyncio
import resource
import secrets
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from localcloud.clock import Entry, Timeline
from localcloud.ecs import executor_guard
from localcloud.ecs.executor_child import Child
from localcloud.ecs.executor_launch import CannotLaunch, Launch, file_name, powershell, prepare
from localcloud.ecs.executor_simulated import SimulatedExecutor
from localcloud.ecs.executors import RUNNING_MAX, Execution, Executor, Job, Task, Watcher

OUTPUT_INTERVAL_MS = 1_000
"""How often what a script has printed so far is told: the least that the agent takes as its interval."""
PROCESSES_MAX = 256
"""Ours: scripts at once on all instances together. Those above it begin later, and so do their timeouts."""
FILES_KEPT = 128
"""Ours: open files that are left to the rest of the local cloud."""
FILES_PER_PROCESS = 2
CLOSE_S_MAX = 2.0
"""Ours: killed processes are gone within milliseconds."""
TREE_PASSES_MAX = 20
SCRIPTS = ".scripts"


class ProcessExecutor:
    """Runs jobs with the shell of this machine. Instance `i-…` has `folder`/i-… as its home.

    Windows scripts go to `simulated`: Bat always, PowerShell where there is no `pwsh`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        timeline: Timeline,
        simulated: Executor | None = None,
        running_max: int = RUNNING_MAX,
        processes_max: int = PROCESSES_MAX,
        output_interval_ms: int = OUTPUT_INTERVAL_MS,
    ) -> None:
        self.folder = folder
        self.timeline = timeline
        self.output_interval_ms = output_interval_ms
        self.is_closed = False
        self._simulated = simulated or SimulatedExecutor(timeline=timeline, running_max=running_max)
        self._running_max = running_max
        self._processes_max = min(processes_max, _affordable())
        self._marker = secrets.token_hex(8)
        self._number = 0
        self._per_instance: Counter[str] = Counter()
        self._waiting: deque[_Script] = deque()
        self._running: set[_Script] = set()
        self._is_launching = False
        self._condemned: set[str] = set()
        self._guard: subprocess.Popen[bytes] | None = None

    def start_all(self, tasks: Sequence[Task]) -> list[Execution]:
        """Must be called on the event loop."""
        return [self._start(job, watcher) for job, watcher in tasks]

    def _start(self, job: Job, watcher: Watcher) -> Execution:
        if self.is_closed:
            raise RuntimeError("the executor is closed")
        if job.command_type == "RunBatScript" or (job.command_type == "RunPowerShellScript" and powershell() is None):
            return self._simulated.start_all([(job, watcher)])[0]
        self._number += 1
        script = _Script(self, job, watcher, number=self._number, mark=f"{self._marker}.{self._number}.")
        if self._per_instance[job.instance_id] >= self._running_max:
            script.refuse("TaskConcurrencyLimit", f"more than {self._running_max} scripts run on the instance")
            return script
        self._per_instance[job.instance_id] += 1
        self._waiting.append(script)
        self._launch_soon()
        return script

    def close(self) -> None:
        """Kills everything that scripts have started; returns when it is gone."""
        if self.is_closed:
            return
        self.is_closed = True
        self._simulated.close()
        self._waiting.clear()
        children = [script.child for script in self._running if script.child is not None]
        for child in children:
            child.kill(group=True)
        if self._guard is not None:
            executor_guard.sweep(self._marker + ".")
        end = time.monotonic() + CLOSE_S_MAX
        for child in children:
            child.close(wait_s=max(0.0, end - time.monotonic()))
        self._running.clear()
        if self._guard is not None:
            _dismiss(self._guard)

    # -- what a script asks of us -------------------------------------------------------------------------------------

    def launch_of(self, script: _Script) -> Launch:
        """Raises CannotLaunch, OSError."""
        job, scripts = script.job, self.folder / SCRIPTS
        scripts.mkdir(parents=True, exist_ok=True)
        home = self.folder / file_name(job.instance_id)
        return prepare(job, home=home, scripts=scripts, mark=script.mark, number=script.number)

    def gone(self, script: _Script) -> None:
        """It has ended, or will not begin: its place is free."""
        self._running.discard(script)
        self._per_instance[script.job.instance_id] -= 1
        if not self._per_instance[script.job.instance_id]:
            del self._per_instance[script.job.instance_id]
        self._launch_soon()

    def kill_tree(self, mark: str) -> None:
        """Soon, and together with others: each look at all processes costs milliseconds."""
        if not self._condemned:
            asyncio.get_running_loop().call_soon(self._kill_condemned, TREE_PASSES_MAX)
        self._condemned.add(mark)

    # -- ours ---------------------------------------------------------------------------------------------------------

    def _launch_soon(self) -> None:
        if self._waiting and not self._is_launching and not self.is_closed:
            self._is_launching = True
            asyncio.get_running_loop().call_soon(self._launch_one)

    def _launch_one(self) -> None:
        """One per turn of the loop: between two starts, a millisecond each, requests are answered."""
        self._is_launching = False
        if self.is_closed or not self._waiting or len(self._running) >= self._processes_max:
            return
        script = self._waiting.popleft()
        if not script.is_over:
            self._start_guard()
            self._running.add(script)
            script.begin()
        self._launch_soon()

    def _start_guard(self) -> None:
        if self._guard is None:
            command = [sys.executable, "-I", "-S", executor_guard.__file__, self._marker + "."]
            self._guard = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True, cwd="/", env={}
            )

    def _kill_condemned(self, passes: int) -> None:
        """Again until nothing is found: a process may have been started while we looked."""
        marks = {} if self.is_closed else executor_guard.marked_by(self._marker + ".")
        found = [pid for mark in self._condemned for pid in marks.get(mark, ())]
        executor_guard.kill(found)
        if found and passes > 1:
            asyncio.get_running_loop().call_soon(self._kill_condemned, passes - 1)
        else:
            self._condemned.clear()


class _Script:
    """One execution, from its place in the queue to its last word."""

    def __init__(self, executor: ProcessExecutor, job: Job, watcher: Watcher, *, number: int, mark: str) -> None:
        self.job = job
        self.number = number
        self.mark = mark
        self.child: Child | None = None
        self.is_over = False
        self._executor = executor
        self._watcher = watcher
        self._launch: Launch | None = None
        self._deadline: Entry | None = None
        self._report: Entry | None = None
        self._cause: Literal["timeout", "cancel"] | None = None

    def refuse(self, code: str, info: str) -> None:
        self.is_over = True
        self._tell(lambda: self._watcher.failed(code, info, b"", 0))

    def begin(self) -> None:
        try:
            self._launch = self._executor.launch_of(self)
            self.child = Child(self._launch, on_output=self._printed, on_end=self._ended)
        except CannotLaunch as error:
            self._end_unstarted(error.code, error.info)
        except (OSError, ValueError) as error:
            self._end_unstarted("ExecutionException", f"the script can not be started: {_words(error)}")
        else:
            self._deadline = self._executor.timeline.after(self.job.timeout_s * 1000, self._expire)
            self._tell(self._watcher.started)

    def cancel(self, tree: bool) -> None:  # noqa: FBT001  the agreed signature
        if self.is_over:
            return
        if self.child is not None:
            self._kill("cancel", tree=tree)
            return
        self.is_over = True
        self._executor.gone(self)
        self._tell(lambda: self._watcher.cancelled(None, b"", 0))

    def _expire(self) -> None:
        self._kill("timeout", tree=self.job.termination_mode == "ProcessTree")

    def _kill(self, cause: Literal["timeout", "cancel"], *, tree: bool) -> None:
        assert self.child is not None
        self._cause = self._cause or cause
        self.child.kill(group=tree)
        if tree:
            self._executor.kill_tree(self.mark)

    def _printed(self) -> None:
        if self._report is None:
            self._report = self._executor.timeline.after(self._executor.output_interval_ms, self._report_output)

    def _report_output(self) -> None:
        self._report = None
        if self.child is not None and not self.is_over and not self._executor.is_closed:
            self._watcher.output(self.child.tail.tail, self.child.tail.dropped)

    def _ended(self, code: int) -> None:
        assert self.child is not None
        tail, dropped = self.child.tail.tail, self.child.tail.dropped
        self._finish()
        if code >= 0 or self._cause is None:
            # It ended by itself, even if we were about to kill it; a signal that was not ours shows as -1.
            self._tell(lambda: self._watcher.finished(max(code, -1), tail, dropped))
        elif self._cause == "timeout":
            self._tell(lambda: self._watcher.timed_out(tail, dropped))
        else:
            self._tell(lambda: self._watcher.cancelled(None, tail, dropped))

    def _end_unstarted(self, code: str, info: str) -> None:
        self._finish()
        self._tell(lambda: self._watcher.failed(code, info, b"", 0))

    def _finish(self) -> None:
        self.is_over = True
        for entry in (self._deadline, self._report):
            if entry is not None:
                entry.cancel()
        if self._launch is not None:
            self._launch.script.unlink(missing_ok=True)
        self._executor.gone(self)

    def _tell(self, word: Callable[[], None]) -> None:
        self._executor.timeline.after(0, lambda: None if self._executor.is_closed else word())


def _affordable() -> int:
    """How many processes the limit of open files lets us have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return PROCESSES_MAX if soft < 0 else max(1, (soft - FILES_KEPT) // FILES_PER_PROCESS)


def _dismiss(guard: subprocess.Popen[bytes]) -> None:
    assert guard.stdin is not None
    guard.stdin.close()
    try:
        guard.wait(CLOSE_S_MAX)
    except subprocess.TimeoutExpired:
        guard.kill()
        guard.wait()


def _words(error: Exception) -> str:
    """Of the system, without the names of our files."""
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)
