"""Layers through the APIs: published from archives. Source: Layer of alibabacloud_fc20230330 4.8.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.fc.code import archive_of, checksum
from localcloud.fc.desk import Desk, Operation, Reply, shown_time
from localcloud.fc.errors import invalid
from localcloud.fc.layers import LayerVersion


def create_layer_version(desk: Desk) -> Reply:
    body = desk.body()
    archive = archive_of({"code": body.get("code", body.get("Code"))})
    if archive is None:
        raise invalid("code is missing: code.zipFile is needed")
    runtimes = body.get("compatibleRuntime") or []
    if not isinstance(runtimes, list) or not all(isinstance(one, str) for one in runtimes):
        raise invalid("compatibleRuntime must be a list of runtimes")
    made = desk.service.layers.create(
        desk.names["layer"],
        [desk.service.code.unpack(archive)],
        runtimes=runtimes,
        description=desk.text(body, "description"),
        license=desk.text(body, "license"),
        code=archive,
    )
    return Reply(_document(desk, made))


def get_layer_version(desk: Desk) -> Reply:
    return Reply(_document(desk, desk.service.layers.find(desk.names["layer"], desk.names["version"])))


def get_layer_version_by_arn(desk: Desk) -> Reply:
    return Reply(_document(desk, desk.service.layers.find_arn(desk.names["arn"])))


def delete_layer_version(desk: Desk) -> Reply:
    desk.service.layers.delete(desk.names["layer"], desk.names["version"])
    return Reply()


def list_layers(desk: Desk) -> Reply:
    layers = desk.service.layers.latest()
    return desk.page("layers", layers, key=lambda one: one.name, show=lambda one: _document(desk, one))


def list_layer_versions(desk: Desk) -> Reply:
    """The newest first; `startVersion` and `nextVersion` are numbers."""
    start = desk.query.get("startVersion", "")
    found = desk.service.layers.versions(desk.names["layer"])
    if start:
        if not start.isascii() or not start.isdecimal():
            raise invalid(f"startVersion is {start!r}, a number is needed")
        found = [one for one in found if one.version <= int(start)]
    reply = desk.page(
        "layers", found, key=lambda one: str(one.version), show=lambda one: _document(desk, one), ordered=False
    )
    value = dict(reply.value or {})
    if "nextToken" in value:
        value["nextVersion"] = int(value.pop("nextToken"))
    return Reply(value)


def put_layer_acl(desk: Desk) -> Reply:
    acl = desk.query.get("acl", "")
    if acl not in ("0", "1"):
        raise invalid(f"acl is {acl!r}, it must be 0 (private) or 1 (public)")
    desk.service.layers.set_acl(desk.names["layer"], acl)
    return Reply()


def _document(desk: Desk, layer: LayerVersion) -> dict[str, Any]:
    return {
        "layerName": layer.name,
        "version": layer.version,
        "layerVersionArn" if desk.is_new else "arn": layer.arn,
        "description": layer.description,
        "license": layer.license,
        "compatibleRuntime": list(layer.runtimes),
        "acl": desk.service.layers.acl(layer.name),
        "codeSize": len(layer.code),
        "codeChecksum": checksum(layer.code),
        "createTime": shown_time(layer.created_ms),
    }


OLD_OFFERED: Mapping[str, Operation] = {
    "CreateLayerVersion": create_layer_version,
    "GetLayerVersion": get_layer_version,
    "DeleteLayerVersion": delete_layer_version,
    "ListLayers": list_layers,
    "ListLayerVersions": list_layer_versions,
}
NEW_OFFERED: Mapping[str, Operation] = {
    **OLD_OFFERED,
    "GetLayerVersionByArn": get_layer_version_by_arn,
    "PutLayerACL": put_layer_acl,
}
