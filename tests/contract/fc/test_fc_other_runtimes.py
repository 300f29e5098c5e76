"""Functions of runtimes that the local cloud does not run: kept and shown; who calls one is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fc2
import pytest

from localcloud.fc.runtimes import OTHERS
from tests.contract.fc.conftest import FcServer

HANDLERS = {"go1": "main", "java11": "example.App::handleRequest"}
ANYBODY = {"authType": "anonymous", "methods": ["GET"]}


@pytest.fixture
def client(server: FcServer) -> Any:
    return server.client()


@pytest.fixture
def code(tmp_path: Path) -> str:
    (tmp_path / "index.js").write_text("exports.handler = (event, context, callback) => callback(null, 'hello')\n")
    return str(tmp_path)


@pytest.mark.parametrize("runtime", OTHERS)
def test_a_function_of_any_runtime_is_made_and_shown(client: Any, code: str, runtime: str) -> None:
    handler = HANDLERS.get(runtime, "index.handler")

    client.create_function("fleetrun", "f", runtime, handler, codeDir=code)

    shown = client.get_function("fleetrun", "f").data
    assert (shown["runtime"], shown["handler"], shown["instanceType"]) == (runtime, handler, "e1")


def test_a_container_is_not_offered(client: Any) -> None:
    with pytest.raises(fc2.FcError, match="NotImplemented"):
        client.create_function(
            "fleetrun", "f", "custom-container", "index.handler", customContainerConfig={"image": "registry/x:1"}
        )


@pytest.mark.parametrize("headers", [{}, {"x-fc-invocation-type": "Async"}])
def test_calling_one_says_that_its_runtime_is_not_offered(client: Any, code: str, headers: dict[str, str]) -> None:
    client.create_function("fleetrun", "f", "nodejs20", "index.handler", codeDir=code)

    with pytest.raises(fc2.FcError, match="nodejs20") as refused:
        client.invoke_function("fleetrun", "f", headers=headers)

    assert (refused.value.status_code, refused.value.err_code) == (501, "NotImplemented")


def test_an_http_trigger_of_one_says_it_too(server: FcServer, client: Any, code: str) -> None:
    client.create_function("fleetrun", "f", "nodejs20", "index.handler", codeDir=code)
    client.create_trigger("fleetrun", "f", "web", "http", ANYBODY, None, None)

    assert server.fetch("GET", "/2016-08-15/proxy/fleetrun/f/").status == 501


def test_no_instance_of_one_is_provisioned(server: FcServer, client: Any, code: str) -> None:
    client.create_function("fleetrun", "f", "nodejs20", "index.handler", codeDir=code)

    put = client.put_provision_config("fleetrun", "LATEST", "f", 2).data
    server.run(server.fc.idle())

    assert (put["target"], put["current"]) == (2, 0)
    assert server.fc.workers.instances("f") == []


def test_several_requests_at_a_time_are_for_other_runtimes_than_python(client: Any, code: str) -> None:
    client.create_function("fleetrun", "f", "nodejs20", "index.handler", codeDir=code, instanceConcurrency=2)

    changed = client.update_function("fleetrun", "f", instanceConcurrency=10).data
    with pytest.raises(fc2.FcError, match="instanceConcurrency is 201"):
        client.update_function("fleetrun", "f", instanceConcurrency=201)
    with pytest.raises(fc2.FcError, match="instanceConcurrency is 10, Python"):
        client.update_function("fleetrun", "f", runtime="python3.10")

    assert changed["instanceConcurrency"] == 10
    assert client.get_function("fleetrun", "f").data["runtime"] == "nodejs20"


@pytest.mark.parametrize(("runtime", "status"), [("python2.7", 202), ("python3", 502)])
def test_bytes_alone_are_an_answer_of_wsgi_in_python_2_only(
    server: FcServer, client: Any, tmp_path: Path, runtime: str, status: int
) -> None:
    body = "    start_response('202 Accepted', [])\n    return b'here'\n"
    (tmp_path / "index.py").write_text(f"def handler(environ, start_response):\n{body}")
    client.create_function("fleetrun", "f", runtime, "index.handler", codeDir=str(tmp_path))
    client.create_trigger("fleetrun", "f", "web", "http", ANYBODY, None, None)

    answer = server.fetch("GET", "/2016-08-15/proxy/fleetrun/f/")

    assert (answer.status, answer.body == b"here") == (status, status == 202)


def test_a_function_of_the_retired_python_runs_on_the_one_that_is_there(client: Any, tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text("def handler(event, context):\n    return event\n")
    client.create_function("fleetrun", "f", "python2.7", "index.handler", codeDir=str(tmp_path))

    assert client.invoke_function("fleetrun", "f", b"here").data == b"here"
