"""`fleetrun stop`: nothing new starts, what runs is stopped, every end is named truthfully."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from cli import exits, options

if TYPE_CHECKING:
    from cli.connection import Connection


@click.command()
@click.argument("name", metavar="[RUN]", required=False)
@click.option("--all", "everything", is_flag=True, help="Every run that has not ended.")
@click.option("--instance", metavar="ID", multiple=True, help="Only this target; repeatable.")
@click.option("--request-id", metavar="ID", help="Idempotency key; default: a new one.")
@options.wait
@options.as_json
@options.endpoint
def stop(
    *,
    name: str | None,
    everything: bool,
    instance: tuple[str, ...],
    request_id: str | None,
    wait: bool,
    as_json: bool,
    endpoint: str | None,
) -> None:
    """Stop a run, or some of its targets. A run that has ended is answered with its outcome.

    RUN is a run id, or a request id. A request that still waits in its queue can be stopped, too, by its request id.
    """
    from cli.connection import connect
    from shared.core.errors import Refused

    if everything == (name is not None):
        raise Refused("give one RUN, or --all", code="BadUsage")
    if name is not None:
        _stop_one(name, instance, request_id=request_id, wait=wait, as_json=as_json, endpoint=endpoint)
        return
    if wait or instance or request_id:
        raise Refused("--all goes without --wait, --instance and --request-id", code="BadUsage")
    _stop_all(connect(endpoint), as_json=as_json)


def _stop_one(
    name: str,
    instances: tuple[str, ...],
    *,
    request_id: str | None,
    wait: bool,
    as_json: bool,
    endpoint: str | None,
) -> None:
    from cli import ends, queues, report, run_names, show, watch
    from cli.connection import connect
    from cli.request_text import check

    run_id = run_names.run_id_in(name)
    checked = check(_message(run_id, instances, request_id=request_id))
    connection = connect(endpoint)
    run = connection.runs.read_run(run_id)
    if run is not None and report.is_ended(run):
        ends.print_end(connection, run, as_json=as_json)
        options.leave(exits.of_run(run.status))
    message_id = connection.queues.send(queues.STOPS, checked.body)
    if not wait:
        told = {"runId": run_id, "requestId": checked.request.request_id, "messageId": message_id}
        show.as_json(told) if as_json else show.out().print(f"{show.one_line(run_id)}: stop requested")
        return
    run = ends.followed(connection, watch.awaited(connection, run_id, message_id))
    ends.print_end(connection, run, as_json=as_json)
    options.leave(exits.of_run(run.status))


def _stop_all(connection: Connection, *, as_json: bool) -> None:
    """A stop for each run that has not ended. What still waits as a request starts all the same: it is counted."""
    from cli import queues, report, show, unfinished

    told = []
    for run in unfinished.heads(connection.runs):
        if report.is_ended(run):
            continue
        message_id = connection.queues.send(queues.STOPS, _message(run.run_id, (), request_id=None))
        told.append({"runId": run.run_id, "messageId": message_id})
        if not as_json:
            show.out().print(f"{show.one_line(run.run_id)}: stop requested")
    waiting = connection.queues.attributes(queues.REQUESTS).visible
    if as_json:
        show.as_json({"stopped": told, "requestsWaiting": waiting})
        return
    show.err().print(f"{show.number(len(told), 'run')} of which none will start anything new")
    if waiting:
        show.err().print(
            f"{show.number(waiting, 'request')} still in the queue {queues.REQUESTS}: they become runs; say --all again"
        )


def _message(run_id: str, instances: tuple[str, ...], *, request_id: str | None) -> bytes:
    from cli.request_text import fresh_id

    message = {"kind": "stop", "requestId": request_id or fresh_id("stop"), "runId": run_id}
    return json.dumps(message | ({"instanceIds": list(instances)} if instances else {})).encode()
