"""Services of FC 2.0, and what the account has. Source: aliyun-fc2 2.5.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localcloud.fc.desk import Desk, Operation, Reply, shown_time
from localcloud.fc.echoed_fields import SERVICE_FIELDS, echoed
from localcloud.fc.errors import FcError
from localcloud.fc.functions import ServiceRecord
from localcloud.fc.operations_tags import has_tags
from localcloud.fc.versions import LATEST

ZONE, ZONES = "h", {"cn-hongkong": "c"}
"""The letter of the region's zone; of Hong Kong as the vendor's own test has it, elsewhere ours."""


def create_service(desk: Desk) -> Reply:
    body = desk.body()
    name = desk.text(body, "serviceName", required=True)
    record = desk.service.functions.create_service(name, echoed(body, SERVICE_FIELDS))
    return _reply(record)


def get_service(desk: Desk) -> Reply:
    """Under a qualifier: as it was published, with the description of the version."""
    record = desk.service.functions.service(desk.names["service"])
    if desk.qualifier in ("", LATEST):
        return _reply(record)
    version = desk.service.versions.published(desk.owner, desk.qualifier)
    # Of what an earlier release has published, it is not known how the service was then.
    then = version.attributes if version.revision else record.attributes
    attributes = {**then, "description": version.description}
    shown = replace(record, attributes=attributes, created_ms=version.created_ms, modified_ms=version.created_ms)
    return Reply(_document(shown), etag=record.etag)


def update_service(desk: Desk) -> Reply:
    record = desk.service.functions.service(desk.names["service"])
    desk.check_match(record.etag)
    return _reply(desk.service.functions.update_service(record.name, echoed(desk.body(), SERVICE_FIELDS)))


def delete_service(desk: Desk) -> Reply:
    record = desk.service.functions.service(desk.names["service"])
    desk.check_match(record.etag)
    if desk.service.versions.versions(desk.owner):
        raise FcError("ServiceNotEmpty", f"service '{record.name}' has published versions")
    desk.service.functions.delete_service(record.name)
    desk.service.versions.forget(f"services/{record.name}")
    return Reply()


def list_services(desk: Desk) -> Reply:
    """`tag_<key>=<value>` narrows the list, as often as it is there."""
    records = [record for record in desk.service.functions.services() if has_tags(record, desk.query)]
    return desk.page("services", records, key=lambda record: record.name, show=_document)


def get_account_settings(desk: Desk) -> Reply:
    region = desk.service.account.region
    return Reply({"availableAZs": [f"{region}-{ZONES.get(region, ZONE)}"]})


def list_reserved_capacities(desk: Desk) -> Reply:
    """Nobody can buy any here."""
    desk.limit()
    return Reply({"reservedCapacities": []})


def _document(record: ServiceRecord) -> dict[str, Any]:
    tracing = record.attributes.get("tracingConfig") or {}
    return {
        "description": "",
        "role": "",
        "internetAccess": True,
        "logConfig": {"project": "", "logstore": ""},
        **record.attributes,
        "tracingConfig": {"type": None, "params": None, **tracing},
        "serviceName": record.name,
        "serviceId": record.service_id,
        "createdTime": shown_time(record.created_ms),
        "lastModifiedTime": shown_time(record.modified_ms),
    }


def _reply(record: ServiceRecord) -> Reply:
    return Reply(_document(record), etag=record.etag)


OFFERED: Mapping[str, Operation] = {
    "CreateService": create_service,
    "GetService": get_service,
    "UpdateService": update_service,
    "DeleteService": delete_service,
    "ListServices": list_services,
    "GetAccountSettings": get_account_settings,
    "ListReservedCapacities": list_reserved_capacities,
}
