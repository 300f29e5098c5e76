"""The endpoint without a socket: error documents, XML, operations that are not offered, ordered errors, the state."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import aliyunsdkecs
import pytest

from localcloud.ecs.api import ACTIONS, OPERATIONS, known_actions
from localcloud.ecs.errors import CODES
from localcloud.http import Refusal
from tests.contract.ecs.worlds import EcsWorld, ids


def test_an_error_document_has_all_its_fields(world: EcsWorld) -> None:
    response = world.respond("DeleteCommand", CommandId="c-none")

    document = json.loads(response.body)
    assert (response.status, document["Code"], document["HostId"]) == (404, "InvalidCmdId.NotFound", "127.0.0.1:7150")
    assert document["RequestId"] in document["Recommend"]
    assert "c-none" in document["Message"]


def test_without_a_word_about_the_format_answers_are_xml(world: EcsWorld) -> None:
    world.run(*ids(2), content=b"a < b")
    bad = world.respond("DeleteCommand", kind="XML", CommandId="c-none")
    good = world.respond("DescribeInvocations", kind="XML", ContentEncoding="PlainText")

    assert ElementTree.fromstring(bad.body).findtext("Code") == "InvalidCmdId.NotFound"
    root = ElementTree.fromstring(good.body)
    assert root.tag == "DescribeInvocationsResponse"
    invocation = root.findall("Invocations/Invocation")[0]
    assert invocation.findtext("CommandContent") == "a < b"
    assert invocation.findtext("Timed") == "false"
    assert len(invocation.findall("InvokeInstances/InvokeInstance")) == 2
    assert dict(good.headers)["Content-Type"].startswith("text/xml")


def test_output_that_xml_cannot_hold_is_replaced(world: EcsWorld) -> None:
    world.run("i-l001", content=b"a\x00b\x1b[0m")

    answer = world.respond("DescribeInvocations", kind="XML", ContentEncoding="PlainText")

    content = ElementTree.fromstring(answer.body).findtext("Invocations/Invocation/CommandContent")
    assert content == "a\ufffdb\ufffd[0m"


def test_operations_that_exist_but_are_not_offered_say_so(world: EcsWorld) -> None:
    response = world.respond("CreateSnapshot")

    assert response.status == 501
    assert "CreateSnapshot" in json.loads(response.body)["Message"]
    assert world.refusal("MakeCoffee") == (404, "InvalidAction.NotFound")


def test_every_operation_that_we_offer_or_name_is_one_of_the_sdk() -> None:
    folder = Path(aliyunsdkecs.__file__).parent / "request" / "v20140526"
    of_sdk = {path.name.removesuffix("Request.py") for path in folder.glob("*Request.py")}

    assert known_actions() == of_sdk
    assert set(OPERATIONS) <= of_sdk
    assert ACTIONS.read_text().split() == sorted(of_sdk)


@pytest.mark.parametrize("action", sorted(OPERATIONS))
def test_every_setter_of_the_sdk_reaches_an_operation_that_answers(world: EcsWorld, action: str) -> None:
    """Whatever the SDK can say, the answer is one of ECS, never a bug of ours."""
    request = getattr(import_module(f"aliyunsdkecs.request.v20140526.{action}Request"), f"{action}Request")()
    setters = [name for name in dir(request) if name.startswith("set_") and name[4:5].isupper()]

    for setter in setters:
        for value in ("", "x", "-1", [], ["x"], [{"Key": "k", "Value": "v"}], "[]", "{}", "\ud7ff\x00"):
            try:
                getattr(request, setter)(value)
            except (AttributeError, TypeError):
                continue  # the setter takes lists only
            parameters = {name: str(text) for name, text in request.get_query_params().items()}
            status = world.respond(action, **{**parameters, "Action": action}).status
            assert status in (200, 400, 403, 404), (setter, value)


def test_ordered_errors_speak_the_language_of_ecs(world: EcsWorld) -> None:
    request = world.request("InvokeCommand")

    for refusal, expected in (
        (Refusal(throttle=True), (400, "Throttling.User")),
        (Refusal(), (500, "InternalError")),
        (Refusal(code="InternalError.Dispatch"), (500, "InternalError.Dispatch")),
        (Refusal(code="ServiceUnavailable"), (503, "ServiceUnavailable")),
        (Refusal(code="Throttling.Api", status=429), (429, "Throttling.Api")),
    ):
        response = world.endpoint.refuse(request, refusal)
        assert (response.status, json.loads(response.body)["Code"]) == expected


def test_the_operation_of_a_request_is_known_before_it_is_carried_out(world: EcsWorld) -> None:
    assert world.endpoint.operation(world.request("InvokeCommand")) == "InvokeCommand"


def test_every_code_has_an_error_status_and_a_message() -> None:
    for code, (status, message) in CODES.items():
        assert status in (400, 403, 404, 409, 500, 501, 503), code
        assert message


def test_the_state_tells_counts_and_no_scripts(world: EcsWorld) -> None:
    invoke_id = world.run(*ids(2), content=b"echo secret", tags=(("run", "r"),))
    world.advance(5)

    state = world.service.state()

    assert state["invocations"] == {invoke_id: {"Success": 2}}
    assert state["instances"] == {"count": 128, "Running": 127, "Stopped": 1}
    assert state["quota"]["cn-hangzhou"] == {"used": 1, "limit": 5_000}
    assert "secret" not in str(state)
    json.dumps(state)
