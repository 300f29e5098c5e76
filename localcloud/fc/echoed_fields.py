"""Fields that are kept and shown, and change nothing here; of the right kind all the same.

Source: CreateFunctionInput of alibabacloud_fc20230330 4.8.3 with its comments; create_service of aliyun-fc2 2.5.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.fc.errors import invalid

SERVICE_FIELDS: Mapping[str, str] = {
    "description": "text",
    "role": "text",
    "logConfig": "object",
    "internetAccess": "boolean",
    "vpcConfig": "object",
    "nasConfig": "object",
    "tracingConfig": "object",
}
FUNCTION_FIELDS: Mapping[str, str] = {
    "cpu": "number",
    "customDNS": "object",
    "disableInjectCredentials": "text",
    "disableOndemand": "boolean",
    "diskSize": "whole",
    "enableLongLiving": "boolean",
    "idleTimeout": "whole",
    "instanceConcurrency": "whole",
    "instanceIsolationMode": "text",
    "instanceType": "text",
    "internetAccess": "boolean",
    "resourceGroupId": "text",
    "sessionAffinity": "text",
    "sessionAffinityConfig": "text",
    "tags": "list",
    "tracingConfig": "object",
    "caPort": "whole",
}
KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "text": ((str,), "a string"),
    "boolean": ((bool,), "true or false"),
    "whole": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "list": ((list,), "a list"),
    "object": ((dict,), "an object"),
}
CHOICES: Mapping[str, tuple[Any, ...]] = {
    "diskSize": (512, 10_240),
    "disableInjectCredentials": ("None", "Env", "Request", "All"),
}
CPU_STEPS = range(1, 321)
"""Of 0.05 vCPU: from 0.05 to 16."""
MB_PER_CPU = (1_024, 4_096)
"""cpu : memorySize lies from 1:1 to 1:4, memory in GB."""


def echoed(body: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """What of these fields the body has. Raises FcError InvalidArgument naming the field."""
    found = {name: body[name] for name in fields if body.get(name) is not None}
    for name, value in found.items():
        types, said = KINDS[fields[name]]
        is_boolean = isinstance(value, bool)
        if not isinstance(value, types) or (is_boolean and bool not in types):
            raise invalid(f"{name} must be {said}, not {value!r}")
        if name in CHOICES and value not in CHOICES[name]:
            raise invalid(f"{name} is {value!r}, it must be one of {', '.join(map(str, CHOICES[name]))}")
    return found


def check_cpu(cpu: float | None, memory_mb: int) -> None:
    """Raises FcError InvalidArgument. None: the service chooses."""
    if cpu is None:
        return
    steps = round(cpu * 20) if cpu == cpu and abs(cpu) < 1_000 else 0  # noqa: PLR0124  NaN is no number
    if steps not in CPU_STEPS or abs(cpu * 20 - steps) > 1e-6:
        raise invalid(f"cpu is {cpu}, it must be a multiple of 0.05 from 0.05 to 16")
    low, high = MB_PER_CPU
    if not low * steps <= memory_mb * 20 <= high * steps:
        raise invalid(f"cpu is {cpu} and memorySize {memory_mb}: it must lie from 1 to 4 GB for each vCPU")
