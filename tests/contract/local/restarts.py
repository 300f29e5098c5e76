"""A local cloud on a folder that is started again and again, each time with the project as it is by then.

stack = Restarts(tmp_path)
stack.run(lambda cloud: cloud.services.fc.delete_function("greet"))
stack.write(greet="return 'new'")
stack.run(look)
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from localcloud.cloud import LocalCloud, new_event_loop
from localcloud.options import Options

Deed = Callable[[LocalCloud], Any]
TEMPLATE: dict[str, Any] = {
    "Layer": {
        "Type": "ALIYUN::FC3::LayerVersion",
        "Properties": {"LayerName": "words", "Code": {"OssObjectName": "p/layer.zip"}},
    },
    "Greet": {
        "Type": "ALIYUN::FC3::Function",
        "Properties": {
            "FunctionName": "greet",
            "Handler": "index.handler",
            "Runtime": "python3.10",
            "MemorySize": 256,
            "EnvironmentVariables": {"CLOUD": {"Ref": "MnsEndpoint"}, "WORD": "hello"},
            "Layers": [{"Fn::GetAtt": ["Layer", "LayerVersionArn"]}],
            "Code": {"OssObjectName": "p/greet.zip"},
        },
    },
    "Hourly": {
        "Type": "ALIYUN::FC3::Trigger",
        "Properties": {
            "FunctionName": {"Ref": "Greet"},
            "TriggerName": "hourly",
            "TriggerType": "timer",
            "TriggerConfig": {"cronExpression": "@every 60m", "enable": True, "payload": "x"},
        },
    },
    "Few": {
        "Type": "ALIYUN::FC3::ConcurrencyConfig",
        "Properties": {"FunctionName": {"Ref": "Greet"}, "ReservedConcurrency": 5},
    },
    "Warm": {
        "Type": "ALIYUN::FC3::ProvisionConfig",
        "Properties": {"FunctionName": {"Ref": "Greet"}, "DefaultTarget": 0},
    },
    "Retries": {
        "Type": "ALIYUN::FC3::AsyncInvokeConfig",
        "Properties": {"FunctionName": {"Ref": "Greet"}, "MaxAsyncRetryAttempts": 2},
    },
    "Jobs": {"Type": "ALIYUN::MNS::Queue", "Properties": {"QueueName": "jobs", "VisibilityTimeout": 60}},
    "News": {"Type": "ALIYUN::MNS::Topic", "Properties": {"TopicName": "news"}},
    "ToJobs": {
        "Type": "ALIYUN::MNS::Subscription",
        "Properties": {
            "TopicName": {"Ref": "News"},
            "SubscriptionName": "to-jobs",
            "Endpoint": "acs:mns:cn-hangzhou:1234567890123456:queues/jobs",
        },
    },
    "Rows": {
        "Type": "ALIYUN::OTS::Table",
        "Properties": {
            "InstanceName": "fleetrun",
            "TableName": "rows",
            "TimeToLive": -1,
            "PrimaryKey": [{"Name": "id", "Type": "STRING"}],
        },
    },
}


class Restarts:
    """The project below `folder`; `resources` is its template, to be changed between runs."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.data = folder / "data"
        self.resources: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(TEMPLATE))
        self.write(greet="return 'template'", shared="WORD = 'template'\n")

    @property
    def template(self) -> Path:
        return self.project / "template.yml"

    def properties(self, name: str) -> dict[str, Any]:
        """Of a resource, to be changed."""
        return self.resources[name]["Properties"]  # type: ignore[no-any-return]

    def write(self, *, greet: str | None = None, shared: str | None = None) -> None:
        """The body of the function `greet`, and a module of the layer."""
        if greet is not None:
            text = f"def handler(event, context):\n    {greet}\n"
            _written(self.project / "functions" / "greet" / "index.py", text)
        if shared is not None:
            _written(self.project / "shared" / "words.py", shared)

    def save(self) -> None:
        """The template as it is by now."""
        document = {
            "ROSTemplateFormatVersion": "2015-09-01",
            "Parameters": {"MnsEndpoint": {"Type": "String"}},
            "Resources": self.resources,
        }
        _written(self.template, msgspec.json.encode(document).decode())

    def run(self, *deeds: Deed, data: Path | None = None, **options: Any) -> None:
        """One life of the cloud; after each deed what it left is written, as after a call of an API."""
        self.save()
        chosen = Options(
            project=self.project, template=self.template, data=data or self.data, executor="simulated", **options
        )

        async def life() -> None:
            cloud = LocalCloud(chosen)
            await cloud.start()
            try:
                for deed in deeds:
                    done = deed(cloud)
                    if inspect.isawaitable(done):
                        await done
                    cloud.services.fc.kept.note()
            finally:
                await cloud.stop()

        loop = new_event_loop()
        try:
            loop.run_until_complete(life())
            loop.run_until_complete(asyncio.sleep(0))
        finally:
            loop.close()


def _written(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def picture(cloud: LocalCloud) -> dict[str, Any]:
    """All that callers can see of what the template made, the code with it; not the cloud's address."""
    mns, fc, tables = cloud.services.mns, cloud.services.fc, cloud.services.tablestore

    def function(one: Any) -> Any:
        spec = asdict(one.spec)
        paths = {name: spec.pop(name) for name in ("code_dir", "layer_dirs", "package_dirs")}
        words = [(folder / "python/shared/words.py").read_text() for folder in paths["layer_dirs"]]
        spec["environment"] = {name: value.replace(cloud.url, "") for name, value in spec["environment"].items()}
        code = (paths["code_dir"] / "index.py").read_text()
        return spec, code, words, bool(paths["package_dirs"]), one.generation, one.instances_max

    shown = {
        "services": [(one.name, one.service_id, one.attributes, one.changes) for one in fc.functions.services()],
        "functions": {
            one.key: (
                function(one.function),
                one.function_id,
                one.attributes,
                one.created_ms,
                one.async_configs,
                one.reserved_concurrency,
                one.provisioned,
            )
            for one in fc.functions.all()
        },
        "versions": {
            owner: (shelf.last, shelf.aliases, {name: function(one.functions["greet"]) for name, one in found.items()})
            for owner, shelf in fc.versions.shelves.items()
            for found in [shelf.versions]
        },
        "triggers": [(one.spec, one.trigger_id, one.created_ms) for one in fc.triggers.all()],
        "layers": {
            name: (shelf.acl, shelf.last, [(one.arn, one.description) for one in shelf.versions.values()])
            for name, shelf in fc.layers.shelves.items()
        },
        "queues": [(one.name, one.attributes, one.dlq, one.created_ms) for one in mns.queues()[0]],
        "topics": {
            one.name: (one.attributes, one.created_ms, mns.subscriptions(one.name)[0]) for one in mns.topics()[0]
        },
        "tables": {
            name: (record.options, record.created_ms)
            for name in tables.list_tables()
            for record in [tables.describe_table(name)]
        },
    }
    return copy.deepcopy(shown)
