"""What the Describe operations of Cloud Assistant select: invocations, and the rows of invocations.

Unknown ids in a filter find nothing; that is not an error (the pages have no such code).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from localcloud.ecs.errors import EcsError
from localcloud.ecs.limits import Limits
from localcloud.ecs.runs import Run, Runs
from localcloud.ecs.statuses import ENDS, NEW_FILTERS, OLD, OLD_FILTERS, SUCCESS, overall, overall_old
from localcloud.ecs.tagging import check_tags
from localcloud.ecs.values import Invocation, Row, Tags

HISTORY_MODES = ("Period", "EveryReboot")


@dataclass(frozen=True, slots=True)
class InvocationFilter:
    """What DescribeInvocations can be narrowed by. "" and None: not at all."""

    region: str
    invoke_id: str = ""
    command_id: str = ""
    command_name: str = ""
    command_type: str = ""
    instance_id: str = ""
    """With it, `command_name` and `repeat_mode` have no effect, and only that instance's row is shown."""
    repeat_mode: str = ""
    status: str = ""
    timed: bool | None = None
    resource_group_id: str = ""
    tags: Tags = ()


@dataclass(frozen=True, slots=True)
class ResultFilter:
    """What DescribeInvocationResults can be narrowed by."""

    region: str
    invoke_id: str = ""
    instance_id: str = ""
    command_id: str = ""
    status: str = ""
    with_history: bool = False
    resource_group_id: str = ""
    tags: Tags = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """An invocation as it is shown."""

    invocation: Invocation
    rows: tuple[Row, ...]
    status: str
    status_old: str
    fires_again: bool


@dataclass(frozen=True, slots=True)
class Result:
    """One row, or one ended firing of it, with its invocation. `key`: its place in lists."""

    invocation: Invocation
    row: Row
    key: tuple[int, int, int]


class Queries:
    """Errors: EcsError."""

    def __init__(self, *, runs: Runs, limits: Limits) -> None:
        self._runs = runs
        self._limits = limits

    def invocations(self, wanted: InvocationFilter) -> list[Run]:
        """Newest first."""
        check_tags(wanted.tags, self._limits)
        return [run for run in self._candidates(wanted) if self._fits(run, wanted)]

    def seen(self, run: Run, wanted: InvocationFilter) -> Seen:
        rows = tuple(run.rows.values())
        statuses = [row.status for row in rows]
        if wanted.instance_id:
            rows = (run.rows[wanted.instance_id],)
        fires_again = run.invocation.is_schedule and not run.has_ended
        return Seen(run.invocation, rows, overall(statuses), overall_old(statuses), fires_again)

    def results(self, wanted: ResultFilter) -> list[Result]:
        """Newest invocation first; its rows in the order of the call, the firings of each newest first."""
        check_tags(wanted.tags, self._limits)
        if wanted.with_history and not wanted.invoke_id:
            raise EcsError("MissingParameter", "IncludeHistory needs InvokeId.")
        found: list[Result] = []
        for run in self._candidates(wanted):
            invocation = run.invocation
            if wanted.resource_group_id in ("", invocation.resource_group_id):
                history = wanted.with_history and invocation.repeat_mode in HISTORY_MODES
                found.extend(result for result in _rows(run, wanted.instance_id, history=history))
        return [result for result in found if status_fits(wanted.status, result.row.status)]

    def _candidates(self, wanted: InvocationFilter | ResultFilter) -> list[Run]:
        if not wanted.invoke_id:
            return self._runs.select(
                wanted.region, command_id=wanted.command_id, instance_id=wanted.instance_id, tags=wanted.tags
            )
        self._runs.forget()
        run = self._runs.find(wanted.region, wanted.invoke_id)
        if run is None:
            return []
        fits = (
            wanted.command_id in ("", run.invocation.command_id)
            and (not wanted.instance_id or wanted.instance_id in run.rows)
            and all(value in ("", run.invocation.tags.get(key)) for key, value in wanted.tags)
            and all(key in run.invocation.tags for key, _ in wanted.tags)
        )
        return [run] if fits else []

    def _fits(self, run: Run, wanted: InvocationFilter) -> bool:
        invocation = run.invocation
        by_instance = bool(wanted.instance_id)
        timed = wanted.timed
        if timed is None and self._limits.filters_timed_by_default:
            timed = False
        return (
            (by_instance or wanted.command_name in ("", invocation.command_name))
            and (by_instance or wanted.repeat_mode in ("", invocation.repeat_mode))
            and wanted.command_type in ("", invocation.command_type)
            and wanted.resource_group_id in ("", invocation.resource_group_id)
            and (timed is None or timed == (invocation.is_schedule and not run.has_ended))
            and self._status_fits(run, wanted)
        )

    def _status_fits(self, run: Run, wanted: InvocationFilter) -> bool:
        """PartialFailed has no effect together with InstanceId, as the page says."""
        if not wanted.status or (wanted.instance_id and wanted.status == "PartialFailed"):
            return True
        if wanted.instance_id:
            return status_fits(wanted.status, run.rows[wanted.instance_id].status)
        statuses = [row.status for row in run.rows.values()]
        return wanted.status == (overall_old(statuses) if wanted.status in OLD_FILTERS else overall(statuses))


def status_fits(wanted: str, status: str) -> bool:
    return not wanted or wanted == (OLD[status] if wanted in OLD_FILTERS else status)


def check_status_filter(name: str, value: str) -> None:
    """`name`: of the parameter. Raises InvalidParameter for a word that its page does not know."""
    known = OLD_FILTERS | (NEW_FILTERS if name == "InvokeStatus" else SUCCESS)
    if value and value not in known:
        raise EcsError("InvalidParameter", f"{name} is {value[:40]!r}; {', '.join(sorted(known))}.")


def _rows(run: Run, instance_id: str, *, history: bool) -> Iterator[Result]:
    number = -run.invocation.number
    for index, row in enumerate(run.rows.values()):
        if instance_id not in ("", row.instance_id):
            continue
        firings = run.history.get(row.instance_id, []) if history else []
        # The latest firing, once it has ended, is in the history too.
        if not firings or row.status in ENDS or row.repeats != firings[-1].repeats:
            yield Result(run.invocation, row, (number, index, -row.repeats - 1))
        for firing in reversed(firings):
            if not (row.status in ENDS and firing.repeats == row.repeats):
                yield Result(run.invocation, firing, (number, index, -firing.repeats))
