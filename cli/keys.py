"""`fleetrun keys` and `fleetrun audit`: who may come in, and who did what. Over the tables, or over the API."""

from __future__ import annotations

import json
from typing import Any

import click

from cli import options

KEYS_MAX = 1_000
"""Ours: keys of one list."""
EXPIRES_DAYS_MAX = 3_650
"""Ours: ten years."""


@click.group()
def keys() -> None:
    """Make, list and revoke keys for the HTTP API and for signed messages."""


@keys.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["viewer", "operator", "admin"]), default="operator", show_default=True)
@click.option("--command", "commands", multiple=True, metavar="ID", help="Stored command that it may run; repeatable.")
@click.option("--no-scripts", is_flag=True, help="Stored commands only.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="That every target must carry; repeatable.")
@click.option("--region", "regions", multiple=True, metavar="REGION", help="Only there; repeatable.")
@click.option("--targets-max", type=click.IntRange(1), help="Targets of one run.")
@click.option("--units-per-day", type=click.IntRange(1), help="InvokeCommand calls a day.")
@click.option("--expires-days", type=click.IntRange(1, EXPIRES_DAYS_MAX), help="Default: never.")
@options.as_json
@options.endpoint
def add(*, name: str, endpoint: str | None, expires_days: int | None, as_json: bool, **bounds: Any) -> None:
    """Make a key and print it, this once."""
    from cli import show
    from cli.connection import connect
    from cli.key_rows import add_by_api, add_by_tables

    grant = _grant(name, **bounds)
    connection = connect(endpoint)
    make = add_by_api if connection.is_api else add_by_tables
    text = make(connection, grant, expires_days)
    if as_json:
        show.as_json({"keyId": text.split("_")[1], "key": text})
        return
    show.out().print(text)
    show.err().print("Keep it: it is not stored, and will not be shown again.")


@keys.command()
@options.as_json
def new(*, as_json: bool) -> None:
    """Make the deployment's first admin key, without a cloud: the key, and the template's parameter AdminKey for it."""
    import secrets

    from cli import show
    from shared.core.keys import KEY_ID_CHARS, SECRET_CHARS, hash_of_secret, key_text

    key_id, secret = secrets.token_hex(KEY_ID_CHARS // 2), secrets.token_hex(SECRET_CHARS // 2)
    text, parameter = key_text(key_id, secret), f"{key_id}:{hash_of_secret(secret)}"
    if as_json:
        show.as_json({"key": text, "adminKey": parameter})
        return
    show.out().print(f"key       {text}")
    show.out().print(f"AdminKey  {parameter}")


@keys.command("list")
@options.as_json
@options.endpoint
def list_keys(*, as_json: bool, endpoint: str | None) -> None:
    """All keys, without their secrets."""
    from cli import show
    from cli.connection import connect
    from cli.key_rows import keys_by_api, keys_by_tables

    connection = connect(endpoint)
    found = (keys_by_api if connection.is_api else keys_by_tables)(connection, KEYS_MAX)
    if as_json:
        show.as_json(found)
        return
    for row in found:
        grant = row["grant"]
        state = "revoked" if row["revokedAt"] else f"until {row['expiresAt']}" if row["expiresAt"] else "in force"
        bounds = json.dumps({key: grant[key] for key in sorted(grant) if key not in ("name", "role")})
        line = f"{row['keyId']}  {grant.get('role', 'operator'):<8}  {state:<30}  {grant['name']}  {bounds}"
        show.out().print(show.one_line(line))
    if not found:
        show.err().print("No keys. fleetrun keys add NAME --role admin makes the first.")


@keys.command()
@click.argument("key_id", metavar="ID")
@options.as_json
@options.endpoint
def revoke(*, key_id: str, as_json: bool, endpoint: str | None) -> None:
    """Let nobody in with this key any more."""
    from cli import show
    from cli.connection import connect
    from cli.key_rows import revoke_by_api, revoke_by_tables

    connection = connect(endpoint)
    (revoke_by_api if connection.is_api else revoke_by_tables)(connection, key_id)
    if as_json:
        show.as_json({"keyId": key_id, "revoked": True})
        return
    show.out().print(show.one_line(f"{key_id} is revoked."))


@keys.command()
@click.argument("request", type=click.File("rb"), metavar="FILE")
@options.as_json
def sign(*, request: Any, as_json: bool) -> None:
    """Sign the request in FILE (- = standard input) with FLEETRUN_API_KEY; print the message for the queue.

    The message is JSON, with --json or without it.
    """
    del as_json
    from cli import show
    from cli.settings import api_key
    from cli.signing import signed_message

    show.out().print(signed_message(api_key(), request.read()))


@click.command()
@click.option("--day", metavar="DAY", help="YYYY-MM-DD in UTC+8; default: the last 31.")
@click.option("--caller", metavar="NAME", help='A key\'s id, "queue", or "hook:NAME".')
@click.option("--subject", metavar="ID", help="A run, schedule, key, hook or subscription.")
@click.option("-n", "--limit", type=click.IntRange(1, 1_000), default=20, help="Lines; default 20.")
@options.as_json
@options.endpoint
def audit(
    *, day: str | None, caller: str | None, subject: str | None, limit: int, as_json: bool, endpoint: str | None
) -> None:
    """Who did what, newest first; also what was refused."""
    from cli import show
    from cli.connection import connect
    from cli.key_rows import trail_by_api, trail_by_tables
    from shared.core.days import iso

    connection = connect(endpoint)
    read = trail_by_api if connection.is_api else trail_by_tables
    found = read(connection, day=day, caller=caller, subject=subject, limit=limit)
    if as_json:
        show.as_json(found)
        return
    for entry in found:
        what = f"{entry['code']} {entry['field']}" if entry["result"] == "refused" else entry.get("subject", "")
        more = " ".join(str(entry[name]) for name in ("targets", "commandId", "address") if entry.get(name))
        script = f" script {entry['scriptSha256'][:12]}" if entry.get("scriptSha256") else ""
        when = iso(entry["atMs"])
        line = f"{when}  {entry['result']:<7}  {entry['caller']:<14}  {entry['action']:<16}  {what}  {more}{script}"
        show.out().print(show.one_line(line.rstrip()))
    if not found:
        show.err().print("Nothing is in the trail.")


def _grant(name: str, **bounds: Any) -> dict[str, Any]:
    """As the API takes it."""
    tags = {}
    for tag in bounds["tags"]:
        key, equals, value = tag.partition("=")
        if not equals or not key:
            raise click.UsageError(f"--tag is {tag!r}; it must be KEY=VALUE")
        tags[key] = value
    grant: dict[str, Any] = {"name": name, "role": bounds["role"], "inlineScripts": not bounds["no_scripts"]}
    given = {
        "commands": list(bounds["commands"]),
        "tags": tags,
        "regions": list(bounds["regions"]),
        "targetsMax": bounds["targets_max"],
        "unitsPerDay": bounds["units_per_day"],
    }
    return grant | {key: value for key, value in given.items() if value}
