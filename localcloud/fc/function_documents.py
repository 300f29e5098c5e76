"""Functions in the words of the APIs: a request's body → what changes of a function; a function → its document.

Source: Function, CreateFunctionInput of alibabacloud_fc20230330 4.8.3; aliyun-fc2 2.5.2 and its REST reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.fc.code import archive_of, checksum
from localcloud.fc.desk import Desk, shown_time
from localcloud.fc.echoed_fields import FUNCTION_FIELDS, check_cpu, echoed
from localcloud.fc.errors import FcError, invalid
from localcloud.fc.functions import FunctionRecord
from localcloud.fc.runtimes import check_concurrency
from localcloud.fc.values import FunctionSpec, HttpForm

UNOFFERED = (
    "customContainerConfig",
    "customRuntimeConfig",
    "gpuConfig",
    "nasConfig",
    "ossMountConfig",
    "juiceFsConfig",
    "polarFsConfig",
    "vpcConfig",
    "microSandboxConfig",
)
"""What would change how a function runs, and does not here: refused, not ignored."""
NEW_NAME_CHARACTERS_MAX = 64
"""Of a function in API 2023-03-30; 2016-08-15 takes 128."""
MEMORY_DEFAULT = {True: 512, False: 128}
"""MB; by whether the API is the newer one."""


def changes_of(desk: Desk, body: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of FunctionSpec that `body` names, with their values. Raises FcError naming the field."""
    _check_offered(body)
    changes: dict[str, Any] = {}
    for name, field_name in (("handler", "handler"), ("runtime", "runtime"), ("role", "role")):
        if body.get(name) is not None:
            changes[field_name] = desk.text(body, name)
    if body.get("description") is not None:
        changes["description"] = desk.text(body, "description")
    for name, field_name in (("memorySize", "memory"), ("timeout", "timeout")):
        value = desk.whole(body, name)
        if value is not None:
            changes[field_name] = value
    if body.get("environmentVariables") is not None:
        changes["environment"] = desk.object(body, "environmentVariables")
    if body.get("layers") is not None:
        changes["layer_dirs"] = desk.service.layers.folders(layer_arns(body))
    if body.get("logConfig") is not None:
        logs = desk.object(body, "logConfig")
        changes["log_project"], changes["log_store"] = desk.text(logs, "project"), desk.text(logs, "logstore")
    changes.update(_hooks(desk, body))
    return changes


def _check_offered(body: Mapping[str, Any]) -> None:
    for name in UNOFFERED:
        if body.get(name):
            raise FcError("NotImplemented", f"the local cloud does not offer {name}")


def layer_arns(body: Mapping[str, Any]) -> list[str]:
    arns = body.get("layers") or []
    if not isinstance(arns, list) or not all(isinstance(arn, str) for arn in arns):
        raise invalid("layers must be a list of ARNs")
    return arns


def _hooks(desk: Desk, body: Mapping[str, Any]) -> dict[str, Any]:
    """Initializer and preStop; FC 2.0 has the initializer beside the handler."""
    changes: dict[str, Any] = {}
    if body.get("initializer") is not None:
        changes["initializer"] = desk.text(body, "initializer") or None
    timeout = desk.whole(body, "initializationTimeout")
    if timeout is not None:
        changes["initializer_timeout"] = timeout
    lifecycle = desk.object(body, "instanceLifecycleConfig")
    if desk.object(lifecycle, "preFreeze").get("handler"):
        raise FcError("NotImplemented", "the local cloud does not offer instanceLifecycleConfig.preFreeze")
    for name, field_name in (("initializer", "initializer"), ("preStop", "pre_stop")):
        if lifecycle.get(name) is not None:
            hook = desk.object(lifecycle, name)
            changes[field_name] = desk.text(hook, "handler") or None
            timeout = desk.whole(hook, "timeout")
            if timeout is not None:
                changes[f"{field_name}_timeout"] = timeout
    return changes


