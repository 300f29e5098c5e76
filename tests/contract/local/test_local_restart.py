"""A restart is no deployment: what the APIs made of the template's resources stands until the template changes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from localcloud.cloud import LocalCloud
from localcloud.fc.values import AsyncConfig, TriggerSpec
from localcloud.mns.values import QueueChanges, TopicChanges
from localcloud.tablestore.definitions import OptionsChange
from localcloud.template import TemplateError
from tests.contract.fc.conftest import archive
from tests.contract.local.restarts import Deed, Restarts, picture

HTTP = {"authType": "anonymous", "methods": ["GET"]}


def code(cloud: LocalCloud) -> None:
    """The API replaces the code and settings of the template's function."""
    fc, packed = cloud.services.fc, archive({"index.py": "def handler(event, context):\n    return 'api'\n"})
    spec = replace(fc.functions.find("greet").function.spec, code_dir=fc.code.unpack(packed), memory=512)
    fc.update_function("greet", spec, attributes={"tags": [{"key": "by", "value": "api"}]}, code=packed)


def settings(cloud: LocalCloud) -> None:
    """The code stays the template's."""
    fc = cloud.services.fc
    spec = fc.functions.find("greet").function.spec
    fc.update_function("greet", replace(spec, environment={**spec.environment, "WORD": "api"}), attributes={})


def publish(cloud: LocalCloud) -> None:
    fc = cloud.services.fc
    function = replace(fc.functions.find("greet").function, generation=fc.functions.next_generation())
    number = fc.versions.publish("functions/greet", {"greet": function}, "of the api").version_id
    fc.versions.create_alias("functions/greet", f"prod-{number}", number, description="", weights={})


def layer(cloud: LocalCloud) -> None:
    fc, packed = cloud.services.fc, archive({"python/shared/words.py": "WORD = 'api'\n"})
    fc.layers.create("words", [fc.code.unpack(packed)], code=packed)
    fc.layers.set_acl("words", "1")


def delete_function(cloud: LocalCloud) -> None:
    fc = cloud.services.fc
    for trigger in fc.triggers.of("greet"):
        fc.triggers.delete("greet", trigger.spec.name)
    fc.delete_function("greet")


def delete_service(cloud: LocalCloud) -> None:
    delete_function(cloud)
    cloud.services.fc.functions.delete_service("fleetrun")


def remake_function(cloud: LocalCloud) -> None:
    """Another one of the same name."""
    fc, packed = cloud.services.fc, archive({"index.py": "def handler(event, context):\n    return 'api'\n"})
    spec = replace(fc.functions.find("greet").function.spec, code_dir=fc.code.unpack(packed), layer_dirs=())
    delete_function(cloud)
    fc.create_function(spec, code=packed)


def drop_configurations(cloud: LocalCloud) -> None:
    fc = cloud.services.fc
    fc.put_concurrency("greet", None)
    fc.functions.set_async_config("greet", "LATEST", None)
    del fc.functions.find("greet").provisioned["LATEST"]


def resubscribe(cloud: LocalCloud) -> None:
    cloud.services.mns.set_subscription("news", "to-jobs", notify_strategy="EXPONENTIAL_DECAY_RETRY")


