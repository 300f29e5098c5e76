"""`fleetrun schedule`: what an expression will do; schedules added, looked at, paused and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cli import options, schedule_add, schedule_changes, schedule_rows, schedule_update

if TYPE_CHECKING:
    from shared.core.cron_preview import Preview

COUNT_MAX = 10_000
"""Ours: firings of one preview."""


@click.group()
def schedule() -> None:
    """Run a request again and again: preview, add, look at, update, pause, resume and remove schedules."""


for command in (
    schedule_add.add,
    schedule_update.update,
    schedule_rows.list_schedules,
    schedule_rows.show_schedule,
    *schedule_changes.CHANGES,
    schedule_changes.sync,
):
    schedule.add_command(command)


@schedule.command()
@click.argument("expression", metavar="EXPR")
@click.option("--zone", metavar="ZONE", help="For an expression that names none; default Asia/Shanghai (UTC+8).")
@click.option("--from", "from_text", metavar="TIME", help="Firings after it, by the expression's clocks; default: now.")
@click.option("-n", "--count", type=click.IntRange(1, COUNT_MAX), default=10, help="How many; default 10.")
@click.option("--targets", type=click.IntRange(1), default=1, help="Instances, for the units per day; default 1.")
@click.option("--per-call", type=click.IntRange(1, 100), default=50, help="Instances of one call; default 50.")
@click.option("--timeout", type=click.IntRange(10, 86_400), help="Seconds that the script may run; checks the period.")
@options.as_json
def preview(
    *,
    expression: str,
    zone: str | None,
    from_text: str | None,
    count: int,
    targets: int,
    per_call: int,
    timeout: int | None,
    as_json: bool,
) -> None:
    """Show when EXPR fires, or say what to write instead (exit code 2).

    \b
        fleetrun schedule preview '0 */10 * * * ?'
        fleetrun schedule preview '0 30 2 ? * MON-FRI Europe/Berlin' --from 2026-03-27T00:00:00 -n 3
        fleetrun schedule preview 'rate(5m)' --targets 120
    """
    from cli import show
    from shared.core import cron_preview
    from shared.core.cron import ZONE_DEFAULT

    default_zone = zone or ZONE_DEFAULT
    found = cron_preview.preview(
        expression,
        from_ms=_from_ms(expression, from_text, default_zone),
        count=count,
        default_zone=default_zone,
        local=None,
        targets=targets,
        per_chunk=per_call,
        timeout_s=timeout,
    )
    show.as_json(_preview_json(found)) if as_json else _print_preview(found)


def _from_ms(expression: str, text: str | None, zone: str) -> int:
    """Raises Refused for the expression first: it is the more interesting mistake."""
    import time

    from shared.core import cron_preview
    from shared.core.errors import Refused

    clocks = cron_preview.zone_for(expression, default_zone=zone)
    if text is None:
        return time.time_ns() // 1_000_000
    try:
        return cron_preview.moment_ms(text, zone=clocks)
    except ValueError:
        raise Refused(f"--from {text!r} is no time; write it like 2026-01-01T00:00:00", code="BadUsage") from None


def _preview_json(found: Preview) -> dict[str, Any]:
    return {
        "expression": found.expression,
        "zone": found.zone,
        "words": found.words,
        "firesPerDay": found.fires_per_day,
        "callsPerFire": found.calls_per_fire,
        "unitsPerDay": found.units_per_day,
        "fires": [
            {"utc": each.utc, "zone": each.zone, "local": each.local}
            | ({"flag": each.flag, "note": each.note} if each.flag else {})
            for each in found.fires
        ],
    }


def _print_preview(found: Preview) -> None:
    from cli import show

    out = show.out()
    out.print(f"{show.one_line(found.expression)}\n{show.one_line(found.words)}\n")
    out.print(f"{'UTC':<22}{show.one_line(found.zone)[:26]:<28}here")
    for each in found.fires:
        out.print(f"{each.utc:<22}{each.zone:<28}{each.local}{'  ' + each.flag if each.flag else ''}")
    for note in dict.fromkeys(f"{each.flag}: {each.note}" for each in found.fires if each.flag):
        out.print(f"\n{note}")
    out.print(
        f"\nUnits: a managed schedule takes {show.number(found.calls_per_fire, 'unit')} each time, at most "
        f"{found.units_per_day:,} a day ({show.number(found.fires_per_day, 'firing')}); "
        f"a cloud schedule takes {show.number(found.calls_per_fire, 'unit')} once."
    )
