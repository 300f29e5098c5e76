"""The current SDK of Function Compute (alibabacloud-fc20230330, signature ACS3), unmodified, over a real socket."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from localcloud.faults import Rule
from tests.contract.fc.conftest import FcServer, archive
from tests.contract.fc.worlds import ACCOUNT

sdk = pytest.importorskip("alibabacloud_fc20230330.client", reason="alibabacloud-fc20230330 is not installed")

from alibabacloud_fc20230330 import models  # noqa: E402  only where it is installed
from alibabacloud_tea_openapi.models import Config  # noqa: E402
from darabonba.runtime import RuntimeOptions  # noqa: E402

ARN = "acs:fc:cn-hangzhou:1234567890123456:functions/f"
ECHO = """
def handler(event, context):
    print("heard", len(event))
    if event == b"boom":
        raise ValueError("no good")
    return event
"""


class Speaker:
    """The SDK's client, and its long names made short."""

    def __init__(self, server: FcServer, **changes: Any) -> None:
        keys = {"access_key_id": ACCOUNT.access_key_id, "access_key_secret": ACCOUNT.access_key_secret}
        endpoint = server.served.url.removeprefix("http://")
        self.sdk = sdk.Client(Config(**{**keys, "endpoint": endpoint, "protocol": "http", **changes}))

    def create(self, name: str, code: str = ECHO, **fields: Any) -> Any:
        given = {"function_name": name, "handler": "index.handler", "runtime": "python3.10", "timeout": 20, **fields}
        body = models.CreateFunctionInput(code=zipped({"index.py": code}), **given)
        return self.sdk.create_function(models.CreateFunctionRequest(body=body)).body

    def invoke(self, name: str, payload: bytes = b"", *, qualifier: str | None = None, **headers: str) -> Any:
        request = models.InvokeFunctionRequest(body=io.BytesIO(payload), qualifier=qualifier)
        return self.sdk.invoke_function_with_options(
            name, request, models.InvokeFunctionHeaders(**headers), RuntimeOptions()
        )

    def trigger(self, name: str, kind: str, config: dict[str, Any], **fields: Any) -> Any:
        body = models.CreateTriggerInput(
            trigger_name=name, trigger_type=kind, trigger_config=json.dumps(config), **fields
        )
        return self.sdk.create_trigger("f", models.CreateTriggerRequest(body=body)).body


def zipped(files: dict[str, str]) -> Any:
    return models.InputCodeLocation(zip_file=base64.b64encode(archive(files)).decode())


def refusal(call: Callable[[], Any]) -> tuple[int, str]:
    """Status and code of the SDK's error."""
    with pytest.raises(Exception, match="code: ") as refused:
        call()
    error: Any = refused.value
    return error.status_code, error.code


@pytest.fixture
def speaker(server: FcServer) -> Speaker:
    speaker = Speaker(server)
    speaker.create("f")
    return speaker


def test_a_function_is_made_shown_changed_listed_and_deleted(server: FcServer) -> None:
    speaker = Speaker(server)
    logs = models.LogConfig(project="p", logstore="s")

    made = speaker.create("f", cpu=0.25, memory_size=256, environment_variables={"A": "b"}, log_config=logs)

    assert (made.function_arn, made.state, made.cpu, made.memory_size) == (ARN, "Active", 0.25, 256)
    shown = speaker.sdk.get_function("f", models.GetFunctionRequest()).body
    assert (shown.environment_variables, shown.log_config.logstore) == ({"A": "b"}, "s")
    change = models.UpdateFunctionRequest(body=models.UpdateFunctionInput(timeout=33, description="d"))
    changed = speaker.sdk.update_function("f", change).body
    assert (changed.timeout, changed.description, changed.memory_size) == (33, "d", 256)
    speaker.create("g")
    page = speaker.sdk.list_functions(models.ListFunctionsRequest(limit=1)).body
    rest = speaker.sdk.list_functions(models.ListFunctionsRequest(limit=1, next_token=page.next_token)).body
    assert [one.function_name for one in [*page.functions, *rest.functions]] == ["f", "g"]
    assert speaker.sdk.delete_function("g").status_code == 204
    assert refusal(lambda: speaker.sdk.get_function("g", models.GetFunctionRequest())) == (404, "FunctionNotFound")
    assert refusal(lambda: speaker.create("f")) == (409, "FunctionAlreadyExists")


