"""The safety net serves everybody: hundreds of runs that no wake-up helps do not keep others from theirs."""

from __future__ import annotations

from shared.core import limits
from shared.core.wakeups import decode_wakeup
from tests.app.driving import Drive, invoke_request
from tests.app.memory import linux


def test_every_overdue_run_has_its_turn_though_none_of_them_gets_on() -> None:
    drive = Drive()
    drive.world.directory.add(linux(1))
    sent = {drive.send(invoke_request(f"deploy-{number}")) for number in range(450)}
    drive.world.queue.wakeups.clear()
    drive.world.clock.advance(3_600_000)

    woken: set[str] = set()
    for _ in range(3):
        drive.sweep()
        batch = [decode_wakeup(body).run_id for _, body in drive.world.queue.wakeups]
        assert len(batch) == limits.SWEEP_RUNS_MAX
        woken.update(batch)
        drive.world.queue.wakeups.clear()
        drive.world.clock.advance(60_000)

    assert woken == sent
