"""`fleetrun events`: replays events from the rows, and takes nothing out of the queue fleetrun-events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from cli import options

if TYPE_CHECKING:
    from cli.connection import Connection
    from shared.core.model import Event, Run

PAGE = 200
"""Ours: events per read."""
RUNS_SHOWN = 20
"""Ours: of how many recent runs, without RUN."""
POLL_S = 0.5
DAMAGED_BYTES_SHOWN = 200
"""Ours: of an event that cannot be read."""


@click.command()
@click.argument("name", metavar="[RUN]", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on until the run has ended, or Ctrl-C.")
@options.as_json
@options.endpoint
def events(*, name: str | None, follow: bool, as_json: bool, endpoint: str | None) -> None:
    """The events of a run, or of the recent runs, oldest first. --json prints them as published, one a line."""
    from cli import report, run_names, watch
    from cli.connection import connect

    connection = connect(endpoint)
    run_id = None if name is None else run_names.find_run(connection.runs, name).run_id
    seen: dict[str, int] = {}

    def tell() -> bool:
        """Prints what is new; whether nothing more will come."""
        shown = _runs(connection, run_id)
        for event in _new_events(connection, shown, seen):
            _print(event, as_json=as_json)
        return run_id is not None and all(report.is_ended(run) for run in shown)

    if not follow:
        tell()
        return
    patient = watch.Patient()
    while not patient(tell):
        time.sleep(POLL_S)


def _runs(connection: Connection, run_id: str | None) -> list[Run]:
    from cli.runs import recent_runs

    if run_id is None:
        return recent_runs(connection, limit=RUNS_SHOWN)[0]
    return list(connection.runs.read_runs([run_id]).values())


def _new_events(connection: Connection, shown: list[Run], seen: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Those above `seen`, over all runs by time; `seen` is moved on once all are read."""
    found: list[dict[str, Any]] = []
    moved = dict(seen)
    for run in shown:
        while moved.get(run.run_id, 0) < run.event_seq:
            after = moved.get(run.run_id, 0)
            # Rows above event_seq are prepared, not committed: they may still change.
            page = connection.runs.read_events(run.run_id, after=after, limit=min(PAGE, run.event_seq - after))
            if not page:
                break
            found += [decoded(event) for event in page]
            moved[run.run_id] = page[-1].sequence
    seen.update(moved)
    yield from sorted(found, key=lambda event: (event["time"], event["subject"], event["sequence"]))


def decoded(event: Event) -> dict[str, Any]:
    """The event as published. One that somebody has damaged is shown as what it is, in its place."""
    try:
        found = json.loads(event.body)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and _is_event(found):
        return found
    text = event.body[:DAMAGED_BYTES_SHOWN].decode("utf-8", "replace")
    return {
        "type": f"fleetrun.{event.kind}",
        "time": "",
        "subject": event.run_id,
        "sequence": f"{event.sequence:08d}",
        "data": {"damaged": text},
    }


def _is_event(found: dict[str, Any]) -> bool:
    named = all(isinstance(found.get(name), str) for name in ("type", "time", "subject", "sequence"))
    return named and found["sequence"].isascii() and found["sequence"].isdigit() and isinstance(found.get("data"), dict)


def _print(event: dict[str, Any], *, as_json: bool) -> None:
    from rich.text import Text

    from cli import show, summary

    if as_json:
        show.as_json_line(event)
        return
    kind = event["type"].removeprefix("fleetrun.")
    data = event["data"]
    style = summary.style_of(str(data.get("status", ""))) if kind == "run.finished" else "cyan"
    time_of_day, subject = show.one_line(event["time"][11:23]), show.one_line(event["subject"])
    show.out().print(
        Text.assemble(
            (f"{time_of_day:<12}  {subject}  {event['sequence'].lstrip('0')[:9]:>4}  ", "dim"),
            (f"{show.one_line(kind):<16}", style),
            f"  {told(kind, data)}".rstrip(),
        )
    )


def told(kind: str, data: dict[str, Any]) -> str:
    """An event's facts in a few words, harmless, on one line; whatever it holds."""
    from cli.show import first_lines, one_line

    try:
        return one_line(_told(kind, data))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return "cannot be read: " + first_lines(one_line(json.dumps(data)), width=DAMAGED_BYTES_SHOWN)


def _told(kind: str, data: dict[str, Any]) -> str:
    from cli.show import number

    if kind == "run.planned":
        parts = [f"{data['included']:,} of {number(data['requested'], 'target')}, {number(data['chunks'], 'chunk')}"]
        parts += [f"{count:,} {reason}" for reason, count in data["excludedByReason"].items()]
        return ", ".join(parts)
    if kind == "run.rejected":
        return f"{data['code']}: {data['message']}"
    if kind == "run.deferred":
        return f"{number(data['chunks'], 'chunk')} to {data['toDay']}: {data['reason']}"
    if kind == "chunk.invoked":
        return f"{data['invokeId']}: {number(data['targets'], 'target')}"
    if kind == "targets.finished":
        return _by_status([target["status"] for target in data["targets"]])
    if kind == "repetitions.finished":
        return _by_status([repetition["status"] for repetition in data["repetitions"]])
    if kind == "run.finished":
        return f"{data['status']} after {data['durationMs'] / 1000:.1f} s: {_counts(data['counts'])}"
    return str(data.get("reason") or data.get("region") or data.get("damaged") or "")


def _by_status(statuses: list[str]) -> str:
    return _counts({status: statuses.count(status) for status in sorted(set(statuses))})


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts[status]:,} {status}" for status in sorted(counts))
