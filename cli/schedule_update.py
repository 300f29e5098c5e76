"""`fleetrun schedule update`: what is given changes, the rest stays; who read an older revision loses."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from cli import exits, options, schedule_add

if TYPE_CHECKING:
    from cli.connection import Connection
    from shared.core.schedule import Schedule

_NONE = "none"
Json = dict[str, Any]


@click.command()
@click.argument("name", metavar="SCHEDULE")
@click.argument("words", metavar="[-- SCRIPT]", nargs=-1)
@click.option("--frequency", metavar="EXPR", help="Other times.")
@click.option("--event", metavar="FILE", help="Another request; its schedule, if it has one, too.")
@click.option("--tag", metavar="K=V", multiple=True, help="Other targets: those with this tag; repeatable.")
@click.option("--instance", metavar="ID", multiple=True, help="Other targets: this one; repeatable.")
@click.option("--script-file", metavar="FILE", type=click.Path(path_type=Path), help="Instead of -- SCRIPT.")
@click.option("--type", "script_type", help="Of the new script: RunShellScript, RunBatScript, RunPowerShellScript.")
@click.option("--timeout", metavar="S", type=int, help="Seconds on each instance.")
@click.option("--missed", type=click.Choice(["skip", "latest", "all"]), help="What an outage or a pause swallowed.")
@click.option("--missed-max", metavar="N", type=int, help='Of "all", so many of the newest.')
@click.option("--missed-window", metavar="S", type=int, help="Older ones are let go.")
@click.option("--overlap", type=click.Choice(["skip", "queue", "stop-previous"]), help="While the last run goes.")
@click.option("--start", "start_at", metavar="TIME", help='No firing before it; "none" takes the bound away.')
@click.option("--end", "end_at", metavar="TIME", help='No firing after it; "none" takes the bound away.')
@click.option("--jitter", metavar="S", type=int, help="Each firing comes up to so many seconds later.")
@click.option("--force/--no-force", default=None, help="Even if a day has too few units for it.")
@click.option("--if-revision", metavar="N", type=int, help="Only of this one; default: the one that is read now.")
@click.option("--request-id", metavar="ID", help="Idempotency key; default: a new one.")
@options.wait
@options.as_json
@options.endpoint
def update(
    *,
    name: str,
    words: tuple[str, ...],
    event: str | None,
    tag: tuple[str, ...],
    instance: tuple[str, ...],
    script_file: Path | None,
    script_type: str | None,
    timeout: int | None,
    if_revision: int | None,
    request_id: str | None,
    wait: bool,
    as_json: bool,
    endpoint: str | None,
    **spec: Any,
) -> None:
    """Change what a schedule repeats, and when; what is not given stays as it is.

    \b
        fleetrun schedule update nightly --frequency '0 30 3 * * ?'
        fleetrun schedule update nightly --timeout 900 --wait -- ./backup.sh --all

    A paused schedule stays paused; one that was removed begins anew. Runs under way are what they were started as.
    If somebody else has updated it since it was read, the update is refused.
    """
    from cli.connection import connect
    from cli.schedule_report import find
    from shared.core.errors import Refused

    if sum((bool(words), script_file is not None, event is not None)) > 1:
        raise Refused("give one of: -- SCRIPT, --script-file, --event", code="BadUsage")
    connection = connect(endpoint)
    schedule = find(connection, name)
    script = schedule_add.script_of(words, script_file, None) if words or script_file is not None else ""
    new = _with_command(_request_of(connection, schedule), script=script, script_type=script_type)
    new = _with_rest(_with_event(new, event, schedule.name), tag=tag, instance=instance, timeout=timeout)
    new["schedule"] = _with_spec(new["schedule"], spec)
    send_update(
        connection,
        schedule,
        new,
        request_id=request_id,
        if_revision=if_revision or revision_of(schedule),
        wait=wait,
        as_json=as_json,
    )


def send_update(
    connection: Connection,
    schedule: Schedule,
    new: Json,
    *,
    request_id: str | None,
    if_revision: int,
    wait: bool,
    as_json: bool,
) -> None:
    """Raises Refused for what the functions would refuse by its form; the API's refusals come at once."""
    from cli import queues, show
    from cli.request_text import check, fresh_id
    from cli.schedule_report import find, next_fires, schedule_json

    chosen = request_id or fresh_id("update")
    message = {"kind": "schedule", "requestId": chosen, "schedule": schedule.schedule_id, "action": "update"}
    body = json.dumps({**message, "request": new, "ifRevision": if_revision}, ensure_ascii=False)
    message_id = connection.queues.send(queues.REQUESTS, check(body.encode("utf-8", "surrogateescape")).body)
    told: Json = {"scheduleId": schedule.schedule_id, "action": "update", "requestId": chosen, "messageId": message_id}
    if wait:
        if not connection.is_api:
            _await(connection, schedule.schedule_id, chosen, message_id)
        changed = find(connection, schedule.schedule_id)
        told |= {**schedule_json(changed), "nextFires": next_fires(changed, now_ms=connection.now_ms)}
    if as_json:
        show.as_json(told)
    elif wait:
        out = f"{schedule.schedule_id}  next {told['nextFire'] or 'never'}: {show.one_line(told['words'])}"
        show.out().print(out)
    else:
        show.out().print(f"{show.one_line(schedule.name)}: update requested")


