"""Versions and aliases through the APIs: of services in FC 2.0, of functions in FC 3.0."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localcloud.fc.desk import Desk, Operation, Reply, shown_time, whole_number
from localcloud.fc.errors import invalid
from localcloud.fc.versions import Alias, Published


def publish(desk: Desk) -> Reply:
    """Refused while the newest version is of what is there now: any change of it counts, also one to the same."""
    body, functions = desk.body(), desk.service.functions
    owner, attributes = desk.owner, {}
    if desk.is_new:
        records = [desk.function()]
        etags = [records[0].etag]
    else:
        service = functions.service(desk.names["service"])
        records, attributes = functions.of_service(service.name), service.attributes
        etags = [service.etag, *(record.etag for record in records)]
    desk.check_match(etags[0])
    # A version is run by instances of its own.
    kept = {one.key: replace(one.function, generation=functions.next_generation()) for one in records}
    description, revision = desk.text(body, "description"), _digest("/".join(etags))
    version = desk.service.versions.publish(owner, kept, description, attributes=attributes, revision=revision)
    return Reply(_version_document(version))


def list_versions(desk: Desk) -> Reply:
    """BACKWARD (the newest first) unless `direction` says FORWARD."""
    direction = desk.query.get("direction") or "BACKWARD"
    if direction not in ("BACKWARD", "FORWARD"):
        raise invalid(f"direction is {direction!r}, it must be BACKWARD or FORWARD")
    is_forward = direction == "FORWARD"
    start = _start(desk)
    found = desk.service.versions.versions(desk.owner)
    ordered = [
        version
        for version in (found if is_forward else found[::-1])
        if start is None or (int(version.version_id) >= start if is_forward else int(version.version_id) <= start)
    ]
    reply = desk.page("versions", ordered, key=lambda version: version.version_id, show=_version_document, starts=False)
    return Reply({**(reply.value or {}), "direction": direction})


def _start(desk: Desk) -> int | None:
    """The number of the first version of the page, which need not be there any more."""
    name = "nextToken" if desk.query.get("nextToken") else "startKey"
    text = desk.query.get(name, "")
    if not text:
        return None
    start = whole_number(text)
    if start is None:
        raise invalid(f"{name} is {text[:40]!r}, the number of a version is needed")
    return start


def delete_version(desk: Desk) -> Reply:
    desk.service.versions.delete_version(desk.owner, desk.names["version"])
    return Reply()


def create_alias(desk: Desk) -> Reply:
    body = desk.body()
    alias = desk.service.versions.create_alias(
        desk.owner,
        desk.text(body, "aliasName", required=True),
        desk.text(body, "versionId", required=True),
        description=desk.text(body, "description"),
        weights=desk.object(body, "additionalVersionWeight"),
    )
    return _alias_reply(alias)


def get_alias(desk: Desk) -> Reply:
    return _alias_reply(desk.service.versions.alias(desk.owner, desk.names["alias"]))


def update_alias(desk: Desk) -> Reply:
    owner = desk.owner
    desk.check_match(_etag(desk.service.versions.alias(owner, desk.names["alias"])))
    body = desk.body()
    alias = desk.service.versions.update_alias(
        owner,
        desk.names["alias"],
        version_id=desk.text(body, "versionId") or None,
        description=None if body.get("description") is None else desk.text(body, "description"),
        weights=None if body.get("additionalVersionWeight") is None else desk.object(body, "additionalVersionWeight"),
    )
    return _alias_reply(alias)


def delete_alias(desk: Desk) -> Reply:
    owner = desk.owner
    desk.check_match(_etag(desk.service.versions.alias(owner, desk.names["alias"])))
    desk.service.versions.delete_alias(owner, desk.names["alias"])
    return Reply()


def list_aliases(desk: Desk) -> Reply:
    found = desk.service.versions.aliases(desk.owner)
    return desk.page("aliases", found, key=lambda alias: alias.name, show=_alias_document)


def _version_document(version: Published) -> dict[str, Any]:
    return {
        "versionId": version.version_id,
        "description": version.description,
        "createdTime": shown_time(version.created_ms),
        "lastModifiedTime": shown_time(version.created_ms),
    }


def _alias_document(alias: Alias) -> dict[str, Any]:
    return {
        "aliasName": alias.name,
        "versionId": alias.version_id,
        "description": alias.description,
        "additionalVersionWeight": dict(alias.weights),
        "createdTime": shown_time(alias.created_ms),
        "lastModifiedTime": shown_time(alias.modified_ms),
    }


def _etag(alias: Alias) -> str:
    told = repr((alias.name, alias.version_id, alias.description, sorted(alias.weights.items()), alias.modified_ms))
    return _digest(told)


def _digest(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _alias_reply(alias: Alias) -> Reply:
    return Reply(_alias_document(alias), etag=_etag(alias))


_ALIASES: Mapping[str, Operation] = {
    "CreateAlias": create_alias,
    "GetAlias": get_alias,
    "UpdateAlias": update_alias,
    "DeleteAlias": delete_alias,
    "ListAliases": list_aliases,
}
OLD_OFFERED: Mapping[str, Operation] = {
    "PublishServiceVersion": publish,
    "ListServiceVersions": list_versions,
    "DeleteServiceVersion": delete_version,
    **_ALIASES,
}
NEW_OFFERED: Mapping[str, Operation] = {
    "PublishFunctionVersion": publish,
    "ListFunctionVersions": list_versions,
    "DeleteFunctionVersion": delete_version,
    **_ALIASES,
}
