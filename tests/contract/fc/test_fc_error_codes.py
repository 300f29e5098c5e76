"""Every error code that the local cloud knows is provoked by a request; a new one fails here until it is."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from localcloud.faults import Rule
from localcloud.fc.errors import ORDERED_STATUS, STATUS
from localcloud.fc.limits import ASYNC_BYTES_MAX, TRIGGERS_MAX, Limits
from localcloud.fc.routes import NEW, OLD
from tests.contract.fc.conftest import Answer, FcServer, fc_server, signing_date, told
from tests.contract.fc.worlds import ACCOUNT

FUNCTIONS, SERVICES = f"/{NEW}/functions", f"/{OLD}/services"
F = f"{FUNCTIONS}/f"
TIMER = {"triggerName": "t", "triggerType": "timer", "triggerConfig": {"cronExpression": "@every 5m", "enable": False}}
HTTP = {"triggerName": "w", "triggerType": "http", "triggerConfig": {"authType": "anonymous", "methods": ["GET"]}}
PLAIN = "def handler(event, context):\n    return {'statusCode': 9999}\n"

Provoke = Callable[[FcServer], Answer]


def asks(method: str, target: str, **headers: str) -> Provoke:
    return lambda server: server.ask(method, target, headers={name.replace("_", "-"): v for name, v in headers.items()})


def tells(method: str, target: str, value: Any, *, times: int = 1) -> Provoke:
    """The answer to the last of `times` equal requests."""
    return lambda server: [server.tell(method, target, value) for _ in range(times)][-1]


def after(first: Provoke, then: Provoke) -> Provoke:
    """`first` succeeds."""

    def provoke(server: FcServer) -> Answer:
        answer = first(server)
        assert answer.status < 300, answer.body
        return then(server)

    return provoke


def own_signature(key: str) -> Provoke:
    """A signature of FC's own form that is wrong."""
    headers = {"authorization": f"FC {key}:AAAA", "date": formatdate(usegmt=True)}
    return lambda server: server.fetch("GET", FUNCTIONS, headers=headers)


def too_large(server: FcServer) -> Answer:
    return server.ask("POST", f"{F}/invocations", b"x" * (ASYNC_BYTES_MAX + 1), {"x-fc-invocation-type": "Async"})


def too_many_triggers(server: FcServer) -> Answer:
    for number in range(TRIGGERS_MAX):
        assert server.tell("POST", f"{F}/triggers", {**TIMER, "triggerName": f"t{number}"}).status == 200
    return server.tell("POST", f"{F}/triggers", TIMER)


def task_twice(server: FcServer) -> Answer:
    headers = {"x-fc-invocation-type": "Async", "x-fc-async-task-id": "one", "x-fc-async-delay": "3600"}
    return [server.ask("POST", f"{F}/invocations", b"", headers) for _ in range(2)][-1]


def account_is_full(_: FcServer) -> Answer:
    with fc_server(Limits(instances_per_account=0)) as small:
        small.create("f", PLAIN)
        return small.ask("POST", f"{F}/invocations")


def shut_down(server: FcServer) -> Answer:
    server.run(server.fc.workers.close())
    return server.ask("POST", f"{F}/invocations")


def ordered(code: str | None) -> Provoke:
    """As a fault says it."""

    def provoke(server: FcServer) -> Answer:
        server.served.call(lambda: server.served.faults.add(Rule("error-before", service="fc", code=code, count=1)))
        return server.ask("GET", FUNCTIONS)

    return provoke


