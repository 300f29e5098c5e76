"""What is configured beside a function: asynchronous calls, provisioned instances, concurrency, scaling.

Source: aliyun-fc2 2.5.2 (FC 2.0 names resources `<account>#<service>#<qualifier>#<function>` in provision-config and
`services/<service>.<qualifier>/functions/<function>` in on-demand-config); models of alibabacloud_fc20230330 4.8.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from localcloud.fc.desk import Desk, Operation, Reply, shown_time
from localcloud.fc.errors import FcError, invalid
from localcloud.fc.functions import FunctionRecord
from localcloud.fc.values import AsyncConfig
from localcloud.fc.versions import LATEST

ASYNC_CONFIG_LEVELS = 3
"""Objects in objects of an asynchronous configuration: itself, destinationConfig, onSuccess and its like."""


def _qualifier(desk: Desk) -> str:
    return desk.qualifier or LATEST


def _chosen(desk: Desk) -> list[FunctionRecord]:
    """The functions that a list over all of them means: `functionName`, or `serviceName`, narrow it."""
    functions = desk.service.functions
    name, service = desk.query.get("functionName", ""), desk.query.get("serviceName", "")
    if name:
        return [functions.find(name)]
    return functions.of_service(functions.service(service).name) if service else functions.all()


# -- asynchronous calls -----------------------------------------------------------------------------------------------
def put_async_config(desk: Desk) -> Reply:
    """The service takes names in any case; the vendor's own test begins them with a capital."""
    record, body = desk.function(), _decapitalised(desk.body())
    destinations = desk.object(body, "destinationConfig")
    stateful = body.get("asyncTask" if desk.is_new else "statefulInvocation")
    if stateful not in (None, True, False):
        raise invalid("asyncTask must be true or false")
    config = AsyncConfig(
        on_success=desk.text(desk.object(destinations, "onSuccess"), "destination"),
        on_failure=desk.text(desk.object(destinations, "onFailure"), "destination"),
        age_s_max=desk.whole(body, "maxAsyncEventAgeInSeconds"),
        retries_max=desk.whole(body, "maxAsyncRetryAttempts"),
        stateful=bool(stateful),
    )
    desk.service.put_async_config(record.key, config, qualifier=_qualifier(desk))
    return Reply(_async_document(desk, record, _qualifier(desk)))


def _decapitalised(value: Any, levels: int = ASYNC_CONFIG_LEVELS) -> Any:
    """With the names of objects in it beginning in lower case, as deep as anything is read."""
    if not isinstance(value, dict) or not levels:
        return value
    return {name[:1].lower() + name[1:]: _decapitalised(one, levels - 1) for name, one in value.items()}


def get_async_config(desk: Desk) -> Reply:
    record = desk.function()
    _find_async(desk, record)
    return Reply(_async_document(desk, record, _qualifier(desk)))


def delete_async_config(desk: Desk) -> Reply:
    record = desk.function()
    _find_async(desk, record)
    desk.service.functions.set_async_config(record.key, _qualifier(desk), None)
    return Reply()


def list_async_configs(desk: Desk) -> Reply:
    records = _chosen(desk) if desk.is_new else [desk.function()]
    found = [(record, qualifier) for record in records for qualifier in sorted(record.async_configs)]
    last = None if desk.is_new else ""
    return desk.page("configs", found, key=_place, show=lambda one: _async_document(desk, *one), last_token=last)


def _place(one: tuple[FunctionRecord, str]) -> str:
    return f"{one[0].key}/{one[1]}"


def _find_async(desk: Desk, record: FunctionRecord) -> None:
    if _qualifier(desk) not in record.async_configs:
        where = f"function '{record.name}' with qualifier '{_qualifier(desk)}'"
        raise FcError("AsyncConfigNotExists", f"the async config of {where} does not exist")


def _async_document(desk: Desk, record: FunctionRecord, qualifier: str) -> dict[str, Any]:
    config = record.async_configs[qualifier]
    created_ms, modified_ms = record.async_times[qualifier]
    shown: dict[str, Any] = {
        "createdTime": shown_time(created_ms),
        "lastModifiedTime": shown_time(modified_ms),
        "destinationConfig": {
            name: {"destination": arn}
            for name, arn in (("onSuccess", config.on_success), ("onFailure", config.on_failure))
            if arn
        },
        "maxAsyncEventAgeInSeconds": config.age_s_max,
        "maxAsyncRetryAttempts": config.retries_max,
    }
    if desk.is_new:
        return {**shown, "functionArn": desk.arn(record, qualifier), "asyncTask": config.stateful}
    names = {"service": record.function.service, "function": record.name, "qualifier": qualifier}
    return {**shown, **names, "statefulInvocation": config.stateful}


