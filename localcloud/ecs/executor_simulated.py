"""Instances that only pretend: what a script would do stands in its comments, and happens on the timeline.

    # simulate: share=5% exit=3 output="no space left"
    # simulate: duration=200ms..2s output="hello from $ECS_INSTANCE_ID\n"

The lines are tried in their order: one with a share takes that part of all executions, one without takes what is left.
Without such a line a script succeeds at once, in silence. Fields: duration (ms, s or m; also a range), exit, output,
error (an ErrorCode), share. `rem` and `::` begin a comment as well as `#`. Chance is drawn from the seed, the run and
the instance, so that the same seed tells the same story in whatever order things are asked.
"""

from __future__ import annotations

import random
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from localcloud.clock import Entry, Timeline
from localcloud.ecs.executor_output import Tail
from localcloud.ecs.executors import RUNNING_MAX, Job, Task, Watcher
from localcloud.ids import Ids

DIRECTIVE = re.compile(r"^\s*(?:#|rem\s|::)\s*simulate:(.*)$", re.IGNORECASE | re.MULTILINE)
DURATION = re.compile(r"(\d{1,9})(ms|s|m)")
SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)%")
EXIT = re.compile(r"-?\d{1,9}")
UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000}
OUTPUT_INTERVAL_MS = 1_000
FIELDS = ("duration", "exit", "output", "error", "share")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an execution comes to. Its output is there from the start."""

    duration_ms: int = 0
    exit_code: int = 0
    output: bytes = b""
    error_code: str = ""
    """An ErrorCode: it can not be run; the rest counts for nothing but the output."""
    error_info: str = ""


Behaviour = Callable[[Job], Outcome]
"""Decides what becomes of a job."""


@dataclass(frozen=True, slots=True)
class Line:
    """One `simulate:` comment."""

    shortest_ms: int = 0
    longest_ms: int = 0
    exit_code: int = 0
    output: str = ""
    error_code: str = ""
    share: float = 1.0

    @property
    def is_certain(self) -> bool:
        """Nothing about it has to be drawn."""
        return self.share >= 1 and self.shortest_ms == self.longest_ms


class SimulatedExecutor:
    """Runs jobs without a process. `behaviour`: for tests that want to say themselves what happens."""

    def __init__(
        self,
        *,
        timeline: Timeline,
        ids: Ids | None = None,
        behaviour: Behaviour | None = None,
        running_max: int = RUNNING_MAX,
    ) -> None:
        self.timeline = timeline
        self.is_closed = False
        self._ids = ids or Ids(0)
        self._seed: int | None = None
        self._behaviour = behaviour or self._scripted
        self._running_max = running_max
        self._per_instance: dict[str, int] = {}

    def start_all(self, tasks: Sequence[Task]) -> list[_Pretence]:
        """One entry of the timeline begins them all, in their order, as so many entries would."""
        started = [_Pretence(self, job, watcher, self._outcome_of(job)) for job, watcher in tasks]
        self.timeline.after(0, lambda: _begin_all(started))
        return started

    def close(self) -> None:
        self.is_closed = True

    def gone(self, job: Job) -> None:
        left = self._per_instance[job.instance_id] - 1
        if left:
            self._per_instance[job.instance_id] = left
        else:
            del self._per_instance[job.instance_id]

    def _outcome_of(self, job: Job) -> Outcome:
        running = self._per_instance.get(job.instance_id, 0)
        self._per_instance[job.instance_id] = running + 1
        if running >= self._running_max:
            info = f"more than {self._running_max} scripts run on the instance"
            return Outcome(error_code="TaskConcurrencyLimit", error_info=info)
        return self._behaviour(job)

    def _scripted(self, job: Job) -> Outcome:
        try:
            lines = lines_of(job.content)
        except ValueError as error:
            return Outcome(error_code="ExecutionException", error_info=f"simulate: {error}")
        if not lines:
            return SILENT_SUCCESS
        if self._seed is None:
            self._seed = self._ids.stream("ecs.simulated").getrandbits(64)
        if lines[0].is_certain:
            return _outcome(lines[0], lines[0].shortest_ms, job)
        draw = random.Random(f"{self._seed}:{job.invoke_id}:{job.instance_id}")
        return _drawn(lines, draw, job)


NOTHING = (b"", 0)
"""What a script that prints nothing has told."""
SILENT_SUCCESS = Outcome()


class _Pretence:
    """One execution."""

    __slots__ = ("_entry", "_executor", "_is_over", "_is_running", "_job", "_left_ms", "_outcome", "_watcher")

    def __init__(self, executor: SimulatedExecutor, job: Job, watcher: Watcher, outcome: Outcome) -> None:
        self._executor = executor
        self._job = job
        self._watcher = watcher
        self._outcome = outcome
        self._is_running = self._is_over = False
        self._left_ms = outcome.duration_ms and min(outcome.duration_ms, job.timeout_s * 1_000)
        self._entry: Entry | None = None
        """What comes next; None: its beginning, with the others."""

    def cancel(self, tree: bool) -> None:  # noqa: ARG002, FBT001  the agreed signature
        if self._is_over:
            return
        if self._entry is not None:
            self._entry.cancel()
        self._entry = self._executor.timeline.after(0, self._cancelled)

    def begin(self) -> None:
        """Unless it was cancelled before."""
        if self._executor.is_closed or self._entry is not None or self._is_over:
            return
        outcome = self._outcome
        if outcome.error_code:
            self._watcher.failed(outcome.error_code, outcome.error_info, *self._over())
        elif self._left_ms == 0:
            self._watcher.ran(outcome.exit_code, *self._over())
        else:
            self._start()

    def _start(self) -> None:
        self._is_running = True
        self._watcher.started()
        if self._outcome.output and self._left_ms > OUTPUT_INTERVAL_MS:
            self._left_ms -= OUTPUT_INTERVAL_MS
            self._entry = self._executor.timeline.after(OUTPUT_INTERVAL_MS, self._report)
        else:
            self._entry = self._executor.timeline.after(self._left_ms, self._end)

    def _report(self) -> None:
        if self._executor.is_closed:
            return
        self._entry = self._executor.timeline.after(self._left_ms, self._end)
        self._watcher.output(*self._told())

    def _end(self) -> None:
        if self._executor.is_closed:
            return
        told = self._over()
        if self._outcome.duration_ms > self._job.timeout_s * 1_000:
            self._watcher.timed_out(*told)
        else:
            self._watcher.finished(self._outcome.exit_code, *told)

    def _cancelled(self) -> None:
        if self._executor.is_closed:
            return
        told = self._over()
        self._watcher.cancelled(None, *(told if self._is_running else NOTHING))

    def _over(self) -> tuple[bytes, int]:
        """Its last words: the end of its output, and how much came before."""
        self._is_over = True
        self._executor.gone(self._job)
        return self._told()

    def _told(self) -> tuple[bytes, int]:
        if not self._outcome.output:
            return NOTHING
        tail = Tail()
        tail.add(self._outcome.output)
        return tail.tail, tail.dropped


def _begin_all(started: Sequence[_Pretence]) -> None:
    for one in started:
        one.begin()


@lru_cache(maxsize=128)
def lines_of(content: bytes) -> tuple[Line, ...]:
    """The directives of a script. Raises ValueError, naming field and value. Cached: one script, many instances."""
    return tuple(_line(match.group(1)) for match in DIRECTIVE.finditer(content.decode("utf-8", "replace")))


def _line(text: str) -> Line:
    fields: dict[str, str] = {}
    for word in shlex.split(text):
        name, equals, value = word.partition("=")
        if not equals or name not in FIELDS:
            raise ValueError(f"{word!r} is not known; there are {', '.join(FIELDS)}, each as name=value")
        fields[name] = value
    shortest, _, longest = fields.get("duration", "0ms").partition("..")
    line = Line(
        shortest_ms=_duration(shortest),
        longest_ms=_duration(longest or shortest),
        exit_code=int(_matching(EXIT, "exit", fields.get("exit", "0"), "a whole number").group()),
        output=fields.get("output", "").replace("\\n", "\n"),
        error_code=fields.get("error", ""),
        share=float(_matching(SHARE, "share", fields.get("share", "100%"), "a percentage, e.g. 5%").group(1)) / 100,
    )
    if line.longest_ms < line.shortest_ms:
        raise ValueError(f"duration is {fields['duration']!r}; it goes from the shorter to the longer")
    return line


def _duration(text: str) -> int:
    match = _matching(DURATION, "duration", text, "a time or a range of times, e.g. 200ms or 1s..3s")
    return int(match.group(1)) * UNIT_MS[match.group(2)]


def _matching(pattern: re.Pattern[str], name: str, value: str, right: str) -> re.Match[str]:
    match = pattern.fullmatch(value)
    if match is None:
        raise ValueError(f"{name} is {value[:40]!r}; it must be {right}")
    return match


def _drawn(lines: tuple[Line, ...], draw: random.Random, job: Job) -> Outcome:
    lot = draw.random()
    for line in lines:
        if lot < line.share:
            return _outcome(line, draw.randint(line.shortest_ms, line.longest_ms), job)
        lot -= line.share
    return Outcome()


def _outcome(line: Line, duration_ms: int, job: Job) -> Outcome:
    output = line.output.replace("$ECS_INSTANCE_ID", job.instance_id)
    output = output.replace("$ECS_INSTANCE_NAME", job.instance_name)
    return Outcome(
        duration_ms=duration_ms,
        exit_code=line.exit_code,
        output=output.encode(),
        error_code=line.error_code,
        error_info="simulated" if line.error_code else "",
    )
