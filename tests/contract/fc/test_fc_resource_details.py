"""What the operations take and answer in detail: kinds of fields, filters of lists, pages, qualifiers, entity tags."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import fc2
import pytest

from localcloud.fc.code import checksum
from localcloud.fc.routes import NEW, OLD
from tests.contract.fc.conftest import Answer, FcServer, fc_server, told

CODE = "def handler(event, context):\n    return b'1'\n"
FUNCTIONS, SERVICES = f"/{NEW}/functions", f"/{OLD}/services"
FULL = {"functionName": "g", "runtime": "python3.10", "handler": "index.handler"}
TIMER = {"triggerName": "t", "triggerType": "timer", "triggerConfig": {"cronExpression": "@every 5m", "enable": False}}


def names(answer: Answer, listed: str, name: str) -> list[str]:
    assert answer.status == 200, answer.body
    return [one[name] for one in answer.json()[listed]]


def functions(server: FcServer, query: str) -> list[str]:
    return names(server.ask("GET", f"{FUNCTIONS}?{query}"), "functions", "functionName")


def tagged(*tags: dict[str, str]) -> str:
    return f"tags={quote(json.dumps(tags))}"


# -- fields -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({"cpu": "1"}, "InvalidArgument", "cpu must be a number"),
        ({"cpu": 0.07}, "InvalidArgument", "multiple of 0.05"),
        ({"cpu": 17}, "InvalidArgument", "to 16"),
        ({"cpu": 1, "memorySize": 512}, "InvalidArgument", "1 to 4 GB"),
        ({"cpu": 0.5, "memorySize": 2112}, "InvalidArgument", "1 to 4 GB"),
        ({"diskSize": 1024}, "InvalidArgument", "512, 10240"),
        ({"disableInjectCredentials": "Some"}, "InvalidArgument", "None, Env, Request, All"),
        ({"internetAccess": "true"}, "InvalidArgument", "internetAccess must be true or false"),
        ({"idleTimeout": True}, "InvalidArgument", "idleTimeout must be a whole number"),
        ({"tags": {"a": "b"}}, "InvalidArgument", "tags must be a list"),
        ({"functionName": "x" * 65}, "InvalidArgument", "at most 64"),
        ({"microSandboxConfig": {"a": 1}}, "NotImplemented", "microSandboxConfig"),
        ({"instanceLifecycleConfig": {"preFreeze": {"handler": "a.b"}}}, "NotImplemented", "preFreeze"),
    ],
)
def test_a_field_of_a_function_is_checked_by_its_name(fields: dict[str, Any], code: str, named: str) -> None:
    with fc_server() as server:
        answer = server.tell("POST", FUNCTIONS, {**FULL, "code": server.code_of({"index.py": CODE}), **fields})

        assert told(answer, NEW) == code
        assert named in answer.json()["Message"]
        assert functions(server, "") == []


def test_what_is_null_in_an_update_stays_as_it_was(server: FcServer) -> None:
    server.create("f", CODE, environmentVariables={"A": "b"}, description="d", cpu=0.25, memorySize=256)
    nothing = dict.fromkeys(["handler", "runtime", "description", "environmentVariables", "layers", "logConfig", "cpu"])

    changed = server.tell("PUT", f"{FUNCTIONS}/f", {**nothing, "timeout": 9})

    shown = changed.json()
    assert (shown["timeout"], shown["handler"], shown["description"]) == (9, "index.handler", "d")
    assert (shown["environmentVariables"], shown["cpu"]) == ({"A": "b"}, 0.25)


def test_memory_alone_is_held_against_the_cpu_that_is_there(server: FcServer) -> None:
    server.create("f", CODE, cpu=0.5, memorySize=512)

    refused = server.tell("PUT", f"{FUNCTIONS}/f", {"memorySize": 128})

    assert told(refused, NEW) == "InvalidArgument"
    assert server.tell("PUT", f"{FUNCTIONS}/f", {"memorySize": 1024}).status == 200


@pytest.mark.parametrize("field", ["logConfig", "vpcConfig", "nasConfig", "tracingConfig", "internetAccess", "role"])
def test_a_field_of_a_service_of_another_kind_is_refused(server: FcServer, field: str) -> None:
    answer = server.tell("POST", SERVICES, {"serviceName": "shop", field: 7})

    assert told(answer, OLD) == "InvalidArgument"
    assert field in answer.json()["ErrorMessage"]
    assert server.ask("GET", f"{SERVICES}/shop").status == 404


@pytest.mark.parametrize("name", ["1st", "-l", "a b", "x" * 129, "%C3%A9"])
def test_the_name_of_a_layer_is_checked_like_a_functions(server: FcServer, name: str) -> None:
    target = f"/{NEW}/layers/{name.replace(' ', '%20')}/versions"

    answer = server.tell("POST", target, {"code": server.code_of({"a.txt": "a"})})

    assert told(answer, NEW) == "InvalidArgument"
    assert "layerName" in answer.json()["Message"]


def test_scaling_without_instances_on_demand_is_not_offered(server: FcServer) -> None:
    server.create("f", CODE)

    answer = server.tell("PUT", f"{FUNCTIONS}/f/scaling-config", {"minInstances": 0, "enableOnDemandScaling": False})

    assert told(answer, NEW) == "NotImplemented"


@pytest.mark.parametrize("target", [FUNCTIONS, f"/{NEW}/layers/l/versions"])
def test_an_archive_is_held_against_the_checksum_that_comes_with_it(server: FcServer, target: str) -> None:
    code = server.code_of({"index.py": CODE})
    right = checksum(base64.b64decode(code["zipFile"]))

    refused = server.tell("POST", target, {**FULL, "code": {**code, "checksum": "1"}})

    assert told(refused, NEW) == "InvalidArgument"
    assert f"is '{right}'" in refused.json()["Message"]
    assert server.tell("POST", target, {**FULL, "code": {**code, "checksum": right}}).status == 200


@pytest.mark.parametrize("version", [OLD, NEW])
def test_a_layer_tells_where_its_archive_is_and_a_guess_leads_nowhere(server: FcServer, version: str) -> None:
    code = server.code_of({"a.txt": "a"})
    server.tell("POST", f"/{version}/layers/l/versions", {"code": code})

    told_code = server.ask("GET", f"/{version}/layers/l/versions/1").json()["code"]

    link = told_code["location"].removeprefix(server.served.url)
    assert told_code["repositoryType"] == "OSS"
    assert server.fetch("GET", link).body == base64.b64decode(code["zipFile"])
    assert server.fetch("GET", f"{link}0").status == 403


def test_the_older_api_has_the_access_of_a_layer_as_a_number_and_the_newer_as_text(server: FcServer) -> None:
    layer = "layers/l/versions"
    older = server.tell("POST", f"/{OLD}/{layer}", {"code": server.code_of({"a.txt": "a"})}).json()

    newer = server.ask("GET", f"/{NEW}/{layer}/1").json()

    assert (older["acl"], newer["acl"]) == (0, "0")
    assert older["arnV2"] == newer["layerVersionArn"]


# -- lists ------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def listed() -> Any:
    """Of FC 3.0: a, ab and c; of FC 2.0: old."""
    with fc_server() as server:
        server.create("a", CODE, description="first", tags=[{"Key": "team", "Value": "x"}])
        server.create("ab", CODE, runtime="python3.12", resourceGroupId="rg-1")
        server.create("c", CODE, tags=[{"Key": "team", "Value": "x"}, {"Key": "env", "Value": "y"}])
        body = {**FULL, "functionName": "old", "code": server.code_of({"index.py": CODE})}
        assert server.tell("POST", f"{SERVICES}/fleetrun/functions", body).status == 200
        yield server


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["a", "ab", "c", "old"]),
        ("functionName=a", ["a"]),
        ("prefix=a", ["a", "ab"]),
        ("description=first", ["a"]),
        ("runtime=python3.12", ["ab"]),
        ("resourceGroupId=rg-1", ["ab"]),
        ("gpuType=fc.gpu.tesla.1", []),
        ("fcVersion=v2", ["old"]),
        ("fcVersion=v3", ["a", "ab", "c"]),
        (tagged({"Key": "team", "Value": "x"}), ["a", "c"]),
        (tagged({"Key": "team", "Value": "x"}, {"Key": "env", "Value": "y"}), ["c"]),
        (tagged({"Key": "env"}), ["c"]),
        ("prefix=a&runtime=python3.10", ["a"]),
    ],
)
def test_a_list_of_functions_is_narrowed_by_what_they_are_like(listed: FcServer, query: str, found: list[str]) -> None:
    assert functions(listed, query) == found


def test_the_official_sdk_narrows_by_tags(listed: FcServer) -> None:
    sdk = pytest.importorskip("alibabacloud_fc20230330.client", reason="alibabacloud-fc20230330 is not installed")
    from alibabacloud_fc20230330 import models

    from tests.contract.fc.test_fc_newer_sdk import Speaker

    assert sdk
    request = models.ListFunctionsRequest(tags=[models.Tag(key="env", value="y")])

    assert [one.function_name for one in Speaker(listed).sdk.list_functions(request).body.functions] == ["c"]


def test_a_page_has_20_items_unless_told_and_goes_on_where_it_ended(server: FcServer) -> None:
    for number in range(25):
        assert server.tell("POST", SERVICES, {"serviceName": f"s{number:02}"}).status == 200

    first = server.ask("GET", f"{SERVICES}?prefix=s").json()
    rest = server.ask("GET", f"{SERVICES}?prefix=s&nextToken={first['nextToken']}").json()

    assert (len(first["services"]), len(rest["services"]), "nextToken" in rest) == (20, 5, False)


def test_versions_go_on_at_a_number_also_when_its_version_is_gone(server: FcServer) -> None:
    server.create("f", CODE)
    for number in range(4):
        server.tell("PUT", f"{FUNCTIONS}/f", {"description": f"the {number}th"})
        server.tell("POST", f"{FUNCTIONS}/f/versions", {})
    server.ask("DELETE", f"{FUNCTIONS}/f/versions/2")

    def versions(query: str) -> list[str]:
        return names(server.ask("GET", f"{FUNCTIONS}/f/versions?{query}"), "versions", "versionId")

    assert versions("") == ["4", "3", "1"]
    assert versions("nextToken=2") == ["1"]
    assert versions("direction=FORWARD&nextToken=2") == ["3", "4"]
    assert told(server.ask("GET", f"{FUNCTIONS}/f/versions?nextToken=x"), NEW) == "InvalidArgument"


def test_on_demand_configurations_are_listed_by_their_resource(server: FcServer) -> None:
    client = server.client()
    for name in ("f", "g"):
        server.create(name, CODE)
        client.put_on_demand_config("fleetrun", "LATEST", name, 3)

    resource = "services/fleetrun.LATEST/functions/"

    assert [one["resource"] for one in client.list_on_demand_config(prefix=resource).data["configs"]] == [
        f"{resource}f",
        f"{resource}g",
    ]
    assert len(client.list_on_demand_config(startKey=f"{resource}g").data["configs"]) == 1
    assert client.list_on_demand_config(prefix="f").data == {}


def test_on_demand_configurations_are_of_a_version_or_an_alias(server: FcServer, tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text(CODE)
    client = server.client()
    client.create_service("shop")
    client.create_function("shop", "f", "python3", "index.handler", codeDir=str(tmp_path))
    client.publish_version("shop")
    client.create_alias("shop", "prod", "1")

    put = client.put_on_demand_config("shop", "prod", "f", 0).data
    client.put_on_demand_config("shop", "LATEST", "f", 3)

    assert put == {"resource": "services/shop.prod/functions/f", "maximumInstanceCount": 0}
    assert client.get_on_demand_config("shop", "prod", "f").data == put
    listed = client.list_on_demand_config().data["configs"]
    assert [(one["resource"], one["maximumInstanceCount"]) for one in listed] == [
        ("services/shop.LATEST/functions/f", 3),
        ("services/shop.prod/functions/f", 0),
    ]
    client.invoke_function("shop", "f", qualifier="1")
    with pytest.raises(fc2.FcError, match="ResourceThrottled"):
        client.invoke_function("shop", "f", qualifier="prod")
    client.delete_on_demand_config("shop", "prod", "f")
    client.invoke_function("shop", "f", qualifier="prod")
    with pytest.raises(fc2.FcError, match="ConcurrencyConfigNotExists"):
        client.get_on_demand_config("shop", "prod", "f")
    with pytest.raises(fc2.FcError, match="AliasNotFound"):
        client.put_on_demand_config("shop", "other", "f", 1)
    with pytest.raises(fc2.FcError, match="maximumInstanceCount is -1"):
        client.put_on_demand_config("shop", "prod", "f", -1)


def test_layers_are_listed_by_whether_they_are_public(server: FcServer) -> None:
    for name in ("mine", "shared"):
        server.tell("POST", f"/{NEW}/layers/{name}/versions", {"code": server.code_of({"a.txt": "a"})})
    assert server.ask("PUT", f"/{NEW}/layers/shared/acl?public=true").status == 204

    def layers(query: str) -> list[str]:
        return names(server.ask("GET", f"/{NEW}/layers?{query}"), "layers", "layerName")

    assert (layers(""), layers("public=true"), layers("official=true")) == (["mine", "shared"], ["shared"], [])
    assert server.ask("PUT", f"/{NEW}/layers/shared/acl").status == 204
    assert layers("public=true") == []
    assert told(server.ask("GET", f"/{NEW}/layers?public=yes"), NEW) == "InvalidArgument"


def test_instances_are_those_that_run_and_are_asked_for(server: FcServer) -> None:
    server.create("f", CODE)
    server.ask("POST", f"{FUNCTIONS}/f/invocations")

    def instances(query: str) -> list[str]:
        return names(server.ask("GET", f"{FUNCTIONS}/f/instances?{query}"), "instances", "instanceId")

    (running,) = instances("")
    assert instances(f"instanceIds={running}&qualifier=LATEST") == instances("instanceStatus=Running") == [running]
    assert instances(f'instanceIds=["{running}","c-0"]'.replace('"', "%22")) == [running]
    assert instances(f"instanceIds=c-0&instanceIds={running}") == [running]
    assert instances("instanceIds=c-0") == instances("instanceStatus=Destroyed") == instances("startKey=d") == []
    assert told(server.ask("GET", f"{FUNCTIONS}/f/instances?qualifier=7"), NEW) == "VersionNotFound"


# -- qualifiers and entity tags ---------------------------------------------------------------------------------------
def test_the_code_of_a_version_is_that_which_was_published(server: FcServer) -> None:
    server.create("f", CODE)
    server.tell("POST", f"{FUNCTIONS}/f/versions", {})
    server.tell("PUT", f"{FUNCTIONS}/f", {"code": server.code_of({"index.py": CODE.replace("1", "2")})})

    def code(query: str) -> bytes:
        url = server.ask("GET", f"{FUNCTIONS}/f/code?{query}").json()["url"]
        content = server.fetch("GET", url.removeprefix(server.served.url)).body
        return zipfile.ZipFile(io.BytesIO(content)).read("index.py")

    assert (b"b'1'" in code("qualifier=1"), b"b'2'" in code("")) == (True, True)
    assert told(server.ask("GET", f"{FUNCTIONS}/f/code?qualifier=7"), NEW) == "VersionNotFound"


def test_the_functions_of_a_services_version_are_those_that_were_published(server: FcServer) -> None:
    client = server.client()
    client.create_service("shop")
    for name in ("f", "g"):
        code = server.code_of({"index.py": CODE})
        server.tell("POST", f"{SERVICES}/shop/functions", {**FULL, "functionName": name, "timeout": 5, "code": code})
        client.publish_version("shop")
    server.tell("PUT", f"{SERVICES}/shop/functions/f", {"timeout": 9})

    first = client.list_functions("shop", qualifier="1").data["functions"]

    assert [(one["functionName"], one["timeout"]) for one in first] == [("f", 5)]
    assert len(client.list_functions("shop", qualifier="2").data["functions"]) == 2
    assert told(server.ask("GET", f"{SERVICES}/shop.3/functions"), OLD) == "VersionNotFound"


def test_a_triggers_entity_tag_changes_with_it_and_guards_its_change_and_its_end(server: FcServer) -> None:
    server.create("f", CODE)
    trigger = f"{FUNCTIONS}/f/triggers/t"
    made = server.tell("POST", f"{FUNCTIONS}/f/triggers", TIMER)
    first = made.headers["etag"]

    changed = server.ask("PUT", trigger, b'{"description": "new"}', {"if-match": first})
    refused = [server.ask(method, trigger, b"{}", {"if-match": first}) for method in ("PUT", "DELETE")]

    assert changed.status == 200
    assert changed.headers["etag"] == server.ask("GET", trigger).headers["etag"] != first
    assert {told(answer, NEW) for answer in refused} == {"PreconditionFailed"}
    assert server.ask("DELETE", trigger, headers={"if-match": changed.headers["etag"]}).status == 204


def test_an_aliass_entity_tag_changes_with_its_description(server: FcServer) -> None:
    server.create("f", CODE)
    server.tell("POST", f"{FUNCTIONS}/f/versions", {})
    server.served.call(server.fc.timeline.clock.freeze)  # type: ignore[attr-defined]
    first = server.tell("POST", f"{FUNCTIONS}/f/aliases", {"aliasName": "prod", "versionId": "1"})

    changed = server.tell("PUT", f"{FUNCTIONS}/f/aliases/prod", {"description": "new"})

    assert changed.headers["etag"] != first.headers["etag"]
