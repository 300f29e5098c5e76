"""The context objects of FC's Python runtimes: one class for 3.6 to 3.10, another for 3.12.

Source: context page, 2026-08, and the runtime's own context.py (FC 2.0). In 3.12 `credentials` and `service` are gone
(keys stand in the environment), and `logger`, `log_project`, `log_store` are new.
"""

from __future__ import annotations

import logging
from typing import Any


class Credentials:
    def __init__(self, keys: dict[str, str]) -> None:
        self.access_key_id = self.accessKeyId = keys["access_key_id"]
        self.access_key_secret = self.accessKeySecret = keys["access_key_secret"]
        self.security_token = self.securityToken = keys["security_token"]


class Function:
    def __init__(self, about: dict[str, Any]) -> None:
        self.name = about["name"]
        self.handler = about["handler"]
        self.memory = about["memory"]
        self.timeout = about["timeout"]


class VersionedFunction(Function):
    def __init__(self, about: dict[str, Any], service: dict[str, str]) -> None:
        super().__init__(about)
        self.version_id = service["version_id"]
        self.qualifier = service["qualifier"]


class Service:
    def __init__(self, about: dict[str, str]) -> None:
        self.name = about["name"]
        self.log_project = self.logProject = about["log_project"]
        self.log_store = self.logStore = about["log_store"]
        self.qualifier = about["qualifier"]
        self.version_id = self.versionId = about["version_id"]


class Tracing:
    def __init__(self) -> None:
        self.span_context = self.openTracingSpanContext = ""
        self.span_baggages: dict[str, str] = {}
        self.jaeger_endpoint = ""


class Context:
    """Python 3.6, 3.9 and 3.10."""

    def __init__(self, about: dict[str, Any]) -> None:
        self.request_id = self.requestId = about["request_id"]
        self.credentials = Credentials(about["credentials"])
        self.function = Function(about["function"])
        self.service = Service(about["service"])
        self.region = about["region"]
        self.account_id = self.accountId = about["account_id"]
        self.retry_count = about["retry_count"]
        self.tracing = Tracing()


class Context312:
    """Python 3.12."""

    def __init__(self, about: dict[str, Any]) -> None:
        self.request_id = about["request_id"]
        self.function = VersionedFunction(about["function"], about["service"])
        self.region = about["region"]
        self.account_id = about["account_id"]
        self.log_project = about["service"]["log_project"]
        self.log_store = about["service"]["log_store"]
        self.logger = logging.getLogger()


def context_of(about: dict[str, Any]) -> Any:
    """The context of one call. `about["flavour"]` is "3.12" or anything else."""
    return Context312(about) if about["flavour"] == "3.12" else Context(about)
