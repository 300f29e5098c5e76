"""Keys and the audit trail as `fleetrun keys` and `fleetrun audit` want them, over the tables or over the API.

Over the tables it is the same use cases that the API calls, with the account's own keys for a proof: the caller is
`operator`, and the trail has it, too.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec

from shared.app.keys import add_key, list_keys, revoke_key
from shared.app.trail import read_trail
from shared.core.access import Caller, Grant
from shared.core.days import DAY_MS, iso
from shared.core.errors import Refused
from shared.core.keys import KeyRow

if TYPE_CHECKING:
    from cli.connection import Connection
    from shared.ports import Ports

OPERATOR = Caller("operator", "admin", Grant(name="operator", role="admin"), via="tables")


def add_by_tables(connection: Connection, grant: dict[str, Any], expires_days: int | None) -> str:
    ports = _ports(connection)
    try:
        wanted = msgspec.convert(grant, Grant)
    except msgspec.ValidationError as error:
        raise Refused(str(error), code="BadRequest", field="grant") from None
    expires_ms = 0 if expires_days is None else ports.clock.now_ms() + expires_days * DAY_MS
    return add_key(ports, OPERATOR, grant=wanted, expires_ms=expires_ms, entry_id=_entry_id(ports)).text


def add_by_api(connection: Any, grant: dict[str, Any], expires_days: int | None) -> str:
    body = {"grant": grant} | ({} if expires_days is None else {"expiresInDays": expires_days})
    return str(connection.api.post("/v1/keys", msgspec.json.encode(body))["key"])


def keys_by_tables(connection: Connection, limit: int) -> list[dict[str, Any]]:
    return [_shown(row) for row in list_keys(_ports(connection), after="", limit=limit)]


def keys_by_api(connection: Any, limit: int) -> list[dict[str, Any]]:
    return list(islice(connection.api.pages("/v1/keys", "keys"), limit))


def revoke_by_tables(connection: Connection, key_id: str) -> None:
    ports = _ports(connection)
    revoke_key(ports, OPERATOR, key_id, entry_id=_entry_id(ports))


def revoke_by_api(connection: Any, key_id: str) -> None:
    connection.api.post(f"/v1/keys/{key_id}", method="DELETE")


def trail_by_tables(
    connection: Connection, *, day: str | None, caller: str | None, subject: str | None, limit: int
) -> list[dict[str, Any]]:
    found = read_trail(_ports(connection), day=day or "", limit=limit, caller=caller or "", subject=subject or "")
    return [msgspec.to_builtins(entry) for _, _, entry in found]


def trail_by_api(
    connection: Any, *, day: str | None, caller: str | None, subject: str | None, limit: int
) -> list[dict[str, Any]]:
    asked = {"day": day, "caller": caller, "subject": subject}
    query = {name: value for name, value in asked.items() if value}
    return list(islice(connection.api.pages("/v1/audit", "entries", **query), limit))


def _ports(connection: Connection) -> Ports:
    from shared.runtime.compose import ports_of
    from shared.runtime.log import JsonLog

    # The command says by itself what it does; a log is for functions.
    adapters = connection.adapters
    return ports_of(adapters, JsonLog(adapters.clock, write=lambda _line: None))


def _entry_id(ports: Ports) -> str:
    return f"cli-{ports.ids.new_id()}"


def _shown(row: KeyRow) -> dict[str, Any]:
    return {
        "keyId": row.key_id,
        "grant": msgspec.to_builtins(row.grant),
        "createdAt": iso(row.created_ms),
        "createdBy": row.created_by,
        "expiresAt": iso(row.expires_ms) if row.expires_ms else None,
        "revokedAt": iso(row.revoked_ms) if row.revoked_ms else None,
    }
