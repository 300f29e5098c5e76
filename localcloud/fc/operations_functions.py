"""Functions through the APIs: created from archives, changed, listed, deleted; their code and their instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from localcloud.fc.code import archive_of
from localcloud.fc.desk import Desk, Operation, Reply
from localcloud.fc.errors import invalid
from localcloud.fc.function_documents import attributes_of, changes_of, checksum_of, function_document, spec_of
from localcloud.fc.functions import FunctionRecord
from localcloud.fc.values import FunctionSpec
from localcloud.fc.versions import LATEST

RUNNING = "Running"


def create_function(desk: Desk) -> Reply:
    body = desk.body()
    functions = desk.service.functions
    service = None if desk.is_new else functions.service(desk.names["service"]).name
    spec, archive = spec_of(desk, body)
    attributes = attributes_of(body, spec, {})
    if service is not None:
        project, store = _logs_of_service(desk, service)
        spec = replace(spec, log_project=project, log_store=store)
    record = desk.service.create_function(spec, service=service, attributes=attributes, code=archive)
    return _reply(desk, record)


def _logs_of_service(desk: Desk, service: str) -> tuple[str, str]:
    """FC 2.0 has the log configuration at the service."""
    logs = desk.service.functions.service(service).attributes.get("logConfig") or {}
    return str(logs.get("project") or ""), str(logs.get("logstore") or "")


def get_function(desk: Desk) -> Reply:
    record = desk.function()
    function = desk.service.described(record.key, desk.qualifier)
    return Reply(function_document(desk, record, function.spec), etag=record.etag)


def update_function(desk: Desk) -> Reply:
    record, body = desk.function(), desk.body()
    desk.check_match(record.etag)
    if desk.qualifier not in ("", "LATEST"):
        raise invalid("a published version cannot be changed")
    spec = replace(record.function.spec, **changes_of(desk, body))
    attributes = attributes_of(body, spec, record.attributes)
    archive = archive_of(body)
    if archive is not None:
        spec = replace(spec, code_dir=desk.service.code.unpack(archive))
    record = desk.service.update_function(record.key, spec, attributes=attributes, code=archive)
    return _reply(desk, record)


def delete_function(desk: Desk) -> Reply:
    record = desk.function()
    desk.check_match(record.etag)
    desk.service.delete_function(record.key)
    return Reply()


def list_functions(desk: Desk) -> Reply:
    """FC 2.0 may ask for those of a version of the service; FC 3.0 narrows the list by what a function is like."""
    shown = _narrowed(desk) if desk.is_new else _of_service(desk)
    return desk.page(
        "functions",
        shown,
        key=lambda one: one[0].key if desk.is_new else one[0].name,
        show=lambda one: function_document(desk, *one),
    )


Shown = tuple[FunctionRecord, FunctionSpec]


def _of_service(desk: Desk) -> list[Shown]:
    functions, versions = desk.service.functions, desk.service.versions
    records = functions.of_service(functions.service(desk.names["service"]).name)
    if desk.qualifier in ("", LATEST):
        return [(record, record.function.spec) for record in records]
    versions.check(desk.owner, desk.qualifier)
    found = ((record, versions.function(desk.owner, desk.qualifier, record.key, draws=False)) for record in records)
    return [(record, function.spec) for record, function in found if function is not None]


def _narrowed(desk: Desk) -> list[Shown]:
    """Each filter is compared as a whole; all of the tags must be there."""
    query, forms = desk.query, {"v2": "wsgi", "v3": "event"}
    generation = query.get("fcVersion", "")
    if generation not in ("", *forms):
        raise invalid(f"fcVersion is {generation!r}, it must be v2 or v3")
    tags = _tags(desk)
    return [
        (record, spec)
        for record in desk.service.functions.all()
        for spec in (record.function.spec,)
        if query.get("functionName", "") in ("", spec.name)
        and query.get("description", "") in ("", spec.description)
        and query.get("runtime", "") in ("", spec.runtime)
        and query.get("resourceGroupId", "") in ("", record.attributes.get("resourceGroupId"))
        and not query.get("gpuType")
        and forms.get(generation, spec.http_form) == spec.http_form
        and all(_has(record, tag) for tag in tags)
    ]


def _tags(desk: Desk) -> list[dict[str, Any]]:
    tags = desk.listed("tags")
    if not all(isinstance(tag, dict) and set(tag) <= {"Key", "Value"} for tag in tags):
        raise invalid(f"tags is {tags!r}, a JSON list of objects with Key and Value is needed")
    return tags


def _has(record: FunctionRecord, tag: Mapping[str, Any]) -> bool:
    """A tag without a value stands for its key."""
    mine = [one for one in record.attributes.get("tags") or [] if isinstance(one, dict)]
    return any(tag.items() <= one.items() for one in mine)


def get_function_code(desk: Desk) -> Reply:
    """A link that holds for as long as the function is there. Of a version: as it was published."""
    record = desk.function()
    function = desk.service.described(record.key, desk.qualifier)
    host = desk.call.request.headers.get("host", "localhost")
    path = f"/{desk.call.version}/code-packages/{quote(record.key, safe='')}?key={record.function_id}"
    folder = function.spec.code_dir
    if folder == record.function.spec.code_dir:
        return Reply({"checksum": checksum_of(record), "url": f"http://{host}{path}"})
    url = f"http://{host}{path}&qualifier={quote(desk.qualifier, safe='')}"
    return Reply({"checksum": desk.service.code.checksum(folder), "url": url})


def list_instances(desk: Desk) -> Reply:
    """Those that run; `startKey` names the first. The API has no token in its answer: a page is cut off."""
    record, query = desk.function(), desk.query
    function = desk.service.described(record.key, desk.qualifier)
    wanted, states = desk.listed("instanceIds"), desk.listed("instanceStatus")
    shown: list[dict[str, Any]] = [
        {
            "instanceId": instance,
            "versionId": function.version_id,
            "qualifier": desk.qualifier or LATEST,
            "status": RUNNING,
        }
        for instance in desk.service.workers.instances(record.key)
        if instance >= query.get("startKey", "") and (not wanted or instance in wanted)
    ]
    if states and RUNNING not in states:
        shown = []
    return Reply({"instances": shown[: desk.limit()], "requestId": desk.request_id})


def _reply(desk: Desk, record: FunctionRecord) -> Reply:
    return Reply(function_document(desk, record, record.function.spec), etag=record.etag)


OFFERED: Mapping[str, Operation] = {
    "CreateFunction": create_function,
    "GetFunction": get_function,
    "UpdateFunction": update_function,
    "DeleteFunction": delete_function,
    "ListFunctions": list_functions,
    "GetFunctionCode": get_function_code,
    "ListInstances": list_instances,
}
