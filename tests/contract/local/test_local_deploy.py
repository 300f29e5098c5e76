"""Deploying a template: what it describes is made, what is there stays, what cannot be made is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localcloud.account import Account
from localcloud.build import Build, function_folders
from localcloud.clock import ManualClock, Timeline
from localcloud.deploy import stack
from localcloud.deploy.fc import FcResources
from localcloud.deploy.mns import MnsResources
from localcloud.deploy.ram import RamResources
from localcloud.deploy.tablestore import TablestoreResources
from localcloud.fc.mns_queues import MnsQueues
from localcloud.fc.service import FcService
from localcloud.fc.values import Call, Function, Outcome
from localcloud.ids import Ids
from localcloud.journal import NoJournal
from localcloud.mns.service import MnsService
from localcloud.mns.values import Outgoing
from localcloud.options import PROJECT, Options
from localcloud.tablestore.service import TablestoreService
from localcloud.template import Template, TemplateError, read_template

URL = "http://127.0.0.1:7150"
HEAD = "ROSTemplateFormatVersion: '2015-09-01'\nResources:\n"
PSEUDO = {"ALIYUN::Region": "cn-hangzhou", "ALIYUN::TenantId": "1234567890123456"}


class NoWorkers:
    """Nobody calls a function here."""

    async def run(self, function: Function, call: Call) -> Outcome:
        raise AssertionError(f"{function.key} was called with {call}")

    async def provision(self, function: Function, count: int) -> None:
        return

    def retire(self, key: str) -> None:
        return

    def instances(self, key: str) -> list[str]:
        return []

    async def close(self) -> None:
        return


class World:
    """The services that a template is deployed into."""

    def __init__(self) -> None:
        account, ids, timeline = Account(), Ids(1), Timeline(ManualClock())
        self.mns = MnsService(account=account, timeline=timeline, ids=ids, journal=NoJournal())
        self.tables = TablestoreService(account=account, timeline=timeline, ids=ids, journal=NoJournal())
        self.fc = FcService(
            account=account,
            timeline=timeline,
            ids=ids,
            journal=NoJournal(),
            queues=MnsQueues(self.mns),
            workers=NoWorkers(),
        )
        folders = {name: PROJECT / "functions" / name for name in function_folders(PROJECT)}
        built = Build(functions=folders, layers=(PROJECT,), packages=())
        mns = MnsResources(self.mns, account=account, url=URL)
        tables = TablestoreResources(self.tables, account=account, url=URL)
        fc = FcResources(self.fc, built, account=account, url=URL)
        ram = RamResources(account=account, ids=ids)
        self.makers: dict[str, stack.Maker] = {
            "ALIYUN::MNS::Queue": mns.queue,
            "ALIYUN::MNS::Topic": mns.topic,
            "ALIYUN::MNS::Subscription": mns.subscription,
            "ALIYUN::OTS::Instance": tables.instance,
            "ALIYUN::OTS::Table": tables.table,
            "ALIYUN::RAM::Role": ram.role,
            "ALIYUN::FC3::LayerVersion": fc.layer,
            "ALIYUN::FC3::Function": fc.function,
            "ALIYUN::FC3::ConcurrencyConfig": fc.concurrency,
            "ALIYUN::FC3::ProvisionConfig": fc.provision,
            "ALIYUN::FC3::AsyncInvokeConfig": fc.async_config,
            "ALIYUN::FC3::Trigger": fc.trigger,
        }

    def deploy(self, resources: str) -> dict[str, Any]:
        return stack.deploy(read(resources), self.makers)

    def refusal(self, resources: str) -> str:
        with pytest.raises(TemplateError) as caught:
            self.deploy(resources)
        (problem,) = caught.value.problems
        return problem


def read(resources: str) -> Template:
    return read_template(HEAD + resources, parameters={}, pseudo=PSEUDO)


def test_the_projects_template_makes_its_queues_topic_tables_functions_and_triggers() -> None:
    world = World()

    outputs = stack.deploy(stack.read(Options(), url=URL), world.makers)

    assert outputs["RequestsQueueUrl"] == f"{URL}/queues/fleetrun-requests"
    assert {queue.name for queue in world.mns.queues()[0]} >= {
        "fleetrun-dead-letters",
        "fleetrun-events",
        "fleetrun-firings",
        "fleetrun-requests",
        "fleetrun-stops",
        "fleetrun-wakeups",
    }
    requests = world.mns.queue("fleetrun-requests")
    assert requests.dlq is not None
    assert requests.dlq.dead_letter_target_queue == "fleetrun-dead-letters"
    assert world.mns.subscription("fleetrun-events", "fleetrun-events").notify_content_format == "SIMPLIFIED"
    assert {"runs", "quota", "unfinished", "recent"} <= set(world.tables.list_tables())
    assert [record.key for record in world.fc.functions.all()] == function_folders(PROJECT)
    assert [trigger.spec.name for trigger in world.fc.triggers.of("accept_requests")] == ["requests"]


def test_functions_are_pointed_at_the_local_cloud() -> None:
    world = World()

    stack.deploy(stack.read(Options(), url=URL), world.makers)

    environment = world.fc.functions.find("advance_runs").function.spec.environment
    assert {environment[f"FLEETRUN_{service}_ENDPOINT"] for service in ("ECS", "MNS", "TABLESTORE")} == {URL}


def test_a_parameter_of_the_options_wins_over_the_templates_default() -> None:
    world = World()

    stack.deploy(stack.read(Options(parameters={"DailyQuota": "3"}), url=URL), world.makers)

    assert world.fc.functions.find("accept_requests").function.spec.environment["FLEETRUN_DAILY_QUOTA"] == "3"


def test_a_template_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"none\.yml: cannot be read"):
        stack.read(Options(template=tmp_path / "none.yml"), url=URL)


def test_a_queue_that_is_there_keeps_its_messages_and_takes_new_attributes() -> None:
    world = World()
    world.deploy("  Q: {Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: q, VisibilityTimeout: 5}}")
    world.mns.send("q", Outgoing("kept"))

    world.deploy("  Q: {Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: q, VisibilityTimeout: 7}}")

    assert world.mns.queue("q").attributes.visibility_timeout == 7
    assert world.mns.queue("q").active == 1


def test_a_table_that_is_there_keeps_its_rows_and_takes_new_options() -> None:
    world = World()
    table = (
        "  T: {{Type: 'ALIYUN::OTS::Table', Properties: {{InstanceName: fleetrun, TableName: t, TimeToLive: {ttl}, "
        "PrimaryKey: [{{Name: id, Type: STRING}}]}}}}"
    )
    world.deploy(table.format(ttl=-1))
    world.tables.put_row("t", ("a",), {"column": 1})

    world.deploy(table.format(ttl=86400))

    assert world.tables.describe_table("t").options.time_to_live_s == 86400
    assert world.tables.get_row("t", ("a",)).row is not None


def test_another_key_for_a_table_that_is_there_is_refused() -> None:
    world = World()
    table = (
        "  T: {{Type: 'ALIYUN::OTS::Table', Properties: {{InstanceName: fleetrun, TableName: t, "
        "PrimaryKey: [{{Name: {key}, Type: STRING}}]}}}}"
    )
    world.deploy(table.format(key="id"))

    said = world.refusal(table.format(key="other"))

    assert "PrimaryKey of 't' differs from the kept table's: other STRING instead of id STRING" in said


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        (
            "  I: {Type: 'ALIYUN::OTS::Instance', Properties: {InstanceName: elsewhere}}",
            "Resources.I.Properties: InstanceName is 'elsewhere'; this local cloud's instance is 'fleetrun'",
        ),
        (
            "  Q: {Type: 'ALIYUN::MNS::Queue', Properties: {QueueName: q, VisibilityTimeout: 0}}",
            "Resources.Q.Properties: QueueName 'q'",
        ),
        (
            "  D: {Type: 'ALIYUN::FC3::CustomDomain', Properties: {DomainName: d, Protocol: HTTP, "
            "AuthConfig: {AuthType: anonymous}}}",
            "Resources.D.Type: ALIYUN::FC3::CustomDomain is not offered by the local cloud",
        ),
        (
            "  F: {Type: 'ALIYUN::FC3::Function', Properties: {FunctionName: f, Handler: index.handler, "
            "Runtime: python3.10, Code: {OssObjectName: a/b/nobody.zip}}}",
            "means the package 'nobody'; the project's are accept_requests",
        ),
        (
            "  F: {Type: 'ALIYUN::FC3::Function', Properties: {FunctionName: f, Handler: index.handler, "
            "Runtime: python3.10, Code: {ZipFile: UEsDBA==}}}",
            "Code.OssObjectName is missing",
        ),
        (
            "  F: {Type: 'ALIYUN::FC3::Function', Properties: {FunctionName: f, Handler: index.handler, "
            "Runtime: python3.10, Layers: [acs:fc:x], Code: {OssObjectName: a/b/sweep_runs.zip}}}",
            "there is no layer 'acs:fc:x'",
        ),
        (
            "  L: {Type: 'ALIYUN::FC3::LayerVersion', Properties: {LayerName: l, Code: {OssObjectName: a/other.zip}}}",
            "must end in /layer.zip, not 'other'",
        ),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_resource_and_the_reason(resources: str, said: str) -> None:
    assert said in World().refusal(resources)
