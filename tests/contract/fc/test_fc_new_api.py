"""API 2023-03-30 over HTTP, as the current SDK speaks it (its own contract tests need that SDK)."""

from __future__ import annotations

import base64
import json

import pytest

from tests.contract.fc.conftest import Answer, FcServer, archive

API = "/2023-03-30"
ECHO = "def handler(event, context):\n    return event"


def refusal(answer: Answer) -> tuple[int, str]:
    """Status and code; every error has a text and the request's id too."""
    told = answer.json()
    assert set(told) == {"RequestId", "Code", "Message"}
    assert told["RequestId"] == answer.headers["x-fc-request-id"]
    return answer.status, told["Code"]


def test_a_function_is_made_shown_changed_listed_and_deleted(server: FcServer) -> None:
    made = server.create("f", ECHO, cpu=0.35, diskSize=512, logConfig={"project": "p", "logstore": "s"})

    assert made["functionArn"] == "acs:fc:cn-hangzhou:1234567890123456:functions/f"
    assert (made["memorySize"], made["cpu"], made["state"]) == (512, 0.35, "Active")
    assert made["logConfig"] == {"project": "p", "logstore": "s"}
    assert server.ask("GET", f"{API}/functions/f").json() == made
    changed = server.tell("PUT", f"{API}/functions/f", {"timeout": 33, "description": "d"}).json()
    assert (changed["timeout"], changed["description"], changed["memorySize"]) == (33, "d", 512)
    server.create("g", ECHO)
    listed = server.ask("GET", f"{API}/functions?limit=1&prefix=").json()
    assert ([one["functionName"] for one in listed["functions"]], listed["nextToken"]) == (["f"], "g")
    assert server.ask("DELETE", f"{API}/functions/f").status == 204
    assert refusal(server.ask("GET", f"{API}/functions/f")) == (404, "FunctionNotFound")


def test_a_call_answers_the_functions_bytes_and_its_error_type(server: FcServer) -> None:
    server.create("f", ECHO)
    server.create("bad", "def handler(e, c):\n    raise ValueError('x')")

    good = server.ask("POST", f"{API}/functions/f/invocations", b"\x00\xff", {"x-fc-log-type": "Tail"})
    bad = server.ask("POST", f"{API}/functions/bad/invocations", b"")

    assert (good.status, good.body) == (200, b"\x00\xff")
    assert base64.b64decode(good.headers["x-fc-log-result"]).startswith(b"FC Invoke Start RequestId: ")
    assert (bad.status, bad.headers["x-fc-error-type"]) == (200, "UnhandledInvocationError")
    assert bad.json()["errorType"] == "ValueError"


def test_a_task_id_makes_an_asynchronous_call_unique(server: FcServer) -> None:
    server.create("f", ECHO)
    headers = {"x-fc-invocation-type": "Async", "x-fc-async-task-id": "t-1"}

    first = server.ask("POST", f"{API}/functions/f/invocations", b"1", headers)
    second = server.ask("POST", f"{API}/functions/f/invocations", b"1", headers)

    assert (first.status, first.body) == (202, b"")
    assert refusal(second) == (409, "StatefulAsyncInvocationAlreadyExists")


def test_a_function_of_the_service_fleetrun_is_the_same_in_both_apis(server: FcServer) -> None:
    server.create("f", ECHO)

    assert server.client().invoke_function("fleetrun", "f", payload=b"hello").data == b"hello"
    assert [one["functionName"] for one in server.client().list_functions("fleetrun").data["functions"]] == ["f"]