DEEDS: dict[str, Deed] = {
    "code is replaced": code,
    "settings change": settings,
    "a version and an alias are made": publish,
    "a layer's version and its ACL are made": layer,
    "the trigger is changed": lambda cloud: cloud.services.fc.triggers.update(
        "greet", "hourly", {"description": "api"}
    ),
    "the trigger is deleted": lambda cloud: cloud.services.fc.triggers.delete("greet", "hourly"),
    "asynchronous calls are configured": lambda cloud: cloud.services.fc.put_async_config(
        "greet", AsyncConfig(retries_max=7)
    ),
    "concurrency is configured": lambda cloud: cloud.services.fc.put_concurrency("greet", 9),
    "configurations are deleted": drop_configurations,
    "the function is deleted": delete_function,
    "the function is made by the API": remake_function,
    "the service is deleted": delete_service,
    "the layer's version is deleted": lambda cloud: cloud.services.fc.layers.delete("words", "1"),
    "the queue is changed": lambda cloud: cloud.services.mns.set_queue("jobs", QueueChanges(visibility_timeout=7)),
    "the queue is deleted": lambda cloud: cloud.services.mns.delete_queue("jobs"),
    "the topic is changed": lambda cloud: cloud.services.mns.set_topic("news", TopicChanges(maximum_message_size=2048)),
    "the topic is deleted": lambda cloud: cloud.services.mns.delete_topic("news"),
    "the subscription is changed": resubscribe,
    "the subscription is deleted": lambda cloud: cloud.services.mns.unsubscribe("news", "to-jobs"),
    "the table is changed": lambda cloud: cloud.services.tablestore.update_table(
        "rows", options=OptionsChange(time_to_live_s=86_400)
    ),
    "the table is deleted": lambda cloud: cloud.services.tablestore.delete_table("rows"),
}


@pytest.fixture
def stack(tmp_path: Path) -> Restarts:
    return Restarts(tmp_path)


@pytest.mark.parametrize("name", DEEDS)
def test_what_an_api_did_to_the_templates_resources_stands_after_a_restart_on_another_port(
    stack: Restarts, name: str
) -> None:
    seen: list[Any] = []

    def look(cloud: LocalCloud) -> None:
        seen.append(picture(cloud))

    stack.run(look, DEEDS[name], look)
    stack.run(look)
    stack.run(look)

    assert seen[0] != seen[1]
    assert seen[2:] == [seen[1]] * 2


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("name", DEEDS)
def test_a_reset_makes_all_of_it_as_at_the_start(stack: Restarts, name: str, in_place: bool) -> None:
    seen: list[Any] = []

    def look(cloud: LocalCloud) -> None:
        shown = picture(cloud)
        # Ids and times are new ones.
        seen.append({kind: len(shown[kind]) for kind in shown} | {"words": told(cloud)})

    stack.run(look, DEEDS[name])
    if in_place:
        stack.run(lambda cloud: cloud.reset(), look)
    else:
        stack.run(look, forgets=True)
    stack.run(look)

    assert seen[1:] == [seen[0]] * 2


def told(cloud: LocalCloud) -> Any:
    record = cloud.services.fc.functions.find("greet")
    spec = record.function.spec
    return (
        (spec.code_dir / "index.py").read_text(),
        spec.memory,
        spec.environment["WORD"],
        dict(record.async_configs),
        record.reserved_concurrency,
        cloud.services.mns.queue("jobs").attributes,
        cloud.services.tablestore.describe_table("rows").options,
    )


def code_of(cloud: LocalCloud, qualifier: str = "") -> tuple[str, str]:
    """What the function and its layer say."""
    spec = cloud.services.fc.resolve("greet", qualifier)[0].spec
    (opt,) = spec.layer_dirs
    return (spec.code_dir / "index.py").read_text().split("'")[1], (opt / "python/shared/words.py").read_text()


def test_new_code_of_the_template_wins_and_versions_configurations_and_the_identity_stay(stack: Restarts) -> None:
    seen: list[Any] = []

    def change(cloud: LocalCloud) -> None:
        publish(cloud)
        code(cloud)
        cloud.services.fc.put_concurrency("greet", 9)
        seen.append(cloud.services.fc.functions.find("greet").function_id)

    def look(cloud: LocalCloud) -> None:
        fc = cloud.services.fc
        record = fc.functions.find("greet")
        assert code_of(cloud)[0] == "newer"
        assert (record.function.spec.memory, record.attributes.get("tags")) == (256, None)
        assert (record.function_id, record.reserved_concurrency) == (seen[0], 9)
        assert code_of(cloud, "prod-1")[0] == "template"
        publish(cloud)
        assert fc.versions.shelves["functions/greet"].last == 2

    stack.run(change)
    stack.write(greet="return 'newer'")
    stack.run(look)


