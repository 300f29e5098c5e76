"""Which operation a request asks for: method and path → the vendor's name of it and the names in the path. Pure.

Wire format: API 2016-08-15 (aliyun-fc2 2.5.2, REST reference) puts functions below services and writes a qualifier as
`service.qualifier`; API 2023-03-30 (alibabacloud_fc20230330 4.8.3) knows functions only and has it in the query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal
from urllib.parse import parse_qsl, unquote

from localcloud.fc.errors import FcError, not_supported
from localcloud.http import Request

Version = Literal["2016-08-15", "2023-03-30"]
OLD: Version = "2016-08-15"
NEW: Version = "2023-03-30"
PROXY = "InvokeHttpTrigger"
DOWNLOAD = "DownloadCode"

Table = tuple[tuple[str, str, str], ...]

_OLD_TABLE: Table = (
    ("GET", "/account-settings", "GetAccountSettings"),
    ("POST", "/services", "CreateService"),
    ("GET", "/services", "ListServices"),
    ("GET", "/services/{service}", "GetService"),
    ("PUT", "/services/{service}", "UpdateService"),
    ("DELETE", "/services/{service}", "DeleteService"),
    ("POST", "/services/{service}/functions", "CreateFunction"),
    ("GET", "/services/{service}/functions", "ListFunctions"),
    ("GET", "/services/{service}/functions/{function}", "GetFunction"),
    ("PUT", "/services/{service}/functions/{function}", "UpdateFunction"),
    ("DELETE", "/services/{service}/functions/{function}", "DeleteFunction"),
    ("GET", "/services/{service}/functions/{function}/code", "GetFunctionCode"),
    ("POST", "/services/{service}/functions/{function}/invocations", "InvokeFunction"),
    ("POST", "/services/{service}/functions/{function}/triggers", "CreateTrigger"),
    ("GET", "/services/{service}/functions/{function}/triggers", "ListTriggers"),
    ("GET", "/services/{service}/functions/{function}/triggers/{trigger}", "GetTrigger"),
    ("PUT", "/services/{service}/functions/{function}/triggers/{trigger}", "UpdateTrigger"),
    ("DELETE", "/services/{service}/functions/{function}/triggers/{trigger}", "DeleteTrigger"),
    ("PUT", "/services/{service}/functions/{function}/async-invoke-config", "PutFunctionAsyncInvokeConfig"),
    ("GET", "/services/{service}/functions/{function}/async-invoke-config", "GetFunctionAsyncInvokeConfig"),
    ("DELETE", "/services/{service}/functions/{function}/async-invoke-config", "DeleteFunctionAsyncInvokeConfig"),
    ("GET", "/services/{service}/functions/{function}/async-invoke-configs", "ListFunctionAsyncInvokeConfigs"),
    ("PUT", "/services/{service}/functions/{function}/provision-config", "PutProvisionConfig"),
    ("GET", "/services/{service}/functions/{function}/provision-config", "GetProvisionConfig"),
    ("GET", "/provision-configs", "ListProvisionConfigs"),
    ("PUT", "/services/{service}/functions/{function}/on-demand-config", "PutFunctionOnDemandConfig"),
    ("GET", "/services/{service}/functions/{function}/on-demand-config", "GetFunctionOnDemandConfig"),
    ("DELETE", "/services/{service}/functions/{function}/on-demand-config", "DeleteFunctionOnDemandConfig"),
    ("GET", "/on-demand-configs", "ListOnDemandConfigs"),
    ("GET", "/services/{service}/functions/{function}/instances", "ListInstances"),
    ("POST", "/services/{service}/functions/{function}/instances/{instance}/exec", "InstanceExec"),
    ("GET", "/services/{service}/functions/{function}/instances/{instance}/exec", "InstanceExec"),
    ("GET", "/services/{service}/functions/{function}/stateful-async-invocations", "ListStatefulAsyncInvocations"),
    (
        "GET",
        "/services/{service}/functions/{function}/stateful-async-invocations/{task}",
        "GetStatefulAsyncInvocation",
    ),
    (
        "PUT",
        "/services/{service}/functions/{function}/stateful-async-invocations/{task}/stop",
        "StopStatefulAsyncInvocation",
    ),
    ("POST", "/services/{service}/versions", "PublishServiceVersion"),
    ("GET", "/services/{service}/versions", "ListServiceVersions"),
    ("DELETE", "/services/{service}/versions/{version}", "DeleteServiceVersion"),
    ("POST", "/services/{service}/aliases", "CreateAlias"),
    ("GET", "/services/{service}/aliases", "ListAliases"),
    ("GET", "/services/{service}/aliases/{alias}", "GetAlias"),
    ("PUT", "/services/{service}/aliases/{alias}", "UpdateAlias"),
    ("DELETE", "/services/{service}/aliases/{alias}", "DeleteAlias"),
    ("POST", "/layers/{layer}/versions", "CreateLayerVersion"),
    ("GET", "/layers/{layer}/versions", "ListLayerVersions"),
    ("GET", "/layers/{layer}/versions/{version}", "GetLayerVersion"),
    ("DELETE", "/layers/{layer}/versions/{version}", "DeleteLayerVersion"),
    ("GET", "/layers", "ListLayers"),
    ("POST", "/custom-domains", "CreateCustomDomain"),
    ("GET", "/custom-domains", "ListCustomDomains"),
    ("GET", "/custom-domains/{domain}", "GetCustomDomain"),
    ("PUT", "/custom-domains/{domain}", "UpdateCustomDomain"),
    ("DELETE", "/custom-domains/{domain}", "DeleteCustomDomain"),
    ("POST", "/tag", "TagResource"),
    ("GET", "/tag", "GetResourceTags"),
    ("DELETE", "/tag", "UntagResource"),
    ("GET", "/reservedCapacities", "ListReservedCapacities"),
    ("GET", "/services/{service}/bindings", "ListVpcBindings"),
    ("POST", "/services/{service}/bindings", "CreateVpcBinding"),
    ("DELETE", "/services/{service}/bindings/{vpc}", "DeleteVpcBinding"),
    ("GET", "/code-packages/{function}", DOWNLOAD),
    ("GET", "/layer-packages/{layer}/{version}", DOWNLOAD),
)
_NEW_TABLE: Table = (
    ("POST", "/functions", "CreateFunction"),
    ("GET", "/functions", "ListFunctions"),
    ("GET", "/functions/{function}", "GetFunction"),
    ("PUT", "/functions/{function}", "UpdateFunction"),
    ("DELETE", "/functions/{function}", "DeleteFunction"),
    ("GET", "/functions/{function}/code", "GetFunctionCode"),
    ("POST", "/functions/{function}/invocations", "InvokeFunction"),
    ("POST", "/functions/{function}/triggers", "CreateTrigger"),
    ("GET", "/functions/{function}/triggers", "ListTriggers"),
    ("GET", "/functions/{function}/triggers/{trigger}", "GetTrigger"),
    ("PUT", "/functions/{function}/triggers/{trigger}", "UpdateTrigger"),
    ("DELETE", "/functions/{function}/triggers/{trigger}", "DeleteTrigger"),
    ("PUT", "/functions/{function}/async-invoke-config", "PutAsyncInvokeConfig"),
    ("GET", "/functions/{function}/async-invoke-config", "GetAsyncInvokeConfig"),
    ("DELETE", "/functions/{function}/async-invoke-config", "DeleteAsyncInvokeConfig"),
    ("GET", "/async-invoke-configs", "ListAsyncInvokeConfigs"),
    ("PUT", "/functions/{function}/concurrency", "PutConcurrencyConfig"),
    ("GET", "/functions/{function}/concurrency", "GetConcurrencyConfig"),
    ("DELETE", "/functions/{function}/concurrency", "DeleteConcurrencyConfig"),
    ("GET", "/concurrency-configs", "ListConcurrencyConfigs"),
    ("PUT", "/functions/{function}/provision-config", "PutProvisionConfig"),
    ("GET", "/functions/{function}/provision-config", "GetProvisionConfig"),
    ("DELETE", "/functions/{function}/provision-config", "DeleteProvisionConfig"),
    ("GET", "/provision-configs", "ListProvisionConfigs"),
    ("PUT", "/functions/{function}/scaling-config", "PutScalingConfig"),
    ("GET", "/functions/{function}/scaling-config", "GetScalingConfig"),
    ("DELETE", "/functions/{function}/scaling-config", "DeleteScalingConfig"),
    ("GET", "/scaling-configs", "ListScalingConfigs"),
    ("POST", "/functions/{function}/versions", "PublishFunctionVersion"),
    ("GET", "/functions/{function}/versions", "ListFunctionVersions"),
    ("DELETE", "/functions/{function}/versions/{version}", "DeleteFunctionVersion"),
    ("POST", "/functions/{function}/aliases", "CreateAlias"),
    ("GET", "/functions/{function}/aliases", "ListAliases"),
    ("GET", "/functions/{function}/aliases/{alias}", "GetAlias"),
    ("PUT", "/functions/{function}/aliases/{alias}", "UpdateAlias"),
    ("DELETE", "/functions/{function}/aliases/{alias}", "DeleteAlias"),
    ("GET", "/functions/{function}/instances", "ListInstances"),
    ("GET", "/functions/{function}/async-tasks", "ListAsyncTasks"),
    ("GET", "/functions/{function}/async-tasks/{task}", "GetAsyncTask"),
    ("PUT", "/functions/{function}/async-tasks/{task}/stop", "StopAsyncTask"),
    ("POST", "/functions/{function}/invoke/disable", "DisableFunctionInvocation"),
    ("POST", "/functions/{function}/invoke/enable", "EnableFunctionInvocation"),
    ("POST", "/functions/{function}/sessions", "CreateSession"),
    ("GET", "/functions/{function}/sessions", "ListSessions"),
    ("GET", "/functions/{function}/sessions/{session}", "GetSession"),
    ("PUT", "/functions/{function}/sessions/{session}", "UpdateSession"),
    ("DELETE", "/functions/{function}/sessions/{session}", "DeleteSession"),
    ("PUT", "/functions/{function}/sessions/{session}/pause", "PauseSession"),
    ("PUT", "/functions/{function}/sessions/{session}/resume", "ResumeSession"),
    ("POST", "/functions/{function}/snapshots", "CreateSnapshot"),
    ("GET", "/functions/{function}/snapshots/{snapshot}", "GetSnapshot"),
    ("DELETE", "/functions/{function}/snapshots/{snapshot}", "DeleteSnapshot"),
    ("GET", "/snapshots", "ListSnapshots"),
    ("POST", "/functions/{function}/vpc-bindings", "CreateVpcBinding"),
    ("GET", "/functions/{function}/vpc-bindings", "ListVpcBindings"),
    ("DELETE", "/functions/{function}/vpc-bindings/{vpc}", "DeleteVpcBinding"),
    ("POST", "/layers/{layer}/versions", "CreateLayerVersion"),
    ("GET", "/layers/{layer}/versions", "ListLayerVersions"),
    ("GET", "/layers/{layer}/versions/{version}", "GetLayerVersion"),
    ("DELETE", "/layers/{layer}/versions/{version}", "DeleteLayerVersion"),
    ("PUT", "/layers/{layer}/acl", "PutLayerACL"),
    ("GET", "/layerarn/{arn}", "GetLayerVersionByArn"),
    ("GET", "/layers", "ListLayers"),
    ("POST", "/custom-domains", "CreateCustomDomain"),
    ("GET", "/custom-domains", "ListCustomDomains"),
    ("GET", "/custom-domains/{domain}", "GetCustomDomain"),
    ("PUT", "/custom-domains/{domain}", "UpdateCustomDomain"),
    ("DELETE", "/custom-domains/{domain}", "DeleteCustomDomain"),
    ("POST", "/tags-v2", "TagResources"),
    ("GET", "/tags-v2", "ListTagResources"),
    ("DELETE", "/tags-v2", "UntagResources"),
    ("PUT", "/resource-groups", "ChangeResourceGroup"),
    ("GET", "/regions", "DescribeRegions"),
    ("GET", "/code-packages/{function}", DOWNLOAD),
    ("GET", "/layer-packages/{layer}/{version}", DOWNLOAD),
)
TABLES: Mapping[Version, Table] = {OLD: _OLD_TABLE, NEW: _NEW_TABLE}


@dataclass(frozen=True, slots=True)
class WireCall:
    """A request whose operation is known. `names` are decoded; `qualifier` is "" when none was named."""

    request: Request
    version: Version
    operation: str
    names: Mapping[str, str]
    qualifier: str = ""
    rest: str = "/"
    """Of a call of an HTTP trigger: the path below the function, as sent."""
    is_by_domain: bool = False
    """Of a call of an HTTP trigger: it was sent to a custom domain, not to the trigger's own URL."""

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.request.query, keep_blank_values=True))