@pytest.mark.parametrize("payload", [b"", b"\x00\xff raw", '{"a": "é"}'.encode(), b"x" * 300_000])
def test_a_synchronous_call_answers_what_the_function_returned(speaker: Speaker, payload: bytes) -> None:
    answer = speaker.invoke("f", payload)

    assert (answer.status_code, answer.body.read()) == (200, payload)
    assert answer.headers["x-fc-request-id"].startswith("1-")


def test_the_tail_of_the_log_comes_when_it_is_asked_for(speaker: Speaker) -> None:
    plain, told = speaker.invoke("f", b"1"), speaker.invoke("f", b"1", x_fc_log_type="Tail")

    assert "x-fc-log-result" not in plain.headers
    log = base64.b64decode(told.headers["x-fc-log-result"]).decode()
    assert "heard 1\n" in log
    assert f"FC Invoke End RequestId: {told.headers['x-fc-request-id']}" in log


def test_a_functions_error_is_an_answer_with_its_kind_in_a_header(speaker: Speaker) -> None:
    answer = speaker.invoke("f", b"boom")

    assert (answer.status_code, answer.headers["x-fc-error-type"]) == (200, "UnhandledInvocationError")
    told = json.loads(answer.body.read())
    assert (told["errorType"], told["errorMessage"]) == ("ValueError", "no good")


def test_an_asynchronous_call_runs_once_and_tells_its_destination(server: FcServer, speaker: Speaker) -> None:
    told = models.Destination(destination="acs:mns:::/queues/told/messages")
    wanted = models.PutAsyncInvokeConfigInput(
        max_async_retry_attempts=0,
        max_async_event_age_in_seconds=60,
        destination_config=models.DestinationConfig(on_success=told),
    )
    kept = speaker.sdk.put_async_invoke_config("f", models.PutAsyncInvokeConfigRequest(body=wanted)).body
    task = {"x_fc_invocation_type": "Async", "x_fc_async_task_id": "t-1"}

    answer = speaker.invoke("f", b"later", **task)

    assert kept.max_async_event_age_in_seconds == 60
    assert answer.status_code == 202
    assert refusal(lambda: speaker.invoke("f", b"later", **task)) == (409, "StatefulAsyncInvocationAlreadyExists")
    server.run(server.fc.idle())
    delivery = server.served.call(lambda: server.mns.receive("told"))
    assert delivery is not None
    message = json.loads(delivery.body)
    assert message["requestContext"]["requestId"] == answer.headers["x-fc-request-id"]
    assert (message["requestPayload"], message["responsePayload"]) == ("later", "later")


def test_the_configuration_of_asynchronous_calls_is_shown_listed_and_deleted(speaker: Speaker) -> None:
    wanted = models.PutAsyncInvokeConfigInput(max_async_retry_attempts=1)
    speaker.sdk.put_async_invoke_config("f", models.PutAsyncInvokeConfigRequest(body=wanted))

    shown = speaker.sdk.get_async_invoke_config("f", models.GetAsyncInvokeConfigRequest()).body
    listed = speaker.sdk.list_async_invoke_configs(models.ListAsyncInvokeConfigsRequest(function_name="f")).body
    speaker.sdk.delete_async_invoke_config("f", models.DeleteAsyncInvokeConfigRequest())

    assert (shown.max_async_retry_attempts, shown.function_arn) == (1, f"{ARN}/LATEST")
    assert [one.function_arn for one in listed.configs] == [f"{ARN}/LATEST"]
    gone = refusal(lambda: speaker.sdk.get_async_invoke_config("f", models.GetAsyncInvokeConfigRequest()))
    assert gone == (404, "AsyncConfigNotExists")


