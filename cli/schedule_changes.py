"""`fleetrun schedule pause`, `resume`, `remove`, `fire-now`: a message each, heeded once, however often delivered."""

from __future__ import annotations

import json

import click

from cli import options

_WHAT = {
    "pause": "Let nothing fire until it is resumed. What it misses follows its policy then.",
    "resume": "Let it fire again.",
    "remove": "End it: nothing fires any more. An update, or adding it anew, brings it back.",
    "fire-now": "Start one run now, beside its own times.",
}


def _command(action: str) -> click.Command:
    @click.command(action, help=_WHAT[action])
    @click.argument("name", metavar="SCHEDULE")
    @click.option("--request-id", metavar="ID", help="Idempotency key; default: a new one.")
    @options.as_json
    @options.endpoint
    def change(*, name: str, request_id: str | None, as_json: bool, endpoint: str | None) -> None:
        send_change(action, name, request_id=request_id, as_json=as_json, endpoint=endpoint)

    return change


CHANGES = tuple(_command(action) for action in _WHAT)


@click.command()
@click.argument("name", metavar="RUN")
@click.option("--request-id", metavar="ID", help="Idempotency key; default: a new one.")
@options.as_json
@options.endpoint
def sync(*, name: str, request_id: str | None, as_json: bool, endpoint: str | None) -> None:
    """Bring a cloud schedule in line with its targets of today.

    RUN is its run id, or its request id. Instances that have joined the selection are added, those that have left it
    are stopped there. A schedule that fleetrun keeps finds its targets afresh each time, and needs no sync.
    """
    from cli import queues, run_names, show
    from cli.connection import connect
    from cli.request_text import check, fresh_id
    from shared.core.errors import Refused

    connection = connect(endpoint)
    run = run_names.find_run(connection.runs, name)
    if not run.is_repeating:
        raise Refused(f"{run.run_id} is no cloud schedule: it ran once", code="NoSchedule")
    chosen = request_id or fresh_id("sync")
    message = {"kind": "schedule", "requestId": chosen, "schedule": run.run_id, "action": "sync"}
    message_id = connection.queues.send(queues.REQUESTS, check(json.dumps(message).encode()).body)
    told = {"runId": run.run_id, "action": "sync", "requestId": chosen, "messageId": message_id}
    show.as_json(told) if as_json else show.out().print(f"{run.run_id}: sync requested")


def send_change(action: str, name: str, *, request_id: str | None, as_json: bool, endpoint: str | None) -> None:
    """Raises Refused when there is no such schedule, as far as the rows say."""
    from cli import queues, show
    from cli.connection import connect
    from cli.request_text import check, fresh_id
    from cli.schedule_report import find
    from shared.core.model import run_id_of

    connection = connect(endpoint)
    schedule = find(connection, name)
    chosen = request_id or fresh_id(action)
    message = {"kind": "schedule", "requestId": chosen, "schedule": schedule.schedule_id, "action": action}
    message_id = connection.queues.send(queues.REQUESTS, check(json.dumps(message).encode()).body)
    told = {"scheduleId": schedule.schedule_id, "action": action, "requestId": chosen, "messageId": message_id}
    if action == "fire-now":
        told["runId"] = run_id_of(f"{schedule.name}@{chosen}")
    if as_json:
        show.as_json(told)
    else:
        show.out().print(told.get("runId") or f"{show.one_line(schedule.name)}: {action} requested")