# -- provisioned instances --------------------------------------------------------------------------------------------
def put_provision_config(desk: Desk) -> Reply:
    record, body = desk.function(), desk.body()
    target = desk.whole(body, "defaultTarget")
    target = desk.whole(body, "target") if target is None else target
    if target is None:
        raise invalid("defaultTarget is missing" if desk.is_new else "target is missing")
    for name in ("scheduledActions", "targetTrackingPolicies"):
        if body.get(name):
            raise FcError("NotImplemented", f"the local cloud does not offer {name}")
    desk.service.put_provision(record.key, target, qualifier=_qualifier(desk))
    return Reply(_provision_document(desk, record, _qualifier(desk)))


def get_provision_config(desk: Desk) -> Reply:
    record = desk.function()
    if _qualifier(desk) not in record.provisioned:
        raise FcError("ProvisionConfigNotFound", f"the provision config of '{record.name}' does not exist")
    return Reply(_provision_document(desk, record, _qualifier(desk)))


def delete_provision_config(desk: Desk) -> Reply:
    record = desk.function()
    get_provision_config(desk)
    desk.service.put_provision(record.key, 0, qualifier=_qualifier(desk))
    del record.provisioned[_qualifier(desk)]
    return Reply()


def list_provision_configs(desk: Desk) -> Reply:
    wanted = desk.query.get("qualifier", "")
    found = [
        (record, qualifier)
        for record in _chosen(desk)
        for qualifier in sorted(record.provisioned)
        if wanted in ("", qualifier)
    ]
    return desk.page("provisionConfigs", found, key=_place, show=lambda one: _provision_document(desk, *one))


def _provision_document(desk: Desk, record: FunctionRecord, qualifier: str) -> dict[str, Any]:
    target = record.provisioned[qualifier]
    current = min(target, len(desk.service.workers.instances(record.key)))
    if not desk.is_new:
        account, service = desk.service.account.account_id, record.function.service
        return {"resource": f"{account}#{service}#{qualifier}#{record.name}", "target": target, "current": current}
    arn = desk.arn(record, qualifier)
    return {"functionArn": arn, "target": target, "defaultTarget": target, "current": current, "currentError": ""}


# -- concurrency ------------------------------------------------------------------------------------------------------
def put_concurrency(desk: Desk) -> Reply:
    """FC 3.0's name of it."""
    record = desk.function()
    reserved = desk.whole(desk.body(), "reservedConcurrency")
    if reserved is None:
        raise invalid("reservedConcurrency is missing")
    return Reply(_concurrency_document(desk, desk.service.put_concurrency(record.key, reserved)))


def get_concurrency(desk: Desk) -> Reply:
    record = desk.function()
    _check_reserved(record)
    return Reply(_concurrency_document(desk, record))


def delete_concurrency(desk: Desk) -> Reply:
    record = desk.function()
    _check_reserved(record)
    desk.service.put_concurrency(record.key, None)
    return Reply()


def list_concurrency(desk: Desk) -> Reply:
    found = [record for record in _chosen(desk) if record.reserved_concurrency is not None]
    return desk.page("configs", found, key=lambda one: one.key, show=lambda one: _concurrency_document(desk, one))


def _check_reserved(record: FunctionRecord) -> None:
    if record.reserved_concurrency is None:
        raise _not_bounded(record)


def _not_bounded(record: FunctionRecord) -> FcError:
    return FcError("ConcurrencyConfigNotExists", f"the concurrency config of '{record.name}' does not exist")


def _concurrency_document(desk: Desk, record: FunctionRecord) -> dict[str, Any]:
    return {"functionArn": desk.arn(record), "reservedConcurrency": record.reserved_concurrency}


# -- on-demand instances: FC 2.0's name of it, by qualifier -----------------------------------------------------------
def put_on_demand(desk: Desk) -> Reply:
    record, qualifier = desk.function(), _qualifier(desk)
    maximum = desk.whole(desk.body(), "maximumInstanceCount")
    if maximum is None:
        raise invalid("maximumInstanceCount is missing")
    desk.service.check_qualifier(record.key, qualifier)
    if qualifier == LATEST:
        desk.service.put_concurrency(record.key, maximum)
    elif maximum < 0:
        raise invalid(f"maximumInstanceCount is {maximum}, it must not be negative")
    else:
        record.on_demand[qualifier] = maximum
    return Reply(_on_demand_document(record, qualifier, maximum))


def get_on_demand(desk: Desk) -> Reply:
    record, qualifier = desk.function(), _qualifier(desk)
    bounds = _bounds(record)
    if qualifier not in bounds:
        raise _not_bounded(record)
    return Reply(_on_demand_document(record, qualifier, bounds[qualifier]))


