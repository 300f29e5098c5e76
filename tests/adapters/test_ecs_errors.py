"""Every way in which a call to ECS can end is one of our families, and says nothing that it must not."""

from __future__ import annotations

import json
import socket
from urllib.parse import parse_qs

import pytest

from localcloud.http import Response
from shared.adapters.credentials import Credentials
from shared.adapters.ecs_calls import new_request
from shared.adapters.ecs_commands import EcsCommands
from shared.core.errors import FleetrunError, Refused, Unavailable, UnknownOutcome
from shared.core.requests import Command
from shared.ecs_ports import Invocation
from tests.adapters.canned import HANG_UP, canned
from tests.adapters.clients import Sleepless, ecs_calls
from tests.app.memory import START_MS

SECRET_SCRIPT = "echo NewConnectionError SECRET"
INVOCATION = Invocation(
    region="cn-hangzhou",
    command_id="c-1",
    instance_ids=("i-00001", "i-00002"),
    client_token="run-1-00001-1",
    run_id="run-1",
    parameters={"who": "SECRET ö", "b": ""},
    timeout=60,
    username=None,
    working_dir="/tmp",
)


def error(status: int, code: str, message: str = "m") -> Response:
    body = {"Code": code, "Message": message, "RequestId": "REQ-1", "HostId": "h"}
    return Response(status, (("Content-Type", "application/json"),), json.dumps(body).encode())


def ok(**answer: object) -> Response:
    return Response(200, (), json.dumps({"RequestId": "REQ-2", **answer}).encode())


HTML = Response(502, (("Content-Type", "text/html"),), b"<html>SECRET</html>")

THROTTLED = [error(400, code) for code in ("Throttling", "Throttling.User", "Throttling.Api")]
BOTH = [
    *[(answer, Unavailable, Unavailable) for answer in THROTTLED],
    (error(429, "TooMany"), Unavailable, Unavailable),
    (error(400, "InvalidTimeStamp.Expired"), Unavailable, Unavailable),
    (error(403, "InvalidSecurityToken.Expired"), Unavailable, Unavailable),
    (error(500, "InternalError"), UnknownOutcome, Unavailable),
    (error(500, "InternalError.Dispatch"), UnknownOutcome, Unavailable),
    (error(503, "ServiceUnavailable"), UnknownOutcome, Unavailable),
    (HTML, UnknownOutcome, Unavailable),
    (Response(200, (), b"hello"), UnknownOutcome, Unavailable),
    (Response(302, (("Location", "http://127.0.0.1:1/"),), b""), UnknownOutcome, Unavailable),
    (HANG_UP, UnknownOutcome, Unavailable),
    (error(403, "IdempotentProcessing"), UnknownOutcome, UnknownOutcome),
    (error(403, "IdempotentParameterMismatch"), Refused, Refused),
    (error(403, "Invocation.ExceedQuota"), Refused, Refused),
    (error(403, "Forbidden.RAM"), Refused, Refused),
    (error(400, "SignatureDoesNotMatch", "no colon"), Refused, Refused),
    (error(404, "InvalidInstance.NotFound"), Refused, Refused),
]


@pytest.mark.parametrize(("answer", "family"), [(answer, effect) for answer, effect, _ in BOTH])
def test_a_failed_invoke_is_of_the_family_that_says_what_may_have_happened(
    answer: Response | None, family: type[FleetrunError]
) -> None:
    with canned(answer) as server:
        runner = EcsCommands(ecs_calls(server.url), Sleepless().clock)

        with pytest.raises(family) as raised:
            runner.invoke(INVOCATION, not_after_ms=START_MS)

    assert type(raised.value) is family
    assert len(server.requests) == 1, "an effect is never repeated by the adapter"


