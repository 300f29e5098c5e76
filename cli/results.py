"""`fleetrun results`: every target of a run and how it ended, with its whole output where it is asked for."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from cli import exits, options

if TYPE_CHECKING:
    from cli.connection import Connection
    from cli.report import Report
    from shared.core.model import Run


@click.command()
@options.run_name
@click.option("--status", "only", metavar="STATUS", multiple=True, help="Only targets of this status; repeatable.")
@click.option("--instance", metavar="ID", multiple=True, help="Only this target; repeatable.")
@click.option("--output", is_flag=True, help="Print the whole output of each target, not its first line.")
@options.as_json
@options.endpoint
def results(
    *,
    name: str,
    only: tuple[str, ...],
    instance: tuple[str, ...],
    output: bool,
    as_json: bool,
    endpoint: str | None,
) -> None:
    """Every target of a run and how it ended, those excluded, too.

    --json holds whole outputs, as they are; one that is not UTF-8 comes as `outputBase64`, too. Exit code 1 also
    while targets have not ended yet.
    """
    from cli import report, run_names, show
    from cli.connection import connect

    _check_statuses(only)
    connection = connect(endpoint)
    run = run_names.find_run(connection.runs, name)
    outputs = _outputs(connection, run) if output or as_json else {}
    lines = [
        line
        for line in _lines(report.read_report(connection, run), outputs)
        if (not only or line["status"] in only) and (not instance or line["instanceId"] in instance)
    ]
    if as_json:
        show.as_json(lines)
    else:
        for line in lines:
            _print_line(line, is_whole=output)
    options.leave(exits.of_run(run.status))


def _check_statuses(only: tuple[str, ...]) -> None:
    """Raises Refused: a misspelt status would otherwise look like good news."""
    from shared.core.errors import Refused
    from shared.core.transitions import TARGET

    for status in only:
        if status not in TARGET:
            raise Refused(f"--status {status!r}: it must be one of {', '.join(sorted(TARGET))}", code="BadUsage")


def _outputs(connection: Connection, run: Run) -> dict[str, bytes]:
    """Whole outputs by instance id."""
    from cli import report

    found: dict[str, bytes] = {}
    for chunk in report.chunks_of(connection.runs, run):
        for index, output in connection.runs.read_outputs(run.run_id, chunk.number).items():
            found[chunk.targets[index].instance_id] = output
    return found


def _lines(found: Report, outputs: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    from cli import report
    from shared.core.model import Target

    for target in found.targets:
        yield {
            **report.target_json(target),
            **_output_json(outputs.get(target.instance_id)),
            "reason": "",
            "detail": "",
        }
    for each in found.excluded:
        unsent = report.target_json(Target(each.instance_id, each.name, status="Excluded"))
        yield {**unsent, "reason": each.reason, "detail": each.detail}


def _output_json(output: bytes | None) -> dict[str, str]:
    """Text where it is text; bytes that are none are kept beside it, unharmed."""
    if output is None:
        return {}
    try:
        return {"output": output.decode()}
    except UnicodeDecodeError:
        return {"output": output.decode("utf-8", "replace"), "outputBase64": base64.b64encode(output).decode()}


def _print_line(line: Mapping[str, Any], *, is_whole: bool) -> None:
    from rich.text import Text

    from cli import show, summary

    code = "" if line.get("exitCode") is None else f"exit {line['exitCode']}"
    said = line["reason"] if line["status"] == "Excluded" else line["output"] or line["errorInfo"]
    told = "" if is_whole else show.first_lines(said, width=40)
    show.out().print(
        Text.assemble(
            f"{show.one_line(line['name']) or '(no name)':<16} {show.one_line(line['instanceId']):<24} ",
            (f"{line['status']:<10}", summary.style_of(line["status"])),
            f" {code:<8} {told}".rstrip(),
        )
    )
    if is_whole and said:
        lines = show.harmless(said).rstrip("\n").split("\n")
        show.out().print("".join(f"    {each}\n" for each in lines), end="")
