"""How scripts are run: what an executor is given, what it tells, and what both sides may rely on.

    executor.start_all(tasks)               at once; tells nothing yet
    watcher.started()                       when the script begins, if it does
    watcher.output(tail, dropped)           now and then, while it prints
    watcher.finished(…) | timed_out(…) |    exactly one of them, as the last word
        failed(…) | cancelled(…)
    watcher.ran(…)                          the first and the last word of a script that took no time

Every word comes from the timeline, never from within `start` or `cancel`: what a watcher changes is flushed with
everything else that was due. After `close` an executor is silent. Tasks of one call are begun in their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

TerminationMode = Literal["Process", "ProcessTree"]

OUTPUT_BYTES_MAX = 24 * 1024
"""The end of the output is kept, the rest is counted as dropped. Help page of InvokeCommand, 2025-12."""
RUNNING_MAX = 10
"""Scripts at once on one instance: the agent's task pool (aliyun_assist_client, 2024-02)."""


class Job(msgspec.Struct, frozen=True, gc=False):
    """One execution of a command on one instance. A msgspec Struct because there are many of them, as of `Row`s."""

    instance_id: str
    instance_name: str
    invoke_id: str
    command_type: str
    """RunShellScript, RunBatScript or RunPowerShellScript."""
    content: bytes
    """The script, its parameters already in place."""
    working_dir: str = ""
    """"" and /root: the home of the instance."""
    timeout_s: int = 60
    username: str = ""
    """"", root and System: the user that the executor runs as."""
    launcher: str = ""
    termination_mode: TerminationMode = "Process"
    environment: Mapping[str, str] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        """Without the script and its environment."""
        return f"Job({self.invoke_id} on {self.instance_id}, {self.command_type})"


class Watcher(Protocol):
    """Who is told. `tail`: the end of the output; `dropped`: how many bytes came before it and are gone."""

    def started(self) -> None: ...

    def output(self, tail: bytes, dropped: int) -> None:
        """The output so far, not what was added."""
        ...

    def finished(self, exit_code: int, tail: bytes, dropped: int) -> None:
        """The script ended by itself; -1: a signal that was not ours ended it."""
        ...

    def timed_out(self, tail: bytes, dropped: int) -> None:
        """It was killed because its time was up."""
        ...

    def failed(self, error_code: str, error_info: str, tail: bytes, dropped: int) -> None:
        """It could not be run. `error_code` is one of ECS, e.g. DirectoryNotExists."""
        ...

    def cancelled(self, exit_code: int | None, tail: bytes, dropped: int) -> None:
        """It was cancelled, running or not yet; None: it has no exit code."""
        ...

    def ran(self, exit_code: int, tail: bytes, dropped: int) -> None:
        """It began and ended by itself at the same moment: `started` and `finished` in one word."""
        ...


Task = tuple[Job, Watcher]


class Execution(Protocol):
    """A job that was started."""

    def cancel(self, tree: bool) -> None:  # noqa: FBT001  the agreed signature
        """Ends it, `tree`: with everything that it started. Does nothing when it has ended."""
        ...


class Executor(Protocol):
    """Runs jobs. Belongs to the thread of its event loop."""

    def start_all(self, tasks: Sequence[Task]) -> Sequence[Execution]:
        """One execution for each task, in the same order."""
        ...

    def close(self) -> None:
        """Ends everything that runs, without a word to the watchers. Returns when it is gone."""
        ...
