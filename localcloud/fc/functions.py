"""The registry: services, and functions with all that is configured for them. No process, no wire.

FC 3.0 knows functions only, FC 2.0 puts them into services. Both see the same ones: a function of FC 3.0 stands in one
service, `service_name`; a function of another service is called `service$function` in FC 3.0's API.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from localcloud.clock import Clock
from localcloud.fc.code import packed
from localcloud.fc.errors import FcError, invalid
from localcloud.fc.limits import (
    ENVIRONMENT_BYTES_MAX,
    INITIALIZER_TIMEOUT_S,
    LAYERS_MAX,
    MEMORY_MB,
    MEMORY_STEP_MB,
    NAME_CHARACTERS_MAX,
    PRE_STOP_TIMEOUT_S,
    TIMEOUT_S,
    Limits,
)
from localcloud.fc.runtimes import check_runtime
from localcloud.fc.values import AsyncConfig, Function, FunctionSpec
from localcloud.fc.versions import LATEST, Versions
from localcloud.ids import Ids


@dataclass(slots=True)
class ServiceRecord:
    """A service of FC 2.0. `attributes`: as the API was given them."""

    name: str
    service_id: str
    created_ms: int
    modified_ms: int
    attributes: dict[str, Any] = field(default_factory=dict)
    changes: int = 0
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return hashlib.md5(f"{self.service_id}/{self.changes}".encode(), usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class FunctionRecord:
    """A function and its configuration. `attributes`: what an API was given beside the code, to be echoed."""

    function: Function
    function_id: str
    created_ms: int
    modified_ms: int
    attributes: dict[str, Any] = field(default_factory=dict)
    code: bytes = b""
    """The archive; see `archive`."""
    code_checksum: str = ""
    async_configs: dict[str, AsyncConfig] = field(default_factory=dict)
    """By qualifier."""
    async_times: dict[str, tuple[int, int]] = field(default_factory=dict)
    reserved_concurrency: int | None = None
    provisioned: dict[str, int] = field(default_factory=dict)
    """Target by qualifier."""
    on_demand: dict[str, int] = field(default_factory=dict)
    """FC 2.0's bounds by version or alias; that of LATEST is `reserved_concurrency`."""

    @property
    def key(self) -> str:
        return self.function.key

    @property
    def name(self) -> str:
        return self.function.name

    def archive(self) -> bytes:
        """The code as a ZIP: as it came through the API, else its folder, packed at the first asking."""
        if not self.code:
            self.code = packed(self.function.spec.code_dir)
        return self.code

    @property
    def etag(self) -> str:
        return hashlib.md5(f"{self.key}/{self.function.generation}".encode(), usedforsecurity=False).hexdigest()


