"""Function Compute resources of a template: layer, functions, triggers and what is configured for functions.

Code comes from the build of this project, never from OSS: the object's name says which part of it is meant, as
`make package` names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from localcloud.account import Account
from localcloud.build import Build
from localcloud.deploy.attributes import Attributes, CannotMake, Properties
from localcloud.fc.errors import FcError
from localcloud.fc.service import FcService
from localcloud.fc.values import AsyncConfig, FunctionSpec, TriggerSpec

LAYER_PACKAGE = "layer"
UNOFFERED = ("CustomContainerConfig", "CustomRuntimeConfig", "GpuConfig", "NasConfig", "OssMountConfig", "VpcConfig")
MEMORY_DEFAULT, TIMEOUT_DEFAULT, HOOK_TIMEOUT_DEFAULT = 512, 3, 3
"""MB and seconds; ALIYUN::FC3::Function, 2026-11."""


class FcResources:
    """Makers of the types ALIYUN::FC3::*."""

    def __init__(self, fc: FcService, build: Build, *, account: Account, url: str) -> None:
        self._fc = fc
        self._build = build
        self._account = account
        self._url = url

    def layer(self, properties: Properties) -> Attributes:
        name = properties["LayerName"]
        package = _package(properties)
        if package != LAYER_PACKAGE:
            raise CannotMake(f"Code.OssObjectName of layer {name!r} must end in /{LAYER_PACKAGE}.zip, not {package!r}")
        layer = self._fc.layers.create(
            name,
            self._build.layers,
            runtimes=properties.get("CompatibleRuntime", []),
            description=properties.get("Description") or "",
            license=properties.get("License") or "",
        )
        arn = layer.arn
        described = {key: properties.get(key, "") for key in ("Acl", "Description", "License")}
        return {
            "Ref": arn,
            "LayerName": name,
            "LayerVersionArn": arn,
            "Version": layer.version,
            "CodeSize": 0,
            "CreateTime": "",
            "CompatibleRuntime": properties.get("CompatibleRuntime", []),
            **described,
        }

    def function(self, properties: Properties) -> Attributes:
        name = properties["FunctionName"]
        for unoffered in UNOFFERED:
            if properties.get(unoffered):
                raise CannotMake(f"{unoffered} of function {name!r} is not offered by the local cloud")
        try:
            record = self._fc.create_function(self._spec(properties), attributes=_shown(properties))
        except FcError as error:
            raise CannotMake(f"FunctionName {name!r}: {error}") from error
        arn = f"acs:fc:{self._account.region}:{self._account.account_id}:functions/{name}"
        return {"Ref": name, "FunctionName": name, "FunctionId": record.function_id, "Arn": arn}

    def _spec(self, properties: Properties) -> FunctionSpec:
        name = properties["FunctionName"]
        hooks = properties.get("InstanceLifecycleConfig") or {}
        initializer, pre_stop = hooks.get("Initializer") or {}, hooks.get("PreStop") or {}
        logs = properties.get("LogConfig") or {}
        return FunctionSpec(
            name=name,
            handler=properties["Handler"],
            runtime=properties["Runtime"],
            code_dir=self._code(properties),
            layer_dirs=self._layer_dirs(properties),
            package_dirs=self._build.packages,
            memory=int(properties.get("MemorySize", MEMORY_DEFAULT)),
            timeout=int(properties.get("Timeout", TIMEOUT_DEFAULT)),
            environment={key: str(value) for key, value in (properties.get("EnvironmentVariables") or {}).items()},
            initializer=initializer.get("Handler"),
            initializer_timeout=int(initializer.get("Timeout", HOOK_TIMEOUT_DEFAULT)),
            pre_stop=pre_stop.get("Handler"),
            pre_stop_timeout=int(pre_stop.get("Timeout", HOOK_TIMEOUT_DEFAULT)),
            role=properties.get("Role") or "",
            description=properties.get("Description") or "",
            log_project=logs.get("Project") or "",
            log_store=logs.get("Logstore") or "",
        )

    def _code(self, properties: Properties) -> Path:
        package = _package(properties)
        folder = self._build.functions.get(package)
        if folder is None:
            known = ", ".join(sorted(self._build.functions))
            raise CannotMake(
                f"Code.OssObjectName of function {properties['FunctionName']!r} means the package {package!r}; "
                f"the project's are {known}"
            )
        return folder

    def _layer_dirs(self, properties: Properties) -> tuple[Path, ...]:
        folders: list[Path] = []
        for arn in properties.get("Layers") or ():
            try:
                folders.extend(self._fc.layers.find_arn(arn).folders)
            except FcError as error:
                function = properties["FunctionName"]
                raise CannotMake(f"Layers of function {function!r}: there is no layer {arn!r}") from error
        return tuple(folders)

    def trigger(self, properties: Properties) -> Attributes:
        function, name = properties["FunctionName"], properties["TriggerName"]
        spec = TriggerSpec(
            function=function,
            name=name,
            type=properties["TriggerType"],
            config=properties["TriggerConfig"],
            source_arn=properties.get("SourceArn") or "",
            invocation_role=properties.get("InvocationRole") or "",
            qualifier=properties.get("Qualifier") or "",
            description=properties.get("Description") or "",
        )
        try:
            record = self._fc.create_trigger(spec)
        except FcError as error:
            raise CannotMake(f"TriggerName {name!r} of function {function!r}: {error}") from error
        url = f"{self._url}/2016-08-15/proxy/{self._fc.functions.service_name}/{function}/"
        return {
            "Ref": name,
            "FunctionName": function,
            "TriggerName": name,
            "TriggerId": record.trigger_id,
            "UrlInternet": url,
            "UrlIntranet": url,
        }

    def concurrency(self, properties: Properties) -> Attributes:
        function = properties["FunctionName"]
        self._fc.put_concurrency(function, int(properties["ReservedConcurrency"]))
        return {"Ref": function}

    def provision(self, properties: Properties) -> Attributes:
        function = properties["FunctionName"]
        try:
            self._fc.put_provision(function, int(properties["DefaultTarget"]))
        except FcError as error:
            raise CannotMake(f"DefaultTarget of function {function!r}: {error}") from error
        return {"Ref": function}

    def async_config(self, properties: Properties) -> Attributes:
        function = properties["FunctionName"]
        destinations: Mapping[str, Any] = properties.get("DestinationConfig") or {}
        config = AsyncConfig(
            on_success=(destinations.get("OnSuccess") or {}).get("Destination", ""),
            on_failure=(destinations.get("OnFailure") or {}).get("Destination", ""),
            age_s_max=properties.get("MaxAsyncEventAgeInSeconds"),
            retries_max=properties.get("MaxAsyncRetryAttempts"),
            stateful=bool(properties.get("AsyncTask", False)),
        )
        try:
            self._fc.put_async_config(function, config)
        except FcError as error:
            raise CannotMake(f"asynchronous calls of function {function!r}: {error}") from error
        return {"Ref": function}


def _shown(properties: Properties) -> dict[str, Any]:
    """What the API shows of a function beside what the local cloud acts upon."""
    names = {"Cpu": "cpu", "DiskSize": "diskSize", "InternetAccess": "internetAccess", "Layers": "layers"}
    return {shown: properties[name] for name, shown in names.items() if properties.get(name) is not None}


def _package(properties: Properties) -> str:
    """`fleetrun/0.1.0/sweep_runs.zip` → `sweep_runs`."""
    name = (properties.get("Code") or {}).get("OssObjectName")
    if not name:
        raise CannotMake("Code.OssObjectName is missing; the local cloud takes code from this project's build only")
    return PurePosixPath(name).stem