def test_reserved_concurrency_is_kept_and_what_is_over_it_is_throttled(speaker: Speaker) -> None:
    wanted = models.PutConcurrencyConfigRequest(body=models.PutConcurrencyInput(reserved_concurrency=0))

    kept = speaker.sdk.put_concurrency_config("f", wanted).body

    assert (kept.reserved_concurrency, kept.function_arn) == (0, ARN)
    assert refusal(lambda: speaker.invoke("f")) == (429, "ResourceThrottled")
    assert speaker.sdk.get_concurrency_config("f").body.reserved_concurrency == 0
    listed = speaker.sdk.list_concurrency_configs(models.ListConcurrencyConfigsRequest()).body
    assert [one.function_arn for one in listed.configs] == [ARN]
    speaker.sdk.delete_concurrency_config("f")
    assert refusal(lambda: speaker.sdk.get_concurrency_config("f")) == (404, "ConcurrencyConfigNotExists")
    assert speaker.invoke("f").status_code == 200


def test_triggers_are_made_changed_listed_and_deleted(speaker: Speaker) -> None:
    timer = {"cronExpression": "@every 5m", "enable": True, "payload": ""}

    made = speaker.trigger("tick", "timer", timer, description="first")
    web = speaker.trigger("web", "http", {"authType": "anonymous", "methods": ["GET"]})

    assert (json.loads(made.trigger_config), made.target_arn) == (timer, ARN)
    assert web.http_trigger.url_internet.startswith("http")
    daily = {**timer, "cronExpression": "CRON_TZ=Asia/Shanghai 0 0 4 * * *"}
    change = models.UpdateTriggerRequest(body=models.UpdateTriggerInput(trigger_config=json.dumps(daily)))
    assert speaker.sdk.update_trigger("f", "tick", change).body.description == "first"
    assert json.loads(speaker.sdk.get_trigger("f", "tick").body.trigger_config) == daily
    listed = speaker.sdk.list_triggers("f", models.ListTriggersRequest()).body.triggers
    assert [(one.trigger_name, one.trigger_type) for one in listed] == [("tick", "timer"), ("web", "http")]
    assert speaker.sdk.delete_trigger("f", "tick").status_code == 204
    assert refusal(lambda: speaker.sdk.get_trigger("f", "tick")) == (404, "TriggerNotFound")
    assert refusal(lambda: speaker.trigger("x", "timer", {**timer, "cronExpression": "soon"})) == (
        400,
        "InvalidArgument",
    )


def test_layers_come_in_versions_and_reach_the_functions_that_name_them(server: FcServer) -> None:
    speaker = Speaker(server)

    def publish(text: str) -> Any:
        body = models.CreateLayerVersionInput(code=zipped({"python/kept.py": text}), compatible_runtime=["python3.10"])
        return speaker.sdk.create_layer_version("mine", models.CreateLayerVersionRequest(body=body)).body

    first, second = publish("X = 'one'"), publish("X = 'two'")
    speaker.create("f", "import kept\ndef handler(e, c):\n    return kept.X", layers=[second.layer_version_arn])

    assert (first.version, second.version, first.compatible_runtime) == (1, 2, ["python3.10"])
    assert speaker.invoke("f").body.read() == b"two"
    versions = speaker.sdk.list_layer_versions("mine", models.ListLayerVersionsRequest()).body.layers
    assert [one.version for one in versions] == [2, 1]
    assert [one.layer_name for one in speaker.sdk.list_layers(models.ListLayersRequest()).body.layers] == ["mine"]
    by_arn = speaker.sdk.get_layer_version_by_arn(second.layer_version_arn).body
    assert by_arn.to_map() == second.to_map()
    speaker.sdk.delete_layer_version("mine", "1")
    assert refusal(lambda: speaker.sdk.get_layer_version("mine", "1")) == (404, "LayerVersionNotFound")


