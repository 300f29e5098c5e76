"""Functions through the APIs: created from archives, changed, listed, deleted; their code and their instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from localcloud.fc.code import archive_of
from localcloud.fc.desk import Desk, Operation, Reply
from localcloud.fc.errors import invalid
from localcloud.fc.function_documents import changes_of, checksum_of, echoed, function_document, spec_of
from localcloud.fc.functions import FunctionRecord


def create_function(desk: Desk) -> Reply:
    body = desk.body()
    functions = desk.service.functions
    service = None if desk.is_new else functions.service(desk.names["service"]).name
    spec, archive = spec_of(desk, body)
    if service is not None:
        project, store = _logs_of_service(desk, service)
        spec = replace(spec, log_project=project, log_store=store)
    record = desk.service.create_function(spec, service=service, attributes=echoed(body), code=archive)
    return _reply(desk, record)


def _logs_of_service(desk: Desk, service: str) -> tuple[str, str]:
    """FC 2.0 has the log configuration at the service."""
    logs = desk.service.functions.service(service).attributes.get("logConfig") or {}
    return str(logs.get("project") or ""), str(logs.get("logstore") or "")


def get_function(desk: Desk) -> Reply:
    record = desk.function()
    function, _ = desk.service.resolve(record.key, desk.qualifier)
    return Reply(function_document(desk, record, function.spec), etag=record.etag)


def update_function(desk: Desk) -> Reply:
    record, body = desk.function(), desk.body()
    desk.check_match(record.etag)
    if desk.qualifier not in ("", "LATEST"):
        raise invalid("a published version cannot be changed")
    changes = changes_of(desk, body)
    archive = archive_of(body)
    if archive is not None:
        changes["code_dir"] = desk.service.code.unpack(archive)
    spec = replace(record.function.spec, **changes)
    record = desk.service.update_function(record.key, spec, attributes=echoed(body), code=archive)
    return _reply(desk, record)


def delete_function(desk: Desk) -> Reply:
    record = desk.function()
    desk.check_match(record.etag)
    desk.service.delete_function(record.key)
    return Reply()


def list_functions(desk: Desk) -> Reply:
    functions = desk.service.functions
    records = functions.all() if desk.is_new else functions.of_service(functions.service(desk.names["service"]).name)
    return desk.page(
        "functions",
        records,
        key=lambda record: record.key if desk.is_new else record.name,
        show=lambda record: function_document(desk, record, record.function.spec),
    )


def get_function_code(desk: Desk) -> Reply:
    """A link that holds for as long as the function is there."""
    record = desk.function()
    host = desk.call.request.headers.get("host", "localhost")
    path = f"/{desk.call.version}/code-packages/{quote(record.key, safe='')}"
    return Reply({"checksum": checksum_of(record), "url": f"http://{host}{path}?key={record.function_id}"})


def list_instances(desk: Desk) -> Reply:
    record = desk.function()
    shown: list[dict[str, Any]] = [
        {"instanceId": instance, "versionId": "", "qualifier": "LATEST", "status": "Running"}
        for instance in desk.service.workers.instances(record.key)
    ]
    return Reply({"instances": shown, "requestId": desk.service.new_request_id()})


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
