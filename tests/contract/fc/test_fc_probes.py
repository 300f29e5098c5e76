"""Signed requests of all kinds to every route: always an answer in the service's words, and a refusal changes nothing.

What is wrong with a request is drawn: its path, its query, its headers, a field of a body that was right, or the whole.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from localcloud.acs3 import canonical_request, sha256, sign
from localcloud.clock import SystemClock, Timeline
from localcloud.controlled_clock import ControlledClock
from localcloud.fc.api import FcEndpoint
from localcloud.fc.errors import STATUS
from localcloud.fc.operations import OPERATIONS
from localcloud.fc.routes import DOWNLOAD, PROXY, TABLES, Version
from localcloud.fc.service import FcService
from localcloud.fc.values import AsyncConfig, TriggerSpec
from localcloud.http import Refusal, Request, Response
from tests.contract.fc.conftest import Answer, FcServer, signing_date, told
from tests.contract.fc.worlds import ACCOUNT, FcWorld, queue_trigger
from tests.contract.serve import serve

ANSWER_S_MAX = 10
CODE = FcServer.code_of({"index.py": "def handler(event, context):\n    return event\n"})
TIMER = {"cronExpression": "@every 5m", "enable": False, "payload": "p"}
QUERY_NAMES = (
    *("limit", "prefix", "nextToken", "startKey", "startVersion", "direction", "qualifier"),
    *("acl", "functionName", "tags", "tag_a", "resourceArn", "x"),
)
NAMES = ("f", "g", "web", "prod", "1", "fleetrun", "lay", "from-q", "fleetrun.prod", "new")
SERVED: Mapping[str, Any] = {
    "routeConfig": {
        "routes": [{"path": "/*", "serviceName": "s", "functionName": "f", "qualifier": "prod", "methods": ["GET"]}]
    },
    "certConfig": {"certName": "mine", "certificate": "x", "privateKey": "y"},
}
RIGHT: Mapping[str, dict[str, Any]] = {
    "CreateService": {"serviceName": "new", "description": "d", "logConfig": {"project": "p", "logstore": "l"}},
    "UpdateService": {"description": "d", "internetAccess": False, "vpcConfig": {}},
    "CreateFunction": {
        "functionName": "new",
        "runtime": "python3.10",
        "handler": "index.handler",
        "code": CODE,
        "memorySize": 256,
        "timeout": 3,
        "cpu": 0.25,
        "diskSize": 512,
        "environmentVariables": {"A": "b"},
        "layers": [],
        "initializer": "index.start",
        "instanceLifecycleConfig": {"preStop": {"handler": "index.stop", "timeout": 3}},
        "logConfig": {"project": "p", "logstore": "l"},
        "instanceConcurrency": 1,
        "tags": [{"Key": "a", "Value": "b"}],
    },
    "UpdateFunction": {"timeout": 5, "memorySize": 512, "environmentVariables": {"B": "c"}, "code": CODE},
    "CreateTrigger": {"triggerName": "new", "triggerType": "timer", "triggerConfig": TIMER, "qualifier": "LATEST"},
    "UpdateTrigger": {"triggerConfig": {"methods": ["GET"], "authType": "anonymous"}, "description": "d"},
    "PutAsyncInvokeConfig": {
        "destinationConfig": {"onFailure": {"destination": "acs:mns:cn-hangzhou:1:/queues/told/messages"}},
        "maxAsyncRetryAttempts": 1,
        "maxAsyncEventAgeInSeconds": 60,
        "asyncTask": True,
    },
    "PutProvisionConfig": {"target": 1, "defaultTarget": 1},
    "PutConcurrencyConfig": {"reservedConcurrency": 3},
    "PutFunctionOnDemandConfig": {"maximumInstanceCount": 3},
    "PutScalingConfig": {"minInstances": 1},
    "PublishFunctionVersion": {"description": "d"},
    "CreateAlias": {"aliasName": "new", "versionId": "1", "additionalVersionWeight": {"2": 0.5}},
    "UpdateAlias": {"versionId": "2", "description": "d", "additionalVersionWeight": {}},
    "CreateCustomDomain": {"domainName": "new.example.com", "protocol": "HTTP,HTTPS", **SERVED},
    "UpdateCustomDomain": {"protocol": "HTTP", **SERVED},
    "TagResource": {"resourceArn": "services/fleetrun", "tags": {"a": "b"}},
    "UntagResource": {"resourceArn": "services/fleetrun", "tagKeys": ["a"], "all": False},
    "CreateLayerVersion": {"code": CODE, "compatibleRuntime": ["python3.10"], "description": "d", "license": "l"},
}
QUEUE_CONFIG = dict(queue_trigger().config)
ROUTES = [(version, *route) for version, table in TABLES.items() for route in table if route[2] != DOWNLOAD]
PROXIED = [
    (version, method, "/proxy/{service}/{function}/x", PROXY) for version in TABLES for method in ("GET", "POST")
]
OFFERED = [one for one in ROUTES if one[3] in {*OPERATIONS[one[0]], "InvokeFunction"}] + PROXIED
OTHERS = [one for one in ROUTES if one not in OFFERED]
THERE = {
    "service": "fleetrun",
    "function": "f",
    "trigger": "web",
    "alias": "prod",
    "version": "1",
    "domain": "api.example.com",
    "layer": "lay",
    "arn": quote(f"acs:fc:{ACCOUNT.region}:{ACCOUNT.account_id}:layers/lay/versions/1", safe=""),
}

ODD_SEGMENTS = ("%00", "%ff", "..", ".", "%2e%2e", "a%2Fb", "", "x" * 300, "9" * 5_000, "%", "%zz", "a;b")

numbers = st.sampled_from([0, -1, 1, 2**31, 2**63, 2**64, 10**400, 0.1, -0.0, 1e308, float("nan"), float("inf")])
texts = st.sampled_from(["", "x", "0", "é", "\ud800", "\0", "a\nb", "x" * 5_000, "../..", "%00", "LATEST", "\u202e"])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
segments = st.sampled_from([*NAMES, *ODD_SEGMENTS])
queries = st.dictionaries(
    st.sampled_from(QUERY_NAMES),
    st.sampled_from(
        [
            "",
            "0",
            "1",
            "101",
            "-1",
            "[",
            '[{"Key":7}]',
            "[[]]",
            "٣",
            "9" * 5_000,
            "BACKWARD",
            "\ud800",
            "\0",
            "LATEST",
            "1e3",
            "f",
        ]
    ),
    max_size=3,
)
headers = st.dictionaries(
    st.sampled_from(["if-match", "x-fc-invocation-type", "x-fc-log-type", "x-fc-async-delay", "x-fc-async-task-id"]),
    st.sampled_from(["", "*", "Async", "Tail", "-1", "9" * 5_000, "sync", "none", "x", "1e2", "\xb2"]),
    max_size=2,
)
raw_bodies = st.sampled_from(
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
        b'{"a":' * 600 + b"1" + b"}" * 600,
        b"[" * 100_000,
        b'{"a":NaN}',
        b'{"a":' + b"9" * 5_000 + b"}",
        b'{"functionName":"\\ud800"}',
        b'\xff\xfe{"a":1}',
        b"\xef\xbb\xbf{}",
        b'{"a":1,"a":2}',
        b"\0" * 10,
    ]
)


@st.composite
def bodies(draw: st.DrawFn, operation: str) -> bytes:
    """A right body with one place of it replaced, or something else altogether."""
    right = RIGHT.get(operation.replace("PutFunctionAsync", "PutAsync"))
    if right is None or draw(st.integers(0, 4)) == 0:
        return draw(raw_bodies) if draw(st.booleans()) else json.dumps(draw(values)).encode()
    body = json.loads(json.dumps(right))
    if operation == "CreateTrigger" and draw(st.booleans()):
        body.update(triggerType="eventbridge", triggerConfig=json.loads(json.dumps(QUEUE_CONFIG)))
    spoil(draw, body)
    return json.dumps(body).encode()


def spoil(draw: st.DrawFn, body: dict[str, Any]) -> None:
    """Some value at some depth becomes another, or goes."""
    name = draw(st.sampled_from(sorted(body)))
    inner = body[name]
    if isinstance(inner, dict) and inner and draw(st.booleans()):
        spoil(draw, inner)
    elif draw(st.integers(0, 5)) == 0:
        del body[name]
    else:
        body[name] = draw(values)


@st.composite
def requests(draw: st.DrawFn) -> tuple[Version, str, str, str, dict[str, str], bytes]:
    """Mostly of what is offered, and mostly of what is there; then the rest of the request has its say."""
    version, method, pattern, operation = draw(st.sampled_from(OFFERED if draw(st.integers(0, 9)) else OTHERS))
    known = {**THERE, **({} if draw(st.integers(0, 2)) else {name: draw(segments) for name in THERE})}
    path = f"/{version}" + re.sub(r"\{(\w+)\}", lambda match: known.get(match[1], "none"), pattern)
    if draw(st.integers(0, 19)) == 0:
        path += "/" + draw(segments)
    query = "&".join(f"{key}={quote(value, errors='surrogatepass')}" for key, value in draw(queries).items())
    if draw(st.integers(0, 9)) == 0:
        query += draw(st.sampled_from(["&", "&&=", "=", "%", "&limit", "&limit=1&limit=2", "&%ff=%ff"]))
    body = draw(bodies(operation)) if method in ("POST", "PUT") or draw(st.integers(0, 9)) == 0 else b""
    return version, method, path, query, draw(headers), body


class Latest:
    """The endpoint of the world that is there now."""

    name = "fc"

    def __init__(self) -> None:
        self.now: FcEndpoint

    def operation(self, request: Request) -> str:
        return self.now.operation(request)

    async def handle(self, request: Request) -> Response:
        return await self.now.handle(request)

    def refuse(self, request: Request, refusal: Refusal) -> Response:
        return self.now.refuse(request, refusal)


class Prober:
    """A world behind a socket, whose functions do as they are told and never run; one connection that must not break.

    A request that is taken may leave anything behind: the next one meets a new world, so that each stands alone.
    """

    def __init__(self) -> None:
        self.world: FcWorld | None = None
        self._endpoint = Latest()
        self._timeline = Timeline(ControlledClock())
        self._serving = serve(self._endpoint, timeline=self._timeline)
        self.served = self._serving.__enter__()
        self._connection = HTTPConnection("127.0.0.1", self.served.port, timeout=ANSWER_S_MAX)
        self._connection.connect()
        self.renew()

    def renew(self) -> None:
        asyncio.run_coroutine_threadsafe(self._renew(), self.served.loop).result(ANSWER_S_MAX)
        self.before = self.state()

    def close(self) -> None:
        self._connection.close()
        asyncio.run_coroutine_threadsafe(self.fc.close(), self.served.loop).result(ANSWER_S_MAX)
        self._serving.__exit__(None, None, None)

    @property
    def fc(self) -> FcService:
        assert self.world is not None
        return self.world.fc

    async def _renew(self) -> None:
        if self.world is not None:
            await self.fc.close()
        self.world = FcWorld(timeline=self._timeline)
        fc, code = self.fc, base64.b64decode(CODE["zipFile"])
        for record in fc.functions.all():
            fc.update_function(
                record.key,
                replace(record.function.spec, code_dir=fc.code.unpack(code)),
                attributes={},
                code=code,
            )
        for _ in range(2):
            functions = {"f": replace(fc.functions.find("f").function, generation=fc.functions.next_generation())}
            fc.versions.publish("functions/f", functions, "")
            fc.versions.publish("services/fleetrun", functions, "")
        for owner in ("functions/f", "services/fleetrun"):
            fc.versions.create_alias(owner, "prod", "1", description="", weights={})
        fc.layers.create("lay", [fc.code.unpack(code)], code=code)
        fc.create_trigger(TriggerSpec("f", "web", "http", {"authType": "anonymous", "methods": ["GET", "POST"]}))
        fc.put_async_config("f", AsyncConfig(retries_max=1))
        fc.put_provision("f", 1)
        fc.domains.create("api.example.com", protocol="HTTP", routes=(), certificate=None)
        await fc.start()
        self._endpoint.now = FcEndpoint(fc, account=ACCOUNT, ids=self.world.ids, date_clock=SystemClock())

    def ask(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        sent = {"host": "fc.local", "x-acs-date": signing_date(), **headers, "x-acs-content-sha256": sha256(body)}
        names = sorted(sent)
        canonical = canonical_request(Request(method, path, query, sent, body, 0), names, sha256(body))
        signature = sign(canonical, ACCOUNT.access_key_secret)
        credential = f"Credential={ACCOUNT.access_key_id},SignedHeaders={';'.join(names)},Signature={signature}"
        lines = [f"{method} {path}{'?' if query else ''}{query} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in sent.items()]
        lines += [f"authorization: ACS3-HMAC-SHA256 {credential}", f"content-length: {len(body)}", "", ""]
        self._connection.sock.sendall("\r\n".join(lines).encode("latin-1") + body)
        response = self._connection.response_class(self._connection.sock, method=method)
        with response:
            response.begin()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())

    def state(self) -> str:
        """All that the API can change, as text."""
        return self.served.call(self._state)

    def _state(self) -> str:
        fc = self.fc
        functions = [(record, fc.triggers.of(record.key)) for record in fc.functions.all()]
        return repr(
            (
                functions,
                fc.functions.services(),
                fc.versions.shelves,
                fc.layers.shelves,
                fc.domains.all(),
                fc.state()["asyncCalls"],
            )
        )


@pytest.fixture(scope="module")
def prober() -> Iterator[Prober]:
    made = Prober()
    yield made
    made.close()


@settings(
    max_examples=700,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(request_=requests())
def test_whatever_is_asked_is_answered_in_the_services_words(prober: Prober, request_: Any) -> None:
    version, method, path, query, headers, body = request_

    answer = prober.ask(method, path, query, headers, body)

    if answer.status < 300:
        event("taken")
        assert answer.headers["x-fc-request-id"]
        if prober.state() != prober.before:
            prober.renew()
        return
    code = told(answer, version)
    event(code)
    assert code in STATUS
    assert code != "InternalServerError", answer.body
    assert prober.state() == prober.before
