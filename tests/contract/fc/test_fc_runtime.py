"""What a function meets in its process: event, context, environment, layers, log, and what becomes of its answer."""

from __future__ import annotations

import json
import re

import pytest

from tests.contract.fc.real import RealWorld, error_of, play

TELL_CONTEXT = """
    def named(thing):
        return sorted(name for name in vars(thing) if not name.startswith("_"))

    def handler(event, context):
        told = {"context": named(context), "function": named(context.function), "request_id": context.request_id,
                "timeout": int(context.function.timeout), "memory": context.function.memory,
                "region": context.region, "account": context.account_id, "name": context.function.name}
        if hasattr(context, "service"):
            told["service"] = context.service.name
            told["key"] = context.credentials.access_key_id
        return told
"""


def test_the_context_of_python_3_10_has_credentials_and_a_nameless_service(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", TELL_CONTEXT, memory=192, timeout=7)

        outcome = await real.call("f", request_id="1-2-3")

        told = json.loads(outcome.body)
        assert {"request_id", "requestId", "credentials", "service", "function", "region", "account_id"} <= set(
            told["context"]
        )
        assert told["function"] == ["handler", "memory", "name", "timeout"]
        assert (told["request_id"], told["timeout"], told["memory"]) == ("1-2-3", 7, 192)
        assert (told["region"], told["account"], told["name"]) == ("cn-hangzhou", "1234567890123456", "f")
        assert (told["service"], told["key"]) == ("", "LTAI5tLocalCloud")

    play(tmp_path, story)


def test_the_context_of_python_3_12_has_neither_credentials_nor_service(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", TELL_CONTEXT, runtime="python3.12")

        told = await real.returned("f")

        assert told["context"] == [
            "account_id",
            "function",
            "log_project",
            "log_store",
            "logger",
            "region",
            "request_id",
        ]
        assert told["function"] == ["handler", "memory", "name", "qualifier", "timeout", "version_id"]

    play(tmp_path, story)


def test_the_environment_is_fcs_and_the_functions_and_nothing_of_ours(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PARENTS_SECRET", "not for functions")
    code = "import os, sys\ndef handler(event, context):\n    return {'env': dict(os.environ), 'argv': sys.argv}"

    async def story(real: RealWorld) -> None:
        real.function("f", code, environment={"MINE": "1", "ALIBABA_CLOUD_ACCESS_KEY_ID": "own"})

        told = await real.returned("f")

        environment = told["env"]
        assert "PARENTS_SECRET" not in environment
        assert told["argv"] == [""]
        assert environment["MINE"] == "1"
        assert environment["ALIBABA_CLOUD_ACCESS_KEY_ID"] == "own"
        assert environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] == "local-cloud-secret"
        assert environment["FC_FUNCTION_NAME"] == "f"
        assert environment["FC_REGION"] == "cn-hangzhou"
        assert environment["FC_ACCOUNT_ID"] == "1234567890123456"
        assert environment["FC_FUNC_CODE_PATH"] == str(tmp_path / "f-code")
        assert environment["TZ"] == "UTC"

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("expression", "body"),
    [
        ("event", b"\xff\x00raw"),
        ("bytearray(b'ab')", b"ab"),
        ("'h\\u00e9'", "hé".encode()),
        ("{'b': 1, 'a': [2]}", b'{\n    "a": [\n        2\n    ],\n    "b": 1\n}'),
        ("__import__('decimal').Decimal('1.5')", b"1.5"),
        ("__import__('datetime').date(2026, 1, 2)", b'"2026-01-02"'),
        ("None", b"null"),
    ],
)
def test_what_a_function_returns_becomes_bytes(tmp_path, expression: str, body: bytes) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", f"def handler(event, context):\n    return {expression}")

        outcome = await real.call("f", b"\xff\x00raw")

        assert (outcome.error_type, outcome.body) == (None, body)

    play(tmp_path, story)


def test_an_exception_becomes_the_error_document_with_the_functions_own_frames(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", "def deep():\n    raise KeyError('k')\ndef handler(event, context):\n    deep()")

        outcome = await real.call("f")

        assert outcome.error_type == "UnhandledInvocationError"
        document = error_of(outcome)
        assert (document["errorType"], document["errorMessage"]) == ("KeyError", "'k'")
        file = f'File "{tmp_path}/f-code/index.py"'
        assert document["stackTrace"] == [
            [file, "line 4", "in handler", "deep()"],
            [file, "line 2", "in deep", "raise KeyError('k')"],
        ]
        assert b"Traceback" in outcome.log
        # The process is as good as before.
        assert (await real.call("f")).instance_id == outcome.instance_id

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("code", "handler", "kind"),
    [
        ("import no_such_module", "index.handler", "ImportModuleError"),
        ("def handler(:", "index.handler", "UserCodeSyntaxError"),
        ("1 / 0", "index.handler", "UserCodeError"),
        ("", "index.handler", "HandlerNotFound"),
        ("", "other.handler", "ImportModuleError"),
    ],
)
def test_code_that_cannot_be_loaded_is_named_by_its_kind(tmp_path, code: str, handler: str, kind: str) -> None:
    async def story(real: RealWorld) -> None:
        real.function("f", code, handler=handler)

        outcome = await real.call("f")

        assert outcome.error_type == "UnhandledInvocationError"
        assert error_of(outcome)["errorType"] == kind

    play(tmp_path, story)


def test_the_code_wins_over_layers_and_the_first_layer_over_the_next(tmp_path) -> None:
    async def story(real: RealWorld) -> None:
        first = real.files("one", {"python/which.py": "X = 'first'", "python/shadowed.py": "X = 'layer'"})
        second = real.files("two", {"python/which.py": "X = 'second'", "python/other.py": "X = 'second only'"})
        real.files("f-code", {"shadowed.py": "X = 'code'"})
        code = "import which, shadowed, other\ndef handler(e, c):\n    return [which.X, shadowed.X, other.X]"
        real.function("f", code, layer_dirs=(first, second))

        assert await real.returned("f") == ["first", "code", "second only"]

    play(tmp_path, story)


def test_a_function_sees_no_package_of_ours_and_its_runtimes_packages_behind_the_standard_library(tmp_path) -> None:
    code = """
        import importlib.util, json
        def handler(event, context):
            found = [name for name in ("pytest", "msgspec", "localcloud", "mine") if importlib.util.find_spec(name)]
            return [found, hasattr(json, "IS_FAKE")]
    """

    async def story(real: RealWorld) -> None:
        packages = real.files("packages", {"mine.py": "", "json.py": "IS_FAKE = True"})
        real.function("bare", code)
        real.function("f", code, package_dirs=(packages,))

        assert await real.returned("bare") == [[], False]
        assert await real.returned("f") == [["mine"], False]

    play(tmp_path, story)


def test_the_log_has_fcs_marks_and_lines_and_only_those_of_the_call(tmp_path) -> None:
    code = """
        import logging, sys
        def handler(event, context):
            logging.getLogger().info("told %s", event.decode())
            print("printed", event.decode())
            print("to stderr", file=sys.stderr)
    """

    async def story(real: RealWorld) -> None:
        real.function("f", code)
        await real.call("f", b"one", request_id="r-1")

        log = (await real.call("f", b"two", request_id="r-2")).log.decode()

        assert log.startswith("FC Invoke Start RequestId: r-2\n")
        assert "FC Invoke End RequestId: r-2\n" in log
        assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z r-2 \[INFO\] told two$", log, re.MULTILINE)
        assert "printed two\n" in log
        assert "to stderr\n" in log
        assert "Memory Size: 128 MB" in log
        assert "one" not in log

    play(tmp_path, story)


def test_a_function_of_fc_2_0_is_called_as_a_wsgi_application(tmp_path) -> None:
    from localcloud.fc.values import HttpRequest

    code = """
        import json
        def handler(environ, start_response):
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            start_response("201 Created", [("Content-Type", "text/plain"), ("X-Mine", "1")])
            told = [environ[n] for n in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_X_ASKED", "CONTENT_TYPE")]
            return [json.dumps([*told, environ["fc.context"].service.name, environ["fc.request_uri"]]).encode(), body]
    """

    async def story(real: RealWorld) -> None:
        real.function("f", code, http_form="wsgi")
        headers = (("Content-Type", "text/plain"), ("X-Asked", "yes"))
        http = HttpRequest("POST", "/a%20b", "x=1", headers, b"+body")

        outcome = await real.call("f", b"+body", http=http)

        assert (outcome.error_type, outcome.http_status) == (None, 201)
        assert outcome.http_headers == (("Content-Type", "text/plain"), ("X-Mine", "1"))
        told, _, body = outcome.body.decode().partition("+")
        assert json.loads(told) == ["POST", "/a b", "x=1", "yes", "text/plain", "fleetrun", "/a%20b?x=1"]
        assert body == "body"

    play(tmp_path, story)


def test_a_wsgi_application_that_returns_text_fails(tmp_path) -> None:
    from localcloud.fc.values import HttpRequest

    code = "def handler(environ, start_response):\n    start_response('200 OK', [])\n    return ['text']"

    async def story(real: RealWorld) -> None:
        real.function("f", code, http_form="wsgi")

        outcome = await real.call("f", http=HttpRequest("GET", "/", "", (), b""))

        assert "invalid response type" in error_of(outcome)["errorMessage"]

    play(tmp_path, story)
