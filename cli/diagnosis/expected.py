"""What a deployment of this release consists of, as template.yml says: the same file that was deployed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.template import Template, read_template

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yml"


@dataclass(frozen=True, slots=True)
class Subscription:
    topic: str
    name: str
    queue: str
    content_format: str


@dataclass(frozen=True, slots=True)
class Expected:
    queues: Mapping[str, int]
    """Name → visibility timeout in seconds."""
    topics: tuple[str, ...]
    subscriptions: tuple[Subscription, ...]
    tables: Mapping[str, tuple[tuple[str, str], ...]]
    """Name → primary key: names and types."""
    driven: frozenset[str]
    """Queues whose messages a trigger takes."""
    functions: Mapping[str, tuple[str, ...]]
    """Name → names of its triggers."""
    webhook_functions: Mapping[str, tuple[str, ...]]
    """The same where the stack has a SealingKey, and so sends webhooks."""
    webhook_subscriptions: tuple[Subscription, ...]
    """What there is only then."""
    roles: Mapping[str, frozenset[str]]
    """Name → actions that its policies allow."""


def expected(*, region: str, account_id: str, path: Path = TEMPLATE) -> Expected:
    pseudo = {
        "ALIYUN::Region": region,
        "ALIYUN::TenantId": account_id or "0",
        "ALIYUN::AccountId": account_id or "0",
        "ALIYUN::StackName": "fleetrun",
        "ALIYUN::StackId": "fleetrun",
        "ALIYUN::NoValue": "ALIYUN::NoValue",
    }
    text = path.read_text()
    found = _evaluated(read_template(text, parameters={}, pseudo=pseudo))
    with_webhooks = _evaluated(read_template(text, parameters={"SealingKey": "0" * 64}, pseudo=pseudo))
    subscriptions = tuple(map(_subscription, found["ALIYUN::MNS::Subscription"]))
    return Expected(
        queues={each["QueueName"]: int(each.get("VisibilityTimeout", 30)) for each in found["ALIYUN::MNS::Queue"]},
        topics=tuple(sorted(each["TopicName"] for each in found["ALIYUN::MNS::Topic"])),
        subscriptions=subscriptions,
        tables={
            each["TableName"]: tuple((column["Name"], column["Type"]) for column in each["PrimaryKey"])
            for each in found["ALIYUN::OTS::Table"]
        },
        driven=frozenset(filter(None, map(_queue_of, found["ALIYUN::FC3::Trigger"]))),
        functions=_functions(found),
        webhook_functions=_functions(with_webhooks),
        webhook_subscriptions=tuple(
            each for each in map(_subscription, with_webhooks["ALIYUN::MNS::Subscription"]) if each not in subscriptions
        ),
        roles={each["RoleName"]: _actions(each) for each in found["ALIYUN::RAM::Role"]},
    )


def _evaluated(template: Template) -> dict[str, list[dict[str, Any]]]:
    """Properties by resource type. Attributes are what was asked for, or a name: addresses are not compared."""
    attributes: dict[str, defaultdict[str, Any]] = {}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for resource in template.resources:
        properties = template.properties(resource, attributes)
        attributes[resource.name] = defaultdict(lambda: "x", properties)
        found[resource.type].append(properties)
    return found


def _functions(found: Mapping[str, list[dict[str, Any]]]) -> dict[str, tuple[str, ...]]:
    triggers = found["ALIYUN::FC3::Trigger"]
    return {
        each["FunctionName"]: tuple(
            sorted(trigger["TriggerName"] for trigger in triggers if trigger["FunctionName"] == each["FunctionName"])
        )
        for each in found["ALIYUN::FC3::Function"]
    }


def _queue_of(trigger: Mapping[str, Any]) -> str:
    source = trigger["TriggerConfig"].get("eventSourceConfig", {}).get("eventSourceParameters", {})
    return str(source.get("sourceMNSParameters", {}).get("QueueName", ""))


def _subscription(properties: Mapping[str, Any]) -> Subscription:
    return Subscription(
        topic=properties["TopicName"],
        name=properties["SubscriptionName"],
        queue=str(properties["Endpoint"]).rpartition("/")[2],
        content_format=str(properties.get("NotifyContentFormat", "XML")),
    )


def _actions(role: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(
        action
        for policy in role.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        for action in statement["Action"]
    )