def test_a_new_layer_is_its_next_version_and_what_was_published_keeps_the_old_one(stack: Restarts) -> None:
    def look(cloud: LocalCloud) -> None:
        assert cloud.services.fc.layers.state() == {"words": [2]}
        assert code_of(cloud) == ("template", "WORD = 'new'\n")
        assert code_of(cloud, "1") == ("template", "WORD = 'template'\n")

    stack.run(publish)
    stack.write(shared="WORD = 'new'\n")
    stack.run(look)
    stack.run(look)


def test_what_others_than_the_changed_resource_are_keeps_what_the_api_did(stack: Restarts) -> None:
    def look(cloud: LocalCloud) -> None:
        assert cloud.services.mns.queue("jobs").attributes.visibility_timeout == 90
        assert code_of(cloud)[0] == "api"

    stack.run(code, DEEDS["the queue is changed"])
    stack.properties("Jobs")["VisibilityTimeout"] = 90
    stack.run(look)


def test_a_queue_of_the_template_that_changes_is_as_if_it_were_made_now(stack: Restarts) -> None:
    def change(cloud: LocalCloud) -> None:
        cloud.services.mns.set_queue("jobs", QueueChanges(delay_seconds=5))

    def look(cloud: LocalCloud) -> None:
        attributes = cloud.services.mns.queue("jobs").attributes
        assert (attributes.delay_seconds, attributes.visibility_timeout) == (0, 30)

    stack.run(change)
    del stack.properties("Jobs")["VisibilityTimeout"]
    stack.run(look)


ALL = ("greet", "hourly", "words", "jobs", "news", "rows")


def names(cloud: LocalCloud) -> set[str]:
    fc, mns = cloud.services.fc, cloud.services.mns
    layers = [name for name, versions in fc.layers.state().items() if versions]
    return {
        *(one.key for one in fc.functions.all()),
        *(one.spec.name for one in fc.triggers.all()),
        *layers,
        *(one.name for one in mns.queues()[0]),
        *(one.name for one in mns.topics()[0]),
        *cloud.services.tablestore.list_tables(),
    }


def test_what_the_template_no_longer_has_goes_and_what_it_is_to_retain_stays(stack: Restarts) -> None:
    seen: list[Any] = []
    stack.resources["Rows"]["DeletionPolicy"] = "Retain"

    stack.run(lambda cloud: seen.append(names(cloud)))
    stack.resources = {"Other": {"Type": "ALIYUN::MNS::Queue", "Properties": {"QueueName": "other"}}}
    stack.run(lambda cloud: seen.append(names(cloud)))

    assert seen == [set(ALL), {"other", "rows"}]


def test_single_configurations_that_the_template_no_longer_has_go(stack: Restarts) -> None:
    def look(cloud: LocalCloud) -> None:
        record = cloud.services.fc.functions.find("greet")
        assert (record.async_configs, record.provisioned, record.reserved_concurrency) == ({}, {}, None)
        assert cloud.services.mns.subscriptions("news")[0] == []

    stack.run()
    for name in ("Retries", "Warm", "Few", "ToJobs"):
        del stack.resources[name]
    stack.run(look)


def test_what_an_api_made_under_the_name_of_something_that_the_template_no_longer_has_stays(stack: Restarts) -> None:
    seen: list[Any] = []

    stack.run(remake_function)
    stack.resources = {"Other": {"Type": "ALIYUN::MNS::Queue", "Properties": {"QueueName": "other"}}}
    stack.run(lambda cloud: seen.append(names(cloud)))

    assert seen == [{"greet", "other"}]


def test_a_renamed_queue_is_another_one(stack: Restarts) -> None:
    seen: list[Any] = []

    stack.run()
    stack.properties("Jobs")["QueueName"] = "tasks"
    stack.run(lambda cloud: seen.append(names(cloud)))

    assert seen == [{*ALL, "tasks"} - {"jobs"}]


