"""An intent names the day whose units pay for it: what recovers it after a crash has nothing else to go by."""

from __future__ import annotations

from shared.core.days import day_of, next_day_start_ms, quiet_until_ms
from shared.core.model import Run
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
