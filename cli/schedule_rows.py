"""`fleetrun schedule list` and `show`: what the rows say of the schedules that fleetrun keeps."""

from __future__ import annotations

import click

from cli import options

PAGE = 100


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that have ended or were removed, too.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=200, help="Schedules to show; default 200.")
@options.as_json
@options.endpoint
def list_schedules(*, everything: bool, limit: int, as_json: bool, endpoint: str | None) -> None:
    """The schedules: those that fleetrun keeps, and those of the cloud that have not ended."""
    from cli import show
    from cli.connection import connect
    from cli.schedule_report import cloud_schedules, schedule_json

    connection = connect(endpoint)
    shown: list[dict[str, object]] = []
    after = ""
    while len(shown) < limit and (page := connection.schedules.schedules(after=after, limit=PAGE)):
        after = page[-1].schedule_id
        shown += [schedule_json(each) for each in page if everything or each.status in ("Active", "Paused")]
    shown = sorted([*shown, *cloud_schedules(connection)][:limit], key=lambda each: str(each["name"]))
    if as_json:
        show.as_json(shown)
        return
    if not shown:
        show.err().print("No schedules. `fleetrun schedule add` makes one.")
    for each in shown:
        next_fire = str(each["nextFire"] or "-")
        told = f"{each['by']!s:<8}  {each['status']!s:<9}  {next_fire:<21}  {show.one_line(str(each['frequency']))}"
        show.out().print(f"{show.one_line(str(each['name'])):<24}  {told}")


@click.command("show")
@click.argument("name", metavar="SCHEDULE")
@options.as_json
@options.endpoint
def show_schedule(*, name: str, as_json: bool, endpoint: str | None) -> None:
    """One schedule: when it fires, what became of its firings, its policies.

    SCHEDULE is the name it was added under, or its id.
    """
    from cli import show
    from cli.connection import connect
    from cli.schedule_report import find, next_fires, schedule_json

    connection = connect(endpoint)
    schedule = find(connection, name)
    told = {**schedule_json(schedule), "nextFires": next_fires(schedule, now_ms=connection.now_ms)}
    if as_json:
        show.as_json(told)
        return
    out = show.out()
    for field, value in told.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        if shown not in (None, "", 0):
            out.print(f"{field:<14}{show.one_line(str(shown))}")
