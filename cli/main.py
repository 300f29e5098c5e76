"""The command `fleetrun`: a client of queues and tables; whether they are local or in the cloud it does not know."""

from __future__ import annotations

import io
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import click

from cli import dead_letters, demo, doctor, events, exits, function, invoke, keys, local, results, runs, schedule, stop

EPILOG = (
    "Exit codes: 0 all targets succeeded, 1 some did not (or not yet), 2 bad usage or refused, 3 cloud unreachable."
)


class _InOrder(click.Group):
    """Lists its commands in the order in which a newcomer meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(self.commands)


@click.group(
    cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=EPILOG
)
@click.option(
    "--api",
    metavar="URL",
    envvar="FLEETRUN_API",
    help="Go over the HTTP API at this address, with the key in FLEETRUN_API_KEY, instead of queues and tables.",
)
@click.pass_context
def fleetrun(context: click.Context, *, api: str | None) -> None:
    """Run commands on fleets of ECS instances, within the day's quota, nothing lost and nothing twice."""
    context.obj = _checked_address(api) if api else None


def _checked_address(address: str) -> str:
    if not address.startswith(("http://", "https://")):
        raise click.UsageError(f"--api {address!r}: an address looks like https://… or http://127.0.0.1:7150/api")
    return address


for command in (
    local.local,
    invoke.invoke,
    runs.status,
    results.results,
    stop.stop,
    events.events,
    runs.runs,
    runs.quota,
    schedule.schedule,
    keys.keys,
    keys.audit,
    dead_letters.dlq,
    doctor.doctor,
    demo.demo,
    function.call,
    function.package,
):
    fleetrun.add_command(command)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line; ends the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character gets its escape instead of our traceback.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = fleetrun.main(args, prog_name="fleetrun", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        sys.stderr.write("Interrupted.\n")
        code = exits.INTERRUPTED
    except Exception as error:  # noqa: BLE001  the outermost edge: a bug must not end with the code of a failed run
        code = _explain(error)
    sys.exit(code if isinstance(code, int) else exits.SUCCEEDED)


def _explain(error: Exception) -> int:
    """Prints what went wrong; answers the exit code."""
    from cli.settings import BadEnvironment, without_secrets
    from cli.show import err, harmless
    from shared.core.errors import FleetrunError

    if isinstance(error, BadEnvironment):
        err().print(f"fleetrun: {harmless(str(error))}")
        return exits.REFUSED
    if isinstance(error, FleetrunError):
        trace = f" (request id {harmless(error.request_id)})" if error.request_id else ""
        err().print(f"fleetrun: {harmless(without_secrets(error.message))}{trace}")
        return exits.of_error(error)
    err().print(harmless(without_secrets("".join(traceback.format_exception(error)))), end="")
    err().print("fleetrun: this is a mistake in fleetrun itself; please report it with the lines above.")
    return exits.BUG