def _await(connection: Connection, schedule_id: str, request_id: str, message_id: str) -> None:
    """Until the row says that the update was made. Ends the command when it is rejected, or nobody takes it."""
    from cli import show
    from shared.core.model import rejection_id_of

    give_up = time.monotonic() + schedule_add.WAIT_S
    while time.monotonic() < give_up:
        rejected = connection.runs.read_run(rejection_id_of(message_id))
        if rejected is not None:
            show.err().print(f"fleetrun: rejected: {show.one_line(str(rejected.refusal.get('message', '')))}")
            options.leave(exits.REFUSED)
        found = connection.schedules.read_schedule(schedule_id)
        if found is not None and any(each.partition(" ")[0] == request_id for each in found.changes):
            return
        time.sleep(schedule_add.POLL_S)
    show.err().print("fleetrun: nobody has taken the message yet; is accept_requests running? `fleetrun doctor` looks")
    options.leave(exits.UNREACHABLE)


def revision_of(schedule: Schedule) -> int:
    from cli.api_rows import ShownSchedule

    return int(schedule.told["revision"]) if isinstance(schedule, ShownSchedule) else schedule.revision


def _request_of(connection: Connection, schedule: Schedule) -> Json:
    """What it repeats, as the JSON of an invoke request, without fields that are null."""
    import msgspec

    from cli.api_rows import ApiSchedules, ShownSchedule

    if isinstance(schedule, ShownSchedule):
        return cast("ApiSchedules", connection.schedules).read_request(schedule)
    told: Json = _without_nulls(msgspec.to_builtins(schedule.request))
    return told


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return value


def _with_command(request: Json, *, script: str, script_type: str | None) -> Json:
    if not script and script_type is None:
        return request
    old: Json = request["command"] if "content" in request["command"] else {"type": "RunShellScript"}
    new = {**old, "type": script_type or old["type"]}
    if script:
        new |= {"content": script, "contentEncoding": "PlainText"}
    return {**request, "command": new}


def _with_event(request: Json, event: str | None, name: str) -> Json:
    if event is None:
        return request
    from cli.request_text import from_file

    told: Json = json.loads(from_file(event, request_id=name).body)
    return {"schedule": request["schedule"], **told}


def _with_rest(request: Json, *, tag: tuple[str, ...], instance: tuple[str, ...], timeout: int | None) -> Json:
    from cli.request_text import pairs

    targets: Json = {}
    if tag:
        targets["tags"] = pairs("--tag", tag)
    if instance:
        targets["instanceIds"] = list(instance)
    return request | ({"targets": targets} if targets else {}) | ({} if timeout is None else {"timeout": timeout})


def _with_spec(old: Json, given: Json) -> Json:
    names = {"missed_max": "missedMax", "missed_window": "missedWindow", "start_at": "startAt", "end_at": "endAt"}
    new = {**old, **{names.get(name, name): value for name, value in given.items() if value is not None}}
    return {name: value for name, value in new.items() if not (name in ("startAt", "endAt") and value == _NONE)}
