"""`fleetrun status`, `runs`, `quota`: what the rows say of runs and of a day."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

import click

from cli import exits, options

if TYPE_CHECKING:
    from cli.connection import Connection
    from cli.unfinished import Unreadable
    from shared.core.model import Run

DAYS_BACK_MAX = 7
"""Ours: how far back `fleetrun runs` looks for enough lines."""
DAMAGED = "Damaged"
"""Instead of a status: the row cannot be read."""
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")


@click.command()
@options.run_name
@options.wait
@options.as_json
@options.endpoint
def status(*, name: str, wait: bool, as_json: bool, endpoint: str | None) -> None:
    """How far a run is: status, counts, excluded, failed, units.

    RUN is a run id, a request id, or the message id of a message that was rejected. Exit code 1 also while targets
    have not ended yet.
    """
    from cli import ends, run_names, watch
    from cli.connection import connect

    connection = connect(endpoint)
    if wait:
        run = ends.followed(connection, watch.Awaited(run_names.find_run(connection.runs, name).run_id, ""))
    else:
        run = run_names.find_run(connection.runs, name)
    ends.print_end(connection, run, as_json=as_json)
    options.leave(exits.of_run(run.status))


@click.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, help="Runs to show; default 20.")
@click.option("--unfinished", "only_unfinished", is_flag=True, help="Those that have not ended, however old they are.")
@click.option("--instance", metavar="ID", help="Only runs that had this instance as a target, and how it ended there.")
@options.as_json
@options.endpoint
def runs(*, limit: int, only_unfinished: bool, instance: str | None, as_json: bool, endpoint: str | None) -> None:
    """The recent runs, newest first.

    --unfinished says of each when its next step is due, or since when: what is overdue for minutes hangs, and
    fleetrun doctor says more. --instance looks through the targets of the same --limit runs.
    """
    from cli import report, show
    from cli.connection import connect

    connection = connect(endpoint)
    found, damaged = (unfinished_runs if only_unfinished else recent_runs)(connection, limit=limit)
    ends = {run.run_id: _end_on(connection, run, instance) for run in found} if instance else {}
    shown = [run for run in found if not instance or ends[run.run_id]]
    if as_json:
        lines = [report.run_json(run) | ({"target": ends[run.run_id]} if instance else {}) for run in shown]
        show.as_json([*lines, *({"runId": each.run_id, "status": DAMAGED, "reason": each.reason} for each in damaged)])
        return
    for each in damaged:
        _print_damaged(each)
    if not shown and not damaged:
        where = f" had {show.one_line(instance)} as a target" if instance else ""
        which = "that have not ended" if only_unfinished else f"in the last {DAYS_BACK_MAX} days"
        show.err().print(f"No runs {which}{where}.")
    for run in shown:
        _print_line(run, str((ends.get(run.run_id) or {}).get("status", "")))
        if only_unfinished:
            show.out().print(f"    {_due(run, now_ms=connection.now_ms)}")


def _end_on(connection: Connection, run: Run, instance_id: str) -> dict[str, object]:
    """The run's line for this instance; {} when it was no target of it."""
    from cli import report

    for chunk in report.chunks_of(connection.runs, run):
        for target in chunk.targets:
            if target.instance_id == instance_id:
                return report.target_json(target)
    for each in connection.runs.read_excluded(run):
        if each.instance_id == instance_id:
            return {**report.excluded_json(each), "status": "Excluded"}
    return {}


def _print_line(run: Run, end: str) -> None:
    from rich.text import Text

    from cli import report, show, summary

    line = report.run_json(run)
    request = show.one_line(run.request_id)[:40]
    told = (
        (f"{end:<10}", summary.style_of(str(end))) if end else f"{run.counts.get('Success', 0):>6,}/{run.requested:<6,}"
    )
    show.out().print(
        Text.assemble(
            f"{run.run_id}  {line['acceptedAt'][:19]}Z  ",
            (f"{run.status:<13}", summary.style_of(run.status)),
            " ",
            told,
            f" {request}",
        )
    )