def test_a_deleted_function_that_the_template_changes_is_there_again_with_its_parts(stack: Restarts) -> None:
    def look(cloud: LocalCloud) -> None:
        record = cloud.services.fc.functions.find("greet")
        assert [one.spec.name for one in cloud.services.fc.triggers.of("greet")] == ["hourly"]
        assert (record.reserved_concurrency, record.provisioned) == (5, {"LATEST": 0})
        assert record.async_configs == {"LATEST": AsyncConfig(retries_max=2)}

    stack.run(delete_service)
    stack.write(greet="return 'newer'")
    stack.run(look)


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("Hourly", "Description", "new"),
        ("Retries", "MaxAsyncRetryAttempts", 3),
        ("Few", "ReservedConcurrency", 6),
        ("Warm", "Qualifier", "LATEST"),
    ],
)
def test_a_part_that_the_template_changes_brings_its_function_back(
    stack: Restarts, part: str, name: str, value: Any
) -> None:
    seen: list[Any] = []

    stack.run(delete_function)
    stack.properties(part)[name] = value
    stack.run(lambda cloud: seen.append(names(cloud)))

    assert seen == [set(ALL)]


def test_a_function_that_the_template_changes_gets_its_deleted_layer_back(stack: Restarts) -> None:
    stack.run(DEEDS["the layer's version is deleted"])
    stack.write(greet="return 'newer'")
    seen: list[Any] = []
    stack.run(lambda cloud: seen.append((code_of(cloud), cloud.services.fc.layers.state())))

    assert seen == [(("newer", "WORD = 'template'\n"), {"words": [2]})]


def test_a_changed_subscription_brings_its_topic_back_and_a_changed_function_no_queue(stack: Restarts) -> None:
    seen: list[Any] = []
    stack.properties("Greet")["EnvironmentVariables"]["QUEUE"] = {"Ref": "Jobs"}

    stack.run(DEEDS["the topic is deleted"], DEEDS["the queue is deleted"])
    stack.properties("ToJobs")["FilterTag"] = "new"
    stack.write(greet="return 'newer'")
    stack.run(lambda cloud: seen.append((names(cloud), cloud.services.mns.subscription("news", "to-jobs").filter_tag)))

    assert seen == [(set(ALL) - {"jobs"}, "new")]


def test_an_http_trigger_of_the_api_gives_way_to_one_of_the_template(stack: Restarts) -> None:
    seen: list[Any] = []

    stack.run(
        publish,
        lambda cloud: cloud.services.fc.create_trigger(TriggerSpec("greet", "mine", "http", HTTP)),
        lambda cloud: cloud.services.fc.create_trigger(TriggerSpec("greet", "of-1", "http", HTTP, qualifier="1")),
    )
    stack.resources["Http"] = {
        "Type": "ALIYUN::FC3::Trigger",
        "Properties": {
            "FunctionName": {"Ref": "Greet"},
            "TriggerName": "theirs",
            "TriggerType": "http",
            "TriggerConfig": HTTP,
        },
    }
    stack.run(lambda cloud: seen.append(names(cloud)))

    assert seen == [{*ALL, "theirs", "of-1"}]


def test_the_url_that_the_template_is_told_of_an_http_trigger_of_an_alias_calls_that_alias(stack: Restarts) -> None:
    seen: list[Any] = []

    async def call(cloud: LocalCloud) -> None:
        url = cloud.services.mns.subscription("news", "to-alias").endpoint
        seen.append((url.removeprefix(cloud.url), await asyncio.to_thread(fetched, url)))

    stack.run(publish)
    stack.resources["OfAlias"] = {
        "Type": "ALIYUN::FC3::Trigger",
        "Properties": {
            "FunctionName": {"Ref": "Greet"},
            "TriggerName": "of-alias",
            "TriggerType": "http",
            "TriggerConfig": HTTP,
            "Qualifier": "prod-1",
        },
    }
    stack.resources["ToAlias"] = {
        "Type": "ALIYUN::MNS::Subscription",
        "Properties": {
            "TopicName": {"Ref": "News"},
            "SubscriptionName": "to-alias",
            "Endpoint": {"Fn::GetAtt": ["OfAlias", "UrlInternet"]},
        },
    }
    stack.write(greet="return 'newer'")
    stack.run(call)

    assert seen == [("/2016-08-15/proxy/fleetrun.prod-1/greet/", b"template")]