@pytest.mark.parametrize(("answer", "family"), [(answer, read) for answer, _, read in BOTH])
def test_a_failed_read_is_of_the_family_that_says_whether_to_come_again(
    answer: Response | None, family: type[FleetrunError]
) -> None:
    with canned(answer) as server:
        calls = ecs_calls(server.url)

        with pytest.raises(family) as raised:
            calls.read("cn-hangzhou", new_request("DescribeInvocations"))

    assert type(raised.value) is family


def test_code_and_request_id_of_ecs_are_kept() -> None:
    with canned(error(403, "Invocation.ExceedQuota")) as server:
        runner = EcsCommands(ecs_calls(server.url), Sleepless().clock)

        with pytest.raises(Refused) as raised:
            runner.invoke(INVOCATION, not_after_ms=START_MS)

    assert (raised.value.code, raised.value.request_id) == ("Invocation.ExceedQuota", "REQ-1")


@pytest.mark.parametrize("answer", THROTTLED)
def test_throttling_is_marked_as_such(answer: Response) -> None:
    with canned(answer) as server:
        runner = EcsCommands(ecs_calls(server.url), Sleepless().clock)

        with pytest.raises(Unavailable) as raised:
            runner.invoke(INVOCATION, not_after_ms=START_MS)

    assert raised.value.throttled


def test_a_refused_connection_says_that_nothing_happened() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        runner = EcsCommands(ecs_calls(f"http://127.0.0.1:{unused.getsockname()[1]}"), Sleepless().clock)

        with pytest.raises(Unavailable, match="cannot be reached"):
            runner.invoke(INVOCATION, not_after_ms=START_MS)


def test_a_script_that_names_an_error_class_does_not_decide_the_family() -> None:
    command = Command(type="RunShellScript", content=SECRET_SCRIPT)
    with canned(HANG_UP) as server:
        runner = EcsCommands(ecs_calls(server.url), Sleepless().clock)

        with pytest.raises(UnknownOutcome):
            runner.create_command(
                "cn-hangzhou", name="NewConnectionError", command=command, timeout=60, has_parameters=False
            )


@pytest.mark.parametrize("answer", [HANG_UP, HTML, error(500, "InternalError")])
def test_no_error_tells_script_parameters_or_keys(answer: Response | None) -> None:
    with canned(answer) as server:
        runner = EcsCommands(ecs_calls(server.url), Sleepless().clock)

        with pytest.raises(UnknownOutcome) as raised:
            runner.invoke(INVOCATION, not_after_ms=START_MS)

    chain = repr(raised.value) + repr(raised.value.__cause__)
    assert "SECRET" not in chain
    assert "LTAI" not in chain


def test_a_busy_read_is_repeated_with_growing_pauses_and_then_succeeds() -> None:
    sleepless = Sleepless()
    with canned(error(400, "Throttling.Api"), HANG_UP, error(503, "ServiceUnavailable"), ok(Value=1)) as server:
        answer = ecs_calls(server.url, sleepless).read("cn-hangzhou", new_request("DescribeInvocations"))

    assert answer["Value"] == 1
    assert len(server.requests) == 4
    assert [
        200 <= sleepless.pauses[0] <= 400,
        400 <= sleepless.pauses[1] <= 800,
        800 <= sleepless.pauses[2] <= 1600,
    ] == ([True] * 3)


def test_a_read_that_stays_busy_gives_up_after_four_tries() -> None:
    with canned(error(400, "Throttling.Api")) as server, pytest.raises(Unavailable):
        ecs_calls(server.url).read("cn-hangzhou", new_request("DescribeInvocations"))

    assert len(server.requests) == 4


def test_a_refused_read_is_not_repeated() -> None:
    with canned(error(403, "Forbidden.RAM")) as server, pytest.raises(Refused):
        ecs_calls(server.url).read("cn-hangzhou", new_request("DescribeInvocations"))

    assert len(server.requests) == 1


