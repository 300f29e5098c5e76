"""Functions of a template, seen through both APIs of a whole local cloud."""

from __future__ import annotations

from textwrap import dedent

import fc2
import pytest

from localcloud.faults import Rule
from localcloud.threaded import local_cloud

TEMPLATE = """
    ROSTemplateFormatVersion: '2015-09-01'
    Resources:
      Queue:
        Type: ALIYUN::MNS::Queue
        Properties: {QueueName: q}
      Layer:
        Type: ALIYUN::FC3::LayerVersion
        Properties:
          LayerName: mine
          CompatibleRuntime: [python3.10]
          Code: {OssBucketName: b, OssObjectName: x/layer.zip}
      Function:
        Type: ALIYUN::FC3::Function
        Properties:
          FunctionName: greet
          Runtime: python3.10
          Handler: index.handler
          Cpu: 0.5
          MemorySize: 192
          Code: {OssBucketName: b, OssObjectName: x/greet.zip}
          Layers: [{'Fn::GetAtt': [Layer, LayerVersionArn]}]
          EnvironmentVariables: {WHO: world}
      Trigger:
        Type: ALIYUN::FC3::Trigger
        Properties:
          FunctionName: {'Fn::GetAtt': [Function, FunctionName]}
          TriggerName: from-q
          TriggerType: eventbridge
          TriggerConfig:
            eventSourceConfig:
              eventSourceType: MNS
              eventSourceParameters: {sourceMNSParameters: {QueueName: {'Fn::GetAtt': [Queue, QueueName]}}}
"""
CODE = """
    import os
    from shared.words import HELLO
    def handler(event, context):
        return f"{HELLO} {os.environ['WHO']}"
"""


@pytest.fixture
def cloud(tmp_path):
    for place, text in (
        ("template.yml", TEMPLATE),
        ("functions/greet/index.py", CODE),
        ("shared/words.py", "HELLO = 'hello'"),
    ):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(dedent(text))
    with local_cloud(project=tmp_path, instances=1, executor="simulated") as running:
        yield running


def test_a_deployed_function_runs_from_its_build_and_is_shown_with_its_layer(cloud) -> None:
    client = fc2.Client(endpoint=cloud.url, accessKeyID="LTAI5tLocalCloud", accessKeySecret="local-cloud-secret")

    assert client.invoke_function("fleetrun", "greet").data == b"hello world"
    shown = client.get_function("fleetrun", "greet").data
    assert (shown["memorySize"], shown["cpu"]) == (192, 0.5)
    assert shown["layers"] == ["acs:fc:cn-hangzhou:1234567890123456:layers/mine/versions/1"]
    assert [one["triggerName"] for one in client.list_triggers("fleetrun", "greet").data["triggers"]] == ["from-q"]
    assert cloud.do(lambda it: it.state())["fc"]["layers"] == {"mine": [1]}


def test_the_plan_of_faults_makes_a_queue_trigger_deliver_twice(cloud) -> None:
    from mns.account import Account
    from mns.queue import Message

    rule = Rule("duplicate", service="fc", operation="DeliverBatch", path="/triggers/greet/from-q")
    cloud.do(lambda it: it.faults.add(rule))
    Account(cloud.url, "LTAI5tLocalCloud", "local-cloud-secret", "").get_queue("q").send_message(Message("x"))

    async def both(it) -> dict[str, int]:
        import asyncio

        while it.services.fc.counters.of("greet")["calls"] < 2 or it.services.fc.counters.of("greet")["running"]:
            await asyncio.sleep(0.005)
        return it.services.fc.counters.of("greet")

    assert cloud.do_async(both) == {"calls": 2, "errors": 0, "refused": 0, "running": 0}
    assert cloud.do(lambda it: it.faults.as_json())[0]["fired"] == 1
