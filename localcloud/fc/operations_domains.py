"""Custom domains through the APIs, and which function a request to one of them calls.

Source: custom domain pages of FC 2.0 and models of alibabacloud_fc20230330 4.8.3; aliyun-fc2 2.5.2. FC 2.0's routes
name a service beside the function, FC 3.0's do not: a function of another service is `service$function` there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.fc.desk import Desk, Operation, Reply, shown_time
from localcloud.fc.domains import Certificate, Domain, Route
from localcloud.fc.errors import FcError, invalid
from localcloud.fc.routes import OLD, PROXY, WireCall
from localcloud.http import Request

UNOFFERED = ("authConfig", "corsConfig", "tlsConfig", "wafConfig")
"""What would change how a domain is served, and does not here: refused, not ignored."""


def create_custom_domain(desk: Desk) -> Reply:
    body = desk.body()
    name = desk.text(body, "domainName", required=True)
    given = {"protocol": "HTTP", "routes": (), "certificate": None, **_given(desk, body)}
    return _reply(desk, desk.service.domains.create(name, **given))


def get_custom_domain(desk: Desk) -> Reply:
    return _reply(desk, desk.service.domains.get(desk.names["domain"]))


def update_custom_domain(desk: Desk) -> Reply:
    """What is not named stays."""
    domain = desk.service.domains.get(desk.names["domain"])
    desk.check_match(domain.etag)
    return _reply(desk, desk.service.domains.update(domain.name, _given(desk, desk.body())))


def delete_custom_domain(desk: Desk) -> Reply:
    domain = desk.service.domains.get(desk.names["domain"])
    desk.check_match(domain.etag)
    desk.service.domains.delete(domain.name)
    return Reply()


def list_custom_domains(desk: Desk) -> Reply:
    return desk.page(
        "customDomains", desk.service.domains.all(), key=lambda one: one.name, show=lambda one: _document(desk, one)
    )


def called_by_domain(domain: Domain, request: Request) -> WireCall:
    """The call of an HTTP trigger that a request to the domain is. Raises FcError, see `Domain.route`."""
    route = domain.route(request.path, request.method)
    names = {"service": route.service, "function": route.function}
    return WireCall(request, OLD, PROXY, names, route.qualifier, request.path, is_by_domain=True)


# -- in ---------------------------------------------------------------------------------------------------------------
def _given(desk: Desk, body: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of Domain that `body` names. Raises FcError naming the field."""
    for name in UNOFFERED:
        if body.get(name):
            raise FcError("NotImplemented", f"the local cloud does not offer {name}")
    given: dict[str, Any] = {}
    if body.get("protocol") is not None:
        given["protocol"] = desk.text(body, "protocol")
    if body.get("routeConfig") is not None:
        routes = desk.object(body, "routeConfig").get("routes") or []
        if not isinstance(routes, list):
            raise invalid(f"routeConfig.routes must be a list, not {routes!r}")
        given["routes"] = tuple(_route(desk, one) for one in routes)
    if body.get("certConfig"):
        given["certificate"] = _certificate(body["certConfig"])
    return given


def _route(desk: Desk, route: Any) -> Route:
    if not isinstance(route, dict):
        raise invalid(f"routeConfig.routes must be objects, not {route!r}")
    if route.get("rewriteConfig"):
        raise FcError("NotImplemented", "the local cloud does not offer rewriteConfig")
    methods = route.get("methods") or []
    if not isinstance(methods, list) or not all(isinstance(method, str) for method in methods):
        raise invalid(f"methods must be a list of HTTP methods, not {methods!r}")
    service, function = _place(desk, route)
    path = desk.text(route, "path", required=True)
    return Route(path, service, function, desk.text(route, "qualifier"), tuple(methods))


def _place(desk: Desk, route: Mapping[str, Any]) -> tuple[str, str]:
    """Service and function that a route names; see `Functions.key_of` for how FC 3.0 does."""
    function = desk.text(route, "functionName", required=True)
    if not desk.is_new:
        return desk.text(route, "serviceName", required=True), function
    service, _, name = function.partition("$")
    return (service, name) if service and name else (desk.service.functions.service_name, function)


def _certificate(config: Any) -> Certificate:
    """No error has a value in it: one of them is a private key."""
    if not isinstance(config, dict):
        raise invalid("certConfig must be an object")
    for field in ("certName", "certificate", "privateKey"):
        if not isinstance(config.get(field), str) or not config[field]:
            raise invalid(f"certConfig.{field} is missing, or not a string")
    return Certificate(config["certName"], config["certificate"])


# -- out --------------------------------------------------------------------------------------------------------------
def _document(desk: Desk, domain: Domain) -> dict[str, Any]:
    certificate = domain.certificate or Certificate("", "")
    return {
        "domainName": domain.name,
        "accountId": desk.service.account.account_id,
        "apiVersion": desk.call.version,
        "protocol": domain.protocol,
        "routeConfig": {"routes": [_shown_route(desk, route) for route in domain.routes]},
        "certConfig": {
            "certName": certificate.name or None,
            "certificate": certificate.certificate or None,
            "privateKey": None,
        },
        "createdTime": shown_time(domain.created_ms),
        "lastModifiedTime": shown_time(domain.modified_ms),
    }


def _shown_route(desk: Desk, route: Route) -> dict[str, Any]:
    functions = desk.service.functions
    shown: dict[str, Any] = {
        "path": route.path,
        "functionName": functions.key_of(route.service, route.function) if desk.is_new else route.function,
        "qualifier": route.qualifier or None,
    }
    if route.methods:
        shown["methods"] = list(route.methods)
    return shown if desk.is_new else {**shown, "serviceName": route.service}


def _reply(desk: Desk, domain: Domain) -> Reply:
    return Reply(_document(desk, domain), etag=domain.etag)


OFFERED: Mapping[str, Operation] = {
    "CreateCustomDomain": create_custom_domain,
    "GetCustomDomain": get_custom_domain,
    "UpdateCustomDomain": update_custom_domain,
    "DeleteCustomDomain": delete_custom_domain,
    "ListCustomDomains": list_custom_domains,
}
