"""`fleetrun schedule pause`, `resume`, `remove`, `fire-now`: a message each, heeded once, however often delivered."""

from __future__ import annotations

import json

import click

from cli import options

_WHAT = {
    "pause": "Let nothing fire until it is resumed. What it misses follows its policy then.",
    "resume": "Let it fire again.",
    "remove": "End it for good. Its name stays taken.",
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
