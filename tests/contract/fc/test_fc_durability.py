"""`kill -9` and a new start on the same directory: what was made over the API of Function Compute is there again."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fc2
import pytest
from mns.account import Account as MnsAccount
from mns.queue import Message, QueueMeta
from mns.topic import TopicMessage, TopicMeta

from localcloud.fc.values import TriggerSpec
from localcloud.file_journal import MAGIC, FileJournal
from tests.contract.fc.conftest import archive
from tests.contract.fc.worlds import ACCOUNT, FcWorld, queue_trigger, spec
from tests.contract.local.restarts import Restarts

PROJECT = Path(__file__).parents[3]
TOPIC = "acs:mns:cn-hangzhou:1234567890123456:/topics/t"
ROLE = "acs:ram::1234567890123456:role/aliyunmnsnotificationrole"
ROUTE = {"path": "/*", "serviceName": "shop", "functionName": "f", "qualifier": "prod"}
TIMER = {"payload": "x", "cronExpression": "@every 60m", "enable": True}


@contextmanager
def killed_at_the_end(folder: Path, *project: Path) -> Iterator[Any]:
    """A client of a cloud of its own process, which SIGKILL ends."""
    command = [sys.executable, "-m", "tests.contract.fc.on_disk", str(folder), *map(str, project)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().removeprefix("ready: ").strip()
            keys = {"accessKeyID": ACCOUNT.access_key_id, "accessKeySecret": ACCOUNT.access_key_secret}
            yield fc2.Client(endpoint=url, **keys)
        finally:
            process.send_signal(signal.SIGKILL)


@pytest.fixture
def code(tmp_path: Path) -> str:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "index.py").write_text("def handler(event, context):\n    return 'old'\n")
    return str(folder)


def make_all(client: Any, code: str, tmp_path: Path) -> None:
    """One of each kind; version 1 returns "old", the function as it is now "new"."""
    client.create_service("shop", description="sells", role=ROLE)
    client.create_function("shop", "f", "python3", "index.handler", codeDir=code)
    client.publish_version("shop", "first")
    client.create_alias("shop", "prod", "1")
    Path(code, "index.py").write_text("def handler(event, context):\n    return 'new'\n")
    client.update_function("shop", "f", codeDir=code)
    client.create_trigger("shop", "f", "t", "timer", TIMER, "", "")


def test_each_kind_is_there_after_a_kill_and_the_function_runs(tmp_path: Path, code: str) -> None:
    with killed_at_the_end(tmp_path / "data") as client:
        make_all(client, code, tmp_path)
        client.put_function_async_invoke_config("shop", "LATEST", "f", {"maxAsyncRetryAttempts": 2})
        client.put_provision_config("shop", "prod", "f", 1)
        client.update_service("shop", role=f"{ROLE}-of-now")
        client.tag_resource("services/shop", {"env": "test"})
        client.put_on_demand_config("shop", "prod", "f", 2)
        domain = client.create_custom_domain("api.example.com", routeConfig={"routes": [ROUTE]}).data
        client.publish_version("shop", "second")
        before = client.get_function("shop", "f").data

    with killed_at_the_end(tmp_path / "data") as client:
        assert client.get_service("shop").data["description"] == "sells"
        assert client.get_function("shop", "f").data == before
        assert client.invoke_function("shop", "f").data == b"new"
        assert client.invoke_function("shop", "f", qualifier="prod").data == b"old"
        assert client.get_trigger("shop", "f", "t").data["triggerConfig"] == TIMER
        assert client.get_function_async_invoke_config("shop", "LATEST", "f").data["maxAsyncRetryAttempts"] == 2
        assert client.get_provision_config("shop", "prod", "f").data["target"] == 1
        assert client.get_on_demand_config("shop", "prod", "f").data["maximumInstanceCount"] == 2
        assert client.get_resource_tags("services/shop").data["tags"] == {"env": "test"}
        assert client.get_custom_domain("api.example.com").data == domain
        client.delete_custom_domain("api.example.com")
        assert client.get_service("shop", qualifier="prod").data["role"] == ROLE
        with pytest.raises(fc2.FcError, match="No changes were made"):
            client.publish_version("shop", "third")
        client.update_service("shop", description="sells more")
        assert client.publish_version("shop", "third").data["versionId"] == "3"


def test_what_was_deleted_stays_deleted_and_its_archives_go(tmp_path: Path, code: str) -> None:
    with killed_at_the_end(tmp_path / "data") as client:
        make_all(client, code, tmp_path)
        client.create_service("empty")
        client.delete_trigger("shop", "f", "t")
        client.delete_alias("shop", "prod")
        client.delete_version("shop", "1")
        client.delete_function("shop", "f")

    with killed_at_the_end(tmp_path / "data") as client:
        assert [one["serviceName"] for one in client.list_services().data["services"]] == ["empty", "fleetrun", "shop"]
        assert client.list_functions("shop").data["functions"] == []
        client.create_function("shop", "f", "python3", "index.handler", codeDir=code)
        assert client.list_triggers("shop", "f").data["triggers"] == []
        assert client.publish_version("shop", "next").data["versionId"] == "2"
        client.delete_version("shop", "2")
        client.delete_function("shop", "f")
    journal = FileJournal(tmp_path / "data")

    assert list(journal.load("fc.archives", bytes)) == []


def newer_models() -> Any:
    """Of the SDK of FC 3.0."""
    return pytest.importorskip("alibabacloud_fc20230330.models", reason="alibabacloud-fc20230330 is not installed")


def speaker(client: Any) -> Any:
    """The SDK of FC 3.0 for the same cloud."""
    sdk = pytest.importorskip("alibabacloud_fc20230330.client", reason="alibabacloud-fc20230330 is not installed")
    config = pytest.importorskip("alibabacloud_tea_openapi.models").Config
    keys = {"access_key_id": ACCOUNT.access_key_id, "access_key_secret": ACCOUNT.access_key_secret}
    return sdk.Client(config(**keys, endpoint=client.endpoint.removeprefix("http://"), protocol="http"))


def zipped(files: dict[str, str]) -> Any:
    return newer_models().InputCodeLocation(zip_file=base64.b64encode(archive(files)).decode())


def returning(word: str) -> str:
    return f"def handler(event, context):\n    return {word!r}\n"


def test_the_older_sdks_changes_of_the_templates_function_are_there_after_a_kill(tmp_path: Path, code: str) -> None:
    stack = Restarts(tmp_path)
    stack.save()

    with killed_at_the_end(stack.data, stack.project) as client:
        assert client.invoke_function("fleetrun", "greet").data == b"template"
        client.publish_version("fleetrun", "of the template's code")
        client.create_alias("fleetrun", "prod", "1")
        Path(code, "index.py").write_text(returning("api"))
        client.update_function("fleetrun", "greet", codeDir=code)
        client.put_function_async_invoke_config("fleetrun", "LATEST", "greet", {"maxAsyncRetryAttempts": 7})
        client.delete_trigger("fleetrun", "greet", "hourly")
        before = client.get_function("fleetrun", "greet").data

    with killed_at_the_end(stack.data, stack.project) as client:
        after = client.get_function("fleetrun", "greet").data
        # The cloud's port is another one.
        assert {**after, "environmentVariables": {}} == {**before, "environmentVariables": {}}
        assert client.invoke_function("fleetrun", "greet").data == b"api"
        assert client.invoke_function("fleetrun", "greet", qualifier="prod").data == b"template"
        config = client.get_function_async_invoke_config("fleetrun", "LATEST", "greet").data
        assert config["maxAsyncRetryAttempts"] == 7
        assert client.list_triggers("fleetrun", "greet").data["triggers"] == []
        client.delete_function("fleetrun", "greet")

    with killed_at_the_end(stack.data, stack.project) as client:
        assert client.list_functions("fleetrun").data["functions"] == []


def test_the_newer_sdks_changes_of_the_templates_function_are_there_after_a_kill(tmp_path: Path) -> None:
    models = newer_models()
    stack = Restarts(tmp_path)
    stack.save()
    version = models.PublishVersionInput(description="of the template's code")

    with killed_at_the_end(stack.data, stack.project) as client:
        sdk = speaker(client)
        sdk.publish_function_version("greet", models.PublishFunctionVersionRequest(body=version))
        alias = models.CreateAliasInput(alias_name="prod", version_id="1")
        sdk.create_alias("greet", models.CreateAliasRequest(body=alias))
        changed = models.UpdateFunctionInput(code=zipped({"index.py": returning("api")}), memory_size=1024)
        sdk.update_function("greet", models.UpdateFunctionRequest(body=changed))
        concurrency = models.PutConcurrencyInput(reserved_concurrency=3)
        sdk.put_concurrency_config("greet", models.PutConcurrencyConfigRequest(body=concurrency))
        body = models.CreateLayerVersionInput(code=zipped({"python/word.py": "WORD = 1"}))
        sdk.create_layer_version("words", models.CreateLayerVersionRequest(body=body))

    with killed_at_the_end(stack.data, stack.project) as client:
        sdk = speaker(client)
        assert [
            sdk.invoke_function("greet", models.InvokeFunctionRequest(qualifier=one)).body.read()
            for one in ("LATEST", "1", "prod")
        ] == [b"api", b"template", b"template"]
        assert sdk.get_function("greet", models.GetFunctionRequest()).body.memory_size == 1024
        assert sdk.get_concurrency_config("greet").body.reserved_concurrency == 3
        assert sdk.get_layer_version("words", "2").body.version == 2

    stack.write(greet="return 'newer'")
    with killed_at_the_end(stack.data, stack.project) as client:
        sdk = speaker(client)
        assert [
            sdk.invoke_function("greet", models.InvokeFunctionRequest(qualifier=one)).body.read()
            for one in ("LATEST", "prod")
        ] == [b"newer", b"template"]
        assert sdk.get_concurrency_config("greet").body.reserved_concurrency == 3
        again = sdk.publish_function_version("greet", models.PublishFunctionVersionRequest(body=version)).body
        assert again.version_id == "2"


def test_a_layer_is_there_after_a_kill_and_functions_see_it(tmp_path: Path) -> None:
    models = newer_models()

    with killed_at_the_end(tmp_path / "data") as client:
        body = models.CreateLayerVersionInput(code=zipped({"python/word.py": "WORD = 'deep'"}))
        layer = speaker(client).create_layer_version("l", models.CreateLayerVersionRequest(body=body)).body
        text = "import word\n\ndef handler(event, context):\n    return word.WORD\n"
        function = models.CreateFunctionInput(
            function_name="g",
            handler="index.handler",
            runtime="python3.10",
            code=zipped({"index.py": text}),
            layers=[layer.layer_version_arn],
        )
        speaker(client).create_function(models.CreateFunctionRequest(body=function))
        speaker(client).put_concurrency_config(
            "g", models.PutConcurrencyConfigRequest(body=models.PutConcurrencyInput(reserved_concurrency=3))
        )

    with killed_at_the_end(tmp_path / "data") as client:
        found = speaker(client).get_layer_version("l", "1").body
        assert found.code_checksum == layer.code_checksum
        assert [one.arn for one in speaker(client).get_function("g", models.GetFunctionRequest()).body.layers] == [
            layer.layer_version_arn
        ]
        assert client.invoke_function("fleetrun", "g").data == b"deep"
        assert speaker(client).get_concurrency_config("g").body.reserved_concurrency == 3
        again = speaker(client).create_layer_version("l", models.CreateLayerVersionRequest(body=body)).body
        assert again.version == 2


def test_versions_and_aliases_of_a_function_are_there_after_a_kill(tmp_path: Path) -> None:
    models = newer_models()

    def returns(word: str) -> Any:
        return zipped({"index.py": f"def handler(event, context):\n    return {word!r}\n"})

    with killed_at_the_end(tmp_path / "data") as client:
        sdk = speaker(client)
        function = models.CreateFunctionInput(
            function_name="g", handler="index.handler", runtime="python3.10", code=returns("old")
        )
        sdk.create_function(models.CreateFunctionRequest(body=function))
        version = models.PublishVersionInput(description="first")
        sdk.publish_function_version("g", models.PublishFunctionVersionRequest(body=version))
        alias = models.CreateAliasInput(alias_name="prod", version_id="1", description="of customers")
        before = sdk.create_alias("g", models.CreateAliasRequest(body=alias)).body
        sdk.update_function("g", models.UpdateFunctionRequest(body=models.UpdateFunctionInput(code=returns("new"))))

    with killed_at_the_end(tmp_path / "data") as client:
        sdk = speaker(client)

        assert sdk.get_alias("g", "prod").body.to_map() == before.to_map()
        assert [
            sdk.invoke_function("g", models.InvokeFunctionRequest(qualifier=one)).body.read()
            for one in ("LATEST", "1", "prod")
        ] == [b"new", b"old", b"old"]
        again = sdk.publish_function_version("g", models.PublishFunctionVersionRequest(body=version)).body
        assert again.version_id == "2"


@pytest.mark.parametrize("kind", ["topic", "queue"])
def test_a_trigger_fires_after_a_kill_and_the_destination_is_told(tmp_path: Path, code: str, kind: str) -> None:
    with killed_at_the_end(tmp_path / "data") as client:
        messages = MnsAccount(client.endpoint, ACCOUNT.access_key_id, ACCOUNT.access_key_secret)
        messages.get_topic("t").create(TopicMeta())
        for name in ("q", "seen"):
            messages.get_queue(name).create(QueueMeta())
        client.create_function("fleetrun", "f", "python3", "index.handler", codeDir=code)
        destination = {"onSuccess": {"destination": "acs:mns:cn-hangzhou:1234567890123456:/queues/seen/messages"}}
        client.put_function_async_invoke_config("fleetrun", "LATEST", "f", {"destinationConfig": destination})
        if kind == "topic":
            client.create_trigger("fleetrun", "f", "t", "mns_topic", {}, TOPIC, ROLE)
        else:
            config = {**queue_trigger().config, "asyncInvocationType": True}
            client.create_trigger("fleetrun", "f", "t", "eventbridge", config, "", "")

    with killed_at_the_end(tmp_path / "data") as client:
        messages = MnsAccount(client.endpoint, ACCOUNT.access_key_id, ACCOUNT.access_key_secret)
        if kind == "topic":
            messages.get_topic("t").publish_message(TopicMessage("hello"))
        else:
            messages.get_queue("q").send_message(Message("hello"))
        seen = messages.get_queue("seen")
        seen.set_encoding(False)
        told = json.loads(seen.receive_message(20).message_body)

    assert "hello" in told["requestPayload"]
    assert "old" in told["responsePayload"]


def test_a_journal_torn_at_any_byte_gives_whole_functions_or_none(tmp_path: Path) -> None:
    def made(world: FcWorld) -> None:
        packed = archive({"index.py": "def handler(event, context):\n    return 1\n"})
        world.fc.functions.create_service("shop", {})
        folder = world.fc.code.unpack(packed)
        world.fc.create_function(spec("k", code_dir=folder), service="shop", attributes={}, code=packed)
        world.fc.create_trigger(queue_trigger(function="shop$k"))
        world.fc.kept.note()

    journal = FileJournal(tmp_path / "whole")

    async def first(world: FcWorld) -> None:
        made(world)

    FcWorld(journal=journal).play(first)
    journal.close()
    whole = (tmp_path / "whole" / "journal").read_bytes()
    seen: list[tuple[int, int]] = []

    async def again(world: FcWorld) -> None:
        found = [one for one in world.fc.functions.all() if one.key == "shop$k"]
        assert all(one.function.spec.code_dir.joinpath("index.py").is_file() for one in found)
        seen.append((len(found), len(world.fc.triggers.of("shop$k"))))

    for end in range(len(MAGIC), len(whole) + 1, 40):
        (tmp_path / f"cut-{end}").mkdir()
        (tmp_path / f"cut-{end}" / "journal").write_bytes(whole[:end])
        torn = FileJournal(tmp_path / f"cut-{end}")
        FcWorld(journal=torn).play(again)
        torn.close()

    assert set(seen) >= {(0, 0), (1, 0)}
    assert (0, 1) not in seen


def test_a_trigger_without_its_topic_does_not_stop_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def first(world: FcWorld) -> None:
        packed = archive({"index.py": "def handler(event, context):\n    return 1\n"})
        world.fc.create_function(spec("k", code_dir=world.fc.code.unpack(packed)), code=packed)
        world.fc.create_trigger(TriggerSpec("k", "t", "mns_topic", {}, source_arn=TOPIC))
        world.fc.kept.note()

    async def last(world: FcWorld) -> None:
        assert world.fc.triggers.of("k") != []

    journal = FileJournal(tmp_path / "data")
    FcWorld(journal=journal).play(first)
    world = FcWorld(journal=journal)
    world.mns.delete_topic("t")
    world.play(last)

    assert "trigger 't' of function 'k' does not run" in capsys.readouterr().err
    journal.close()
