"""aliyun-fc2, unmodified, over HTTP: services, functions, triggers, versions, aliases and configurations."""

from __future__ import annotations

import io
import logging
import zipfile
from pathlib import Path
from urllib.request import urlopen

import fc2
import pytest

from localcloud.fc.limits import Limits
from tests.contract.fc.conftest import FcServer, fc_server

EVERY_5_MINUTES = {"cronExpression": "@every 5m", "enable": True}


@pytest.fixture(autouse=True)
def _quiet(caplog) -> None:
    """The SDK logs every error on the root logger."""
    caplog.set_level(logging.CRITICAL)


@pytest.fixture
def client(server: FcServer):
    return server.client()


@pytest.fixture
def code(tmp_path: Path) -> str:
    (tmp_path / "index.py").write_text("def handler(event, context):\n    return context.service.name\n")
    return str(tmp_path)


def refused(code: str, status: int):
    return pytest.raises(fc2.FcError, match=code, check=lambda error: error.status_code == status)


def test_a_service_is_made_shown_changed_and_deleted(client) -> None:
    made = client.create_service("shop", description="sells", role="acs:ram::1:role/x").data

    assert (made["serviceName"], made["description"], made["role"]) == ("shop", "sells", "acs:ram::1:role/x")
    assert {"serviceId", "createdTime", "lastModifiedTime"} <= set(made)
    assert client.update_service("shop", description="buys").data["description"] == "buys"
    assert client.get_service("shop").data["role"] == "acs:ram::1:role/x"
    client.delete_service("shop")
    with refused("ServiceNotFound", 404):
        client.get_service("shop")


def test_what_a_service_was_not_given_is_shown_empty(client) -> None:
    made = client.create_service("shop").data

    assert (made["description"], made["role"]) == ("", "")
    assert made["logConfig"] == {"project": "", "logstore": ""}
    assert made["tracingConfig"] == {"type": None, "params": None}
    traced = client.update_service("shop", tracingConfig={"type": "Jaeger", "params": {"endpoint": "x"}}).data
    assert traced["tracingConfig"] == {"type": "Jaeger", "params": {"endpoint": "x"}}


def test_a_service_is_made_once_and_not_deleted_while_functions_are_in_it(client, code: str) -> None:
    client.create_service("shop")
    client.create_function("shop", "f", "python3", "index.handler", codeDir=code)

    with refused("ServiceAlreadyExists", 409):
        client.create_service("shop")
    with refused("ServiceNotEmpty", 409):
        client.delete_service("shop")


def test_an_integer_that_cannot_be_kept_is_refused_and_the_next_call_is_served(client) -> None:
    with pytest.raises(fc2.FcError, match=r"InvalidArgument.*64 bits"):
        client.create_service("shop", vpcConfig={"vSwitchIds": [2**70]})

    assert client.create_service("shop").data["serviceName"] == "shop"


def test_a_change_that_expects_another_etag_is_refused(client) -> None:
    made = client.create_service("shop")

    with refused("PreconditionFailed", 412):
        client.update_service("shop", description="x", headers={"if-match": "other"})

    changed = client.update_service("shop", description="x", headers={"if-match": made.headers["etag"]})
    assert changed.headers["etag"] != made.headers["etag"]


def test_lists_are_sorted_filtered_and_paged_from_an_inclusive_key(client) -> None:
    for name in ("b2", "a1", "b1", "b3", "c1"):
        client.create_service(name)

    first = client.list_services(prefix="b", limit=2).data
    second = client.list_services(prefix="b", limit=2, nextToken=first["nextToken"]).data
    exact = client.list_services(prefix="b", limit=3).data
    from_key = client.list_services(startKey="b3").data

    assert [one["serviceName"] for one in first["services"]] == ["b1", "b2"]
    assert [one["serviceName"] for one in second["services"]] == ["b3"]
    assert "nextToken" not in second
    assert (len(exact["services"]), "nextToken" in exact) == (3, False)
    assert [one["serviceName"] for one in from_key["services"]] == ["b3", "c1", "fleetrun"]


@pytest.mark.parametrize("limit", [101, -1])
def test_a_limit_out_of_range_is_refused(client, limit: int) -> None:
    with refused("InvalidArgument", 400):
        client.list_services(limit=limit)