def delete_on_demand(desk: Desk) -> Reply:
    get_on_demand(desk)
    record, qualifier = desk.function(), _qualifier(desk)
    if qualifier == LATEST:
        desk.service.put_concurrency(record.key, None)
    else:
        del record.on_demand[qualifier]
    return Reply()


def list_on_demand(desk: Desk) -> Reply:
    """An empty list is left out."""
    found = [(record, *bound) for record in _chosen(desk) for bound in sorted(_bounds(record).items())]
    reply = desk.page(
        "configs", found, key=lambda one: _resource(one[0], one[1]), show=lambda one: _on_demand_document(*one)
    )
    value = reply.value or {}
    return Reply(value if value["configs"] else {})


def _bounds(record: FunctionRecord) -> dict[str, int]:
    latest = {} if record.reserved_concurrency is None else {LATEST: record.reserved_concurrency}
    return {**latest, **record.on_demand}


def _on_demand_document(record: FunctionRecord, qualifier: str, maximum: int) -> dict[str, Any]:
    return {"resource": _resource(record, qualifier), "maximumInstanceCount": maximum}


def _resource(record: FunctionRecord, qualifier: str) -> str:
    return f"services/{record.function.service}.{qualifier}/functions/{record.name}"


# -- scaling: the newer word for provisioned instances ----------------------------------------------------------------
def put_scaling(desk: Desk) -> Reply:
    record, body = desk.function(), desk.body()
    for name in ("horizontalScalingPolicies", "scheduledPolicies", "residentPoolId"):
        if body.get(name):
            raise FcError("NotImplemented", f"the local cloud does not offer {name}")
    if body.get("enableOnDemandScaling") not in (None, True):
        raise FcError("NotImplemented", "the local cloud does not offer enableOnDemandScaling false")
    least = desk.whole(body, "minInstances")
    if least is None:
        raise invalid("minInstances is missing")
    desk.service.put_provision(record.key, least, qualifier=_qualifier(desk))
    return Reply(_scaling_document(desk, record, _qualifier(desk)))


def get_scaling(desk: Desk) -> Reply:
    get_provision_config(desk)
    return Reply(_scaling_document(desk, desk.function(), _qualifier(desk)))


def list_scaling(desk: Desk) -> Reply:
    return desk.page("scalingConfigs", list(_scaled(desk)), key=_place, show=lambda one: _scaling_document(desk, *one))


def _scaled(desk: Desk) -> Iterator[tuple[FunctionRecord, str]]:
    for record in _chosen(desk):
        for qualifier in sorted(record.provisioned):
            yield record, qualifier


def _scaling_document(desk: Desk, record: FunctionRecord, qualifier: str) -> dict[str, Any]:
    told = _provision_document(desk, record, qualifier)
    return {
        "functionArn": desk.arn(record, qualifier),
        "minInstances": told["target"],
        "targetInstances": told["target"],
        "currentInstances": told["current"],
        "currentError": "",
        "enableOnDemandScaling": True,
    }


OLD_OFFERED: Mapping[str, Operation] = {
    "PutFunctionAsyncInvokeConfig": put_async_config,
    "GetFunctionAsyncInvokeConfig": get_async_config,
    "DeleteFunctionAsyncInvokeConfig": delete_async_config,
    "ListFunctionAsyncInvokeConfigs": list_async_configs,
    "PutProvisionConfig": put_provision_config,
    "GetProvisionConfig": get_provision_config,
    "ListProvisionConfigs": list_provision_configs,
    "PutFunctionOnDemandConfig": put_on_demand,
    "GetFunctionOnDemandConfig": get_on_demand,
    "DeleteFunctionOnDemandConfig": delete_on_demand,
    "ListOnDemandConfigs": list_on_demand,
}
NEW_OFFERED: Mapping[str, Operation] = {
    "PutAsyncInvokeConfig": put_async_config,
    "GetAsyncInvokeConfig": get_async_config,
    "DeleteAsyncInvokeConfig": delete_async_config,
    "ListAsyncInvokeConfigs": list_async_configs,
    "PutProvisionConfig": put_provision_config,
    "GetProvisionConfig": get_provision_config,
    "DeleteProvisionConfig": delete_provision_config,
    "ListProvisionConfigs": list_provision_configs,
    "PutConcurrencyConfig": put_concurrency,
    "GetConcurrencyConfig": get_concurrency,
    "DeleteConcurrencyConfig": delete_concurrency,
    "ListConcurrencyConfigs": list_concurrency,
    "PutScalingConfig": put_scaling,
    "GetScalingConfig": get_scaling,
    "DeleteScalingConfig": delete_provision_config,
    "ListScalingConfigs": list_scaling,
}