@pytest.mark.parametrize("last", ["", None, ...])
def test_pages_end_with_an_empty_a_null_or_no_next_token(last: object) -> None:
    end = {} if last is ... else {"NextToken": last}
    with canned(ok(NextToken="t2", n=1), ok(n=2, **end)) as server:
        pages = list(ecs_calls(server.url).pages("cn-hangzhou", new_request("DescribeInvocations")))

    assert [page["n"] for page in pages] == [1, 2]
    assert "NextToken" not in server.requests[0].query
    assert parse_qs(server.requests[1].query)["NextToken"] == ["t2"]


def test_too_late_a_call_is_not_made() -> None:
    with canned(ok(InvokeId="t-1")) as server:
        sleepless = Sleepless()
        runner = EcsCommands(ecs_calls(server.url, sleepless), sleepless.clock)
        sleepless.clock.advance(2)

        with pytest.raises(Unavailable, match="too late"):
            runner.invoke(INVOCATION, not_after_ms=START_MS + 1)

    assert server.requests == []


def test_an_invoke_carries_token_tags_and_json_parameters_and_no_secret_in_its_url() -> None:
    with canned(ok(InvokeId="t-1")) as server:
        runner = EcsCommands(ecs_calls(server.url), Sleepless().clock)

        assert runner.invoke(INVOCATION, not_after_ms=START_MS) == "t-1"

    request = server.requests[0]
    sent = {name: values[0] for name, values in parse_qs(request.query, keep_blank_values=True).items()}
    form = parse_qs(request.body.decode())
    assert sent["ClientToken"] == "run-1-00001-1"
    assert (sent["InstanceId.1"], sent["InstanceId.2"]) == ("i-00001", "i-00002")
    tags = {sent[f"Tag.{n}.Key"]: sent[f"Tag.{n}.Value"] for n in (1, 2)}
    assert tags == {"fleetrun-run": "run-1", "fleetrun-chunk": "run-1-00001-1"}
    assert json.loads(form["Parameters"][0]) == {"who": "SECRET ö", "b": ""}
    assert "SECRET" not in request.query


def test_a_token_of_the_role_is_sent_along() -> None:
    keys = Credentials("STS.id", "secret", "the-token")
    with canned(ok()) as server:
        ecs_calls(server.url, keys=keys).read("cn-hangzhou", new_request("DescribeInvocations"))

    sent = parse_qs(server.requests[0].query)
    assert (sent["AccessKeyId"], sent["SecurityToken"]) == (["STS.id"], ["the-token"])


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    with canned(ok(Value=1)) as server:
        answer = ecs_calls(server.url).read("cn-hangzhou", new_request("DescribeInvocations"))

    assert answer["Value"] == 1


def test_real_endpoints_are_spoken_to_over_https_in_their_own_region() -> None:
    calls = ecs_calls("https://ecs.{region}.aliyuncs.com")
    request = new_request("DescribeInvocations")

    assert (calls._scheme("cn-beijing"), calls._address("cn-beijing")) == (
        "https",
        "https://ecs.cn-beijing.aliyuncs.com",
    )
    assert request.get_action_name() == "DescribeInvocations"


def test_a_command_is_created_with_its_script_in_base64_in_the_body() -> None:
    command = Command(type="RunShellScript", content=SECRET_SCRIPT, working_dir="/srv")
    with canned(ok(CommandId="c-1")) as server:
        runner = EcsCommands(ecs_calls(server.url), Sleepless().clock)

        runner.create_command("cn-hangzhou", name="fleetrun-run-1", command=command, timeout=60, has_parameters=True)

    sent = {name: values[0] for name, values in parse_qs(server.requests[0].query).items()}
    assert (sent["ContentEncoding"], sent["EnableParameter"], sent["ClientToken"]) == (
        "Base64",
        "true",
        "fleetrun-run-1",
    )
    assert parse_qs(server.requests[0].body.decode())["CommandContent"] == ["ZWNobyBOZXdDb25uZWN0aW9uRXJyb3IgU0VDUkVU"]
