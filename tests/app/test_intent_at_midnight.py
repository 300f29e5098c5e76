"""An intent names the day whose units pay for it: what recovers it after a crash has nothing else to go by."""

from __future__ import annotations

from shared.core.days import day_of, next_day_start_ms, quiet_until_ms
from shared.core.errors import Unavailable
from shared.core.model import Run, StopMark
from tests.app.driving import Drive, check_head, invoke_request
from tests.app.memory import linux


def test_an_intent_that_midnight_has_overtaken_is_not_written() -> None:
    drive = Drive()
    drive.world.directory.add(*(linux(number) for number in range(3)))
    clock, quota = drive.world.clock, drive.ports.quota
    midnight_ms = next_day_start_ms(clock.now_ms())
    clock.advance_to(midnight_ms - 60_000)
    assert not quiet_until_ms(clock.now_ms())
    intents: list[Run] = []

    def watch(before: Run | None, after: Run) -> None:
        check_head(before, after)
        if after.sending:
            intents.append(after)

    def slow_grant(*args: object, **more: object) -> bool:
        granted = grant(*args, **more)
        if clock.now_ms() < midnight_ms:
            clock.advance_to(midnight_ms + 1_000)  # the answer was long in coming
        return granted

    drive.world.runs.watch = watch
    grant = quota.grant
    quota.grant = slow_grant  # type: ignore[method-assign]
    run_id = drive.send(invoke_request())
    drive.settle()

    assert intents, "it was sent in the end"
    assert all(run.spent.get(day_of(run.sending_ms)) for run in intents)
    assert drive.run(run_id).status == "Success"


def test_an_intent_that_cannot_be_written_leaves_the_run_to_the_next_step_also_when_a_target_was_withdrawn() -> None:
    """The withdrawn target is written before the intent: the step must go on from that row (sim seed 13012723)."""
    drive = Drive()
    drive.world.directory.add(*(linux(number) for number in range(3)))
    run_id = drive.send(invoke_request())
    mark = StopMark(run_id, "stop-1", ("i-00001",), drive.world.clock.now_ms())
    assert drive.world.runs.insert_stop(mark)
    drive.world.runs.fail("update_run", Unavailable("not now"), skip=1)  # the claim is written, the intent is not

    assert drive.deliver_now(run_id) == "Planned"

    assert drive.run(run_id).lease_until_ms == 0, "it was not fenced by its own row"
    drive.settle()
    assert drive.check_settled(run_id).counts == {"NotStarted": 1, "Success": 2}