def test_a_published_version_is_called_by_its_number_or_its_alias(speaker: Speaker) -> None:
    speaker.sdk.publish_function_version(
        "f", models.PublishFunctionVersionRequest(body=models.PublishVersionInput(description="one"))
    )
    alias = models.CreateAliasInput(alias_name="prod", version_id="1")
    speaker.sdk.create_alias("f", models.CreateAliasRequest(body=alias))
    newer = models.UpdateFunctionInput(code=zipped({"index.py": "def handler(e, c):\n    return 'new'"}))
    speaker.sdk.update_function("f", models.UpdateFunctionRequest(body=newer))

    answers = [speaker.invoke("f", b"old", qualifier=one).body.read() for one in ("LATEST", "1", "prod")]

    assert answers == [b"new", b"old", b"old"]
    listed = speaker.sdk.list_function_versions("f", models.ListFunctionVersionsRequest()).body.versions
    assert [one.version_id for one in listed] == ["1"]
    assert speaker.sdk.get_alias("f", "prod").body.version_id == "1"


def test_provisioned_instances_are_there(server: FcServer, speaker: Speaker) -> None:
    wanted = models.PutProvisionConfigInput(default_target=1)
    speaker.sdk.put_provision_config("f", models.PutProvisionConfigRequest(qualifier="LATEST", body=wanted))
    server.run(server.fc.idle())

    (config,) = speaker.sdk.list_provision_configs(models.ListProvisionConfigsRequest()).body.provision_configs
    instances = speaker.sdk.list_instances("f", models.ListInstancesRequest()).body.instances

    assert (config.default_target, config.current) == (1, 1)
    assert len(instances) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"access_key_secret": "wrong"}, "SignatureNotMatch"),
        ({"access_key_id": "stranger"}, "InvalidAccessKeyID"),
        ({"security_token": "made up"}, "InvalidSecurityToken"),
    ],
)
def test_wrong_keys_are_refused(server: FcServer, changes: dict[str, str], code: str) -> None:
    wrong = Speaker(server, **changes)

    assert refusal(lambda: wrong.sdk.list_functions(models.ListFunctionsRequest())) == (403, code)


def test_missing_and_wrong_things_are_refused_by_name(speaker: Speaker) -> None:
    assert refusal(lambda: speaker.invoke("nobody")) == (404, "FunctionNotFound")
    assert refusal(lambda: speaker.invoke("f", x_fc_log_type="All")) == (400, "InvalidArgument")
    assert refusal(lambda: speaker.create("g", memory_size=100)) == (400, "InvalidArgument")
    assert refusal(lambda: speaker.invoke("f", b"x" * (128 * 1024 + 1), x_fc_invocation_type="Async")) == (
        400,
        "EntityTooLarge",
    )


@pytest.mark.parametrize(
    ("named", "call"),
    [
        ("ListAsyncTasks", lambda client: client.list_async_tasks("f", models.ListAsyncTasksRequest())),
        ("StopAsyncTask", lambda client: client.stop_async_task("f", "t-1", models.StopAsyncTaskRequest())),
        ("ListVpcBindings", lambda client: client.list_vpc_bindings("f")),
        (
            "ListTagResources",
            lambda client: client.list_tag_resources(models.ListTagResourcesRequest(resource_type="function")),
        ),
    ],
)
def test_what_is_not_offered_answers_501_and_names_the_operation(speaker: Speaker, named: str, call: Any) -> None:
    with pytest.raises(Exception, match=named) as refused:
        call(speaker.sdk)

    error: Any = refused.value
    assert error.status_code == 501


def test_an_ordered_fault_speaks_the_protocol(server: FcServer, speaker: Speaker) -> None:
    server.served.call(lambda: server.served.faults.add(Rule("throttle", service="fc", count=1)))

    assert refusal(lambda: speaker.invoke("f")) == (429, "ResourceThrottled")
