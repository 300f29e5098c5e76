"""Triggers of sources that the local cloud does not have: each is kept and shown as it was given, and never fires."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fc2
import pytest

from localcloud.fc.routes import NEW, OLD
from tests.contract.fc.conftest import FcServer

CODE = "def handler(event, context):\n    return event\n"
ROLE = "acs:ram::1234567890123456:role/any"
OSS = {"events": ["oss:ObjectCreated:*"], "filter": {"key": {"prefix": "in/", "suffix": ".csv"}}}
LOG = {
    "sourceConfig": {"logstore": "access"},
    "jobConfig": {"triggerInterval": 60, "maxRetryTime": 10},
    "functionParameter": {},
    "logConfig": {"project": "p", "logstore": "l"},
    "enable": False,
}
CDN = {"eventName": "LogFileCreated", "eventVersion": "1.0.0", "notes": "", "filter": {"domain": ["example.com"]}}
GIVEN: dict[str, tuple[str, dict[str, Any]]] = {
    "oss": ("acs:oss:cn-hangzhou:1234567890123456:bucket", OSS),
    "log": ("acs:log:cn-hangzhou:1234567890123456:project/p", LOG),
    "cdn_events": ("acs:cdn:*:1234567890123456", CDN),
}


@pytest.fixture
def client(server: FcServer, tmp_path: Path) -> Any:
    (tmp_path / "index.py").write_text(CODE)
    made = server.client()
    made.create_service("shop")
    made.create_function("shop", "f", "python3", "index.handler", codeDir=str(tmp_path))
    return made


@pytest.mark.parametrize("kind", GIVEN)
def test_one_is_made_changed_listed_and_deleted_as_it_was_given(client: Any, kind: str) -> None:
    arn, config = GIVEN[kind]

    made = client.create_trigger("shop", "f", "t", kind, config, arn, ROLE).data

    assert (made["triggerType"], made["sourceArn"], made["invocationRole"]) == (kind, arn, ROLE)
    assert made["triggerConfig"] == config
    changed = client.update_trigger("shop", "f", "t", config, f"{ROLE}-new").data
    assert (changed["invocationRole"], changed["createdTime"]) == (f"{ROLE}-new", made["createdTime"])
    assert [one["triggerName"] for one in client.list_triggers("shop", "f").data["triggers"]] == ["t"]
    client.delete_trigger("shop", "f", "t")
    assert client.list_triggers("shop", "f").data["triggers"] == []


def test_the_newer_api_has_them_too(server: FcServer) -> None:
    server.create("f", CODE)
    arn, config = GIVEN["oss"]
    given = {"triggerName": "t", "triggerType": "oss", "triggerConfig": config, "sourceArn": arn}

    made = server.tell("POST", f"/{NEW}/functions/f/triggers", given)

    assert (made.status, made.json()["sourceArn"]) == (200, arn)


def test_of_a_log_trigger_an_update_leaves_what_it_does_not_name(client: Any) -> None:
    arn, config = GIVEN["log"]
    client.create_trigger("shop", "f", "t", "log", config, arn, ROLE)

    changed = client.update_trigger("shop", "f", "t", {"jobConfig": {"triggerInterval": 120}, "enable": None}).data

    assert changed["triggerConfig"] == {**config, "jobConfig": {"triggerInterval": 120}}


@pytest.mark.parametrize(
    ("kind", "changes", "named"),
    [
        ("oss", {"events": []}, "triggerConfig.events"),
        ("oss", {"events": ["log:x"]}, "triggerConfig.events"),
        ("oss", {"events": None}, "triggerConfig.events"),
        ("oss", {"filter": {"key": {"prefix": 1}}}, "triggerConfig.filter.key.prefix"),
        ("log", {"sourceConfig": {}}, "triggerConfig.sourceConfig.logstore"),
        ("log", {"jobConfig": {"triggerInterval": "60"}}, "triggerConfig.jobConfig.triggerInterval"),
        ("log", {"jobConfig": {"maxRetryTime": True}}, "triggerConfig.jobConfig.maxRetryTime"),
        ("log", {"enable": "yes"}, "triggerConfig.enable"),
        ("cdn_events", {"eventName": ""}, "triggerConfig.eventName"),
    ],
)
def test_a_wrong_configuration_is_refused_by_its_field(client: Any, kind: str, changes: Any, named: str) -> None:
    arn, config = GIVEN[kind]

    with pytest.raises(fc2.FcError, match=named) as refused:
        client.create_trigger("shop", "f", "t", kind, {**config, **changes}, arn, ROLE)

    assert (refused.value.status_code, refused.value.err_code) == (400, "InvalidArgument")


@pytest.mark.parametrize("kind", GIVEN)
def test_the_source_must_be_one_of_its_kind(client: Any, kind: str) -> None:
    with pytest.raises(fc2.FcError, match=f"sourceArn is .*/topics/t.*, .*begins with {GIVEN[kind][0][:8]}"):
        client.create_trigger("shop", "f", "t", kind, GIVEN[kind][1], "acs:mns:::/topics/t", ROLE)


def test_an_http_trigger_has_no_source_and_shows_the_empty_role(client: Any) -> None:
    config = {"authType": "anonymous", "methods": ["GET"]}

    made = client.create_trigger("shop", "f", "t", "http", config, "dummy_arn", "").data

    assert (made["sourceArn"], made["invocationRole"], made["description"]) == (None, "", "")


def test_errors_are_compact_json_and_say_of_a_wrong_etag_what_the_service_says(server: FcServer) -> None:
    answer = server.ask("DELETE", f"/{OLD}/services/fleetrun", headers={"if-match": "another"})

    assert answer.body == (
        b'{"ErrorCode":"PreconditionFailed","ErrorMessage":"the resource being modified has been changed"}'
    )