def test_a_function_in_a_service_of_its_own_runs_and_sees_its_service(client, code: str) -> None:
    client.create_service("shop", logConfig={"project": "p", "logstore": "s"})
    made = client.create_function(
        "shop", "f", "python3", "index.handler", codeDir=code, environmentVariables={"A": "b"}, description="d"
    ).data

    assert (made["functionName"], made["runtime"], made["memorySize"], made["timeout"]) == ("f", "python3", 256, 60)
    assert (made["environmentVariables"], made["description"]) == ({"A": "b"}, "d")
    assert made["codeSize"] > 0
    assert int(made["codeChecksum"]) > 0
    assert client.invoke_function("shop", "f").data == b"shop"
    with refused("FunctionNotFound", 404):
        client.invoke_function("fleetrun", "f")


def test_functions_of_one_name_in_two_services_are_two(client, code: str, tmp_path) -> None:
    client.create_service("shop")
    client.create_function("shop", "f", "python3", "index.handler", codeDir=code)
    client.create_function("fleetrun", "f", "python3", "index.handler", codeDir=code)

    assert client.invoke_function("shop", "f").data == b"shop"
    assert client.invoke_function("fleetrun", "f").data == b"fleetrun"
    with refused("FunctionAlreadyExists", 409):
        client.create_function("shop", "f", "python3", "index.handler", codeDir=code)


def test_a_functions_change_replaces_what_it_names_and_keeps_the_rest(client, code: str, tmp_path) -> None:
    client.create_function("fleetrun", "f", "python3", "index.handler", codeDir=code, environmentVariables={"A": "b"})
    new = tmp_path / "new"
    new.mkdir()
    (new / "index.py").write_text("def handler(event, context):\n    return 'new'\n")

    changed = client.update_function("fleetrun", "f", codeDir=str(new), timeout=9).data

    assert (changed["timeout"], changed["memorySize"], changed["environmentVariables"]) == (9, 256, {"A": "b"})
    assert client.invoke_function("fleetrun", "f").data == b"new"


def test_the_code_can_be_had_back(client, code: str) -> None:
    client.create_function("fleetrun", "f", "python3", "index.handler", codeDir=code)

    told = client.get_function_code("fleetrun", "f").data

    with urlopen(told["url"]) as response:
        content = zipfile.ZipFile(io.BytesIO(response.read()))
        assert response.headers["X-Oss-Hash-Crc64ecma"] == told["checksum"]
    assert b"context.service.name" in content.read("index.py")
    assert told["checksum"] == client.get_function("fleetrun", "f").data["codeChecksum"]


def test_a_function_is_deleted_once_its_triggers_are(client, code: str) -> None:
    client.create_function("fleetrun", "f", "python3", "index.handler", codeDir=code)
    client.create_trigger("fleetrun", "f", "tick", "timer", EVERY_5_MINUTES, None, None)

    with refused("FunctionNotEmpty", 409):
        client.delete_function("fleetrun", "f")
    client.delete_trigger("fleetrun", "f", "tick")
    client.delete_function("fleetrun", "f")

    with refused("FunctionNotFound", 404):
        client.get_function("fleetrun", "f")


def test_a_function_takes_its_triggers_along_where_the_switch_says_so(code: str) -> None:
    with fc_server(Limits(function_with_triggers="delete")) as server:
        client = server.client()
        client.create_function("fleetrun", "f", "python3", "index.handler", codeDir=code)
        client.create_trigger("fleetrun", "f", "tick", "timer", EVERY_5_MINUTES, None, None)

        client.delete_function("fleetrun", "f")

        client.create_function("fleetrun", "f", "python3", "index.handler", codeDir=code)
        assert client.list_triggers("fleetrun", "f").data == {"triggers": []}


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"runtime": "python9"}, "Runtime is set to an invalid value"),
        ({"handler": "nodot"}, "handler"),
        ({"memorySize": 100}, "memorySize"),
        ({"memorySize": 130}, "memorySize"),
        ({"timeout": 86_401}, "timeout"),
        ({"initializationTimeout": 301}, "initializer"),
        ({"environmentVariables": {"FC_X": "1"}}, "FC_X"),
        ({"environmentVariables": {"A": "x" * 4096}}, "4097"),
        ({"instanceConcurrency": 2}, "instanceConcurrency"),
    ],
)
def test_a_wrong_function_is_refused_by_the_name_of_its_field(client, code: str, fields: dict, named: str) -> None:
    given = {"runtime": "python3", "handler": "index.handler", "codeDir": code, **fields}

    with pytest.raises(fc2.FcError, match=named) as failed:
        client.create_function("fleetrun", "f", **given)

    assert (failed.value.status_code, failed.value.err_code) == (400, "InvalidArgument")


