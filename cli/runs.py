"""`fleetrun status`, `results`, `runs`, `quota`: what the rows say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from cli import exits, options

if TYPE_CHECKING:
    from cli.connection import Connection
    from cli.report import Report
    from shared.core.model import Run

DAYS_BACK_MAX = 7
"""Ours: how far back `fleetrun runs` looks for enough lines."""


@click.command()
@options.run_id
@options.as_json
@options.endpoint
def status(*, run_id: str, as_json: bool, endpoint: str | None) -> None:
    """How far a run is: status, counts, excluded, failed, units."""
    from cli import report
    from cli.connection import connect
    from cli.invoke import print_end

    connection = connect(endpoint)
    run = report.read_run(connection.runs, run_id)
    print_end(connection, run, as_json=as_json)
    options.leave(exits.of_run(run.status))


@click.command()
@options.run_id
@click.option("--status", "only", metavar="STATUS", multiple=True, help="Only targets of this status; repeatable.")
@click.option("--output", is_flag=True, help="Print the whole output of each target.")
@options.as_json
@options.endpoint
def results(*, run_id: str, only: tuple[str, ...], output: bool, as_json: bool, endpoint: str | None) -> None:
    """Every target of a run and how it ended, the excluded included."""
    from cli import report, show
    from cli.connection import connect

    connection = connect(endpoint)
    run = report.read_run(connection.runs, run_id)
    found = report.read_report(connection, run)
    outputs = _outputs(connection, run) if output else {}
    lines = [line for line in _lines(found, outputs) if not only or line["status"] in only]
    if as_json:
        show.as_json(lines)
    else:
        _print_results(lines, is_whole=output)
    options.leave(exits.of_run(run.status))


def _outputs(connection: Connection, run: Run) -> dict[str, str]:
    """Whole outputs by instance id."""
    from cli import report

    found: dict[str, str] = {}
    for chunk in report.chunks_of(connection.runs, run):
        for index, output in connection.runs.read_outputs(run.run_id, chunk.number).items():
            found[chunk.targets[index].instance_id] = output.decode("utf-8", "replace")
    return found


def _lines(found: Report, outputs: dict[str, str]) -> Iterator[dict[str, Any]]:
    from cli import report

    for target in found.targets:
        line = report.target_json(target)
        yield line | {"output": outputs.get(target.instance_id, line["output"])}
    for each in found.excluded:
        yield {**report.excluded_json(each), "status": "Excluded"}


def _print_results(lines: list[dict[str, Any]], *, is_whole: bool) -> None:
    from rich.text import Text

    from cli import show, summary

    for line in lines:
        code = "" if line.get("exitCode") is None else f"exit {line['exitCode']}"
        said = line["reason"] if line["status"] == "Excluded" else line["output"] or line["errorInfo"]
        told = "" if is_whole else show.first_lines(said, width=40)
        show.out().print(
            Text.assemble(
                f"{show.harmless(line['name']) or '(no name)':<16} {show.harmless(line['instanceId']):<24} ",
                (f"{line['status']:<10}", summary.style_of(line["status"])),
                f" {code:<8} {told}".rstrip(),
            )
        )
        if is_whole and said:
            show.out().print("".join(f"    {each}\n" for each in show.harmless(said).splitlines()), end="")


@click.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, help="Runs to show; default 20.")
@options.as_json
@options.endpoint
def runs(*, limit: int, as_json: bool, endpoint: str | None) -> None:
    """The recent runs, newest first."""
    from rich.text import Text

    from cli import report, show, summary
    from cli.connection import connect

    found = recent_runs(connect(endpoint), limit=limit)
    if as_json:
        show.as_json([report.run_json(run) for run in found])
        return
    if not found:
        show.err().print(f"No runs in the last {DAYS_BACK_MAX} days.")
    for run in found:
        line = report.run_json(run)
        show.out().print(
            Text.assemble(
                f"{run.run_id}  {line['acceptedAt'][:19]}Z  ",
                (f"{run.status:<13}", summary.style_of(run.status)),
                f" {run.counts.get('Success', 0):>6,}/{run.requested:<6,} {show.harmless(run.request_id)[:40]}",
            )
        )


def recent_runs(connection: Connection, *, limit: int) -> list[Run]:
    """The newest runs of the last days, newest first."""
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
    return [found[run_id] for run_id in ids if run_id in found]


@click.command()
@click.option("--day", metavar="YYYY-MM-DD", help="Default: today in UTC+8.")
@click.option("--region", metavar="REGION", help="Default: the deployment's.")
@options.as_json
@options.endpoint
def quota(*, day: str | None, region: str | None, as_json: bool, endpoint: str | None) -> None:
    """The day's units: used, left, and by which runs."""
    from cli import report, show
    from cli.connection import connect
    from shared.core.days import day_of

    connection = connect(endpoint)
    units = report.read_units(connection, region or connection.settings.region, day or day_of(connection.now_ms))
    told = report.units_json(units)
    if as_json:
        show.as_json({**told, "byRun": units.by_run})
        return
    limit = "as many as ECS allows" if units.limit is None else f"{units.limit:,}"
    left = "" if told["left"] is None else f", {told['left']:,} left"
    closed = "; ECS says the day is used up" if units.closed else ""
    show.out().print(f"{units.region}  {units.day} (UTC+8)  {units.used:,} of {limit} units used{left}{closed}")
    for run_id in sorted(units.by_run, key=lambda each: (-units.by_run[each], each)):
        show.out().print(f"  {units.by_run[run_id]:>6,}  {run_id}")
