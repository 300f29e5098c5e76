"""Options that several commands share, and how a command ends with a code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def endpoint(command: Command) -> Command:
    return click.option(
        "--endpoint",
        metavar="URL",
        help="One address for all services, e.g. http://127.0.0.1:7150. Default: FLEETRUN_ENDPOINT, or the real cloud.",
    )(command)


def as_json(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def run_name(command: Command) -> Command:
    """A run id, the request id that it came from, or the message id of a message that was rejected."""
    return click.argument("name", metavar="RUN")(command)


def wait(command: Command) -> Command:
    return click.option("--wait", is_flag=True, help="Stay until the run has ended: progress, then the summary.")(
        command
    )


def leave(code: int) -> NoReturn:
    """Ends the command with this exit code."""
    raise SystemExit(code)
