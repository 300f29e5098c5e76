"""A change of a schedule that was refused stays refused, whatever the schedule has become since."""

from __future__ import annotations

import pytest

from shared.core.errors import Unavailable
from shared.core.model import rejection_id_of
from tests.app.memory import linux
from tests.app.schedule_driving import ScheduleDrive


def test_a_change_that_was_refused_is_not_made_when_its_message_comes_again() -> None:
    drive = ScheduleDrive()
    drive.world.directory.add(linux(1))
    pause = {"kind": "schedule", "requestId": "pause-1", "schedule": "job", "action": "pause"}
    drive.world.runs.fail("remember", Unavailable("down"))
    with pytest.raises(Unavailable):
        drive.send(pause, message_id="m-7")  # there is no such schedule: a dead letter says so, and the row is written
    assert len(drive.world.queue.dead_letters) == 1

    drive.add("job", "0 30 * * * ?")
    drive.send(pause, message_id="m-7")

    assert drive.last_answer == "rejected"
    assert drive.schedule("job").status == "Active"
    assert drive.run(rejection_id_of("m-7")).due_ms == 0, "and the rejection is complete"
    assert drive.kinds(rejection_id_of("m-7")) == ["run.rejected"]
