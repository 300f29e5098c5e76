"""StopInvocation in both models, and what it cannot stop."""

from __future__ import annotations

from dataclasses import replace

from localcloud.ecs.executor_simulated import Outcome
from localcloud.ecs.limits import STRICT
from tests.contract.ecs.worlds import REGION, START_MS, EcsWorld, ids, numbered


def slow(world: EcsWorld) -> None:
    world.behave = lambda _job: Outcome(duration_ms=30_000, output=b"so far")


def test_running_scripts_are_stopping_then_terminated_with_their_output(world: EcsWorld) -> None:
    slow(world)
    invoke_id = world.run(*ids(2))
    world.advance(5)

    world.service.stop_invocation(REGION, invoke_id)
    assert world.statuses(invoke_id) == ["Stopping", "Stopping"]
    world.advance(0)

    row = world.row(invoke_id)
    assert (row.status, row.output, row.exit_code) == ("Terminated", b"so far", None)
    assert row.stop_ms == row.finish_ms == START_MS + 5_000
    (shown,) = world.ask("DescribeInvocations", InvokeId=invoke_id)["Invocations"]["Invocation"]
    assert (shown["InvocationStatus"], shown["InvokeStatus"]) == ("Stopped", "Stopped")


def test_what_has_not_begun_is_cancelled(world: EcsWorld) -> None:
    invoke_id = world.run("i-l001")

    world.service.stop_invocation(REGION, invoke_id)
    world.advance(5)

    assert (world.row(invoke_id).status, world.row(invoke_id).finish_ms) == ("Cancelled", 0)
    assert world.jobs == []


def test_what_waits_in_the_agents_queue_is_cancelled_and_the_others_go_on(world: EcsWorld) -> None:
    slow(world)
    command_id = world.command()
    invoked = [world.invoke(command_id, "i-l001") for _ in range(12)]
    world.advance(1)

    world.service.stop_invocation(REGION, invoked[10])
    world.advance(60)

    assert world.row(invoked[10]).status == "Cancelled"
    assert world.row(invoked[11]).status == "Success"
    assert len(world.jobs) == 11


def test_some_instances_can_be_stopped_and_the_others_go_on(world: EcsWorld) -> None:
    slow(world)
    invoke_id = world.run(*ids(3))
    world.advance(1)

    world.ask("StopInvocation", InvokeId=invoke_id, InstanceId_1="i-l002")
    world.advance(60)

    assert world.statuses(invoke_id) == ["Success", "Terminated", "Success"]


def test_in_the_documented_model_what_runs_goes_on_and_what_waits_is_dropped() -> None:
    world = EcsWorld(limits=replace(STRICT, stop_model="documented"))
    slow(world)
    command_id = world.command()
    invoked = [world.invoke(command_id, "i-l001") for _ in range(11)]
    world.advance(1)

    for invoke_id in (invoked[0], invoked[10]):
        world.service.stop_invocation(REGION, invoke_id)
    assert world.row(invoked[0]).status == "Running"
    world.advance(60)

    assert (world.row(invoked[0]).status, world.row(invoked[0]).stop_ms) == ("Success", START_MS + 1_000)
    assert world.row(invoked[10]).status == "Cancelled"


def test_stopping_again_or_too_late_changes_nothing(world: EcsWorld) -> None:
    slow(world)
    invoke_id = world.run("i-l001")
    world.advance(1)
    world.service.stop_invocation(REGION, invoke_id)
    world.advance(1)
    before = world.row(invoke_id)

    world.service.stop_invocation(REGION, invoke_id)
    world.advance(60)

    assert world.row(invoke_id) == before


def test_stopping_an_ended_invocation_is_refused_when_so_chosen() -> None:
    world = EcsWorld(limits=replace(STRICT, stop_finished="refuse"))
    invoke_id = world.run("i-l001")
    world.advance(2)

    assert world.refusal("StopInvocation", InvokeId=invoke_id) == (403, "Operation.Forbidden")


def test_a_stop_takes_50_ids_all_of_them_of_the_invocation(world: EcsWorld) -> None:
    invoke_id = world.run(*ids(100))

    refused = world.refusal("StopInvocation", InvokeId=invoke_id, **numbered("InstanceId", ids(51)))
    assert refused == (403, "InstanceIds.ExceedLimit")
    foreign = world.refusal("StopInvocation", InvokeId=invoke_id, InstanceId_1="i-l001", InstanceId_2="i-l101")
    assert foreign == (404, "InvalidInstanceId.NotFound")
    assert world.refusal("StopInvocation", InvokeId="t-none") == (404, "InvalidInvokeId.NotFound")
    assert set(world.statuses(invoke_id)) == {"Pending"}
    world.ask("StopInvocation", InvokeId=invoke_id, **numbered("InstanceId", ids(50)))

    assert world.statuses(invoke_id) == ["Cancelled"] * 50 + ["Pending"] * 50


def test_a_script_on_an_unreachable_instance_stays_stopping_until_it_is_heard_of(world: EcsWorld) -> None:
    slow(world)
    invoke_id = world.run("i-l001")
    world.advance(1)
    world.service.set_agent("i-l001", "offline")

    world.service.stop_invocation(REGION, invoke_id)
    world.advance(3)
    assert world.row(invoke_id).status == "Stopping"
    world.service.set_agent("i-l001", "online")
    world.advance(0)

    assert world.row(invoke_id).status == "Terminated"


def test_a_script_that_ended_while_nobody_heard_is_stopping_and_then_what_it_was(world: EcsWorld) -> None:
    """Not Cancelled: it had begun, and what has ended stays as it ended (sim seed 4036405)."""
    slow(world)
    invoke_id = world.run("i-l001")
    world.advance(1)
    world.service.set_agent("i-l001", "offline")
    world.advance(31)  # it ends, and cannot say so

    world.service.stop_invocation(REGION, invoke_id)
    assert world.row(invoke_id).status == "Stopping"
    world.service.set_agent("i-l001", "online")
    world.advance(0)

    assert world.row(invoke_id).status == "Success"
