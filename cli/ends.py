"""How a run ended, told: what `--wait` and `status` show, and what is said when the one who waits has had enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli import exits, options

if TYPE_CHECKING:
    from cli.connection import Connection
    from cli.watch import Awaited
    from shared.core.model import Run


def followed(connection: Connection, awaited: Awaited) -> Run:
    """The run's row once it has ended. Ctrl-C ends the command, not the run, and says so."""
    from cli import show, watch

    try:
        with watch.progress() as tell:
            return watch.follow(connection, awaited, tell=tell)
    except KeyboardInterrupt:
        run_id = show.one_line(awaited.run_id)
        show.err().print(
            f"\nInterrupted; the run goes on. fleetrun status {run_id} --wait   follows it again, "
            f"fleetrun stop {run_id}   stops it."
        )
        options.leave(exits.INTERRUPTED)


def print_end(connection: Connection, run: Run, *, as_json: bool) -> None:
    """The summary of a run, or why it was rejected."""
    from cli import report, show, summary

    found = report.read_report(connection, run)
    if as_json:
        show.as_json(report.report_json(found))
    else:
        summary.print_summary(found, times=_times(run))


def _times(run: Run) -> dict[str, str]:
    if not run.finished_ms:
        return {}
    return {"time": f"{(run.finished_ms - run.accepted_ms) / 1000:.1f} s from acceptance to run.finished"}
