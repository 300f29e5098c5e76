"""Layers through the APIs: published from archives. Source: Layer of alibabacloud_fc20230330 4.8.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from localcloud.fc.code import archive_of, checksum, layer_key
from localcloud.fc.desk import Desk, Operation, Reply, shown_time, whole_number
from localcloud.fc.errors import invalid
from localcloud.fc.functions import check_name
from localcloud.fc.layers import LayerVersion

PRIVATE, PUBLIC = "0", "1"


def create_layer_version(desk: Desk) -> Reply:
    body = desk.body()
    archive = archive_of({"code": body.get("code", body.get("Code"))})
    if archive is None:
        raise invalid("code is missing: code.zipFile is needed")
    runtimes = body.get("compatibleRuntime") or []
    if not isinstance(runtimes, list) or not all(isinstance(one, str) for one in runtimes):
        raise invalid("compatibleRuntime must be a list of runtimes")
    check_name(desk.names["layer"], "layerName")
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
    """All are the account's own: none is `official`; `public` ones are those that PutLayerACL made so."""
    layers = [] if _flag(desk, "official") else desk.service.layers.latest()
    if _flag(desk, "public"):
        layers = [one for one in layers if desk.service.layers.acl(one.name) == PUBLIC]
    return desk.page("layers", layers, key=lambda one: one.name, show=lambda one: _document(desk, one))


def list_layer_versions(desk: Desk) -> Reply:
    """The newest first; `startVersion` and `nextVersion` are numbers."""
    start = desk.query.get("startVersion", "")
    found = desk.service.layers.versions(desk.names["layer"])
    if start:
        first = whole_number(start)
        if first is None:
            raise invalid(f"startVersion is {start[:40]!r}, a number is needed")
        found = [one for one in found if one.version <= first]
    reply = desk.page(
        "layers", found, key=lambda one: str(one.version), show=lambda one: _document(desk, one), starts=False
    )
    value = dict(reply.value or {})
    if "nextToken" in value:
        value["nextVersion"] = int(value.pop("nextToken"))
    return Reply(value)


def put_layer_acl(desk: Desk) -> Reply:
    """`acl`, or in its place `public`; private when neither is there."""
    acl = desk.query.get("acl") or (PUBLIC if _flag(desk, "public") else PRIVATE)
    if acl not in (PRIVATE, PUBLIC):
        raise invalid(f"acl is {acl!r}, it must be {PRIVATE} (private) or {PUBLIC} (public)")
    desk.service.layers.set_acl(desk.names["layer"], acl)
    return Reply()


def _location(desk: Desk, layer: LayerVersion) -> str:
    """A link that holds for as long as the version is there."""
    host = desk.call.request.headers.get("host", "localhost")
    place = f"/{desk.call.version}/layer-packages/{quote(layer.name, safe='')}/{layer.version}"
    return f"http://{host}{place}?key={layer_key(layer)}"


def _flag(desk: Desk, name: str) -> bool:
    text = desk.query.get(name) or "false"
    if text not in ("true", "false"):
        raise invalid(f"{name} is {text!r}, it must be true or false")
    return text == "true"


def _document(desk: Desk, layer: LayerVersion) -> dict[str, Any]:
    """One of the template's is a folder and has no archive.

    FC 2.0 has `acl` as a number; its `arn` is an older form that is on its way out, here the same as `arnV2`.
    """
    acl = desk.service.layers.acl(layer.name)
    mine = {"layerVersionArn": layer.arn, "acl": acl}
    older = {"arn": layer.arn, "arnV2": layer.arn, "acl": int(acl)}
    return {
        **(mine if desk.is_new else older),
        "layerName": layer.name,
        "version": layer.version,
        "description": layer.description,
        "license": layer.license,
        "compatibleRuntime": list(layer.runtimes),
        **({"code": {"repositoryType": "OSS", "location": _location(desk, layer)}} if layer.code else {}),
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
