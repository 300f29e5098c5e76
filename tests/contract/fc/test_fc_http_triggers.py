"""HTTP triggers over HTTP: FC 3.0's event form, FC 2.0's WSGI, signed and anonymous."""

from __future__ import annotations

import json

import pytest

from tests.contract.fc.conftest import FcServer
from tests.contract.fc.worlds import ACCOUNT

PROXY = "/2016-08-15/proxy/fleetrun/f"
ANYBODY = json.dumps({"authType": "anonymous", "methods": ["GET"]})
TELL = "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.loads(event)}"


def web(server: FcServer, code: str, *, auth: str = "anonymous", methods: tuple[str, ...] = ("GET", "POST")) -> None:
    server.create("f", code)
    config = json.dumps({"authType": auth, "methods": list(methods)})
    body = {"triggerName": "web", "triggerType": "http", "triggerConfig": config}
    assert server.tell("POST", "/2023-03-30/functions/f/triggers", body).status == 200


def test_a_request_reaches_the_function_as_an_event(server: FcServer) -> None:
    web(server, TELL)

    answer = server.fetch(
        "POST", f"{PROXY}/a%20b/c?x=1&x=2&y=", b'{"n": 1}', {"content-type": "application/json", "x-mine": "m"}
    )

    event = answer.json()
    assert (event["version"], event["rawPath"]) == ("v1", "/a%20b/c")
    assert (event["body"], event["isBase64Encoded"]) == ('{"n": 1}', False)
    assert event["queryParameters"] == {"x": "1,2", "y": ""}
    assert event["headers"]["X-Mine"] == "m"
    assert event["headers"]["Content-Type"] == "application/json"
    context = event["requestContext"]
    assert (context["http"]["method"], context["http"]["path"]) == ("POST", "/a b/c")
    assert context["accountId"] == ACCOUNT.account_id
    assert context["requestId"] == answer.headers["x-fc-request-id"]
    assert isinstance(context["timeEpoch"], str)


def test_the_functions_response_decides_status_headers_and_body(server: FcServer) -> None:
    code = """
def handler(event, context):
    return {"statusCode": 418, "headers": {"Content-Type": "text/tea", "X-Mine": "1", "Server": "no", "X-Fc-Y": "no"},
            "isBase64Encoded": True, "body": "AP8="}
"""
    web(server, code)

    answer = server.fetch("GET", f"{PROXY}/")

    assert (answer.status, answer.body) == (418, b"\x00\xff")
    assert (answer.headers["content-type"], answer.headers["x-mine"]) == ("text/tea", "1")
    assert "x-fc-y" not in answer.headers
    assert answer.headers.get("server") != "no"


def test_a_failing_function_is_a_502_that_tells_nothing(server: FcServer) -> None:
    web(server, "def handler(event, context):\n    raise ValueError('secret detail')")

    answer = server.fetch("GET", PROXY)

    assert answer.status == 502
    assert answer.body == b"Internal Server Error"
    assert "x-fc-request-id" in answer.headers


def test_only_the_triggers_methods_are_let_in(server: FcServer) -> None:
    web(server, TELL, methods=("GET",))

    answer = server.fetch("POST", f"{PROXY}/", b"x")

    assert (answer.status, answer.json()["ErrorCode"]) == (405, "MethodNotAllowed")


def test_a_function_without_http_trigger_cannot_be_reached(server: FcServer) -> None:
    server.create("f", TELL)

    assert server.fetch("GET", f"{PROXY}/").status == 404


def test_a_trigger_of_authtype_function_wants_a_signature(server: FcServer) -> None:
    web(server, TELL, auth="function")

    unsigned = server.fetch("GET", f"{PROXY}/x")
    plain = server.client().do_http_request("GET", "fleetrun", "f", "/x")
    query = server.client().do_http_request("POST", "fleetrun", "f", "/a b", params={"k": "ä ö", "a": "1"}, body=b"x")
    wrong = server.client(accessKeySecret="wrong").do_http_request("GET", "fleetrun", "f", "/x")

    assert (unsigned.status, unsigned.json()["ErrorCode"]) == (400, "MissingRequiredHeader")
    assert (plain.status_code, plain.json()["rawPath"]) == (200, "/x")
    assert query.json()["queryParameters"] == {"k": "ä ö", "a": "1"}
    # The platform used the signature up; the function does not see it.
    assert "Authorization" not in plain.json()["headers"]
    assert (wrong.status_code, wrong.json()["ErrorCode"]) == (403, "SignatureNotMatch")