def test_code_from_oss_is_refused_as_not_offered(client) -> None:
    with refused("no OSS", 501):
        client.create_function("fleetrun", "f", "python3", "index.handler", codeOSSBucket="b", codeOSSObject="o")


def test_triggers_are_made_listed_changed_and_deleted(client, code: str) -> None:
    client.create_function("fleetrun", "f", "python3", "index.handler", codeDir=code)
    tick = {"cronExpression": "@every 5m", "enable": True, "payload": "p"}

    made = client.create_trigger("fleetrun", "f", "tick", "timer", tick, None, None).data
    client.create_trigger("fleetrun", "f", "web", "http", {"authType": "anonymous", "methods": ["GET"]}, None, None)

    assert (made["triggerName"], made["triggerType"], made["triggerConfig"]) == ("tick", "timer", tick)
    listed = client.list_triggers("fleetrun", "f").data["triggers"]
    assert [one["triggerName"] for one in listed] == ["tick", "web"]
    assert listed[1]["urlInternet"].endswith("/2016-08-15/proxy/fleetrun/f/")
    changed = client.update_trigger("fleetrun", "f", "tick", triggerConfig={**tick, "payload": "q"}).data
    assert changed["triggerConfig"]["payload"] == "q"
    client.delete_trigger("fleetrun", "f", "tick")
    with refused("TriggerNotFound", 404):
        client.get_trigger("fleetrun", "f", "tick")
    with refused("TriggerAlreadyExists", 409):
        client.create_trigger("fleetrun", "f", "web", "http", {"methods": ["GET"]}, None, None)
    with refused("NotImplemented", 501):
        client.create_trigger("fleetrun", "f", "rows", "tablestore", {}, "acs:ots:cn-hangzhou:1:i", None)


def test_versions_and_aliases_of_a_service_keep_its_functions_as_they_were(client, code: str, tmp_path) -> None:
    client.create_service("shop")
    client.create_function("shop", "f", "python3", "index.handler", codeDir=code)
    assert client.publish_version("shop", description="one").data["versionId"] == "1"
    client.create_alias("shop", "prod", "1")
    (tmp_path / "index.py").write_text("def handler(event, context):\n    return context.service.qualifier\n")
    client.update_function("shop", "f", codeDir=code)
    client.publish_version("shop")

    assert client.invoke_function("shop", "f", qualifier="prod").data == b"shop"
    assert client.invoke_function("shop", "f").data == b"LATEST"
    client.update_alias("shop", "prod", "2")
    assert client.invoke_function("shop", "f", qualifier="prod").data == b"prod"
    assert [one["versionId"] for one in client.list_versions("shop").data["versions"]] == ["2", "1"]
    assert [one["versionId"] for one in client.list_versions("shop", direction="FORWARD").data["versions"]] == [
        "1",
        "2",
    ]
    client.delete_version("shop", "1")
    assert client.get_alias("shop", "prod").data["versionId"] == "2"
    assert [one["aliasName"] for one in client.list_aliases("shop").data["aliases"]] == ["prod"]
    client.delete_alias("shop", "prod")
    with refused("AliasNotFound", 404):
        client.invoke_function("shop", "f", qualifier="prod")
    with refused("VersionNotFound", 404):
        client.invoke_function("shop", "f", qualifier="1")


def test_an_alias_with_weights_sends_a_share_of_the_calls_to_another_version(client, code: str, tmp_path) -> None:
    (tmp_path / "index.py").write_text("def handler(event, context):\n    return context.service.version_id\n")
    client.create_function("fleetrun", "f", "python3", "index.handler", codeDir=code)
    client.publish_version("fleetrun")
    client.update_function("fleetrun", "f", description="changed")
    client.publish_version("fleetrun")
    client.create_alias("fleetrun", "prod", "1", additionalVersionWeight={"2": 0.5})

    answers = {client.invoke_function("fleetrun", "f", qualifier="prod").data for _ in range(12)}

    assert answers == {b"1", b"2"}
    with refused("InvalidArgument", 400):
        client.create_alias("fleetrun", "bad", "1", additionalVersionWeight={"2": 1.5})


