"""What a function is told about itself: environment variables and context. Nothing of our own environment leaks in.

Source: environment variables page (047) and context page (114), 2026-08; sheet of variables of the FC 2.0 runtime.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any
from urllib.parse import unquote

from localcloud.account import Account
from localcloud.fc.values import Call, Function

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


def environment_of(function: Function, account: Account, *, instance_id: str) -> dict[str, str]:
    """The whole environment of a worker process. FC's own names win over the function's."""
    spec = function.spec
    token = account.security_token or ""
    layers = [str(folder) for folder in spec.layer_dirs]
    values = {
        "PATH": os.pathsep.join([*(f"{layer}/bin" for layer in layers), PATH]),
        "LANG": "C.UTF-8",
        "TMPDIR": tempfile.gettempdir(),
        "HOME": tempfile.gettempdir(),
        "TZ": "UTC",
    }
    values.update(spec.environment)
    values.update(
        {
            "FC_FUNC_CODE_PATH": str(spec.code_dir),
            "FC_FUNCTION_NAME": spec.name,
            "FC_FUNCTION_HANDLER": spec.handler,
            "FC_FUNCTION_MEMORY_SIZE": str(spec.memory),
            "FC_FUNCTION_VERSION": function.qualifier,
            "FC_VER_ID": function.qualifier,
            "FC_REGION": account.region,
            "FC_ACCOUNT_ID": account.account_id,
            "FC_INSTANCE_ID": instance_id,
            "FC_SERVICE_NAME": service_of(function),
            "FC_QUALIFIER": function.qualifier,
        }
    )
    keys = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": account.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": account.access_key_secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": token,
        "accessKeyID": account.access_key_id,
        "accessKeySecret": account.access_key_secret,
        "securityToken": token,
    }
    # A function may bring its own keys, e.g. to point it somewhere else: the platform does not overwrite those.
    for name, value in keys.items():
        values.setdefault(name, value)
    return values


def start_frame(function: Function, account: Account, *, request_id: str, preloads: bool) -> dict[str, Any]:
    spec = function.spec
    return {
        "kind": "start",
        "code": str(spec.code_dir),
        "layers": [str(folder) for folder in spec.layer_dirs],
        "packages": [str(folder) for folder in spec.package_dirs],
        "handler": spec.handler,
        "initializer": spec.initializer,
        "preStop": spec.pre_stop,
        "preloads": preloads,
        "context": context_frame(function, account, request_id=request_id),
    }


def call_frame(function: Function, account: Account, call: Call) -> dict[str, Any]:
    context = context_frame(function, account, request_id=call.request_id, retry_count=call.retry_count)
    if call.http is None:
        return {"kind": "invoke", "context": context}
    http = call.http
    return {
        "kind": "wsgi",
        "context": context,
        "request": {
            "method": http.method,
            "path": unquote(http.path),
            "query": http.query,
            "requestURI": f"{http.path}?{http.query}" if http.query else http.path,
            "clientIP": http.source_ip,
            "takesBytes": function.spec.runtime == "python2.7",
            "headers": [[name, value] for name, value in http.headers],
        },
    }


def service_of(function: Function) -> str:
    """Functions of FC 3.0 have no service: the name is there, and empty."""
    return "" if function.spec.http_form == "event" else function.service


def context_frame(function: Function, account: Account, *, request_id: str, retry_count: int = 0) -> dict[str, Any]:
    spec = function.spec
    return {
        "flavour": "3.12" if spec.runtime == "python3.12" else "3.10",
        "request_id": request_id,
        "retry_count": retry_count,
        "region": account.region,
        "account_id": account.account_id,
        "credentials": {
            "access_key_id": account.access_key_id,
            "access_key_secret": account.access_key_secret,
            "security_token": account.security_token or "",
        },
        "function": {
            "name": spec.name,
            "handler": spec.handler,
            "memory": spec.memory,
            "timeout": spec.timeout,
        },
        "service": {
            "name": service_of(function),
            "log_project": spec.log_project,
            "log_store": spec.log_store,
            "qualifier": function.qualifier,
            "version_id": function.version_id,
        },
    }