def version_of(request: Request) -> Version:
    """Which API's manners the answer shall have."""
    return NEW if request.path.startswith(f"/{NEW}") else OLD


def route(request: Request) -> WireCall:
    """Raises FcError: PathNotSupported, MethodNotAllowed."""
    version = version_of(request)
    path = request.path.removeprefix(f"/{version}")
    if path.startswith("/proxy/"):
        return _proxied(request, version, path)
    segments = path.strip("/").split("/")
    methods = []
    for method, pattern, operation in _parsed(version):
        found = _match(pattern, segments)
        if found is None:
            continue
        if method == request.method:
            return _called(request, version, operation, found)
        methods.append(method)
    if methods:
        raise FcError("MethodNotAllowed", f"method '{request.method}' is not supported, {', '.join(methods)} is")
    raise not_supported(request.method, unquote(request.path))


def _called(request: Request, version: Version, operation: str, found: dict[str, str]) -> WireCall:
    names = {name: unquote(value) for name, value in found.items()}
    if version == OLD:
        # A service's name has no dot in it: what follows the first is the qualifier.
        names["service"], _, qualifier = names.get("service", "").partition(".")
        return WireCall(request, version, operation, names, qualifier)
    call = WireCall(request, version, operation, names)
    return WireCall(request, version, operation, names, call.query.get("qualifier", ""))


def _proxied(request: Request, version: Version, path: str) -> WireCall:
    """`/proxy/<service>[.<qualifier>]/<function>[/<rest>]`, any method."""
    service, _, below = path.removeprefix("/proxy/").partition("/")
    function, slash, rest = below.partition("/")
    if not service or not function:
        raise not_supported(request.method, unquote(request.path))
    name, _, qualifier = unquote(service).partition(".")
    names = {"service": name, "function": unquote(function)}
    return WireCall(request, version, PROXY, names, qualifier, f"{slash}{rest}" or "/")


@cache
def _parsed(version: Version) -> tuple[tuple[str, tuple[str, ...], str], ...]:
    return tuple((method, tuple(path.strip("/").split("/")), name) for method, path, name in TABLES[version])


def _match(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    """The text in the place of each {name}; None when the path is another."""
    if len(pattern) != len(segments):
        return None
    found = {}
    for wanted, segment in zip(pattern, segments, strict=True):
        if wanted.startswith("{"):
            if not segment:
                return None
            found[wanted[1:-1]] = segment
        elif wanted != segment:
            return None
    return found