DOMAIN = tells("POST", f"/{NEW}/custom-domains", {"domainName": "api.example.com"})
SHOP = tells("POST", SERVICES, {"serviceName": "shop"})
PROVOKED: dict[str, Provoke] = {
    "InvalidArgument": asks("GET", f"{FUNCTIONS}?limit=0"),
    "MissingRequiredHeader": lambda server: server.fetch("GET", FUNCTIONS),
    "SignatureNonceUsed": after(
        asks("GET", FUNCTIONS, x_acs_signature_nonce="n"), asks("GET", FUNCTIONS, x_acs_signature_nonce="n")
    ),
    "PathNotSupported": asks("GET", f"/{NEW}/nowhere"),
    "EntityTooLarge": too_large,
    "LimitExceededError": too_many_triggers,
    "AccessDenied": lambda server: server.fetch("GET", f"/{NEW}/code-packages/f?key=guessed"),
    "InvalidAccessKeyID": own_signature("LTAI5tStranger"),
    "InvalidSecurityToken": asks("GET", FUNCTIONS, x_acs_security_token="unknown"),
    "SignatureNotMatch": own_signature(ACCOUNT.access_key_id),
    "RequestTimeTooSkewed": asks("GET", FUNCTIONS, x_acs_date=signing_date(hours=-1)),
    "ServiceNotFound": asks("GET", f"{SERVICES}/shop"),
    "FunctionNotFound": asks("GET", f"{FUNCTIONS}/g"),
    "TriggerNotFound": asks("GET", f"{F}/triggers/t"),
    "LayerNotFound": asks("GET", f"/{NEW}/layers/l/versions/1"),
    "LayerVersionNotFound": lambda server: after(
        tells("POST", f"/{NEW}/layers/l/versions", {"code": server.code_of({"a.txt": "a"})}),
        asks("GET", f"/{NEW}/layers/l/versions/9"),
    )(server),
    "VersionNotFound": asks("GET", f"{F}?qualifier=7"),
    "AliasNotFound": asks("GET", f"{F}/aliases/prod"),
    "DomainNameNotFound": asks("GET", f"/{NEW}/custom-domains/api.example.com"),
    "DomainRouteNotFound": after(DOMAIN, lambda server: server.fetch("GET", "/", headers={"Host": "api.example.com"})),
    "DomainNameAlreadyExists": after(DOMAIN, DOMAIN),
    "AsyncConfigNotExists": asks("GET", f"{F}/async-invoke-config"),
    "ConcurrencyConfigNotExists": asks("GET", f"{F}/concurrency"),
    "ProvisionConfigNotFound": asks("GET", f"{F}/provision-config"),
    "MethodNotAllowed": asks("PATCH", FUNCTIONS),
    "ServiceAlreadyExists": after(SHOP, SHOP),
    "FunctionAlreadyExists": lambda server: server.tell(
        "POST",
        FUNCTIONS,
        {"functionName": "f", "runtime": "python3.10", "handler": "a.b", "code": server.code_of({"a.py": ""})},
    ),
    "TriggerAlreadyExists": tells("POST", f"{F}/triggers", TIMER, times=2),
    "VersionPublishError": tells("POST", f"{F}/versions", {}, times=2),
    "AliasAlreadyExists": after(
        tells("POST", f"{F}/versions", {}),
        tells("POST", f"{F}/aliases", {"aliasName": "prod", "versionId": "1"}, times=2),
    ),
    "ServiceNotEmpty": asks("DELETE", f"{SERVICES}/fleetrun"),
    "FunctionNotEmpty": after(tells("POST", f"{F}/triggers", TIMER), asks("DELETE", F)),
    "StatefulAsyncInvocationAlreadyExists": task_twice,
    "PreconditionFailed": asks("DELETE", f"{SERVICES}/fleetrun", if_match="another"),
    "ResourceThrottled": after(
        tells("PUT", f"{F}/concurrency", {"reservedConcurrency": 0}), asks("POST", f"{F}/invocations")
    ),
    "ResourceExhausted": account_is_full,
    "InternalServerError": ordered(None),
    "NotImplemented": asks("GET", f"/{NEW}/tags-v2"),
    "BadResponse": after(
        tells("POST", f"{F}/triggers", HTTP), lambda server: server.fetch("GET", f"/{OLD}/proxy/fleetrun/f/")
    ),
    "ServiceUnavailable": shut_down,
}
SAID_ONLY_WHEN_ORDERED = {
    "InstanceMetricsRequired": "policies that follow a metric are not offered",
    "ConcurrentUpdateError": "changes are made one after the other, none of them waits",
    "EventBridgeTriggerConflict": "triggers are made at once, there is no time in which two could be at it",
    "CAExited": "custom runtimes are not offered",
    "CAFileNotFound": "custom runtimes are not offered",
    "ClientClosedRequest": "nobody is there to read it",
}
SCOPE = {**PROVOKED, **{code: ordered(code) for code in SAID_ONLY_WHEN_ORDERED}}


def test_every_code_of_the_tables_stands_in_one_of_these() -> None:
    assert set(PROVOKED) == set(STATUS)
    assert set(SAID_ONLY_WHEN_ORDERED) == set(ORDERED_STATUS)


@pytest.mark.parametrize("code", sorted(SCOPE))
def test_the_code_is_what_its_request_is_answered_with(server: FcServer, code: str) -> None:
    server.create("f", PLAIN)

    answer = SCOPE[code](server)

    version = NEW if "Code" in answer.json() else OLD
    assert (answer.status, told(answer, version)) == ({**STATUS, **ORDERED_STATUS}[code], code), answer.body


@pytest.mark.parametrize(
    ("code", "limits", "status"),
    [
        ("ResourceThrottled", Limits(throttled_status=503), 503),
        ("EntityTooLarge", Limits(too_large_status=413), 413),
    ],
)
def test_a_contested_status_is_the_one_that_the_switch_says(code: str, limits: Limits, status: int) -> None:
    with fc_server(limits) as server:
        server.create("f", PLAIN)

        answer = PROVOKED[code](server)

        assert (answer.status, told(answer, NEW)) == (status, code)
