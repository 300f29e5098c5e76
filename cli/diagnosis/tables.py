"""Tables: are they there, and do their keys look as this release writes them?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cli.diagnosis.expected import Expected
from cli.diagnosis.finding import Finding, fail, ok
from shared.adapters import limits
from shared.adapters.tablestore_errors import translated
from shared.runtime.settings import Settings

_STACK = "update the stack from template.yml"


def check(settings: Settings, wanted: Expected) -> Iterator[Finding]:
    client = _client(settings)
    there = set(translated("ListTable", client.list_table, effect=False))
    for name in sorted(wanted.tables):
        yield (
            _table(client, name, wanted.tables[name]) if name in there else fail("tables", f"{name} is missing", _STACK)
        )


def _table(client: Any, name: str, key: tuple[tuple[str, str], ...]) -> Finding:
    found = translated(f"DescribeTable {name}", lambda: client.describe_table(name), effect=False)
    seen = tuple((str(column[0]), str(column[1])) for column in found.table_meta.schema_of_primary_key)
    if seen != key:
        return fail(
            "tables",
            f"{name} has the key {_told(seen)}, not {_told(key)}",
            "a key never changes: this is another table of that name; give fleetrun an instance of its own",
        )
    if int(found.table_options.time_to_live) != -1:
        days = int(found.table_options.time_to_live) // 86_400
        return fail(
            "tables", f"{name} drops rows after {days:,} days", "set its TimeToLive to -1: runs may last for months"
        )
    return ok("tables", f"{name} {_told(key)}")


def _told(key: tuple[tuple[str, str], ...]) -> str:
    return "(" + ", ".join(f"{name} {kind}" for name, kind in key) + ")"


def _client(settings: Settings) -> Any:
    from tablestore import OTSClient
    from tablestore.retry import NoRetryPolicy
    from urllib3 import Timeout

    keys = settings.credentials
    assert keys is not None, "settings() names missing keys"
    return OTSClient(
        settings.tablestore_endpoint,
        keys.access_key_id,
        keys.access_key_secret,
        settings.tablestore_instance,
        sts_token=keys.security_token or None,
        socket_timeout=Timeout(connect=limits.CONNECT_S_MAX, read=limits.READ_S_MAX),
        retry_policy=NoRetryPolicy(),
    )
