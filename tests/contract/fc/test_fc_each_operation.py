"""Every operation of both APIs, by its route: a signature is asked for, and what is missing is refused by its name.

An operation that is new in the routes fails here until its refusals are known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.fc.operations import OPERATIONS
from localcloud.fc.routes import DOWNLOAD, NEW, TABLES, Version
from tests.contract.fc.conftest import FcServer, fc_server, told
from tests.contract.fc.worlds import ACCOUNT

CODE = "def handler(event, context):\n    return event\n"
ARN = f"acs:fc:{ACCOUNT.region}:{ACCOUNT.account_id}:layers/none/versions/1"
TIMER = {"triggerName": "t", "triggerType": "timer", "triggerConfig": {"cronExpression": "@every 5m"}}
Route = tuple[Version, str, str, str]
ALL: list[Route] = [(version, *route) for version, table in TABLES.items() for route in table]
OFFERED = [one for one in ALL if one[3] in {*OPERATIONS[one[0]], "InvokeFunction"}]
MISSING = {
    "service": "ServiceNotFound",
    "function": "FunctionNotFound",
    "layer": "LayerNotFound",
    "arn": "LayerNotFound",
    "domain": "DomainNameNotFound",
}
"""By what the path names first."""
WITHIN = {
    "{trigger}": "TriggerNotFound",
    "{version}": "VersionNotFound",
    "{alias}": "AliasNotFound",
    "{domain}": "DomainNameNotFound",
    "async-invoke-config": "AsyncConfigNotExists",
    "concurrency": "ConcurrencyConfigNotExists",
    "on-demand-config": "ConcurrencyConfigNotExists",
    "provision-config": "ProvisionConfigNotFound",
    "scaling-config": "ProvisionConfigNotFound",
}
"""By what the path names last, below a service or a function that is there."""
BODIES: dict[str, Any] = {
    "CreateAlias": {"aliasName": "prod", "versionId": "1"},
    "CreateTrigger": TIMER,
}
REQUIRED = {
    "CreateService": "serviceName",
    "CreateFunction": "functionName",
    "CreateTrigger": "triggerName",
    "CreateAlias": "aliasName",
    "CreateLayerVersion": "code",
    "PutConcurrencyConfig": "reservedConcurrency",
    "PutFunctionOnDemandConfig": "maximumInstanceCount",
    "PutProvisionConfig": "arget",
    "PutScalingConfig": "minInstances",
    "TagResource": "resourceArn",
    "CreateCustomDomain": "domainName",
}
TAKES_NOTHING = ("PutLayerACL", "InvokeFunction")
"""Their body is no JSON."""
BAD_BODIES: tuple[Any, ...] = ([], "text", 7)
EACH = ("version", "method", "pattern", "operation")


def filled(pattern: str, **known: str) -> str:
    """The pattern with names of which only the `known` ones exist."""
    known = {"arn": ARN.replace(":", "%3A").replace("/", "%2F"), "version": "9", **known}
    return re.sub(r"\{(\w+)\}", lambda match: known.get(match[1], "none"), pattern)


def there(version: Version, pattern: str) -> str:
    """With a service and a function that exist."""
    return f"/{version}{filled(pattern, service='fleetrun', function='f')}"


def last(pattern: str) -> str:
    return pattern.rpartition("/")[2]


@pytest.fixture(scope="module")
def shared() -> Iterator[FcServer]:
    """A server that nothing in this file changes."""
    with fc_server() as server:
        server.create("f", CODE)
        yield server


@pytest.mark.parametrize(EACH, ALL)
def test_each_operation_asks_for_a_signature(
    shared: FcServer, version: Version, method: str, pattern: str, operation: str
) -> None:
    answer = shared.fetch(method, f"/{version}{filled(pattern)}")

    # What is downloaded is behind a link that nobody can guess.
    downloaded = "LayerNotFound" if "{layer}" in pattern else "FunctionNotFound"
    assert told(answer, version) == (downloaded if operation == DOWNLOAD else "MissingRequiredHeader")


@pytest.mark.parametrize(EACH, [one for one in ALL if one not in OFFERED and one[3] != DOWNLOAD])
def test_what_is_not_offered_is_refused_by_its_name(
    shared: FcServer, version: Version, method: str, pattern: str, operation: str
) -> None:
    answer = shared.ask(method, there(version, pattern))

    assert (answer.status, told(answer, version)) == (501, "NotImplemented")
    assert f"{operation} of API {version}" in answer.body.decode()


@pytest.mark.parametrize(EACH, [one for one in OFFERED if "{" in one[2] and one[3] != "CreateLayerVersion"])
def test_what_the_path_names_first_is_missed_first(
    shared: FcServer, version: Version, method: str, pattern: str, operation: str
) -> None:
    query = "?acl=1" if operation == "PutLayerACL" else ""

    answer = shared.tell(method, f"/{version}{filled(pattern)}{query}", BODIES.get(operation, {}))

    assert (answer.status, told(answer, version)) == (404, MISSING[re.findall(r"\{(\w+)\}", pattern)[0]])


@pytest.mark.parametrize(EACH, [one for one in OFFERED if last(one[2]) in WITHIN and "{layer}" not in one[2]])
def test_what_the_path_names_last_is_missed_where_the_rest_is_there(
    shared: FcServer, version: Version, method: str, pattern: str, operation: str
) -> None:
    if operation.startswith("Put"):
        answer = shared.tell(method, there(version, pattern), {"maxAsyncRetryAttempts": 9, "target": -1})
        assert told(answer, version) == "InvalidArgument"
        return

    answer = shared.ask(method, there(version, pattern))

    assert (answer.status, told(answer, version)) == (404, WITHIN[last(pattern)])


@pytest.mark.parametrize(EACH, [one for one in OFFERED if one[1] == "GET" and last(one[2]) not in WITHIN])
def test_each_reading_operation_answers_an_object_where_all_is_there(
    shared: FcServer, version: Version, method: str, pattern: str, operation: str
) -> None:
    if "{layer}" in pattern or "{arn}" in pattern:
        shared.tell("POST", f"/{NEW}/layers/none/versions", {"code": shared.code_of({"a.txt": "a"})})
    made = pattern.replace("{version}", "1")
    query = "?resourceArn=services/fleetrun" if operation == "GetResourceTags" else ""

    answer = shared.ask(method, f"{there(version, made)}{query}")

    assert answer.status == 200, answer.body
    assert isinstance(answer.json(), dict)
    assert answer.headers["x-fc-request-id"]


@pytest.mark.parametrize(EACH, [one for one in OFFERED if one[3] in REQUIRED])
def test_a_body_without_what_is_required_is_refused_by_the_name_of_the_field(
    shared: FcServer, version: Version, method: str, pattern: str, operation: str
) -> None:
    answer = shared.tell(method, there(version, pattern), {})

    assert told(answer, version) == "InvalidArgument"
    assert REQUIRED[operation] in answer.body.decode()


@pytest.mark.parametrize(EACH, [one for one in OFFERED if one[1] in ("POST", "PUT") and one[3] not in TAKES_NOTHING])
def test_a_body_that_is_no_object_is_refused(
    shared: FcServer, version: Version, method: str, pattern: str, operation: str
) -> None:
    answers = [shared.ask(method, there(version, pattern), json.dumps(body).encode()) for body in BAD_BODIES]

    # What an update would change is looked for first.
    expected = WITHIN.get(last(pattern), "InvalidArgument") if operation.startswith("Update") else "InvalidArgument"
    assert {told(answer, version) for answer in answers} == {expected}
