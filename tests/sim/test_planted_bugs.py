"""The simulator must be able to fail: each planted bug is caught, in a process of its own."""

from __future__ import annotations

import pytest

from tests.sim.__main__ import hunt
from tests.sim.bug import Bug
from tests.sim.bugs import BUGS
from tests.sim.planting import by_module, changed

NEAR = 10
"""Seeds from `bug.first` on that are tried before all others: most seeds catch nothing, and cost the same."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught_within_its_number_of_seeds(bug: Bug) -> None:
    caught_by = hunt(bug.name, first=bug.first, seeds=NEAR) or hunt(bug.name, first=1, seeds=bug.within)

    assert caught_by, f"{bug.name} is not caught within {bug.within} seeds"


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_a_change_of_source_that_is_there(bug: Bug) -> None:
    for module, edits in by_module(bug).items():
        compile(changed(module, edits), module, "exec")


def test_the_bugs_that_the_project_was_asked_for_are_planted() -> None:
    names = {bug.name for bug in BUGS}

    assert names >= {
        "look-up before resending left out",
        "ClientToken left out",
        "condition dropped",
        "lease not checked",
        "events published before the write",
        "redelivered message given a new run id",
        "unit not returned",
        "stop not fenced",
        "a target too many in a chunk",
        "wake-up lost for good",
        "zombie write accepted",
        "partial batch swallowed",
        "day boundary in UTC instead of UTC+8",
    }
