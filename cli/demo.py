"""`fleetrun demo`, which is `make run`: the whole way on this machine, with nothing left running afterwards."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import exits, options

if TYPE_CHECKING:
    from cli.connection import Connection
    from cli.report import Report
    from cli.request_text import Checked
    from shared.core.model import Run

ROOT = Path(__file__).resolve().parent.parent
EVENT = Path("events/demo.json")
PORT = 7150
INSTANCES = 120


@dataclass(frozen=True, slots=True)
class Done:
    """The run's end, as read while the cloud was still there."""

    report: Report
    sent_ms: int
    finished_ms: int


@click.command(short_help="The whole way on this machine, once.")
@click.option(
    "--event",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"An invoke request; default: {EVENT} of the project.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, help="0: any free port; default 7150.")
@click.option("--instances", type=click.IntRange(1), default=INSTANCES, help="Local instances; default 120.")
@options.as_json
def demo(*, event: Path | None, port: int, instances: int, as_json: bool) -> None:
    """Start a local cloud, send one request, show what becomes of it, stop everything.

    Exit code 0: it ended as EVENT's neighbour *.expected.json says (without one: it ended); 1: otherwise.
    """
    from cli import show
    from cli.local_process import NotStarted, local_process
    from cli.request_text import from_file
    from shared.core.errors import Refused
    from shared.core.requests import InvokeRequest

    started_s = time.monotonic()
    chosen = event or _demo_event()
    checked = from_file(str(chosen), request_id=None)
    if not isinstance(checked.request, InvokeRequest):
        raise Refused(f"{chosen} is no invoke request; the demo sends one and follows it to its end", code="BadUsage")
    try:
        with local_process(["--port", str(port), "--instances", str(instances)]) as local:
            show.err().print(f"Starting a local cloud with {show.number(instances, 'instance')} …")
            url = local.wait_ready()
            show.err().print(f"It serves on {url} after {time.monotonic() - started_s:.1f} s; sending {chosen}.")
            done = _run(_connect(url), checked)
    except NotStarted as error:
        show.err().print(show.harmless(str(error)))
        options.leave(exits.UNREACHABLE if error.exit_code == exits.UNREACHABLE else exits.NOT_ALL)
    except KeyboardInterrupt:
        show.err().print("Interrupted; everything is stopped.")
        options.leave(130)
    differences = differences_of(chosen, done.report, instances=instances)
    _print(done, differences, event=chosen, total_s=time.monotonic() - started_s, as_json=as_json)
    options.leave(exits.NOT_ALL if differences else exits.SUCCEEDED)


def _demo_event() -> Path:
    """The short name where it is true: the command may be called from anywhere."""
    return EVENT if Path.cwd() == ROOT else ROOT / EVENT


def _connect(url: str) -> Connection:
    """With the local cloud's published keys: the caller's own environment has no say here."""
    from cli.connection import connection_of
    from cli.local import local_environment
    from cli.settings import settings_of

    return connection_of(settings_of(local_environment(url), endpoint=None))


def _run(connection: Connection, checked: Checked) -> Done:
    from cli import queues, report, watch
    from shared.core.model import rejection_id_of, run_id_of
    from shared.core.requests import InvokeRequest, hash_of

    request = checked.request
    assert isinstance(request, InvokeRequest), "checked before anything was started"
    sent_ms = connection.now_ms
    message_id = connection.queues.send(queues.REQUESTS, checked.body)
    awaited = watch.Awaited(run_id_of(request.request_id), rejection_id_of(message_id), hash_of(request))
    with watch.progress() as tell:
        run = watch.follow(connection, awaited, tell=tell)
    return Done(report.read_report(connection, run), sent_ms, run.finished_ms)


def _print(done: Done, differences: list[str] | None, *, event: Path, total_s: float, as_json: bool) -> None:
    from cli import report, show, summary

    run_s = (done.finished_ms - done.sent_ms) / 1000
    if as_json:
        told = {"fromMessageMs": done.finished_ms - done.sent_ms, "totalMs": round(total_s * 1000)}
        show.as_json({**report.report_json(done.report), **told, "differences": differences})
        return
    times = {"time": f"{run_s:.1f} s from message to run.finished, {total_s:.1f} s in all, start and stop included"}
    summary.print_summary(done.report, times=times)
    for line in _verdict(done.report.run, differences, event=event):
        show.out().print(line)


def _verdict(run: Run, differences: list[str] | None, *, event: Path) -> list[str]:
    if differences is None:
        return [f"\nThe run has ended: {run.status}. Nothing was expected of {event.name}."]
    if not differences:
        return [f"\nAll as {expected_path(event)} says, its failures included."]
    return [f"\nNot as {expected_path(event)} says:", *(f"  {line}" for line in differences)]


def expected_path(event: Path) -> Path:
    """Beside the event: events/demo.json → events/demo.expected.json."""
    return event.with_suffix(".expected.json")


def differences_of(event: Path, found: Report, *, instances: int) -> list[str] | None:
    """Sentences; None when nothing was expected of this event on a fleet of this size, and the run has ended well."""
    path = expected_path(event)
    expected: dict[str, Any] = json.loads(path.read_bytes()) if path.is_file() else {}
    if not expected or expected.pop("instances", instances) != instances:
        return ["the run was rejected"] if found.run.status == "Rejected" else None
    seen = seen_of(found)
    return [
        f"{name}: expected {json.dumps(expected[name], sort_keys=True)}, "
        f"seen {json.dumps(seen.get(name), sort_keys=True)}"
        for name in sorted(expected)
        if expected[name] != seen.get(name)
    ]


def seen_of(found: Report) -> dict[str, Any]:
    """What an expectation may speak of."""
    exit_codes: dict[str, int] = {}
    for target in found.targets:
        if target.exit_code is not None:
            exit_codes[str(target.exit_code)] = exit_codes.get(str(target.exit_code), 0) + 1
    reasons: dict[str, int] = {}
    for each in found.excluded:
        reasons[each.reason] = reasons.get(each.reason, 0) + 1
    return {
        "status": found.run.status,
        "counts": dict(found.run.counts),
        "excludedByReason": reasons,
        "exitCodes": exit_codes,
        "units": sum(found.run.spent.values()),
    }
