"""`fleetrun doctor`: looks at every part of a deployment, changes nothing, and says what to do about what it sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from cli import exits, options

if TYPE_CHECKING:
    from cli.connection import Connection
    from cli.diagnosis.finding import Finding

_STYLES = {"OK": "green", "WARN": "yellow", "FAIL": "bold red"}


@click.command(short_help="Check a deployment, and say what to do.")
@options.as_json
@options.endpoint
def doctor(*, as_json: bool, endpoint: str | None) -> None:
    """Check a deployment: addresses, clocks, keys, queues, tables, quota, functions, roles, stuck runs.

    One line for each finding, with what to do. Exit code 0: nothing failed (there may be warnings); 1: something did;
    3: a service cannot be reached.
    """
    from cli import show
    from cli.connection import connect

    found: list[Finding] = []
    for finding in examine(connect(endpoint)):
        found.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        show.as_json([_json(finding) for finding in found])
    else:
        _print_total(found)
    options.leave(_exit_code(found))


def examine(connection: Connection) -> Iterator[Finding]:
    """Every finding, in the order in which an operator would ask."""
    from cli.diagnosis import addresses, functions, messages, roles, tables, unfinished, units, webhooks
    from cli.diagnosis.expected import expected
    from cli.diagnosis.finding import examined, ok

    settings = connection.settings
    keys = settings.credentials
    assert keys is not None, "settings() names missing keys"
    wanted = expected(region=settings.region, account_id=settings.account_id)
    has_webhooks = webhooks.are_sent(connection, wanted)
    services = {
        "ECS": settings.ecs_endpoint.replace("{region}", settings.region),
        "MNS": settings.mns_endpoint,
        "Tablestore": settings.tablestore_endpoint,
        "Function Compute": settings.fc_endpoint,
    }
    yield from addresses.check(services, now_ms=connection.adapters.clock.now_ms)
    yield from examined(
        "queues",
        lambda: messages.check(connection.queues, wanted, now_ms=connection.now_ms, has_webhooks=has_webhooks),
    )
    yield from examined("tables", lambda: tables.check(settings, wanted))
    yield from examined("quota", lambda: units.check(connection))
    yield from examined("runs", lambda: unfinished.check(connection))
    yield from examined(
        "functions", lambda: functions.check(settings.fc_endpoint, keys, wanted, has_webhooks=has_webhooks)
    )
    if addresses.is_here(settings.ecs_endpoint):
        yield ok("roles", "not looked at: the local cloud has no RAM, its functions may do everything")
    else:
        yield from examined("roles", lambda: roles.check(keys, wanted))


def _exit_code(found: list[Finding]) -> int:
    if any(finding.is_unreachable for finding in found):
        return exits.UNREACHABLE
    return exits.NOT_ALL if any(finding.level == "FAIL" for finding in found) else exits.SUCCEEDED


def _print(finding: Finding) -> None:
    from rich.text import Text

    from cli import show
    from cli.settings import without_secrets

    said = show.one_line(without_secrets(finding.said))
    advice = f" → {show.one_line(finding.advice)}" if finding.advice else ""
    level = (f"{finding.level:<4}", _STYLES[finding.level])
    show.out().print(Text.assemble(level, f"  {finding.area:<12} {said}", (advice, "bold")))


def _print_total(found: list[Finding]) -> None:
    from cli import show

    counts = {level: sum(1 for finding in found if finding.level == level) for level in _STYLES}
    show.err().print(f"{counts['OK']} OK, {show.number(counts['WARN'], 'warning')}, {counts['FAIL']} failed")


def _json(finding: Finding) -> dict[str, object]:
    from cli.settings import without_secrets

    return {
        "level": finding.level,
        "area": finding.area,
        "said": without_secrets(finding.said),
        "advice": finding.advice,
        "unreachable": finding.is_unreachable,
    }
