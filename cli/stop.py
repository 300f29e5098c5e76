"""`fleetrun stop`: nothing new starts, what runs is stopped, every end is named truthfully."""

from __future__ import annotations

import json

import click

from cli import exits, options


@click.command()
@options.run_name
@click.option("--instance", metavar="ID", multiple=True, help="Only this target; repeatable.")
@click.option("--request-id", metavar="ID", help="Idempotency key; default: a new one.")
@options.wait
@options.as_json
@options.endpoint
def stop(
    *,
    name: str,
    instance: tuple[str, ...],
    request_id: str | None,
    wait: bool,
    as_json: bool,
    endpoint: str | None,
) -> None:
    """Stop a run, or some of its targets. A run that has ended is answered with its outcome.

    RUN is a run id, or a request id. A request that still waits in its queue can be stopped, too.
    """
    from cli import ends, queues, report, run_names, show
    from cli.connection import connect
    from cli.request_text import check, fresh_id
    from cli.watch import Awaited
    from shared.core.model import rejection_id_of

    run_id = run_names.run_id_in(name)
    message = {"kind": "stop", "requestId": request_id or fresh_id("stop"), "runId": run_id}
    checked = check(json.dumps(message | ({"instanceIds": list(instance)} if instance else {})).encode())
    connection = connect(endpoint)
    run = connection.runs.read_run(run_id)
    if run is not None and report.is_ended(run):
        ends.print_end(connection, run, as_json=as_json)
        options.leave(exits.of_run(run.status))
    message_id = connection.queues.send(queues.STOPS, checked.body)
    if not wait:
        told = {"runId": run_id, "requestId": checked.request.request_id, "messageId": message_id}
        show.as_json(told) if as_json else show.out().print(f"{show.harmless(run_id)}: stop requested")
        return
    run = ends.followed(connection, Awaited(run_id, rejection_id_of(message_id)))
    ends.print_end(connection, run, as_json=as_json)
    options.leave(exits.of_run(run.status))
