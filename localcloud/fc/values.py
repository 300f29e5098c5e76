"""What the parts of Function Compute hand to each other, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

HttpForm = Literal["event", "wsgi"]
"""How a built-in runtime is handed HTTP requests: FC 3.0's event, or FC 2.0's WSGI."""


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """What somebody wants a function to be. Memory in MB; timeouts in seconds."""

    name: str
    handler: str
    runtime: str
    code_dir: Path
    layer_dirs: tuple[Path, ...] = ()
    """Folders that stand for /opt; the first wins."""
    package_dirs: tuple[Path, ...] = ()
    """Folders of packages after the layers: what stands for the packages of the runtime's image."""
    memory: int = 128
    timeout: int = 3
    environment: Mapping[str, str] = field(default_factory=dict)
    initializer: str | None = None
    initializer_timeout: int = 3
    pre_stop: str | None = None
    pre_stop_timeout: int = 3
    role: str = ""
    description: str = ""
    http_form: HttpForm = "event"
    """FC 3.0 made it, or FC 2.0 did: beside HTTP calls it decides whether the context has a service."""
    log_project: str = ""
    log_store: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """A function as it is registered. `service`: where FC 2.0 sees it, also when it was made as one of FC 3.0."""

    spec: FunctionSpec
    key: str
    """Unique: the name in FC 3.0's API; `service$name` for one in another service than the template's."""
    service: str
    generation: int
    """Grows with each change; instances of an older one are not used again."""
    instances_max: int
    qualifier: str = "LATEST"
    version_id: str = ""
    is_bounded_alone: bool = False
    """Whether `instances_max` is of this qualifier, or of the function under all of them together."""

    @property
    def name(self) -> str:
        return self.spec.name


@dataclass(frozen=True, slots=True)
class TriggerSpec:
    """A trigger. `config` is triggerConfig as the API has it (camelCase); `type` is triggerType."""

    function: str
    name: str
    type: str
    config: Mapping[str, Any]
    source_arn: str = ""
    invocation_role: str = ""
    qualifier: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class AsyncConfig:
    """What becomes of asynchronous calls. Destinations are ARNs; "" = none."""

    on_success: str = ""
    on_failure: str = ""
    age_s_max: int | None = None
    retries_max: int | None = None
    stateful: bool = False


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What came to an HTTP trigger. `path` as sent, below the function; headers with canonical names."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function. With `http` it is a WSGI call, and `event` its body."""

    event: bytes
    request_id: str
    retry_count: int = 0
    http: HttpRequest | None = None
    timeout_s_max: float | None = None
    """What the caller grants, when that is less than the function's timeout."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended. `error_type` is None when the function returned; else `body` is the error document."""

    body: bytes
    error_type: str | None = None
    log: bytes = b""
    duration_ms: float = 0.0
    memory_mb: float = 0.0
    instance_id: str = ""
    http_status: int = 200
    http_headers: tuple[tuple[str, str], ...] = ()


class Workers(Protocol):
    """Who runs functions: worker processes in the local cloud; a simulation may put something else here."""

    async def run(self, function: Function, call: Call) -> Outcome:
        """Raises FcError ResourceThrottled when all instances that the function may have are busy."""
        ...

    async def provision(self, function: Function, count: int) -> None:
        """Keeps `count` instances started and initialised; returns when they are."""
        ...

    def retire(self, key: str) -> None:
        """Lets the function's instances go: each once it is idle."""
        ...

    def instances(self, key: str) -> list[str]:
        """Ids of the function's instances."""
        ...

    def kill_one(self, key: str) -> str | None:
        """Ends one of the function's instances at once, as `kill -9` does: a busy one if there is one. Its id."""
        ...

    async def close(self) -> None:
        """Ends every instance; none is left when it returns."""
        ...