def test_an_anonymous_triggers_function_reads_the_authorization_itself(server: FcServer) -> None:
    web(server, TELL)

    answer = server.fetch("GET", f"{PROXY}/", headers={"authorization": "Bearer own-key"})

    assert answer.json()["headers"]["Authorization"] == "Bearer own-key"


def test_an_asynchronous_request_is_accepted_and_run_later(server: FcServer) -> None:
    web(server, TELL)

    answer = server.fetch("POST", f"{PROXY}/", b"x", {"x-fc-invocation-type": "Async"})

    assert (answer.status, answer.body) == (202, b"")
    server.run(server.fc.idle())
    assert server.fc.counters.of("f") == {"calls": 1, "errors": 0, "refused": 0, "running": 0}


@pytest.mark.parametrize(("size", "status"), [(3_000, 200), (4_200, 400)])
def test_path_and_query_are_bounded(server: FcServer, size: int, status: int) -> None:
    web(server, TELL)

    assert server.fetch("GET", f"{PROXY}/{'x' * size}").status == status


def test_response_headers_are_bounded(server: FcServer) -> None:
    web(server, "def handler(e, c):\n    return {'statusCode': 200, 'headers': {'X-Long': 'x' * 9000}}")

    answer = server.fetch("GET", f"{PROXY}/")

    assert (answer.status, answer.json()["ErrorCode"]) == (502, "BadResponse")


def test_a_function_of_fc_2_0_is_called_as_wsgi(server: FcServer, tmp_path) -> None:
    (tmp_path / "index.py").write_text(
        "def handler(environ, start_response):\n"
        "    start_response('201 Created', [('Content-Type', 'text/plain'), ('X-Mine', '1')])\n"
        "    length = int(environ['CONTENT_LENGTH'])\n"
        "    parts = [environ['PATH_INFO'], environ['QUERY_STRING'], environ['wsgi.input'].read(length).decode()]\n"
        "    return ['|'.join(parts).encode()]\n"
    )
    client = server.client()
    client.create_function("fleetrun", "f", "python3", "index.handler", codeDir=str(tmp_path))
    client.create_trigger("fleetrun", "f", "web", "http", {"authType": "anonymous", "methods": ["POST"]}, None, None)

    answer = server.fetch("POST", f"{PROXY}/a%20b?x=1", b"body")

    assert (answer.status, answer.body) == (201, b"/a b|x=1|body")
    assert (answer.headers["content-type"], answer.headers["x-mine"]) == ("text/plain", "1")


def test_each_alias_may_have_an_http_trigger_of_its_own_under_its_own_url(server: FcServer) -> None:
    functions = "/2023-03-30/functions/f"
    web(server, "def handler(event, context):\n    return 'old'")
    server.tell("POST", f"{functions}/versions", {})
    server.tell("POST", f"{functions}/aliases", {"aliasName": "prod", "versionId": "1"})
    server.tell("PUT", functions, {"code": server.code_of({"index.py": "def handler(e, c):\n    return 'new'"})})
    missing = server.fetch("GET", "/2016-08-15/proxy/fleetrun.prod/f/")
    second = {"triggerName": "stable", "triggerType": "http", "qualifier": "prod", "triggerConfig": ANYBODY}

    made = server.tell("POST", f"{functions}/triggers", second)
    again = server.tell("POST", f"{functions}/triggers", {**second, "triggerName": "third"})

    url = made.json()["httpTrigger"]["urlInternet"].removeprefix(server.served.url)
    assert (missing.status, missing.json()["ErrorCode"]) == (404, "TriggerNotFound")
    assert url == "/2016-08-15/proxy/fleetrun.prod/f/"
    assert (server.fetch("GET", url).body, server.fetch("GET", f"{PROXY}/").body) == (b"old", b"new")
    assert (again.status, "already under 'prod'" in again.json()["Message"]) == (400, True)
    assert server.client().do_http_request("GET", "fleetrun.prod", "f", "/").content == b"old"
