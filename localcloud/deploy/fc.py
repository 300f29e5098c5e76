"""Function Compute resources of a template: layer, functions, triggers and what is configured for functions.

Code comes from the build of this project, never from OSS: the object's name says which part of it is meant, as
`make package` names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path, PurePosixPath
from typing import Any

from localcloud.account import Account
from localcloud.build import Build
from localcloud.deploy.applied import Kind
from localcloud.deploy.attributes import Attributes, CannotMake, Properties
from localcloud.deploy.fc_marks import FcMarks
from localcloud.fc.errors import FcError
from localcloud.fc.functions import FunctionRecord
from localcloud.fc.http_config import trigger_url
from localcloud.fc.layers import LayerVersion
from localcloud.fc.service import FcService
from localcloud.fc.triggers import TriggerRecord
from localcloud.fc.values import AsyncConfig, FunctionSpec, TriggerSpec

LAYER_PACKAGE = "layer"
LAYER, FUNCTION, TRIGGER = "ALIYUN::FC3::LayerVersion", "ALIYUN::FC3::Function", "ALIYUN::FC3::Trigger"
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

    def kinds(self) -> dict[str, Kind]:
        living = FcMarks(self._fc)
        return {
            LAYER: Kind(
                self.layer,
                place=("LayerVersionArn",),
                mark=living.layer,
                remove=living.remove_layer,
                content=lambda _: "".join(self._build.tree_of(folder) for folder in self._build.layers),
            ),
            FUNCTION: Kind(
                self.function,
                mark=living.function,
                remove=living.remove_function,
                content=lambda properties: self._build.tree_of(self._code(properties)),
                made_of=(LAYER,),
            ),
            TRIGGER: Kind(
                self.trigger,
                place=("FunctionName", "TriggerName"),
                mark=living.trigger,
                remove=lambda made: self._fc.triggers.delete(made["FunctionName"], made["TriggerName"]),
                part_of=FUNCTION,
                made_of=("ALIYUN::MNS::Topic",),
            ),
            "ALIYUN::FC3::ConcurrencyConfig": Kind(
                self.concurrency, mark=living.concurrency, remove=living.remove_concurrency, part_of=FUNCTION
            ),
            "ALIYUN::FC3::ProvisionConfig": Kind(
                self.provision, mark=living.provision, remove=living.remove_provision, part_of=FUNCTION
            ),
            "ALIYUN::FC3::AsyncInvokeConfig": Kind(
                self.async_config, mark=living.async_config, remove=living.remove_async_config, part_of=FUNCTION
            ),
        }

    def layer(self, properties: Properties) -> Attributes:
        name = properties["LayerName"]
        package = _package(properties)
        if package != LAYER_PACKAGE:
            raise CannotMake(f"Code.OssObjectName of layer {name!r} must end in /{LAYER_PACKAGE}.zip, not {package!r}")
        layer = self._layer(name, properties)
        arn = layer.arn
        if properties.get("Acl"):
            self._fc.layers.set_acl(name, properties["Acl"])
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

    def _layer(self, name: str, properties: Properties) -> LayerVersion:
        """The next version; the newest one if it is the same: its start was torn off before it was known as applied."""
        runtimes = tuple(properties.get("CompatibleRuntime") or ())
        description, license_ = properties.get("Description") or "", properties.get("License") or ""
        shelf = self._fc.layers.shelves.get(name)
        newest = None if shelf is None else shelf.versions.get(shelf.last)
        if newest is not None:
            told = (newest.folders, newest.runtimes, newest.description, newest.license)
            if told == (self._build.layers, runtimes, description, license_):
                return newest
        return self._fc.layers.create(
            name, self._build.layers, runtimes=runtimes, description=description, license=license_
        )

    def function(self, properties: Properties) -> Attributes:
        name = properties["FunctionName"]
        for unoffered in UNOFFERED:
            if properties.get(unoffered):
                raise CannotMake(f"{unoffered} of function {name!r} is not offered by the local cloud")
        try:
            record = self._function(self._spec(properties), _shown(properties))
        except FcError as error:
            raise CannotMake(f"FunctionName {name!r}: {error}") from error
        arn = f"acs:fc:{self._account.region}:{self._account.account_id}:functions/{name}"
        return {"Ref": name, "FunctionName": name, "FunctionId": record.function_id, "Arn": arn}

    def _function(self, spec: FunctionSpec, attributes: Mapping[str, Any]) -> FunctionRecord:
        """One that is there keeps its identity, versions, triggers and configurations."""
        functions = self._fc.functions
        if not functions.has(spec.name):
            functions.make_default_service()
            return self._fc.create_function(spec, attributes=attributes)
        functions.find(spec.name).attributes.clear()
        return self._fc.update_function(spec.name, spec, attributes=attributes, code=b"")

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
            record = self._trigger(spec)
        except FcError as error:
            raise CannotMake(f"TriggerName {name!r} of function {function!r}: {error}") from error
        service = self._fc.functions.service_name
        url = trigger_url(self._url, service=service, function=function, qualifier=spec.qualifier)
        return {
            "Ref": name,
            "FunctionName": function,
            "TriggerName": name,
            "TriggerId": record.trigger_id,
            "UrlInternet": url,
            "UrlIntranet": url,
        }

    def _trigger(self, spec: TriggerSpec) -> TriggerRecord:
        """There is one HTTP trigger under a qualifier: one that the API made under another name gives way."""
        triggers = self._fc.triggers
        other = triggers.http_of(spec.function, spec.qualifier) if spec.type == "http" else None
        if other is not None and other.spec.name != spec.name:
            triggers.delete(spec.function, other.spec.name)
        if spec.name not in [one.spec.name for one in triggers.of(spec.function)]:
            return self._fc.create_trigger(spec)
        self._fc.check_qualifier(spec.function, spec.qualifier)
        return triggers.update(spec.function, spec.name, {one.name: getattr(spec, one.name) for one in fields(spec)})

    def concurrency(self, properties: Properties) -> Attributes:
        function = properties["FunctionName"]
        try:
            self._fc.put_concurrency(function, int(properties["ReservedConcurrency"]))
        except FcError as error:
            raise CannotMake(f"ReservedConcurrency of function {function!r}: {error}") from error
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