def test_a_layer_is_published_in_versions_and_found_by_its_functions(server: FcServer) -> None:
    def publish(text: str) -> dict:
        code = {"zipFile": base64.b64encode(archive({"python/kept.py": text})).decode()}
        answer = server.tell("POST", f"{API}/layers/mine/versions", {"code": code, "compatibleRuntime": ["python3.10"]})
        assert answer.status == 200, answer.body
        return answer.json()

    first, second = publish("X = 'one'"), publish("X = 'two'")
    use = "import kept\ndef handler(event, context):\n    return kept.X"
    server.create("f", use, layers=[first["layerVersionArn"]])
    server.create("g", use, layers=[second["layerVersionArn"]])

    assert first["layerVersionArn"] == "acs:fc:cn-hangzhou:1234567890123456:layers/mine/versions/1"
    assert server.ask("POST", f"{API}/functions/f/invocations").body == b"one"
    assert server.ask("POST", f"{API}/functions/g/invocations").body == b"two"
    assert [one["version"] for one in server.ask("GET", f"{API}/layers/mine/versions").json()["layers"]] == [2, 1]
    paged = server.ask("GET", f"{API}/layers/mine/versions?limit=1").json()
    assert paged["nextVersion"] == 1
    assert [one["layerName"] for one in server.ask("GET", f"{API}/layers").json()["layers"]] == ["mine"]
    arn = "acs%3Afc%3Acn-hangzhou%3A1234567890123456%3Alayers%2Fmine%2Fversions%2F2"
    assert server.ask("GET", f"{API}/layerarn/{arn}").json() == second
    assert server.ask("DELETE", f"{API}/layers/mine/versions/1").status == 204
    assert refusal(server.ask("GET", f"{API}/layers/mine/versions/1")) == (404, "LayerVersionNotFound")
    # What a function has, it keeps.
    server.served.call(lambda: server.fc.workers.retire("f"))
    assert server.ask("POST", f"{API}/functions/f/invocations").body == b"one"


def test_a_trigger_has_its_configuration_as_text(server: FcServer) -> None:
    server.create("f", ECHO)
    config = {"cronExpression": "@every 5m", "enable": True, "payload": ""}
    body = {"triggerName": "tick", "triggerType": "timer", "triggerConfig": json.dumps(config)}

    made = server.tell("POST", f"{API}/functions/f/triggers", body).json()

    assert json.loads(made["triggerConfig"]) == config
    assert made["targetArn"].endswith(":functions/f")
    web = {"triggerName": "web", "triggerType": "http", "triggerConfig": '{"authType":"anonymous","methods":["GET"]}'}
    answer = server.tell("POST", f"{API}/functions/f/triggers", web).json()
    assert set(answer["httpTrigger"]) == {"urlInternet", "urlIntranet"}
    listed = server.ask("GET", f"{API}/functions/f/triggers").json()["triggers"]
    assert [one["triggerName"] for one in listed] == ["tick", "web"]
    assert server.ask("DELETE", f"{API}/functions/f/triggers/tick").status == 204
    assert refusal(server.ask("GET", f"{API}/functions/f/triggers/tick")) == (404, "TriggerNotFound")


def test_concurrency_provision_scaling_and_asynchronous_calls_are_configured(server: FcServer) -> None:
    server.create("f", ECHO)
    arn = "acs:fc:cn-hangzhou:1234567890123456:functions/f"

    concurrency = server.tell("PUT", f"{API}/functions/f/concurrency", {"reservedConcurrency": 2}).json()
    assert concurrency == {"functionArn": arn, "reservedConcurrency": 2}
    assert server.ask("GET", f"{API}/concurrency-configs").json() == {"configs": [concurrency]}
    assert refusal(server.tell("PUT", f"{API}/functions/f/provision-config", {"defaultTarget": 3})) == (
        400,
        "InvalidArgument",
    )
    provision = server.tell("PUT", f"{API}/functions/f/provision-config?qualifier=LATEST", {"defaultTarget": 1}).json()
    assert (provision["functionArn"], provision["defaultTarget"]) == (f"{arn}/LATEST", 1)
    server.run(server.fc.idle())
    assert server.ask("GET", f"{API}/functions/f/scaling-config?qualifier=LATEST").json()["currentInstances"] == 1
    assert server.ask("DELETE", f"{API}/functions/f/concurrency").status == 204
    assert refusal(server.ask("GET", f"{API}/functions/f/concurrency")) == (404, "ConcurrencyConfigNotExists")
    assert server.ask("DELETE", f"{API}/functions/f/provision-config?qualifier=LATEST").status == 204
    config = {"maxAsyncRetryAttempts": 1, "asyncTask": True}
    told = server.tell("PUT", f"{API}/functions/f/async-invoke-config", config).json()
    assert (told["maxAsyncRetryAttempts"], told["asyncTask"], told["functionArn"]) == (1, True, f"{arn}/LATEST")
    assert len(server.ask("GET", f"{API}/async-invoke-configs?functionName=f").json()["configs"]) == 1


