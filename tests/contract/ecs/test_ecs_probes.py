"""Whatever is asked of ECS, in whatever form: an answer as documented, and a refusal changes nothing."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.clock import Timeline
from localcloud.controlled_clock import ControlledClock
from localcloud.ecs.api import OPERATIONS, EcsEndpoint
from localcloud.ecs.errors import CODES
from localcloud.ecs.executor_simulated import Outcome, SimulatedExecutor
from localcloud.ecs.service import EcsService
from localcloud.fleet import Fleet
from localcloud.http import Request, Response
from localcloud.ids import Ids
from localcloud.journal import NoJournal
from tests.contract.ecs.worlds import ACCOUNT, REGION, START_MS, EcsWorld, group
from tests.contract.serve import Served, serve

FLEET = Fleet(
    (group("i-l", 3, tags={"env": "demo"}), group("i-w", 1, os="windows"), group("i-stopped", 1, status="Stopped"))
)
COMMAND = (
    "Name", "Type", "CommandContent", "ContentEncoding", "Description", "WorkingDir", "Timeout", "EnableParameter",
    "Launcher", "ResourceGroupId", "ClientToken", "CommandId", "Tag", "Tag.1.Key", "Tag.1.Value", "Tag.2.Key",
)  # fmt: skip
INVOCATION = (
    "InvokeId", "RepeatMode", "Frequency", "Timed", "Parameters", "Username", "WindowsPasswordName", "ContainerId",
    "ContainerName", "TerminationMode", "KeepCommand", "OssOutputDelivery", "InstanceId.1", "InstanceId.2",
    "ResourceTag.1.Key", "ResourceTag.1.Value", "ResourceTag", "EnableParameter", "CommandContent", "Timeout",
)  # fmt: skip
PAGES = ("PageNumber", "PageSize", "MaxResults", "NextToken", "Tag.1.Key", "Tag.1.Value", "ContentEncoding")
LISTS = (
    *PAGES, "InvokeId", "CommandId", "InvokeStatus", "InvokeRecordStatus", "IncludeOutput", "IncludeHistory",
    "CommandName", "CommandType", "RepeatMode", "Timed", "InstanceId", "Name", "Description", "Provider", "Latest",
    "Type",
)  # fmt: skip
INSTANCES = (
    *PAGES, "InstanceIds", "InstanceId.1", "InstanceId.2", "InstanceId", "OSType", "Status", "InstanceNetworkType",
    "VpcId", "ZoneId", "InstanceName", "PrivateIpAddresses", "DryRun", "KeyPairName", "AttributeName.1",
)  # fmt: skip
RESOURCES = ("ResourceType", "ResourceId.1", "ResourceId.2", "Tag.1.Key", "Tag.1.Value", "TagKey.1", "All", "NextToken")
ODD_NAMES = (
    "RegionId", "Action", "Version", "Format", "InstanceId.0", "InstanceId.x", "InstanceId.", "InstanceId.99999999999",
    "Tag.x.Key", "Tag.1", "AttributeName.9",
)  # fmt: skip
RIGHT = (
    "i-l001", "i-l002", "i-w001", "i-stopped001", "$command", "$invocation", "$schedule", "RunShellScript",
    "RunBatScript", "PlainText", "Base64", "true", "false", "True", "1", "10", "60", "echo {{a}}", "dHJ1ZQ==",
    '{"a": "1"}', '["i-l001"]', "rate(1h)", "0 0 12 * * ?", "at(2030-01-01T00:00:00Z)", "Period", "EveryReboot",
    "DryRun", "Process", "env", "demo", "instance", "command", "invocation", "Running", "vpc", REGION,
    "max-axt-command-count", '[{"Key": "env", "Value": "demo"}]',
)  # fmt: skip
WRONG = (
    "", " ", "0", "-1", "1.5", "1e9", "9" * 18, "9" * 400, "\u0661", "nan", "null", "[", "{", "[1]", "[[]]",
    '{"a": [1]}', '{"a": 1, "a": 2}', '{"": ""}', '"\\ud800"', '["\\ud800"]', "[" * 3_000, "[{}]", '[{"Key": {}}]',
    "{{}}", "{{ACS::X}}", "{{oos:x}}", "\0", "\r\n", "a\u0301", "\U0001f600", "x" * 2_000, "x" * 30_000, "acs:x",
    "http://x", "../..", "%", "%zz", "* * *", "rate(0s)", "rate(999999999999d)", "at(99999-01-01T00:00:00Z)",
    "0 0 0 31 2 ?", "0/0 * * * * ?", "0 0 12 * * ? 9999", "0 0 12 * * ? Mars/Olympus", "cn-atlantis",
)  # fmt: skip
VALUES = st.sampled_from(RIGHT) | st.sampled_from(RIGHT + WRONG) | st.text(max_size=12)
FULL: dict[str, dict[str, str]] = {
    "CreateCommand": {"Name": "c", "Type": "RunShellScript", "CommandContent": "dHJ1ZQ=="},
    "RunCommand": {"Type": "RunShellScript", "CommandContent": "true", "InstanceId.1": "i-l001"},
    "InvokeCommand": {"CommandId": "$command", "InstanceId.1": "i-l001"},
    "StopInvocation": {"InvokeId": "$invocation"},
    "ModifyInvocationAttribute": {"InvokeId": "$schedule"},
    "ModifyCommand": {"CommandId": "$command"},
    "DeleteCommand": {"CommandId": "$command"},
    "TagResources": {"ResourceType": "command", "ResourceId.1": "$command", "Tag.1.Key": "k"},
    "UntagResources": {"ResourceType": "instance", "ResourceId.1": "i-l001", "TagKey.1": "env"},
    "StopInstances": {"InstanceId.1": "i-l001"},
    "StartInstance": {"InstanceId": "i-stopped001"},
    "RebootInstance": {"InstanceId": "i-l002"},
}
"""What makes a call that would be carried out: the probes spoil it."""
TWO_STATUSES = {"InvalidInstanceId.NotFound": 403}
"""StartInstances and its like say it with 403 when no id is given, with 404 when one is unknown."""
TAILS = ("", "&", "&&=&", "&x=%ff", "&x=%ed%a0%80", "&x", "&RegionId=twice", "&a=%")


def names_of(action: str) -> tuple[str, ...]:
    """What the operation reads."""
    if "Tag" in action:
        return RESOURCES
    if action.startswith("Describe"):
        return INSTANCES if "Inst" in action or "Assistant" in action or "Account" in action else LISTS
    return INSTANCES if "Instance" in action else COMMAND + INVOCATION


@st.composite
def calls(draw: st.DrawFn) -> dict[str, Any]:
    """Four of five have an ordinary form and something odd among what they say; the fifth has an odd form as well."""
    action = draw(st.sampled_from(sorted(OPERATIONS)) | st.sampled_from(sorted(FULL)))
    is_odd = draw(st.integers(0, 4)) == 4
    names = st.sampled_from(names_of(action) * 2 + ODD_NAMES) if is_odd else st.sampled_from(names_of(action))
    base = FULL.get(action, {}) if draw(st.integers(0, 4)) else {}
    common = {"Action": action, "Version": "2014-05-26", "RegionId": REGION}
    return {
        "method": draw(st.sampled_from(("GET", "POST", "PUT") if is_odd else ("GET", "POST"))),
        "parameters": {**common, **base, **draw(st.dictionaries(names, VALUES, max_size=4))},
        "place": draw(st.sampled_from(("query", "form", "json", "both", "junk") if is_odd else ("query", "form"))),
        "format": draw(st.sampled_from(("JSON", "XML", "", "YAML"))),
        "tail": draw(st.sampled_from(TAILS)) if is_odd else "",
    }


def request_of(call: dict[str, Any], known: dict[str, str], now_ms: int) -> Request:
    """As it would come over the wire."""
    parameters = {name: known.get(value, value) for name, value in call["parameters"].items()}
    query, body, kind = "", b"", ""
    place = call["place"]
    if place in ("query", "both", "junk"):
        query = urlencode(parameters, errors="surrogatepass") + call["tail"]
    if place in ("form", "both"):
        kind = "application/x-www-form-urlencoded"
        body = (urlencode({**parameters, "More": "1"}, errors="surrogatepass") + call["tail"]).encode()
    if place == "json":
        kind, body = "application/json", json.dumps(parameters).encode()
        query = f"Action={quote(parameters['Action'], safe='')}&Version=2014-05-26"
        body = json.dumps(
            {name: value for name, value in parameters.items() if name not in ("Action", "Version")}
        ).encode()
    if place == "junk":
        kind, body = "application/octet-stream", b"\x00\xff{"
    if call["format"] and "Format" not in call["parameters"]:
        query += f"&Format={call['format']}"
    headers = {"host": "127.0.0.1:7150", "accept": "application/json"} | ({"content-type": kind} if kind else {})
    return Request(call["method"], "/", query, headers, body, now_ms)


def state_of(service: EcsService) -> object:
    """All there is: values that are never changed, only exchanged."""
    return (
        service.state(),
        tuple(service.instances.everywhere()),
        tuple(service.commands.in_region(REGION)),
        [(run.invocation, dict(run.rows)) for run in service.runs.everywhere()],
    )


def check_form(status: int, kind: str, body: bytes) -> None:
    """An answer with its request id, or an error document with a known code that has this status."""
    if kind.startswith("application/json"):
        document = json.loads(body)
    else:
        assert kind.startswith("text/xml"), kind
        root = ElementTree.fromstring(body)
        assert root.tag == "Error" if status != 200 else root.tag.endswith("Response")
        document = {child.tag: child.text or "" for child in root}
    assert document["RequestId"]
    if status != 200:
        assert set(document) == {"RequestId", "HostId", "Code", "Message", "Recommend"}
        assert all(document.values())
        assert status in (CODES[document["Code"]][0], TWO_STATUSES.get(document["Code"]))
        assert status < 500 or document["Code"] == "NotOffered", document


def kind_of(response: Response) -> str:
    return dict(response.headers)["Content-Type"]


def stage() -> tuple[EcsWorld, dict[str, str]]:
    """A world with something in it, and what the words with a dollar stand for."""
    world = EcsWorld(fleet=FLEET)
    command = world.command(b"echo {{a}}", enable_parameter=True)
    told = {"$command": command, "$invocation": world.run("i-l001", "i-l002")}
    told["$schedule"] = world.run("i-l001", frequency="rate(1h)", command_name="s")
    world.advance(0)
    return world, told


@given(asked=st.lists(calls(), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_every_call_is_answered_in_form_and_a_refused_one_changes_nothing(asked: list[dict[str, Any]]) -> None:
    world, known = stage()

    for call in asked:
        before = state_of(world.service)
        response = asyncio.run(world.endpoint.handle(request_of(call, known, world.now_ms)))

        check_form(response.status, kind_of(response), response.body)
        if response.status != 200:
            assert state_of(world.service) == before
        world.advance(2)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    timeline, ids = Timeline(ControlledClock(START_MS)), Ids(1)
    executor = SimulatedExecutor(timeline=timeline, behaviour=lambda _job: Outcome())
    service = EcsService(
        account=ACCOUNT, timeline=timeline, ids=ids, journal=NoJournal(), executor=executor, fleet=FLEET
    )
    endpoint = EcsEndpoint(service, account=ACCOUNT, ids=ids, checks_signature=False)
    with serve(endpoint, timeline=timeline) as running:
        yield running


@given(call=calls(), headers=st.dictionaries(st.sampled_from(("Accept", "Authorization", "x-acs-action")), VALUES))
@settings(max_examples=120, deadline=None, derandomize=True)
def test_over_a_socket_the_connection_stays_and_takes_the_next_call(
    served: Served, call: dict[str, Any], headers: dict[str, str]
) -> None:
    request = request_of(call, {}, START_MS)
    sent = {**dict(request.headers), **{name: quote(value, safe="/ ")[:500] for name, value in headers.items()}}
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    try:
        for _ in range(2):
            connection.request(request.method, request.target, request.body, sent)
            answer = connection.getresponse()
            body = answer.read()

            check_form(answer.status, answer.getheader("Content-Type", ""), body)
            assert not answer.will_close
    finally:
        connection.close()
