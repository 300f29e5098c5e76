"""`fleetrun schedule add`: a request that repeats."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import exits, options

if TYPE_CHECKING:
    from cli.connection import Connection
    from cli.request_text import Checked
    from shared.core.requests import InvokeRequest
    from shared.core.schedule import Schedule

WAIT_S = 60
POLL_S = 0.2


@click.command()
@click.argument("name", metavar="NAME")
@click.argument("frequency", metavar="EXPR")
@click.argument("words", metavar="[-- SCRIPT]", nargs=-1)
@click.option("--event", metavar="FILE", help="The invoke request to repeat, instead of targets and -- SCRIPT.")
@click.option("--tag", metavar="K=V", multiple=True, help="Targets with this tag; repeatable.")
@click.option("--instance", metavar="ID", multiple=True, help="A target; repeatable.")
@click.option("--script-file", metavar="FILE", type=click.Path(path_type=Path), help="Instead of -- SCRIPT.")
@click.option("--type", "script_type", default="RunShellScript", help="Or RunBatScript, RunPowerShellScript.")
@click.option("--timeout", metavar="S", type=int, help="Seconds on each instance; default 60.")
@click.option("--by", type=click.Choice(["fleetrun", "cloud"]), default="fleetrun", help="Who repeats it.")
@click.option("--missed", type=click.Choice(["skip", "latest", "all"]), help="What an outage or a pause swallowed.")
@click.option("--missed-max", metavar="N", type=int, help='Of "all", so many of the newest; default 10.')
@click.option("--missed-window", metavar="S", type=int, help="Older ones are let go; default 3600.")
@click.option("--overlap", type=click.Choice(["skip", "queue", "stop-previous"]), help="While the last run goes.")
@click.option("--start", "start_at", metavar="TIME", help="No firing before it.")
@click.option("--end", "end_at", metavar="TIME", help="No firing after it.")
@click.option("--jitter", metavar="S", type=int, help="Each firing comes up to so many seconds later.")
@click.option("--force", is_flag=True, help="Even if a day has too few units for it.")
@options.wait
@options.as_json
@options.endpoint
def add(
    *,
    name: str,
    frequency: str,
    words: tuple[str, ...],
    event: str | None,
    tag: tuple[str, ...],
    instance: tuple[str, ...],
    script_file: Path | None,
    script_type: str,
    timeout: int | None,
    by: str,
    missed: str | None,
    missed_max: int | None,
    missed_window: int | None,
    overlap: str | None,
    start_at: str | None,
    end_at: str | None,
    jitter: int | None,
    force: bool,
    wait: bool,
    as_json: bool,
    endpoint: str | None,
) -> None:
    """Repeat a request as EXPR says, under a NAME of your choice.

    \b
        fleetrun schedule add nightly '0 0 3 * * ?' --tag env=prod -- ./backup.sh
        fleetrun schedule add patches 'rate(1d)' --event EVENT.json --overlap queue --wait

    The same NAME and the same request again is the same schedule; a NAME that was removed begins anew. --wait stays
    until the schedule is kept, or refused.
    """
    spec = {
        "frequency": frequency,
        "by": by,
        "missed": missed,
        "missedMax": missed_max,
        "missedWindow": missed_window,
        "overlap": overlap,
        "startAt": start_at,
        "endAt": end_at,
        "jitter": jitter,
        "force": force or None,
    }
    checked = _checked(
        name,
        {field: value for field, value in spec.items() if value is not None},
        event=event,
        targets={"tags": tag, "instanceIds": list(instance)},
        script=script_of(words, script_file, event),
        rest={"type": script_type, "timeout": timeout},
    )
    if by == "cloud":
        from cli.invoke import send_and_tell

        send_and_tell(checked, wait=False, as_json=as_json, endpoint=endpoint)
        return
    _send(checked, wait=wait, as_json=as_json, endpoint=endpoint)


def script_of(words: tuple[str, ...], script_file: Path | None, event: str | None) -> str:
    from shared.core.errors import Refused

    if sum((bool(words), script_file is not None, event is not None)) != 1:
        raise Refused("give one of: -- SCRIPT, --script-file, --event", code="BadUsage")
    if script_file is None:
        return " ".join(words)
    try:
        return script_file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{script_file}: cannot be read as text ({error})", code="NoFile") from None


def _checked(
    name: str,
    spec: dict[str, Any],
    *,
    event: str | None,
    targets: dict[str, Any],
    script: str,
    rest: dict[str, Any],
) -> Checked:
    from cli.request_text import check, from_file, from_options, pairs

    if event is not None:
        value = json.loads(from_file(event, request_id=name).body)
        return check(json.dumps({**value, "schedule": spec}, ensure_ascii=False).encode())
    return from_options(
        {"type": rest["type"], "content": script},
        {**targets, "tags": pairs("--tag", targets["tags"])},
        {"requestId": name, "timeout": rest["timeout"], "schedule": spec},
    )


def _send(checked: Checked, *, wait: bool, as_json: bool, endpoint: str | None) -> None:
    from cli import queues, schedule_update, show
    from cli.connection import connect
    from cli.schedule_report import next_fires, schedule_json
    from shared.core.requests import InvokeRequest
    from shared.core.schedule import schedule_id_of

    assert isinstance(checked.request, InvokeRequest)
    connection = connect(endpoint)
    schedule_id = schedule_id_of(checked.request.request_id)
    removed = _removed(connection, schedule_id)
    if removed is not None:
        # To the functions this very request could be a late copy of the one that made it; an update is a new one.
        new = json.loads(checked.body)
        bound = schedule_update.revision_of(removed)
        schedule_update.send_update(
            connection, removed, new, request_id=None, if_revision=bound, wait=wait, as_json=as_json
        )
        return
    message_id = connection.queues.send(queues.REQUESTS, checked.body)
    told: dict[str, Any] = {
        "scheduleId": schedule_id,
        "requestId": checked.request.request_id,
        "messageId": message_id,
    }
    if wait:
        schedule = _awaited(connection, checked.request, message_id)
        told |= {**schedule_json(schedule), "nextFires": next_fires(schedule, now_ms=connection.now_ms)}
    if as_json:
        show.as_json(told)
    elif wait:
        show.out().print(f"{schedule_id}  next {told['nextFire'] or 'never'}: {show.one_line(told['words'])}")
    else:
        show.out().print(schedule_id)


def _removed(connection: Connection, schedule_id: str) -> Schedule | None:
    """The schedule that was removed under this name. Who may send and not read goes on as if there were none."""
    from shared.core.errors import Refused, Unavailable

    try:
        found = connection.schedules.read_schedule(schedule_id)
    except (Refused, Unavailable):
        return None
    return found if found is not None and found.status == "Removed" else None


def _awaited(connection: Connection, request: InvokeRequest, message_id: str) -> Schedule:
    """The schedule, once its row is there. Ends the command when the message is rejected, or nobody takes it."""
    from cli import show
    from cli.schedule_report import find
    from shared.core.model import rejection_id_of
    from shared.core.requests import hash_of
    from shared.core.schedule import schedule_id_of

    give_up = time.monotonic() + WAIT_S
    while time.monotonic() < give_up:
        if connection.is_api:
            return find(connection, request.request_id)
        rejected = connection.runs.read_run(rejection_id_of(message_id))
        if rejected is not None:
            show.err().print(f"fleetrun: rejected: {show.one_line(str(rejected.refusal.get('message', '')))}")
            options.leave(exits.REFUSED)
        found = connection.schedules.read_schedule(schedule_id_of(request.request_id))
        if found is not None and found.body_hash == hash_of(request):
            return found
        time.sleep(POLL_S)
    show.err().print("fleetrun: nobody has taken the message yet; is accept_requests running? `fleetrun doctor` looks")
    return options.leave(exits.UNREACHABLE)