def test_a_published_version_is_called_by_its_number_or_its_alias(server: FcServer) -> None:
    server.create("f", "def handler(e, c):\n    return 'old'")
    assert server.tell("POST", f"{API}/functions/f/versions", {"description": "one"}).json()["versionId"] == "1"
    server.tell("POST", f"{API}/functions/f/aliases", {"aliasName": "prod", "versionId": "1"})
    code = {"zipFile": base64.b64encode(archive({"index.py": "def handler(e, c):\n    return 'new'"})).decode()}
    server.tell("PUT", f"{API}/functions/f", {"code": code})

    def call(qualifier: str) -> bytes:
        return server.ask("POST", f"{API}/functions/f/invocations?qualifier={qualifier}").body

    assert [call("LATEST"), call("1"), call("prod")] == [b"new", b"old", b"old"]
    assert refusal(server.ask("POST", f"{API}/functions/f/invocations?qualifier=7")) == (404, "VersionNotFound")
    assert refusal(server.ask("POST", f"{API}/functions/f/invocations?qualifier=x")) == (404, "AliasNotFound")


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", f"{API}/nothing/here", 400, "PathNotSupported"),
        ("PATCH", f"{API}/functions", 405, "MethodNotAllowed"),
        ("GET", f"{API}/tags-v2", 501, "NotImplemented"),
        ("GET", f"{API}/functions/f/async-tasks", 501, "NotImplemented"),
        ("GET", f"{API}/layers/none/versions", 404, "LayerNotFound"),
        ("GET", f"{API}/functions?limit=many", 400, "InvalidArgument"),
    ],
)
def test_what_cannot_be_answered_is_told_in_this_apis_words(server, method, target, status, code) -> None:
    assert refusal(server.ask(method, target)) == (status, code)


@pytest.mark.parametrize("body", [b"[]", b"{", b'"text"', b"\xff\xfe", b"[" * 10_000])
def test_a_body_that_is_no_json_object_is_refused(server: FcServer, body: bytes) -> None:
    answer = server.ask("POST", f"{API}/functions", body, {"content-type": "application/json"})

    assert refusal(answer) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    "code",
    [
        {"zipFile": "not base64!"},
        {"zipFile": base64.b64encode(b"not a zip").decode()},
        {"zipFile": base64.b64encode(archive({"../up.py": "x = 1"})).decode()},
        {},
        "code",
    ],
)
def test_a_bad_code_package_is_refused(server: FcServer, code: object) -> None:
    body = {"functionName": "f", "runtime": "python3.10", "handler": "index.handler", "code": code}

    assert refusal(server.tell("POST", f"{API}/functions", body)) == (400, "InvalidArgument")


@pytest.mark.parametrize("name", ["vpcConfig", "nasConfig", "gpuConfig", "customContainerConfig"])
def test_what_would_change_how_a_function_runs_is_refused_not_ignored(server: FcServer, name: str) -> None:
    code = {"zipFile": base64.b64encode(archive({"index.py": ECHO})).decode()}
    body = {"functionName": "f", "runtime": "python3.10", "handler": "index.handler", "code": code, name: {"a": 1}}

    answer = server.tell("POST", f"{API}/functions", body)

    assert refusal(answer) == (501, "NotImplemented")
    assert name in answer.json()["Message"]


def test_an_unsigned_request_is_refused(server: FcServer) -> None:
    assert refusal(server.ask("GET", f"{API}/functions", signed=False)) == (400, "MissingRequiredHeader")
