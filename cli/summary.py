"""The summary of a run, for eighty columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from cli.report import Report, Units, failed
from cli.show import first_lines, number, one_line, out
from shared.core.model import Excluded, Target

if TYPE_CHECKING:
    from rich.text import Text

BAR_CHARS = 40
FAILED_SHOWN_MAX = 20
NAMES_SHOWN_MAX = 4
OUTPUT_LINES = 2
WIDTH = 80
_STYLES = {
    "Success": "green",
    "Failed": "red",
    "Timeout": "red",
    "Error": "red",
    "Invalid": "red",
    "Aborted": "red",
    "Unknown": "magenta",
    "Excluded": "yellow",
    "NotStarted": "yellow",
    "Cancelled": "yellow",
    "Terminated": "yellow",
    "PartialFailed": "yellow",
    "Stopped": "yellow",
    "Rejected": "red",
}


def style_of(status: str) -> str:
    return _STYLES.get(status, "cyan")


def print_summary(report: Report, *, times: Mapping[str, str] | None = None) -> None:
    """Status, counts, excluded, failed, units, run id, and `times` (label → text)."""
    from rich.text import Text

    run = report.run
    console = out()
    head = Text(f"\n{run.status}", style=f"bold {style_of(run.status)}")
    if run.reason:
        head.append(f": {one_line(run.reason)}", style="not bold")
    console.print(head)
    for part in (
        _counts(run.counts, run.requested),
        _excluded(report.excluded),
        _failed(failed(report.targets), run.run_id),
    ):
        for line in part:
            console.print(line)
    console.print()
    rows = {"units": units_text(report.units, spent=sum(run.spent.values())), "run": run.run_id, **(times or {})}
    for label, text in rows.items():
        console.print(Text.assemble((f"  {label:<6}", "dim"), f" {text}"))


def units_text(units: Units, *, spent: int) -> str:
    limit = "" if units.limit is None else f" of {units.limit:,}"
    closed = "; ECS says the day is used up" if units.closed else ""
    return f"{spent} for this run; {units.used:,}{limit} used on {units.day} (UTC+8) in {units.region}{closed}"


def _counts(counts: Mapping[str, int], requested: int) -> Iterator[Text]:
    from rich.text import Text

    if not counts:
        return
    yield Text()
    for status in sorted(counts, key=lambda each: (each != "Success", -counts[each], each)):
        bar = "█" * max(1, round(BAR_CHARS * counts[status] / max(1, requested)))
        yield Text.assemble(f"  {status:<11} {counts[status]:>6,}  ", (bar, style_of(status)))
    yield Text.assemble((f"  {'targets':<11} {sum(counts.values()):>6,}", "dim"))


def _excluded(excluded: Sequence[Excluded]) -> Iterator[Text]:
    from rich.text import Text

    if not excluded:
        return
    yield Text(f"\nExcluded: {number(len(excluded), 'target')} left out before any call", style="bold")
    ordered = sorted(excluded, key=lambda each: (each.reason, each.detail, each.name))
    for (reason, detail), group in groupby(ordered, key=lambda each: (each.reason, each.detail)):
        names = [one_line(each.name or each.instance_id) for each in group]
        yield Text.assemble(f"  {len(names):>4,}  ", (reason, "yellow"), f"  {_names(names)}")
        for line in _wrapped(one_line(detail), width=WIDTH - 8):
            yield Text(f"        {line}", style="dim")


def _names(names: Sequence[str]) -> str:
    if len(names) <= NAMES_SHOWN_MAX:
        return ", ".join(names)
    return f"{', '.join(names[: NAMES_SHOWN_MAX - 1])}, … {names[-1]}"


def _failed(targets: Sequence[Target], run_id: str) -> Iterator[Text]:
    from rich.text import Text

    if not targets:
        return
    yield Text(f"\nNot successful: {number(len(targets), 'target')}", style="bold")
    for target in targets[:FAILED_SHOWN_MAX]:
        yield target_line(target)
        for line in first_lines(_said(target), lines=OUTPUT_LINES, width=WIDTH - 8).splitlines():
            yield Text(f"        {line}", style="dim")
    if len(targets) > FAILED_SHOWN_MAX:
        yield Text(f"  … and {len(targets) - FAILED_SHOWN_MAX:,} more: fleetrun results {run_id}")


def target_line(target: Target) -> Text:
    """One target: name, id, status, exit code, error code."""
    from rich.text import Text

    code = "" if target.exit_code is None else f"exit {target.exit_code}"
    rest = "  ".join(part for part in (code, one_line(target.error_code)) if part)
    name = one_line(target.name) or "(no name)"
    return Text.assemble(
        f"  {name:<16} {one_line(target.instance_id):<24} ", (target.status, style_of(target.status)), f"  {rest}"
    )


def _said(target: Target) -> str:
    """Its output; if it said nothing, what ECS says."""
    return target.output_head.strip("\n") or target.error_info


def _wrapped(text: str, *, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)