def _print_damaged(damaged: Unreadable) -> None:
    """Whether it had the instance that was asked for, nobody can tell: it is shown."""
    from rich.text import Text

    from cli import show

    reason = show.one_line(damaged.reason)
    show.out().print(Text.assemble(f"{damaged.run_id}  {'':<20}  ", (f"{DAMAGED:<13}", "bold red"), f" {reason}"))


def _due(run: Run, *, now_ms: int) -> str:
    """When the next step comes, by the row."""
    waits_s = (max(run.due_ms, run.lease_until_ms) - now_ms) // 1000
    told = f"next step in {waits_s:,} s" if waits_s >= 0 else f"next step overdue by {-waits_s:,} s"
    tried = f", tried {run.attempts} times in vain" if run.attempts > 1 else ""
    deferred = f", waits for the units of {run.deferred_to}" if run.deferred_to else ""
    return told + tried + deferred


def unfinished_runs(connection: Connection, *, limit: int) -> tuple[list[Run], list[Unreadable]]:
    """The newest of those that have not ended, newest first; and those that cannot be read."""
    from cli import report, unfinished

    found = [run for run in unfinished.heads(connection.runs) if not report.is_ended(run)]
    newest = sorted(found, key=lambda run: (-run.accepted_ms, run.run_id))[:limit]
    return newest, list(islice(unfinished.unreadable(connection.runs), limit))


def recent_runs(connection: Connection, *, limit: int) -> tuple[list[Run], list[Unreadable]]:
    """The newest runs of the last days, newest first; and those of them that cannot be read."""
    from cli import unfinished
    from shared.core.days import DAY_MS, day_of

    ids: list[str] = []
    for back in range(DAYS_BACK_MAX):
        day, after = day_of(connection.now_ms - back * DAY_MS), ""
        while len(ids) < limit:
            page = connection.runs.recent(day, after=after, limit=min(100, limit - len(ids)))
            if not page:
                break
            ids += [line.run_id for line in page]
            after = page[-1].position
    found = connection.runs.read_runs(ids)
    return [found[run_id] for run_id in ids if run_id in found], unfinished.unreadable_of(connection.runs, ids, found)


@click.command()
@click.option("--day", metavar="YYYY-MM-DD", help="Default: today in UTC+8.")
@click.option("--region", metavar="REGION", help="Default: the deployment's.")
@options.as_json
@options.endpoint
def quota(*, day: str | None, region: str | None, as_json: bool, endpoint: str | None) -> None:
    """The day's units: used, left, and by which runs.

    The limit is what the functions keep to, as the last run of that day or of the week before has left it in its row.
    """
    from cli import report, show
    from cli.connection import connect
    from shared.core.days import day_of

    wanted = _checked_day(day)
    connection = connect(endpoint)
    units = report.read_units(connection, region or connection.settings.region, wanted or day_of(connection.now_ms))
    told = report.units_json(units)
    if as_json:
        show.as_json({**told, "byRun": units.by_run})
        return
    limit = "as many as ECS allows" if units.limit is None else f"{units.limit:,}"
    left = "" if told["left"] is None else f", {told['left']:,} left"
    closed = "; ECS says the day is used up" if units.closed else ""
    if units.limit_from == "here":
        closed += "; the limit is this command's, no run has told the deployment's lately"
    place = show.one_line(units.region)
    show.out().print(f"{place}  {units.day} (UTC+8)  {units.used:,} of {limit} units used{left}{closed}")
    for run_id in sorted(units.by_run, key=lambda each: (-units.by_run[each], each)):
        show.out().print(f"  {units.by_run[run_id]:>6,}  {run_id}")


def _checked_day(text: str | None) -> str | None:
    """Raises Refused for what is no day."""
    from shared.core.errors import Refused

    if text is None:
        return None
    try:
        if not _DAY.match(text):
            raise ValueError(text)
        datetime.strptime(text, "%Y-%m-%d")  # noqa: DTZ007  a day, not a moment
    except ValueError:
        raise Refused(f"--day {text!r}: a day looks like 2026-01-05", code="BadUsage") from None
    return text
