"""`fleetrun invoke`: a request into the queue, from a file or from options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import exits, options

if TYPE_CHECKING:
    from cli.connection import Connection
    from cli.request_text import Checked


@click.command()
@click.argument("words", metavar="EVENT.json | -- SCRIPT", nargs=-1)
@click.option("--tag", metavar="K=V", multiple=True, help="Targets with this tag; repeatable.")
@click.option("--instance", metavar="ID", multiple=True, help="A target; repeatable.")
@click.option("--name", metavar="PATTERN", help="Targets of this name; may hold *.")
@click.option("--resource-group", metavar="ID", help="Targets in this resource group.")
@click.option("--vpc", metavar="ID", help="Targets in this VPC.")
@click.option(
    "--script-file", metavar="FILE", type=click.Path(path_type=Path), help="The script, instead of -- SCRIPT."
)
@click.option("--command-id", metavar="ID", help="A command stored in Cloud Assistant.")
@click.option("--type", "script_type", default="RunShellScript", help="Or RunBatScript, RunPowerShellScript.")
@click.option("--working-dir", metavar="DIR", help="Where the script runs.")
@click.option("--username", metavar="NAME", help="Who runs the script there.")
@click.option("--parameter", metavar="K=V", multiple=True, help="Fills {{K}} in the script; repeatable.")
@click.option("--timeout", metavar="S", type=int, help="Seconds on each instance; default 60.")
@click.option("--region", metavar="REGION", help="Default: the deployment's.")
@click.option("--max-concurrency", metavar="N|P%", help="Targets in flight at most.")
@click.option("--max-errors", metavar="N|P%", help="When more have failed, nothing new starts.")
@click.option("--wave", metavar="N|P%", multiple=True, help="Targets reached after each wave; repeatable.")
@click.option("--on-unfit", metavar="WHAT", help="skip (default) or reject.")
@click.option("--on-quota-exhausted", metavar="WHAT", help="defer (default) or reject.")
@click.option("--request-id", metavar="ID", help="Idempotency key; default: a new one.")
@options.wait
@options.as_json
@options.endpoint
def invoke(
    *,
    words: tuple[str, ...],
    tag: tuple[str, ...],
    instance: tuple[str, ...],
    name: str | None,
    resource_group: str | None,
    vpc: str | None,
    script_file: Path | None,
    command_id: str | None,
    script_type: str,
    working_dir: str | None,
    username: str | None,
    parameter: tuple[str, ...],
    timeout: int | None,
    region: str | None,
    max_concurrency: str | None,
    max_errors: str | None,
    wave: tuple[str, ...],
    on_unfit: str | None,
    on_quota_exhausted: str | None,
    request_id: str | None,
    wait: bool,
    as_json: bool,
    endpoint: str | None,
) -> None:
    """Send an invoke request; print its run id.

    \b
        fleetrun invoke EVENT.json --wait
        fleetrun invoke --tag env=prod --name 'web-*' -- uptime

    What follows -- is the script: one word, or several, which a space joins. Behind a script of one word --wait is read
    as the option. A {now} in a file's requestId is replaced by the time, so that each sending is a run of its own.
    """
    targets = {
        "tags": tag,
        "instanceIds": list(instance),
        "name": name,
        "resourceGroupId": resource_group,
        "vpcId": vpc,
    }
    command = {"commandId": command_id, "type": script_type, "workingDir": working_dir, "file": script_file}
    rates = {"maxConcurrency": max_concurrency, "maxErrors": max_errors, "waves": wave}
    rest = {
        "region": region,
        "timeout": timeout,
        "username": username,
        "parameters": parameter,
        "onUnfit": on_unfit,
        "onQuotaExhausted": on_quota_exhausted,
    }
    said, is_waiting = _without_wait(list(words), is_wait=wait)
    checked = _checked(said, targets=targets, command=command, rates=rates, rest=rest, request_id=request_id)
    send_and_tell(checked, wait=is_waiting, as_json=as_json, endpoint=endpoint)


def _without_wait(words: list[str], *, is_wait: bool) -> tuple[list[str], bool]:
    """Raises Refused where --wait may be meant either way: a script is never changed on a guess."""
    from shared.core.errors import Refused

    if words[-1:] != ["--wait"]:
        return words, is_wait
    if len(words) != 2:
        raise Refused(
            "is the last --wait a word of the script, or the option? Quote the script, or put the option before --",
            code="BadUsage",
        )
    return words[:1], True


def _checked(
    words: Sequence[str],
    *,
    targets: Mapping[str, Any],
    command: Mapping[str, Any],
    rates: Mapping[str, Any],
    rest: Mapping[str, Any],
    request_id: str | None,
) -> Checked:
    """From the file if there are no targets among the options. Raises Refused."""
    from cli.request_text import bound, fresh_id, from_file, from_options, pairs
    from shared.core.errors import Refused

    if not any(targets.values()):
        if any([*rates.values(), *rest.values(), command["commandId"], command["file"], command["workingDir"]]):
            raise Refused("no targets: give --tag, --instance, --name, --resource-group or --vpc", code="BadUsage")
        if len(words) != 1:
            raise Refused("give one EVENT.json, or targets and -- SCRIPT; see fleetrun invoke --help", code="BadUsage")
        return from_file(words[0], request_id=request_id)
    return from_options(
        _command(words, command),
        {**targets, "tags": pairs("--tag", targets["tags"] or [])},
        {
            "requestId": request_id or fresh_id("cli"),
            **rest,
            "parameters": pairs("--parameter", rest["parameters"] or []),
            "rateControl": {
                "maxConcurrency": bound("--max-concurrency", rates["maxConcurrency"]),
                "maxErrors": bound("--max-errors", rates["maxErrors"]),
                "waves": [bound("--wave", each) for each in rates["waves"] or []],
            },
        },
    )


def _command(words: Sequence[str], command: Mapping[str, Any]) -> dict[str, Any]:
    from shared.core.errors import Refused

    ways = [bool(words), command["commandId"] is not None, command["file"] is not None]
    if sum(ways) != 1:
        raise Refused("give one of: -- SCRIPT, --script-file, --command-id", code="BadUsage")
    if command["commandId"] is not None:
        return {"commandId": command["commandId"], "workingDir": command["workingDir"]}
    content = " ".join(words)
    if command["file"] is not None:
        try:
            content = command["file"].read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"{command['file']}: cannot be read as text ({error})", code="NoFile") from None
    return {"type": command["type"], "content": content, "workingDir": command["workingDir"]}


def _sent(connection: Connection, body: bytes, request_id: str) -> str:
    """The message id. Where nobody knows whether it was sent, the operator learns how to send it once more safely."""
    from cli.queues import REQUESTS
    from shared.core.errors import UnknownOutcome

    try:
        return connection.queues.send(REQUESTS, body)
    except UnknownOutcome as error:
        raise UnknownOutcome(
            f"{error.message}. Send it again with --request-id {request_id}: it starts nothing twice", code=error.code
        ) from None


def send_and_tell(checked: Checked, *, wait: bool, as_json: bool, endpoint: str | None) -> None:
    """Sends; prints the run id at once; with `wait` follows it and ends the process with the run's exit code."""
    from cli import ends, show, watch
    from cli.connection import connect
    from shared.core.errors import Refused
    from shared.core.model import run_id_of
    from shared.core.requests import InvokeRequest, hash_of

    request = checked.request
    if not isinstance(request, InvokeRequest):
        raise Refused(
            "this is no invoke request: fleetrun stop RUN stops a run, fleetrun schedule keeps schedules",
            code="BadUsage",
        )
    connection = connect(endpoint)
    run_id = run_id_of(request.request_id)
    if wait and connection.runs.read_run(run_id) is not None:
        show.err().print(
            f"The requestId {request.request_id} has its run already: this shows how that one ended. "
            "For another run, choose another (--request-id)."
        )
    message_id = _sent(connection, checked.body, request.request_id)
    if not wait:
        told = {"runId": run_id, "requestId": request.request_id, "messageId": message_id}
        show.as_json(told) if as_json else show.out().print(run_id)
        return
    show.err().print(run_id) if as_json else show.out().print(run_id)
    run = ends.followed(connection, watch.awaited(connection, run_id, message_id, body_hash=hash_of(request)))
    ends.print_end(connection, run, as_json=as_json)
    options.leave(exits.of_run(run.status))