class Functions:
    """All services and functions."""

    def __init__(self, *, clock: Clock, ids: Ids, service_name: str, limits: Limits) -> None:
        self.service_name = service_name
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._services: dict[str, ServiceRecord] = {}
        self._functions: dict[str, FunctionRecord] = {}
        self.generation = 0
        """The last one given."""
        self.make_default_service()

    # -- services -----------------------------------------------------------------------------------------------------
    def make_default_service(self) -> None:
        """Unless it is there: the API may have deleted it."""
        if not self.has_service(self.service_name):
            self.create_service(self.service_name, {"description": "functions of the template and of FC 3.0"})

    def create_service(self, name: str, attributes: Mapping[str, Any]) -> ServiceRecord:
        check_name(name, "serviceName")
        if name in self._services:
            raise FcError("ServiceAlreadyExists", f"service '{name}' already exists")
        now_ms = self._clock.now_ms()
        record = ServiceRecord(name, self._ids.uuid("fc.service").lower(), now_ms, now_ms, dict(attributes))
        self._services[name] = record
        return record

    def has_service(self, name: str) -> bool:
        return name in self._services

    def service(self, name: str) -> ServiceRecord:
        record = self._services.get(name)
        if record is None:
            raise FcError("ServiceNotFound", f"service '{name}' does not exist")
        return record

    def services(self) -> list[ServiceRecord]:
        return [record for _, record in sorted(self._services.items())]

    def update_service(self, name: str, attributes: Mapping[str, Any]) -> ServiceRecord:
        record = self.service(name)
        record.attributes.update(attributes)
        record.changes += 1
        record.modified_ms = self._clock.now_ms()
        return record

    def restore_service(self, record: ServiceRecord) -> None:
        self._services[record.name] = record

    def delete_service(self, name: str) -> None:
        self.service(name)
        if self.of_service(name):
            raise FcError("ServiceNotEmpty", f"service '{name}' is not empty")
        del self._services[name]

    # -- functions ----------------------------------------------------------------------------------------------------
    def create(
        self, spec: FunctionSpec, *, service: str | None = None, attributes: Mapping[str, Any], code: bytes = b""
    ) -> FunctionRecord:
        """Raises FcError: ServiceNotFound, FunctionAlreadyExists, InvalidArgument."""
        service = self.service(service or self.service_name).name
        check_spec(spec)
        key = self.key_of(service, spec.name)
        if key in self._functions:
            where = "" if service == self.service_name else f" in service '{service}'"
            raise FcError("FunctionAlreadyExists", f"function '{spec.name}' already exists{where}")
        now_ms = self._clock.now_ms()
        function = Function(
            spec,
            key=key,
            service=service,
            generation=self.next_generation(),
            instances_max=self._limits.instances_per_function,
        )
        function_id = self._ids.uuid("fc.function").lower()
        record = FunctionRecord(function, function_id, now_ms, now_ms, dict(attributes), code)
        self._functions[key] = record
        return record

    def update(
        self, key: str, spec: FunctionSpec, *, attributes: Mapping[str, Any], code: bytes | None = None
    ) -> FunctionRecord:
        record = self.find(key)
        check_spec(spec)
        record.function = replace(record.function, spec=spec, generation=self.next_generation())
        record.attributes.update(attributes)
        if code is not None:
            record.code, record.code_checksum = code, ""
        record.modified_ms = self._clock.now_ms()
        return record

    def restore(self, record: FunctionRecord) -> None:
        self._functions[record.key] = record

    def has(self, key: str) -> bool:
        return key in self._functions

    def delete(self, key: str) -> None:
        self.find(key)
        del self._functions[key]

    def find(self, key: str) -> FunctionRecord:
        """By FC 3.0's name."""
        record = self._functions.get(key)
        if record is None:
            service, dollar, name = key.partition("$")
            where = f" in service '{service}'" if dollar else ""
            raise FcError("FunctionNotFound", f"function '{name or service}' does not exist{where}")
        return record

    def find_in(self, service: str, name: str) -> FunctionRecord:
        """By FC 2.0's names."""
        self.service(service)
        record = self._functions.get(self.key_of(service, name))
        if record is None:
            raise FcError("FunctionNotFound", f"function '{name}' does not exist in service '{service}'")
        return record

    def qualified(self, record: FunctionRecord, qualifier: str, versions: Versions, *, draws: bool) -> Function:
        """The function as it is now, or as a version or an alias has it (see `Versions.function`). Raises FcError."""
        if qualifier in ("", LATEST):
            return record.function
        own, of_service = f"functions/{record.key}", f"services/{record.function.service}"
        for owner in (own, of_service):
            found = versions.function(owner, qualifier, record.key, draws=draws)
            if found is not None:
                alone = record.on_demand.get(qualifier)
                bound = record.function.instances_max if alone is None else alone
                return replace(found, instances_max=bound, is_bounded_alone=alone is not None)
        versions.check(of_service if record.function.spec.http_form == "wsgi" else own, qualifier)
        raise FcError("FunctionNotFound", f"function '{record.name}' does not exist under '{qualifier}'")

    def all(self) -> list[FunctionRecord]:
        return [record for _, record in sorted(self._functions.items())]

    def of_service(self, service: str) -> list[FunctionRecord]:
        return [record for record in self.all() if record.function.service == service]

    def key_of(self, service: str, name: str) -> str:
        return name if service == self.service_name else f"{service}${name}"

    # -- configuration ------------------------------------------------------------------------------------------------
    def set_concurrency(self, key: str, reserved: int | None) -> FunctionRecord:
        """None: back to what a function has without reservation."""
        record = self.find(key)
        if reserved is not None and reserved < 0:
            raise invalid(f"reservedConcurrency is {reserved}, it must not be negative")
        record.reserved_concurrency = reserved
        limit = self._limits.instances_per_function if reserved is None else reserved
        record.function = replace(record.function, instances_max=limit)
        return record

    def set_async_config(self, key: str, qualifier: str, config: AsyncConfig | None) -> FunctionRecord:
        record = self.find(key)
        now_ms = self._clock.now_ms()
        if config is None:
            record.async_configs.pop(qualifier, None)
            record.async_times.pop(qualifier, None)
        else:
            record.async_configs[qualifier] = config
            record.async_times[qualifier] = (record.async_times.get(qualifier, (now_ms, now_ms))[0], now_ms)
        return record

    def next_generation(self) -> int:
        self.generation += 1
        return self.generation


def check_spec(spec: FunctionSpec) -> None:
    """Raises FcError InvalidArgument naming the field."""
    check_name(spec.name, "functionName")
    check_runtime(spec.runtime, spec.handler)
    _check_range(spec.timeout, TIMEOUT_S, "timeout")
    _check_range(spec.memory, MEMORY_MB, "memorySize")
    if spec.memory % MEMORY_STEP_MB:
        raise invalid(f"memorySize is {spec.memory}, it must be a multiple of {MEMORY_STEP_MB}")
    _check_range(spec.initializer_timeout, INITIALIZER_TIMEOUT_S, "the timeout of the initializer")
    _check_range(spec.pre_stop_timeout, PRE_STOP_TIMEOUT_S, "the timeout of preStop")
    if len(spec.layer_dirs) > LAYERS_MAX:
        raise invalid(f"{len(spec.layer_dirs)} layers, at most {LAYERS_MAX}")
    _check_environment(spec.environment)


def _check_environment(environment: Mapping[str, str]) -> None:
    used = 0
    for name, value in environment.items():
        if not isinstance(value, str):
            raise invalid(f"the environment variable {name} must be a string")
        if not name[:1].isalpha() or not name.replace("_", "").isalnum() or not name.isascii():
            raise invalid(f"the environment variable {name!r} must be letters, digits and _, a letter first")
        if name.startswith("FC_"):
            raise invalid(f"the environment variable {name} is reserved: it begins with FC_")
        used += len(name.encode()) + len(value.encode())
    if used > ENVIRONMENT_BYTES_MAX:
        raise invalid(f"the environment variables have {used} bytes, at most {ENVIRONMENT_BYTES_MAX}")


def _check_range(value: int, allowed: range, name: str) -> None:
    if value not in allowed:
        raise invalid(f"{name} is {value}, it must lie from {allowed.start} to {allowed.stop - 1}")


def check_name(name: str, field_name: str) -> None:
    """Raises FcError InvalidArgument naming the field."""
    ok = name.isascii() and name.replace("_", "").replace("-", "").isalnum() and not name[0].isdigit()
    if not ok or name[0] == "-" or len(name) > NAME_CHARACTERS_MAX:
        raise invalid(f"{field_name} is {name!r}: letters, digits, _ and -, not a digit or - first, at most 128")
