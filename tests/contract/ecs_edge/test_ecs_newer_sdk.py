"""The current generation of the official SDK (signature ACS3), unmodified, over a real socket; skipped without it."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import pytest

from localcloud.faults import Rule
from tests.contract.ecs.conftest import ACCOUNT, EcsServer, server
from tests.contract.ecs.worlds import REGION, ids

sdk = pytest.importorskip("alibabacloud_ecs20140526.client", reason="alibabacloud-ecs20140526 is not installed")

from alibabacloud_ecs20140526 import models  # noqa: E402  only where it is installed
from alibabacloud_tea_openapi.models import Config, OpenApiRequest, Params  # noqa: E402
from darabonba.runtime import RuntimeOptions  # noqa: E402

__all__ = ["server"]

SCRIPT = 'printf "%s\\n" "{{who}} of $ECS_INSTANCE_ID: a+b *~ ü€😀"; exit 2'
RUNNING = ("Pending", "Running", "Stopping")


def client_of(server: EcsServer, **changes: Any) -> Any:
    keys = {"access_key_id": ACCOUNT.access_key_id, "access_key_secret": ACCOUNT.access_key_secret}
    endpoint = f"127.0.0.1:{server.served.port}"
    return sdk.Client(Config(**{**keys, "endpoint": endpoint, "protocol": "http", "region_id": REGION, **changes}))


def run(client: Any, *instance_ids: str, **fields: Any) -> Any:
    named = {"type": "RunShellScript", "command_content": "exit 0", "instance_id": list(instance_ids), **fields}
    return client.run_command(models.RunCommandRequest(region_id=REGION, **named)).body


def ended(client: Any, invoke_id: str) -> list[Any]:
    """The rows, with their output as it is, once nothing runs any more."""
    request = models.DescribeInvocationsRequest(
        region_id=REGION, invoke_id=invoke_id, include_output=True, content_encoding="PlainText"
    )
    end = time.monotonic() + 20
    while True:
        (invocation,) = client.describe_invocations(request).body.invocations.invocation
        if invocation.invocation_status not in RUNNING:
            return list(invocation.invoke_instances.invoke_instance)
        assert time.monotonic() < end, invocation.to_map()
        time.sleep(0.02)


def code_of(client: Any) -> str:
    with pytest.raises(Exception, match="code: 400") as refused:
        client.describe_commands(models.DescribeCommandsRequest(region_id=REGION))
    return str(refused.value.code)  # type: ignore[attr-defined]


def test_a_script_with_parameters_tags_and_a_token_runs_once(server: EcsServer) -> None:
    client, chosen = client_of(server), ids(2)
    fields: dict[str, Any] = {
        "command_content": SCRIPT,
        "enable_parameter": True,
        "parameters": {"who": "Jäck +&=%"},
        "tag": [models.RunCommandRequestTag(key="k e y", value="v+1")],
        "timeout": 60,
        "client_token": "token-1",
    }

    first, again = run(client, *chosen, **fields), run(client, *chosen, **fields)
    rows = ended(client, first.invoke_id)

    assert again.invoke_id == first.invoke_id
    assert {row.instance_id: row.output for row in rows} == {
        one: f"Jäck +&=% of {one}: a+b *~ ü€😀\n" for one in chosen
    }
    assert {(row.invocation_status, row.exit_code) for row in rows} == {("Failed", 2)}
    tagged = client.describe_invocations(
        models.DescribeInvocationsRequest(
            region_id=REGION, tag=[models.DescribeInvocationsRequestTag(key="k e y", value="v+1")]
        )
    ).body
    assert [one.invoke_id for one in tagged.invocations.invocation] == [first.invoke_id]


def test_results_come_in_base64_and_a_stop_ends_what_runs(server: EcsServer, tmp_path: Path) -> None:
    client = client_of(server)
    ran = run(client, "i-l001", command_content="echo begun; touch here; exec sleep 300")
    end = time.monotonic() + 20
    while not (tmp_path / "i-l001" / "here").exists():
        assert time.monotonic() < end
        time.sleep(0.02)

    client.stop_invocation(models.StopInvocationRequest(region_id=REGION, invoke_id=ran.invoke_id))
    (row,) = ended(client, ran.invoke_id)

    assert row.invocation_status == "Terminated"
    results = models.DescribeInvocationResultsRequest(region_id=REGION, invoke_id=ran.invoke_id)
    (result,) = client.describe_invocation_results(results).body.invocation.invocation_results.invocation_result
    assert base64.b64decode(result.output) == b"begun\n"


def test_instances_are_described_page_by_page(server: EcsServer) -> None:
    client, found, token = client_of(server), [], None
    while token != "":
        page = client.describe_instances(
            models.DescribeInstancesRequest(
                region_id=REGION,
                max_results=50,
                next_token=token,
                tag=[models.DescribeInstancesRequestTag(key="role", value="web")],
            )
        ).body
        found += [one.instance_id for one in page.instances.instance]
        token = page.next_token

    assert sorted(found) == list(ids(120))


def test_tokens_secrets_and_algorithms_are_checked(server: EcsServer) -> None:
    with_token = client_of(server, security_token=ACCOUNT.security_token)
    assert with_token.describe_commands(models.DescribeCommandsRequest(region_id=REGION)).body.total_count == 0

    assert code_of(client_of(server, access_key_secret="another")) == "SignatureDoesNotMatch"
    assert code_of(client_of(server, access_key_id="nobody")) == "InvalidAccessKeyId.NotFound"
    assert code_of(client_of(server, security_token="another")) == "InvalidSecurityToken.Malformed"
    assert code_of(client_of(server, signature_algorithm="ACS3-HMAC-SM3")) == "UnsupportedSignatureMethod"


@pytest.mark.parametrize("kind", ["formData", "json"])
def test_parameters_may_be_in_the_body(server: EcsServer, kind: str) -> None:
    client = client_of(server)
    params = Params(
        action="RunCommand",
        version="2014-05-26",
        protocol="HTTP",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type=kind,
        body_type="json",
    )
    body = {"Type": "RunShellScript", "CommandContent": "echo 'ü a+b *~'", "InstanceId.1": "i-l001"}

    answer = client.call_api(params, OpenApiRequest(query={"RegionId": REGION}, body=body), RuntimeOptions())
    (row,) = ended(client, answer["body"]["InvokeId"])

    assert row.output == "ü a+b *~\n"


def test_throttling_reaches_the_caller_with_its_code(server: EcsServer) -> None:
    rule = Rule(kind="throttle", service="ecs", operation="DescribeCommands", count=1)
    server.served.call(lambda: server.served.faults.add(rule))

    assert code_of(client_of(server)) == "Throttling.User"


def test_an_instance_is_stopped_and_started_without_its_region(server: EcsServer) -> None:
    """Of the three operations on one instance this SDK has models without region_id."""
    client = client_of(server)

    client.stop_instance(models.StopInstanceRequest(instance_id="i-l001", stopped_mode="StopCharging"))
    client.start_instance(models.StartInstanceRequest(instance_id="i-stopped001"))
    with pytest.raises(Exception, match="DryRunOperation"):
        client.reboot_instance(models.RebootInstanceRequest(instance_id="i-l002", dry_run=True))

    shown = client.describe_instance_status(
        models.DescribeInstanceStatusRequest(region_id=REGION, instance_id=["i-l001", "i-l002", "i-stopped001"])
    ).body.instance_statuses.instance_status
    assert {one.instance_id: one.status for one in shown} == {
        "i-l001": "Stopping",
        "i-l002": "Running",
        "i-stopped001": "Starting",
    }