def fetched(url: str) -> bytes:
    with urlopen(url) as answer:
        return answer.read()  # type: ignore[no-any-return]


def test_without_a_template_what_one_made_is_there_all_the_same(stack: Restarts) -> None:
    seen: list[Any] = []

    stack.run(settings, lambda cloud: seen.append(picture(cloud)))
    (stack.project / "functions/greet/index.py").unlink()
    stack.run(lambda cloud: seen.append(picture(cloud)), deploys=False)

    assert seen[0] == seen[1]


def test_environments_speak_of_the_clouds_address_of_now(stack: Restarts) -> None:
    def look(cloud: LocalCloud) -> None:
        own = [cloud.services.fc.resolve("greet", one)[0].spec.environment["CLOUD"] for one in ("", "1")]
        assert own == [cloud.url] * 2

    stack.run(settings, publish, look)
    stack.run(look)
    stack.run(look)


def journal_of(folder: Path) -> bytes:
    return (folder / "journal").read_bytes()


def test_a_deployment_that_is_torn_off_anywhere_is_finished_by_the_next_start(stack: Restarts, tmp_path: Path) -> None:
    seen: list[Any] = []

    def look(cloud: LocalCloud) -> None:
        shown = picture(cloud)
        # Ids of what the torn start made, and how often it began anew, are of no account.
        seen.append((names(cloud), code_of(cloud), shown["layers"], shown["topics"].keys(), code_of(cloud, "1")))

    stack.run(publish, settings, DEEDS["the queue is changed"])
    before = len(journal_of(stack.data))
    stack.write(greet="return 'newer'", shared="WORD = 'new'\n")
    stack.properties("Jobs")["VisibilityTimeout"] = 90
    del stack.resources["Hourly"]
    stack.run(look)
    whole = journal_of(stack.data)
    # Compaction at the second start may have moved what was there before: every end is one that a kill can leave.
    for number, end in enumerate([*range(before, len(whole), 97), len(whole)]):
        folder = tmp_path / f"cut-{number}"
        folder.mkdir()
        (folder / "journal").write_bytes(whole[:end])
        stack.run(look, data=folder)

    assert len(seen) > 5
    assert all(one == seen[0] for one in seen)


@pytest.mark.parametrize("name", [one for one in DEEDS if "made by the API" not in one])
def test_a_torn_change_of_the_templates_resources_is_there_wholly_or_not_at_all(
    stack: Restarts, tmp_path: Path, name: str
) -> None:
    marks: list[tuple[int, Any]] = []
    seen: list[Any] = []

    def mark(cloud: LocalCloud) -> None:
        cloud._journal.flush()
        marks.append((len(journal_of(stack.data)), picture(cloud)))

    stack.run(mark, DEEDS[name], lambda _: None, mark)
    whole = journal_of(stack.data)
    (first, old), (last, new) = marks
    step = max(40, (last - first) // 12)
    for number, end in enumerate([*range(first, last, step), last]):
        folder = tmp_path / f"cut-{number}"
        folder.mkdir()
        (folder / "journal").write_bytes(whole[:end])
        stack.run(lambda cloud: seen.append(picture(cloud)), data=folder)

    assert old != new
    assert (seen[0], seen[-1]) == (old, new)
    assert all(one in (old, new) for one in seen)


def test_a_template_that_cannot_be_applied_changes_nothing_of_functions(stack: Restarts) -> None:
    seen: list[Any] = []

    stack.run(settings, lambda cloud: seen.append(picture(cloud)))
    stack.write(greet="return 'newer'")
    stack.properties("Warm")["DefaultTarget"] = 10_000
    with pytest.raises(TemplateError, match=r"Resources\.Warm\.Properties: DefaultTarget of function 'greet'"):
        stack.run()
    stack.write(greet="return 'template'")
    stack.properties("Warm")["DefaultTarget"] = 0
    stack.run(lambda cloud: seen.append(picture(cloud)))

    assert seen[0] == seen[1]
