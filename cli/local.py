"""`fleetrun local`: the local cloud in the foreground. One of two modules of the command that know it."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli import exits, options

if TYPE_CHECKING:
    from localcloud.account import Account
    from localcloud.faults import Rule

PORT = 7150


@click.command(short_help="The local cloud in the foreground, until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, help="0: any free port; default 7150.")
@click.option("--host", default="127.0.0.1", help="Address to listen on; default 127.0.0.1.")
@click.option("--instances", type=click.IntRange(0), help="Scales the fleet; default: as the file says (120).")
@click.option("--fleet", metavar="FILE", type=click.Path(path_type=Path), help="Which instances there are: YAML.")
@click.option("--data", metavar="DIR", type=click.Path(path_type=Path), help="Keeps the state over a restart.")
@click.option("--template", metavar="FILE", type=click.Path(path_type=Path), help="Default: template.yml.")
@click.option("--parameter", metavar="K=V", multiple=True, help="Of the template, e.g. DailyQuota=3; repeatable.")
@click.option("--access-key-id", metavar="ID")
@click.option("--access-key-secret", metavar="SECRET")
@click.option("--account-id", metavar="ID")
@click.option("--region", metavar="REGION")
@click.option("--tablestore-instance", metavar="NAME")
@click.option("--simulated", is_flag=True, help="Instances answer without running anything.")
@click.option("--lenient", is_flag=True, help="Do not check signatures.")
@click.option("--empty", is_flag=True, help="Deploy nothing: four empty services, and the fleet.")
@click.option("--seed", type=int, help="Of every id and random number.")
@click.option("--clock", metavar="WHEN", default="real", help="real, frozen, or the time at which it stands still.")
@click.option("--fault", metavar="RULE", multiple=True, help="E.g. kind=throttle,service=ecs,count=3; repeatable.")
@click.option("--set", "switch", metavar="SWITCH=V", multiple=True, help="E.g. ecs.stop_model=documented; repeatable.")
@click.option("--reset", is_flag=True, help="Delete the state that is in --data first.")
@click.option("--save-state", metavar="FILE", type=click.Path(path_type=Path), help="Write the state at the end: JSON.")
@click.option("--save-requests", metavar="FILE", type=click.Path(path_type=Path), help="The same, each request a line.")
@click.option("--print-env", is_flag=True, help="Print the shell exports for clients, and end.")
@options.as_json
@click.option("--until-stdin-closes", is_flag=True, hidden=True)
def local(
    *,
    port: int,
    host: str,
    instances: int | None,
    fleet: Path | None,
    data: Path | None,
    template: Path | None,
    parameter: tuple[str, ...],
    access_key_id: str | None,
    access_key_secret: str | None,
    account_id: str | None,
    region: str | None,
    tablestore_instance: str | None,
    simulated: bool,
    lenient: bool,
    empty: bool,
    seed: int | None,
    clock: str,
    fault: tuple[str, ...],
    switch: tuple[str, ...],
    reset: bool,
    save_state: Path | None,
    save_requests: Path | None,
    print_env: bool,
    as_json: bool,
    until_stdin_closes: bool,
) -> None:
    """ECS, MNS, Tablestore and Function Compute on this machine, on one port, until Ctrl-C.

    Prints `ready: http://127.0.0.1:PORT` when it serves, and `api: …`, the short address of the HTTP API.
    """
    if until_stdin_closes:
        _stop_when_stdin_closes()
    named = {
        "access_key_id": access_key_id,
        "access_key_secret": access_key_secret,
        "account_id": account_id,
        "region": region,
        "tablestore_instance": tablestore_instance,
    }
    account = _account({name: named[name] for name in named if named[name] is not None})
    if print_env:
        if port == 0:
            raise click.UsageError("--print-env needs the port that the local cloud serves on")
        _print_environment(local_environment(f"http://{host}:{port}", account), as_json=as_json)
        return
    _serve(
        port=port,
        host=host,
        instances=instances,
        fleet=fleet,
        data=data,
        template=template,
        parameters=_pairs("--parameter", parameter),
        account=account,
        executor="simulated" if simulated else "process",
        strict=not lenient,
        deploys=not empty,
        seed=seed,
        frozen_at_ms=_frozen_at_ms(clock),
        faults=tuple(_rule(text) for text in fault),
        switches=_pairs("--set", switch),
        forgets=reset,
        state_to=save_state,
        requests_to=save_requests,
    )


def _print_environment(environment: dict[str, str], *, as_json: bool) -> None:
    from cli import show
    from cli.settings import left_over

    if as_json:
        show.as_json(environment)
        return
    others = left_over()
    if others:
        sys.stdout.write(f"unset {' '.join(others)}\n")
    for name in sorted(environment):
        sys.stdout.write(f"export {name}={shlex.quote(environment[name])}\n")


def _account(fields: dict[str, Any]) -> Account:
    from localcloud.account import Account

    return Account(**fields)


def _pairs(option: str, given: tuple[str, ...]) -> dict[str, str]:
    from cli.request_text import pairs

    return pairs(option, given)


def _frozen_at_ms(text: str) -> int | None:
    """None for a clock that goes."""
    if text == "real":
        return None
    now = datetime.now(timezone.utc)
    try:
        when = now if text == "frozen" else datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise click.UsageError(_bad_clock(text)) from error
    if when.tzinfo is None:
        raise click.UsageError(_bad_clock(text))
    return int(when.timestamp() * 1000)


def _bad_clock(text: str) -> str:
    return f"--clock {text!r}: real, frozen, or a time with its zone, e.g. 2026-12-01T04:00:00Z"


def _rule(text: str) -> Rule:
    from localcloud.faults import read_rule

    try:
        return read_rule(text)
    except ValueError as error:
        raise click.UsageError(f"--fault {text!r}: {error}") from error


def local_environment(url: str, account: Account | None = None) -> dict[str, str]:
    """What a client's environment must hold to work with the local cloud at `url`."""
    who = account or _account({})
    return {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": who.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": who.access_key_secret,
        "FLEETRUN_ACCOUNT_ID": who.account_id,
        "FLEETRUN_API_KEY": who.api_key,
        "FLEETRUN_ENDPOINT": url,
        "FLEETRUN_REGION": who.region,
        "FLEETRUN_TABLESTORE_INSTANCE": who.tablestore_instance,
    }


def _serve(**fields: Any) -> None:
    from cli.show import err, harmless
    from localcloud.build import BuildError
    from localcloud.cloud import run_foreground
    from localcloud.file_journal import DamagedJournal, FolderInUse
    from localcloud.fleet import BadFleet
    from localcloud.options import Options
    from localcloud.switches import BadSwitch
    from localcloud.template import TemplateError

    try:
        run_foreground(Options(**fields))
    except OSError as error:
        port = fields["port"]
        err().print(
            f"fleetrun: cannot serve on {fields['host']}:{port}: {error.strerror or error}. "
            "If something else uses the port, choose another (--port N, make run PORT=N)."
        )
        options.leave(exits.UNREACHABLE)
    except (BadFleet, BadSwitch, BuildError, DamagedJournal, FolderInUse, TemplateError) as error:
        err().print(harmless(f"fleetrun: {error}"))
        options.leave(exits.REFUSED)


def _stop_when_stdin_closes() -> None:
    """Whoever started us holds the other end; when it is gone, however it went, so are we."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="stdin", daemon=True).start()
