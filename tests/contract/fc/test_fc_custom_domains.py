"""Custom domains: what both APIs say of them, and which function a request to one of them calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import fc2
import pytest

from localcloud.fc.routes import NEW, OLD
from localcloud.threaded import local_cloud
from tests.contract.fc.conftest import Answer, FcServer

DOMAINS = f"/{OLD}/custom-domains"
NAME = "api.example.com"
CERTIFICATE = {"certName": "mine", "certificate": "-----BEGIN CERTIFICATE-----", "privateKey": "secret"}
TELLS = """
import json
def handler(environ, start_response):
    start_response('200 OK', [])
    return [json.dumps(['{name}', environ['PATH_INFO'], environ['QUERY_STRING']]).encode()]
"""
ANYBODY = {"authType": "anonymous", "methods": ["GET", "POST"]}


def route(path: str, function: str, **more: Any) -> dict[str, Any]:
    return {"path": path, "serviceName": "shop", "functionName": function, "qualifier": None, **more}


@pytest.fixture
def client(server: FcServer, tmp_path: Path) -> Any:
    """Of a service with the functions `a` and `b`, each with an HTTP trigger."""
    made = server.client()
    made.create_service("shop")
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "index.py").write_text(TELLS.replace("{name}", name))
        made.create_function("shop", name, "python3", "index.handler", codeDir=str(folder))
        made.create_trigger("shop", name, "web", "http", ANYBODY, None, None)
    return made


def get(server: FcServer, target: str, *, host: str = NAME, method: str = "GET") -> Answer:
    return server.fetch(method, target, headers={"Host": host})


def test_a_domain_is_made_shown_changed_listed_and_deleted(client: Any) -> None:
    made = client.create_custom_domain(NAME).data

    assert (made["domainName"], made["protocol"], made["routeConfig"]) == (NAME, "HTTP", {"routes": []})
    assert (made["accountId"], made["apiVersion"]) == ("1234567890123456", OLD)
    assert made["certConfig"] == {"certName": None, "certificate": None, "privateKey": None}
    routes = {"routes": [route("/a", "f1"), route("/b/*", "f2", methods=["GET"])]}
    changed = client.update_custom_domain(NAME, "HTTP,HTTPS", routes, certConfig=CERTIFICATE).data
    assert changed["routeConfig"] == routes
    assert changed["certConfig"] == {**CERTIFICATE, "privateKey": None}
    assert client.update_custom_domain(NAME, "HTTP").data["routeConfig"] == routes
    assert client.get_custom_domain(NAME.upper()).data["protocol"] == "HTTP"
    client.create_custom_domain("www.example.com")
    assert [one["domainName"] for one in client.list_custom_domains(prefix="api").data["customDomains"]] == [NAME]
    client.delete_custom_domain(NAME)
    with pytest.raises(fc2.FcError, match="DomainNameNotFound"):
        client.get_custom_domain(NAME)


def test_the_newer_api_has_routes_without_a_service(server: FcServer) -> None:
    server.create("f", "def handler(event, context):\n    return 'here'\n")
    server.tell(
        "POST", f"/{NEW}/functions/f/triggers", {"triggerName": "w", "triggerType": "http", "triggerConfig": ANYBODY}
    )
    routes = {"routes": [{"path": "/*", "functionName": "f", "qualifier": None}]}

    made = server.tell("POST", f"/{NEW}/custom-domains", {"domainName": NAME, "routeConfig": routes})

    assert (made.status, made.json()["routeConfig"], made.json()["apiVersion"]) == (200, routes, NEW)
    assert get(server, "/anything").body == b"here"


def test_the_newer_api_names_the_service_of_another_function_with_it(server: FcServer, client: Any) -> None:
    older = {"routes": [route("/*", "a")]}
    client.create_custom_domain(NAME, routeConfig=older)

    shown = server.ask("GET", f"/{NEW}/custom-domains/{NAME}").json()["routeConfig"]
    server.tell("PUT", f"/{NEW}/custom-domains/{NAME}", {"routeConfig": shown})

    assert shown == {"routes": [{"path": "/*", "functionName": "shop$a", "qualifier": None}]}
    assert client.get_custom_domain(NAME).data["routeConfig"] == older
    assert get(server, "/x").json()[0] == "a"


def test_the_private_key_of_a_certificate_is_kept_nowhere(server: FcServer, client: Any) -> None:
    client.create_custom_domain(NAME, "HTTP,HTTPS", certConfig=CERTIFICATE)

    assert "secret" not in repr(server.fc.domains.get(NAME))


@pytest.mark.parametrize("config", [{**CERTIFICATE, "privateKey": ["secret"]}, ["secret"]])
def test_a_private_key_is_in_no_error(server: FcServer, config: Any) -> None:
    answer = server.tell("POST", DOMAINS, {"domainName": NAME, "certConfig": config})

    assert (answer.status, b"certConfig" in answer.body, b"secret" in answer.body) == (400, True, False)


def test_a_request_calls_the_function_of_the_route_that_fits_best(server: FcServer, client: Any) -> None:
    routes = [route("/*", "a"), route("/shop/*", "b"), route("/shop/exact", "a")]
    client.create_custom_domain(NAME, routeConfig={"routes": routes})

    assert get(server, "/x%20y?q=1").json() == ["a", "/x y", "q=1"]
    assert get(server, "/shop/1").json() == ["b", "/shop/1", ""]
    assert get(server, "/shop/exact").json() == ["a", "/shop/exact", ""]
    assert get(server, "/shop/1", host=f"{NAME.upper()}:8080").json()[0] == "b"


def test_a_path_that_looks_like_the_apis_is_the_functions_under_a_domain(server: FcServer, client: Any) -> None:
    client.create_custom_domain(NAME, routeConfig={"routes": [route("/*", "a")]})

    assert get(server, f"/{OLD}/services").json() == ["a", f"/{OLD}/services", ""]


def test_a_route_may_have_methods_and_lead_to_an_alias(server: FcServer, client: Any, tmp_path: Path) -> None:
    client.publish_version("shop")
    client.create_alias("shop", "prod", "1")
    client.create_trigger("shop", "a", "stable", "http", ANYBODY, None, None, qualifier="prod")
    (tmp_path / "a" / "index.py").write_text(TELLS.replace("{name}", "newer"))
    client.update_function("shop", "a", codeDir=str(tmp_path / "a"))
    routes = [route("/now", "a"), route("/then", "a", qualifier="prod", methods=["POST"])]
    client.create_custom_domain(NAME, routeConfig={"routes": routes})

    assert get(server, "/now").json()[0] == "newer"
    assert get(server, "/then", method="POST").json()[0] == "a"
    assert (get(server, "/then").status, get(server, "/then").json()["ErrorCode"]) == (405, "MethodNotAllowed")


def test_a_trigger_without_a_url_of_its_own_is_called_under_a_domain(server: FcServer, client: Any) -> None:
    client.update_trigger("shop", "a", "web", triggerConfig={**ANYBODY, "disableURLInternet": True})
    client.create_custom_domain(NAME, routeConfig={"routes": [route("/*", "a")]})

    refused = server.fetch("GET", f"/{OLD}/proxy/shop/a/x")

    assert (refused.status, refused.json()["ErrorCode"]) == (403, "AccessDenied")
    assert get(server, "/x").json()[0] == "a"


@pytest.mark.parametrize(
    ("path", "code"),
    [("/nowhere", "DomainRouteNotFound"), ("/none", "FunctionNotFound"), ("/bare", "TriggerNotFound")],
)
def test_what_leads_nowhere_is_said_when_it_is_called(
    server: FcServer, client: Any, tmp_path: Path, path: str, code: str
) -> None:
    client.create_function("shop", "bare", "python3", "index.handler", codeDir=str(tmp_path / "a"))
    client.create_custom_domain(NAME, routeConfig={"routes": [route("/none", "none"), route("/bare", "bare")]})

    answer = get(server, path)

    assert (answer.status, answer.json()["ErrorCode"]) == (404, code)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"domainName": "localhost"}, "domainName is 'localhost'"),
        ({"domainName": "127.0.0.1"}, "domainName is '127.0.0.1'"),
        ({"domainName": "a..b.com"}, "domainName is 'a..b.com'"),
        ({"protocol": "FTP"}, "protocol is 'FTP'"),
        ({"protocol": "HTTP,HTTPS"}, "certConfig is missing"),
        ({"certConfig": {"certName": "mine", "certificate": "x"}}, "privateKey is missing"),
        ({"routeConfig": {"routes": [{"path": "/a", "serviceName": "s"}]}}, "functionName is missing"),
        ({"routeConfig": {"routes": "x"}}, "routeConfig.routes must be a list"),
        ({"routeConfig": {"routes": ["x"]}}, "routeConfig.routes must be objects"),
        ({"routeConfig": {"routes": [route("a", "f")]}}, "path is 'a'"),
        ({"routeConfig": {"routes": [route("/*/a", "f")]}}, "path is '/*/a'"),
        ({"routeConfig": {"routes": [route("/a", "f"), route("/a", "g")]}}, "the path '/a' more than once"),
        ({"routeConfig": {"routes": [route("/a", "f", methods=["FETCH"])]}}, "methods has 'FETCH'"),
        ({"routeConfig": {"routes": [route("/a", "f", methods="GET")]}}, "methods must be a list"),
        ({"routeConfig": {"routes": [{"path": "/a", "functionName": "f"}]}}, "serviceName is missing"),
    ],
)
def test_what_is_wrong_is_refused_by_its_field(server: FcServer, body: dict[str, Any], named: str) -> None:
    answer = server.tell("POST", DOMAINS, {"domainName": NAME, **body})

    assert (answer.status, answer.json()["ErrorCode"]) == (400, "InvalidArgument")
    assert named in answer.json()["ErrorMessage"]
    assert server.ask("GET", DOMAINS).json() == {"customDomains": []}


@pytest.mark.parametrize("name", ["authConfig", "corsConfig", "tlsConfig", "wafConfig", "rewriteConfig"])
def test_what_would_change_how_a_domain_is_served_is_refused_as_not_offered(server: FcServer, name: str) -> None:
    body: dict[str, Any] = {name: {"x": 1}}
    if name == "rewriteConfig":
        body = {"routeConfig": {"routes": [route("/a", "f", **body)]}}

    answer = server.tell("POST", DOMAINS, {"domainName": NAME, **body})

    assert (answer.status, name in answer.json()["ErrorMessage"]) == (501, True)


def test_a_wildcard_domain_is_refused_as_not_offered(server: FcServer) -> None:
    answer = server.tell("POST", DOMAINS, {"domainName": "*.example.com"})

    assert (answer.status, "wildcard" in answer.json()["ErrorMessage"]) == (501, True)


def test_many_routes_are_looked_through_once(server: FcServer) -> None:
    """Looking through all of them for each takes longer than a client waits, and all others with it."""
    routes = [{"path": f"/{number}", "functionName": "f", "qualifier": None} for number in range(80_000)]

    made = server.tell("POST", f"/{NEW}/custom-domains", {"domainName": NAME, "routeConfig": {"routes": routes}})

    assert made.json()["routeConfig"]["routes"] == routes


def test_a_domain_that_was_changed_meanwhile_is_not_changed(client: Any) -> None:
    etag = client.create_custom_domain(NAME).headers["etag"]
    client.update_custom_domain(NAME, "HTTP")

    with pytest.raises(fc2.FcError, match="PreconditionFailed"):
        client.delete_custom_domain(NAME, headers={"if-match": etag})


def test_the_whole_cloud_hands_requests_of_a_domain_to_its_function_and_keeps_its_control_endpoints() -> None:
    def asked(target: str) -> tuple[int, bytes]:
        try:
            with urlopen(Request(f"{cloud.url}{target}", headers={"Host": NAME})) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()

    with local_cloud(deploys=False, instances=1, executor="simulated") as cloud:
        client = fc2.Client(endpoint=cloud.url, accessKeyID="LTAI5tLocalCloud", accessKeySecret="local-cloud-secret")
        before = asked("/x")
        client.create_custom_domain(NAME, routeConfig={"routes": [route("/x", "a")]})

        status, body = asked("/x")

        assert b"ServiceNotFound" not in before[1]
        assert (status, b"ServiceNotFound" in body) == (404, True)
        assert asked("/_local/health")[0] == 200