def test_the_configuration_of_asynchronous_calls_is_kept_by_qualifier(client, code: str) -> None:
    client.create_function("fleetrun", "f", "python3", "index.handler", codeDir=code)
    config = {
        "destinationConfig": {"onFailure": {"destination": "acs:mns:::/queues/told/messages"}},
        "maxAsyncEventAgeInSeconds": 60,
        "maxAsyncRetryAttempts": 2,
    }

    made = client.put_function_async_invoke_config("fleetrun", "LATEST", "f", config).data

    assert (made["service"], made["function"], made["qualifier"]) == ("fleetrun", "f", "LATEST")
    assert made["destinationConfig"] == config["destinationConfig"]
    assert client.get_function_async_invoke_config("fleetrun", "LATEST", "f").data["maxAsyncRetryAttempts"] == 2
    assert len(client.list_function_async_invoke_configs("fleetrun", "f").data["configs"]) == 1
    client.delete_function_async_invoke_config("fleetrun", "LATEST", "f")
    with refused("AsyncConfigNotExists", 404):
        client.get_function_async_invoke_config("fleetrun", "LATEST", "f")
    with pytest.raises(fc2.FcError, match="maxAsyncRetryAttempts"):
        client.put_function_async_invoke_config("fleetrun", "LATEST", "f", {"maxAsyncRetryAttempts": 9})
    bad = {"destinationConfig": {"onSuccess": {"destination": "acs:oss:::b"}}}
    with pytest.raises(fc2.FcError, match="destination"):
        client.put_function_async_invoke_config("fleetrun", "LATEST", "f", bad)


def test_provisioned_instances_and_the_bound_of_those_on_demand_are_configured(server, client, code: str) -> None:
    client.create_function("fleetrun", "f", "python3", "index.handler", codeDir=code)

    client.put_provision_config("fleetrun", "LATEST", "f", 1)
    server.run(server.fc.idle())

    told = client.get_provision_config("fleetrun", "LATEST", "f").data
    assert told == {"resource": "1234567890123456#fleetrun#LATEST#f", "target": 1, "current": 1}
    assert client.list_provision_configs("fleetrun", "LATEST").data["provisionConfigs"] == [told]
    assert len(client.list_instances("fleetrun", "LATEST", "f").data["instances"]) == 1
    bound = client.put_on_demand_config("fleetrun", "LATEST", "f", 0).data
    assert bound == {"resource": "services/fleetrun.LATEST/functions/f", "maximumInstanceCount": 0}
    with refused("ResourceThrottled", 429):
        client.invoke_function("fleetrun", "f")
    client.delete_on_demand_config("fleetrun", "LATEST", "f")
    assert client.invoke_function("fleetrun", "f").data == b"fleetrun"


def test_a_configuration_of_asynchronous_calls_may_begin_its_names_with_a_capital(client, code: str) -> None:
    client.create_function("fleetrun", "f", "python3", "index.handler", codeDir=code)
    told = {"Destination": "acs:mns:::/queues/told/messages"}
    config = {"DestinationConfig": {"OnFailure": told}, "MaxAsyncEventAgeInSeconds": 60, "MaxAsyncRetryAttempts": 2}

    client.put_function_async_invoke_config("fleetrun", "LATEST", "f", config)

    listed = client.list_function_async_invoke_configs("fleetrun", "f").data
    (shown,) = listed["configs"]
    assert (shown["maxAsyncEventAgeInSeconds"], shown["maxAsyncRetryAttempts"]) == (60, 2)
    assert shown["destinationConfig"] == {"onFailure": {"destination": told["Destination"]}}
    assert listed["nextToken"] == ""


def test_the_account_has_no_reserved_capacity(client) -> None:
    assert client.list_reserved_capacities(limit=5).data == {"reservedCapacities": []}
    with refused("InvalidArgument", 400):
        client.list_reserved_capacities(limit=101)


def test_the_account_has_one_zone(client) -> None:
    assert client.get_account_settings().data == {"availableAZs": ["cn-hangzhou-h"]}
