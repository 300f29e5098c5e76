"""Tags of services, through aliyun-fc2: what they are put on, shown under, narrow, and how many there may be."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import fc2
import pytest

from localcloud.fc.routes import OLD
from tests.contract.fc.conftest import FcServer
from tests.contract.fc.worlds import ACCOUNT

HEAD = f"acs:fc:{ACCOUNT.region}:{ACCOUNT.account_id}:services/"


@pytest.fixture
def client(server: FcServer) -> Any:
    made = server.client()
    for name in ("a", "b", "c"):
        made.create_service(name)
    return made


@pytest.mark.parametrize("arn", ["services/a", f"{HEAD}a"])
def test_tags_are_added_shown_under_the_full_arn_and_taken_away(client: Any, arn: str) -> None:
    client.tag_resource(arn, {"env": "test", "team": "x"})
    client.tag_resource(arn, {"env": "demo", "free": None})

    shown = client.get_resource_tags(arn)

    assert shown.data["resourceArn"] == f"{HEAD}a"
    assert shown.data["requestId"] == shown.headers["x-fc-request-id"]
    assert shown.data["tags"] == {"env": "demo", "team": "x", "free": ""}
    client.untag_resource(arn, ["env", "never"])
    assert client.get_resource_tags(arn).data["tags"] == {"team": "x", "free": ""}
    client.untag_resource(arn, [], True)
    assert client.get_resource_tags(arn).data["tags"] == {}


def test_services_are_listed_by_all_of_the_tags_that_are_asked_for(client: Any) -> None:
    client.tag_resource("services/a", {"env": "test", "team": "x"})
    client.tag_resource("services/b", {"env": "test"})

    def listed(**tags: str) -> list[str]:
        return [one["serviceName"] for one in client.list_services(tags=tags).data["services"]]

    assert listed(env="test") == ["a", "b"]
    assert listed(env="test", team="x") == ["a"]
    assert listed(env="demo") == listed(owner="x") == []


def test_a_tag_without_a_value_stands_for_its_key(server: FcServer, client: Any) -> None:
    client.tag_resource("services/b", {"env": "test"})

    answer = server.ask("GET", f"/{OLD}/services?tag_env=")

    assert [one["serviceName"] for one in answer.json()["services"]] == ["b"]


def test_tags_go_with_their_service_and_are_no_part_of_its_document(client: Any) -> None:
    client.tag_resource("services/a", {"env": "test"})

    assert "tags" not in client.get_service("a").data
    client.delete_service("a")
    client.create_service("a")
    assert client.get_resource_tags("services/a").data["tags"] == {}


@pytest.mark.parametrize(
    "arn",
    [
        "a",
        "services/",
        "services/a/functions/f",
        "services/a.prod",
        "acs:fc:cn-beijing:1234567890123456:services/a",
        "acs:fc:cn-hangzhou:1:services/a",
    ],
)
def test_only_services_of_this_account_and_region_have_tags(server: FcServer, client: Any, arn: str) -> None:
    with pytest.raises(fc2.FcError, match="resourceArn is") as refused:
        client.tag_resource(arn, {"env": "test"})

    assert (refused.value.status_code, refused.value.err_code) == (400, "InvalidArgument")
    assert server.ask("GET", f"/{OLD}/tag?resourceArn={quote(arn, safe='')}").json()["ErrorCode"] == "InvalidArgument"


@pytest.mark.parametrize(
    ("method", "more"), [("POST", {"tags": {"env": "test"}}), ("DELETE", {"tagKeys": ["env"]}), ("GET", None)]
)
def test_a_service_that_is_not_there_is_missed(server: FcServer, method: str, more: dict[str, Any] | None) -> None:
    if more is None:
        answer = server.ask(method, f"/{OLD}/tag?resourceArn=services/none")
    else:
        answer = server.tell(method, f"/{OLD}/tag", {"resourceArn": "services/none", **more})

    assert (answer.status, answer.json()["ErrorCode"]) == (404, "ServiceNotFound")


def test_a_service_has_at_most_20_tags(client: Any) -> None:
    client.tag_resource("services/a", {f"k{number}": "v" for number in range(20)})

    client.tag_resource("services/a", {"k0": "changed"})
    with pytest.raises(fc2.FcError, match="tags would be 21"):
        client.tag_resource("services/a", {"one-more": "v"})

    assert len(client.get_resource_tags("services/a").data["tags"]) == 20


@pytest.mark.parametrize(
    ("method", "body", "named"),
    [
        ("POST", {}, "tags is missing"),
        ("POST", {"tags": {}}, "tags is missing"),
        ("POST", {"tags": {"": "v"}}, "tags has ''"),
        ("POST", {"tags": {"k": 1}}, "tags has 'k': 1"),
        ("POST", {"tags": ["k"]}, "tags must be an object"),
        ("DELETE", {}, "tagKeys is missing"),
        ("DELETE", {"tagKeys": [], "all": False}, "tagKeys is missing"),
        ("DELETE", {"tagKeys": "k"}, "tagKeys is 'k'"),
        ("DELETE", {"tagKeys": [1]}, "tagKeys is [1]"),
        ("DELETE", {"tagKeys": ["k"] * 21}, "at most 20 keys"),
        ("DELETE", {"all": "yes"}, "all must be true or false"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(
    server: FcServer, client: Any, method: str, body: dict[str, Any], named: str
) -> None:
    answer = server.tell(method, f"/{OLD}/tag", {"resourceArn": "services/a", **body})

    assert (answer.status, answer.json()["ErrorCode"]) == (400, "InvalidArgument")
    assert named in answer.json()["ErrorMessage"]


def test_without_a_resource_there_are_no_tags_to_be_read(server: FcServer) -> None:
    assert "resourceArn is missing" in server.ask("GET", f"/{OLD}/tag").json()["ErrorMessage"]
