"""Commands: made, changed, described, deleted, and what is wrong with them."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from localcloud.ecs.limits import STRICT
from localcloud.ecs.values import CommandChanges
from tests.contract.ecs.worlds import REGION, EcsWorld, code_of


def test_a_command_is_shown_as_it_was_made_with_base64_by_default(world: EcsWorld) -> None:
    world.ask(
        "CreateCommand",
        Name="disk",
        Type="RunShellScript",
        CommandContent=base64.b64encode(b"df {{ path }} {{PATH}} {{b}}").decode(),
        EnableParameter="True",
        Description="free space",
        Timeout="90",
        Tag_1_Key="team",
        Tag_1_Value="web",
    )

    (shown,) = world.ask("DescribeCommands")["Commands"]["Command"]

    assert base64.b64decode(shown["CommandContent"]) == b"df {{ path }} {{PATH}} {{b}}"
    assert shown["ParameterNames"] == {"ParameterName": ["path", "b"]}
    assert (shown["Timeout"], shown["WorkingDir"], shown["CreationTime"]) == (90, "/root", "2026-01-01T00:00Z")
    assert shown["Tags"] == {"Tag": [{"TagKey": "team", "TagValue": "web"}]}
    (plain,) = world.ask("DescribeCommands", ContentEncoding="PlainText")["Commands"]["Command"]
    assert plain["CommandContent"] == "df {{ path }} {{PATH}} {{b}}"


def test_content_is_base64_unless_plain_text_is_said(world: EcsWorld) -> None:
    named = {"Name": "n", "Type": "RunShellScript", "CommandContent": "echo no base64!"}

    assert world.refusal("CreateCommand", **named) == (400, "CmdContent.DecodeError")
    assert world.refusal("CreateCommand", ContentEncoding="Base32", **named) == (400, "CmdContent.DecodeError")
    assert world.ask("CreateCommand", ContentEncoding="plaintext", **named)["CommandId"].startswith("c-")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "RunPythonScript"}, "InvalidCmdType.NotFound"),
        ({"name": "n" * 129}, "CmdName.ExceedLimit"),
        ({"name": "a\nb"}, "InvalidParameterCharacter.CommandName"),
        ({"description": "d" * 513}, "CmdDesc.ExceedLimit"),
        ({"working_dir": "/" + "d" * 200}, "InvalidParameter.WorkingDir"),
        ({"timeout_s": 9}, "InvalidTimeout.ExceedLimit"),
        ({"timeout_s": 86_401}, "InvalidTimeout.ExceedLimit"),
        ({"launcher": "é" * 513}, "InvalidLauncher.LengthLimitExceeded"),
        ({"content": b"x" * 18_433}, "CmdContent.ExceedLimit"),
        ({"tags": tuple((f"k{number}", "") for number in range(21))}, "NumberExceed.Tags"),
        ({"tags": (("", "v"),)}, "MissingParameter.TagKey"),
        ({"tags": (("acs:x", "v"),)}, "InvalidTagKey.Malformed"),
        ({"tags": (("k" * 65, "v"),)}, "InvalidTagKey.Malformed"),
        ({"tags": (("k", "v" * 129),)}, "InvalidTagValue.Malformed"),
        ({"tags": (("k", "1"), ("k", "2"))}, "Duplicate.TagKey"),
        ({"content": b"{{}}", "enable_parameter": True}, "CmdParam.EmptyKey"),
        ({"content": b"{{a b}}", "enable_parameter": True}, "CmdParam.InvalidParamName"),
        ({"content": b"{{" + b"a" * 65 + b"}}", "enable_parameter": True}, "CmdParamName.ExceedLimit"),
        (
            {"content": b"".join(b"{{p%d}}" % number for number in range(21)), "enable_parameter": True},
            "CmdParamCount.ExceedLimit",
        ),
    ],
)
def test_each_rule_of_a_command_has_its_code(world: EcsWorld, changes: dict[str, object], code: str) -> None:
    assert code_of(lambda: world.command(**changes)) == code  # type: ignore[arg-type]
    assert world.service.commands.count() == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "n" * 128, "description": "d" * 512, "working_dir": "/" + "d" * 199, "timeout_s": 10},
        {"timeout_s": 86_400, "launcher": "é" * 512, "content": b"x" * 18_432},
        {"tags": tuple((f"k{number}" + "k" * 60, "v" * 128) for number in range(10, 30))},
        {"content": b"".join(b"{{p%d}}" % number for number in range(20)), "enable_parameter": True},
        {"content": b"{{ACS::Anything}} {{oos:x}}", "enable_parameter": True},
        {"content": b"{{a b}}"},
    ],
)
def test_what_is_just_within_the_rules_is_taken(world: EcsWorld, changes: dict[str, object]) -> None:
    assert world.command(**changes).startswith("c-")  # type: ignore[arg-type]


def test_the_number_of_kept_commands_is_limited_per_region() -> None:
    world = EcsWorld(limits=replace(STRICT, commands_max=2))
    world.command()
    world.command(region="cn-beijing")
    world.command()

    assert code_of(world.command) == "CmdCount.ExceedQuota"
    assert world.command(region="cn-beijing").startswith("c-")


def test_only_what_is_named_is_modified_and_the_content_never(world: EcsWorld) -> None:
    command_id = world.command(b"true", name="a", description="first", timeout_s=20)

    world.ask("ModifyCommand", CommandId=command_id, Timeout="30", CommandContent="ZmFsc2U=", Description="")

    command = world.service.commands.get(REGION, command_id)
    assert (command.name, command.description, command.timeout_s, command.content) == ("a", "", 30, b"true")
    changes = CommandChanges(name="n" * 129)
    assert code_of(lambda: world.service.commands.modify(REGION, command_id, changes)) == "CmdName.ExceedLimit"
    assert world.refusal("ModifyCommand", CommandId="c-none", Name="x") == (404, "InvalidCmdId.NotFound")


def test_commands_are_found_by_pattern_type_and_tag_newest_first(world: EcsWorld) -> None:
    first = world.command(name="web-check", description="all of it", tags=(("team", "web"),))
    second = world.command(name="web.check")
    batch = world.command(name="db", type="RunBatScript", tags=(("team", "db"),))

    def found(**parameters: str) -> list[str]:
        return [one["CommandId"] for one in world.ask("DescribeCommands", **parameters)["Commands"]["Command"]]

    assert found() == [batch, second, first]
    assert found(Name="web*") == [second, first]
    assert found(Name="web.check") == [second]
    assert found(Name="*.*") == [second]
    assert found(Description="all*") == [first]
    assert found(Type="RunBatScript") == [batch]
    assert found(Tag_1_Key="team") == [batch, first]
    assert found(Tag_1_Key="team", Tag_1_Value="db") == [batch]
    assert found(CommandId=first, Name="db") == []
    assert found(Provider="AlibabaCloud") == []
    assert world.refusal("DescribeCommands", Type="RunPerl") == (404, "InvalidCommandType.NotFound")
    assert world.refusal("DescribeCommands", Name="n" * 129) == (403, "InvalidName.LengthLimitExceeded")


def test_a_command_is_deleted_unless_it_is_being_executed(world: EcsWorld) -> None:
    command_id = world.command()
    world.invoke(command_id, "i-l001")
    world.advance(0.5)

    assert world.refusal("DeleteCommand", CommandId=command_id) == (403, "Operation.Forbidden")
    world.advance(1)
    world.ask("DeleteCommand", CommandId=command_id)

    assert world.refusal("DeleteCommand", CommandId=command_id) == (404, "InvalidCmdId.NotFound")
    assert code_of(lambda: world.invoke(command_id, "i-l001")) == "InvalidCmdId.NotFound"


def test_run_command_keeps_its_command_only_on_request(world: EcsWorld) -> None:
    asked = {"Type": "RunShellScript", "CommandContent": "true", "InstanceId_1": "i-l001"}

    gone = world.ask("RunCommand", **asked)
    kept = world.ask("RunCommand", KeepCommand="true", Name="kept", **asked)

    (command,) = world.ask("DescribeCommands")["Commands"]["Command"]
    assert (command["CommandId"], command["Name"], command["InvokeTimes"]) == (kept["CommandId"], "kept", 1)
    shown = world.ask("DescribeInvocations", InvokeId=gone["InvokeId"])["Invocations"]["Invocation"][0]
    assert shown["CommandId"] == gone["CommandId"]


def test_invocations_of_a_kept_command_are_counted(world: EcsWorld) -> None:
    command_id = world.command()

    world.invoke(command_id, "i-l001")
    world.invoke(command_id, "i-l002")

    assert world.ask("DescribeCommands")["Commands"]["Command"][0]["InvokeTimes"] == 2