def spec_of(desk: Desk, body: Mapping[str, Any]) -> tuple[FunctionSpec, bytes]:
    """A new function and its archive. Raises FcError."""
    name = desk.text(body, "functionName", required=True)
    if desk.is_new and len(name) > NEW_NAME_CHARACTERS_MAX:
        raise invalid(f"functionName has {len(name)} characters, at most {NEW_NAME_CHARACTERS_MAX}")
    for required in ("handler", "runtime"):
        desk.text(body, required, required=True)
    changes = {"memory": MEMORY_DEFAULT[desk.is_new], **changes_of(desk, body)}
    archive = archive_of(body)
    if archive is None:
        raise invalid("code is missing: code.zipFile is needed")
    form: HttpForm = "event" if desk.is_new else "wsgi"
    return FunctionSpec(name=name, http_form=form, code_dir=desk.service.code.unpack(archive), **changes), archive


def attributes_of(body: Mapping[str, Any], spec: FunctionSpec, before: Mapping[str, Any]) -> dict[str, Any]:
    """What is remembered only to be shown. `before`: the ones so far. Raises FcError naming the field."""
    attributes = echoed(body, FUNCTION_FIELDS)
    if "cpu" in attributes or body.get("memorySize") is not None:
        check_cpu(attributes.get("cpu", before.get("cpu")), spec.memory)
    attributes["instanceConcurrency"] = attributes.get("instanceConcurrency", before.get("instanceConcurrency")) or 1
    check_concurrency(attributes["instanceConcurrency"], spec.runtime)
    return attributes if body.get("layers") is None else {**attributes, "layers": body["layers"]}


# -- out --------------------------------------------------------------------------------------------------------------
def function_document(desk: Desk, record: FunctionRecord, spec: FunctionSpec) -> dict[str, Any]:
    """As Get, Create, Update and List answer it."""
    is_latest = spec.code_dir == record.function.spec.code_dir
    archive = record.archive() if is_latest else desk.service.code.archived(spec.code_dir)
    shown: dict[str, Any] = {
        "functionId": record.function_id,
        "functionName": spec.name,
        "description": spec.description,
        "runtime": spec.runtime,
        "handler": spec.handler,
        "timeout": spec.timeout,
        "memorySize": spec.memory,
        "environmentVariables": dict(spec.environment),
        "codeSize": len(archive),
        "codeChecksum": checksum_of(record) if is_latest else desk.service.code.checksum(spec.code_dir),
        "createdTime": shown_time(record.created_ms),
        "lastModifiedTime": shown_time(record.modified_ms),
        "instanceConcurrency": 1,
        "instanceType": "e1",
        "diskSize": 512,
        **{name: value for name, value in record.attributes.items() if name != "layers"},
    }
    lifecycle = _lifecycle(spec)
    arns = record.attributes.get("layers") or []
    if not desk.is_new:
        shown.update(initializer=spec.initializer, initializationTimeout=spec.initializer_timeout, layers=arns)
        return {**shown, "instanceLifecycleConfig": lifecycle}
    return {
        **shown,
        "functionArn": desk.arn(record),
        "role": spec.role,
        "instanceLifecycleConfig": lifecycle,
        "layers": [{"arn": arn, "size": 0} for arn in arns],
        "logConfig": {"project": spec.log_project, "logstore": spec.log_store},
        "internetAccess": record.attributes.get("internetAccess", True),
        "state": "Active",
        "lastUpdateStatus": "Successful",
    }


def checksum_of(record: FunctionRecord) -> str:
    """Of the archive; reckoned once."""
    if not record.code_checksum:
        record.code_checksum = checksum(record.archive())
    return record.code_checksum


def _lifecycle(spec: FunctionSpec) -> dict[str, Any]:
    hooks: dict[str, Any] = {}
    if spec.initializer:
        hooks["initializer"] = {"handler": spec.initializer, "timeout": spec.initializer_timeout}
    if spec.pre_stop:
        hooks["preStop"] = {"handler": spec.pre_stop, "timeout": spec.pre_stop_timeout}
    return hooks
