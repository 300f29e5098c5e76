"""What was acknowledged is there after a restart on the same directory, and no script runs twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from localcloud.ecs.executor_simulated import Outcome
from localcloud.ecs.limits import STRICT
from localcloud.file_journal import FileJournal
from localcloud.fleet import Fleet, Group
from localcloud.journal import NoJournal
from tests.contract.ecs.worlds import FLEET, REGION, START_MS, EcsWorld, code_of, ids


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., EcsWorld]:
    """Starts on the same directory; whatever ran before is killed: its service is not closed, only let go."""
    journals: list[FileJournal] = []
    worlds: list[EcsWorld] = []

    def begin(fleet: Fleet = FLEET) -> EcsWorld:
        for journal in journals:
            journal.close()
        journals[:] = [FileJournal(tmp_path)]
        now_ms = worlds[-1].now_ms if worlds else START_MS
        worlds.append(EcsWorld(journal=journals[0], now_ms=now_ms, fleet=fleet))
        return worlds[-1]

    return begin


def test_commands_results_quota_and_tokens_survive(start: Callable[..., EcsWorld]) -> None:
    world = start()
    world.behave = lambda _job: Outcome(exit_code=2, output=b"\x00out")
    command_id = world.command(b"echo {{a}}", enable_parameter=True, tags=(("t", "1"),))
    invoke_id = world.invoke(command_id, *ids(2), token="token", parameters=(("a", "b"),), tags=(("run", "r"),))
    world.advance(5)
    world.service.set_quota(7)
    before = world.ask("DescribeInvocations", InvokeId=invoke_id, IncludeOutput="true")["Invocations"]
    commands = world.ask("DescribeCommands")["Commands"]

    world = start()

    assert world.ask("DescribeInvocations", InvokeId=invoke_id, IncludeOutput="true")["Invocations"] == before
    assert world.ask("DescribeInvocations", Tag_1_Key="run", Tag_1_Value="r")["TotalCount"] == 1
    assert world.ask("DescribeCommands")["Commands"] == commands
    assert (world.service.quota.used(REGION), world.service.quota.limit(REGION)) == (1, 7)
    again = world.invoke(command_id, *ids(2), token="token", parameters=(("a", "b"),), tags=(("run", "r"),))
    assert again == invoke_id
    assert code_of(lambda: world.invoke(command_id, "i-l003", token="token")) == "IdempotentParameterMismatch"
    world.advance(5)
    assert world.jobs == []


def test_what_ran_is_known_to_have_gone_and_is_not_started_again(start: Callable[..., EcsWorld]) -> None:
    world = start()
    world.behave = lambda _job: Outcome(duration_ms=30_000)
    running, stopping = world.run("i-l001"), world.run("i-l002")
    world.advance(2)
    world.service.stop_invocation(REGION, stopping)

    world = start()
    world.advance(60)

    row = world.row(running)
    assert (row.status, row.error_code, row.start_ms) == ("Error", "ClientRestarted", START_MS)
    assert world.row(stopping, "i-l002").status == "Terminated"
    assert world.jobs == []


def test_what_was_handed_over_but_had_not_begun_is_not_started_again(start: Callable[..., EcsWorld]) -> None:
    world = start()
    invoke_id = world.run("i-l001")
    # The executor has it, and the local cloud is killed before the executor says a word.
    world.executor.is_closed = True
    world.advance(0)
    assert world.row(invoke_id).status == "Pending"

    world = start()
    world.advance(60)

    assert (world.row(invoke_id).error_code, world.jobs) == ("ClientRestarted", [])


def test_what_had_not_begun_is_delivered_after_the_restart(start: Callable[..., EcsWorld]) -> None:
    world = start()
    invoke_id = world.run(*ids(2))

    world = start()
    world.advance(5)

    assert world.statuses(invoke_id) == ["Success", "Success"]
    assert len(world.jobs) == 2


def test_schedules_go_on_with_their_history_and_count(start: Callable[..., EcsWorld]) -> None:
    world = start()
    cron = world.run("i-l001", frequency="0 * * * * ?")
    world.advance(7)
    rate = world.run("i-l002", frequency="rate(60s)", timeout_s=59)
    boot = world.run("i-l003", repeat_mode="EveryReboot")
    over = world.run("i-l004", frequency="0 * * * * ?")
    world.advance(60)
    world.service.stop_invocation(REGION, over)

    world = start()
    world.advance(60)
    world.service.reboot_instances(["i-l003"])
    world.advance(10)

    assert [row.start_ms - START_MS for row in world.service.run(REGION, cron).history["i-l001"]] == [60_000, 120_000]
    assert (world.row(rate, "i-l002").repeats, world.row(boot, "i-l003").repeats) == (2, 1)
    assert world.row(over, "i-l004").status == "Cancelled"


def test_instances_keep_their_state_their_tags_and_their_ids(start: Callable[..., EcsWorld]) -> None:
    unnamed = Fleet((Group(name="n-{number}", count=3),))
    world = start(unnamed)
    first, second, third = [one.instance_id for one in world.service.instances.everywhere()]
    world.service.set_agent(first, "missing")
    world.service.stop_instances([second])
    world.service.remove_instance(third)
    world.ask("TagResources", ResourceType="instance", ResourceId_1=first, Tag_1_Key="k", Tag_1_Value="v")

    world = start(unnamed)

    assert [one.instance_id for one in world.service.instances.everywhere()] == [first, second]
    assert world.service.instances.get(REGION, first).agent == "missing"
    assert world.service.instances.get(REGION, second).status == "Stopping"
    assert world.ask("DescribeInstances", Tag_1_Key="k")["TotalCount"] == 1
    world.advance(5)
    assert world.service.instances.get(REGION, second).status == "Stopped"
    (fourth,) = world.service.add_instance(Group(name="new"))
    assert world.service.instances.get(REGION, fourth).number == 3


def test_what_was_forgotten_stays_forgotten(start: Callable[..., EcsWorld]) -> None:
    world = start()
    old = world.run(*ids(3))
    world.advance(STRICT.retention_ms / 1000)
    world.run("i-l001")
    world.advance(5)

    world = start()

    assert code_of(lambda: world.row(old)) == "InvalidInvokeId.NotFound"
    assert world.ask("DescribeInvocations")["TotalCount"] == 1


def test_a_seed_gives_no_id_twice_over_a_restart(start: Callable[..., EcsWorld]) -> None:
    world = start()
    first_command, first_run = world.command(), world.run("i-l001")

    world = start()
    second_command, second_run = world.command(), world.run("i-l001")

    assert len({first_command, second_command}) == len({first_run, second_run}) == 2
    assert world.ask("DescribeInvocations")["TotalCount"] == 2


def test_a_changed_schedule_stays_changed(start: Callable[..., EcsWorld]) -> None:
    world = start()
    invoke_id = world.run("i-l001", frequency="0 * * * * ?", content=b"old")
    world.ask(
        "ModifyInvocationAttribute",
        InvokeId=invoke_id,
        Frequency="rate(2m)",
        CommandContent="new",
        InstanceId_1="i-l002",
    )

    world = start()
    world.advance(121)

    assert world.jobs == [("i-l001", b"new"), ("i-l002", b"new")]
    assert replace(world.row(invoke_id), instance_id="i-l002") == world.row(invoke_id, "i-l002")


class WatchedJournal(NoJournal):
    """Knows what has not reached the operating system yet."""

    def __init__(self) -> None:
        self.unflushed: list[str] = []

    def put(self, collection: str, key: str, value: Any) -> None:
        self.unflushed.append(f"{collection} {key}")

    def flush(self) -> None:
        self.unflushed.clear()


def test_the_journal_knows_of_a_script_before_the_executor_does() -> None:
    journal = WatchedJournal()
    world = EcsWorld(journal=journal)
    seen: list[list[str]] = []

    def behave(_job: object) -> Outcome:
        seen.append(list(journal.unflushed))
        return Outcome()

    world.behave = behave
    world.run(*ids(3))
    world.advance(0)

    assert seen == [[], [], []]
