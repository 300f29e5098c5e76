"""When a version is published, what it shows of its service, and what may be deleted while it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fc2
import pytest

from localcloud.fc.routes import NEW
from tests.contract.fc.conftest import FcServer

FUNCTIONS = f"/{NEW}/functions"
CODE = "def handler(event, context):\n    return event\n"


@pytest.fixture
def shop(server: FcServer) -> Any:
    """A client of a service with a description."""
    client = server.client()
    client.create_service("shop", description="sells", role="acs:ram::1:role/first")
    return client


def told(error: pytest.ExceptionInfo[fc2.FcError]) -> tuple[int, str]:
    return error.value.status_code, error.value.err_code


def test_what_has_not_changed_since_the_newest_version_is_not_published_again(shop: Any) -> None:
    shop.publish_version("shop", "first")

    with pytest.raises(fc2.FcError) as again:
        shop.publish_version("shop", "second")

    assert told(again) == (400, "VersionPublishError")
    assert "No changes were made since last publish" in str(again.value)
    assert [one["versionId"] for one in shop.list_versions("shop").data["versions"]] == ["1"]


@pytest.mark.parametrize("change", ["the service", "a function", "a new function", "a function that goes"])
def test_any_change_of_a_service_can_be_published(shop: Any, tmp_path: Path, change: str) -> None:
    (tmp_path / "index.py").write_text(CODE)
    shop.create_function("shop", "f", "python3", "index.handler", codeDir=str(tmp_path))
    shop.publish_version("shop")

    if change == "the service":
        shop.update_service("shop", description="sells more")
    elif change == "a function":
        shop.update_function("shop", "f", description="changed")
    elif change == "a new function":
        shop.create_function("shop", "g", "python3", "index.handler", codeDir=str(tmp_path))
    else:
        shop.delete_function("shop", "f")

    assert shop.publish_version("shop").data["versionId"] == "2"


def test_once_the_newest_version_is_gone_the_same_can_be_published_under_the_next_number(shop: Any) -> None:
    shop.publish_version("shop")
    shop.delete_version("shop", "1")

    assert shop.publish_version("shop").data["versionId"] == "2"


def test_a_function_of_the_newer_api_that_has_not_changed_is_not_published_again(server: FcServer) -> None:
    server.create("f", CODE)
    server.tell("POST", f"{FUNCTIONS}/f/versions", {})

    again = server.tell("POST", f"{FUNCTIONS}/f/versions", {})
    server.tell("PUT", f"{FUNCTIONS}/f", {"description": "changed"})

    assert (again.status, again.json()["Code"]) == (400, "VersionPublishError")
    assert server.tell("POST", f"{FUNCTIONS}/f/versions", {}).json()["versionId"] == "2"


@pytest.mark.parametrize("qualifier", ["1", "prod"])
def test_a_service_under_a_qualifier_is_as_it_was_then_and_described_as_the_version(shop: Any, qualifier: str) -> None:
    shop.publish_version("shop", "opening day")
    shop.create_alias("shop", "prod", "1")
    shop.update_service("shop", description="sells more", role="acs:ram::1:role/second")

    then, now = shop.get_service("shop", qualifier=qualifier).data, shop.get_service("shop").data

    assert (then["description"], then["role"]) == ("opening day", "acs:ram::1:role/first")
    assert (now["description"], now["role"]) == ("sells more", "acs:ram::1:role/second")
    assert then["serviceId"] == now["serviceId"]


def test_a_service_with_versions_is_not_deleted(shop: Any) -> None:
    shop.publish_version("shop")

    with pytest.raises(fc2.FcError) as refused:
        shop.delete_service("shop")
    shop.delete_version("shop", "1")
    shop.delete_service("shop")

    assert told(refused) == (409, "ServiceNotEmpty")


def test_an_alias_whose_version_is_deleted_stays_and_leads_nowhere(shop: Any, tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text(CODE)
    shop.create_function("shop", "f", "python3", "index.handler", codeDir=str(tmp_path))
    shop.publish_version("shop")
    shop.create_alias("shop", "prod", "1")
    shop.delete_version("shop", "1")

    with pytest.raises(fc2.FcError) as nowhere:
        shop.invoke_function("shop", "f", qualifier="prod")

    assert told(nowhere) == (404, "VersionNotFound")
    assert shop.get_alias("shop", "prod").data["versionId"] == "1"


def test_an_alias_whose_other_version_is_deleted_says_which_when_a_call_is_led_there(shop: Any, tmp_path: Path) -> None:
    (tmp_path / "index.py").write_text(CODE)
    shop.create_function("shop", "f", "python3", "index.handler", codeDir=str(tmp_path))
    shop.publish_version("shop")
    shop.update_function("shop", "f", description="second")
    shop.publish_version("shop")
    shop.create_alias("shop", "prod", "1", additionalVersionWeight={"2": 1.0})
    shop.delete_version("shop", "2")

    with pytest.raises(fc2.FcError, match=r"version .*2.* does not exist") as nowhere:
        shop.invoke_function("shop", "f", qualifier="prod")

    assert told(nowhere) == (404, "VersionNotFound")
    assert shop.get_function("shop", "f", qualifier="prod").data["description"] == ""


def test_the_checksum_of_a_versions_code_is_worked_out_once(
    shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of a large archive takes seconds, in which the local cloud answers nobody."""
    (tmp_path / "index.py").write_text(CODE)
    shop.create_function("shop", "f", "python3", "index.handler", codeDir=str(tmp_path))
    shop.publish_version("shop")
    (tmp_path / "index.py").write_text(f"{CODE}# longer\n")
    shop.update_function("shop", "f", codeDir=str(tmp_path))
    worked_out: list[bytes] = []

    def counted(content: bytes) -> str:
        worked_out.append(content)
        return "7"

    monkeypatch.setattr("localcloud.fc.code.checksum", counted)

    shown = [shop.get_function("shop", "f", qualifier="1").data["codeChecksum"] for _ in range(3)]

    assert (shown, len(worked_out)) == (["7"] * 3, 1)
    assert shop.get_function_code("shop", "f", qualifier="1").data["checksum"] == "7"
    assert len(worked_out) == 1


def test_a_version_that_an_earlier_release_kept_shows_the_service_as_it_is_now(server: FcServer, shop: Any) -> None:
    server.served.call(lambda: server.fc.versions.publish("services/shop", {}, "from before"))

    shown = shop.get_service("shop", qualifier="1").data

    assert (shown["description"], shown["role"]) == ("from before", "acs:ram::1:role/first")


def test_what_an_alias_shows_is_its_own_version_though_calls_may_go_to_another(shop: Any, tmp_path: Path) -> None:
    code = tmp_path / "index.py"
    code.write_text(CODE)
    shop.create_function("shop", "f", "python3", "index.handler", codeDir=str(tmp_path), description="first")
    before = shop.publish_version("shop").data["versionId"]
    code.write_text(f"{CODE}# longer\n")
    shop.update_function("shop", "f", codeDir=str(tmp_path), description="second")
    after = shop.publish_version("shop").data["versionId"]
    shop.create_alias("shop", "prod", before, additionalVersionWeight={after: 1.0})

    shown = shop.get_function("shop", "f", qualifier="prod").data

    assert shown == shop.get_function("shop", "f", qualifier=before).data
    assert shown["description"] == "first"
    assert shown["codeChecksum"] == shop.get_function_code("shop", "f", qualifier="prod").data["checksum"]
    assert shown["codeChecksum"] != shop.get_function("shop", "f").data["codeChecksum"]
    assert shop.list_functions("shop", qualifier="prod").data["functions"] == [shown]
