"""Planted bugs: each is one small change of the real source, made while it is imported. A simulator that misses one is blind.

`within`: seeds among which it must be caught (about three times what was needed when it was planted).
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class Bug:
    name: str
    module: str
    old: str
    new: str
    within: int = 300


BUGS = (
    Bug("look-up before resending left out", "shared.app.track", "        elif invoke_id:\n", "        elif False:\n"),
    Bug(
        "ClientToken left out",
        "shared.app.invoke",
        "        client_token=chunk.chunk_id,\n",
        "        client_token=hold.ports.ids.new_id(),\n",
    ),
    Bug("condition dropped", "tests.app.memory_stores", " or before.version != run.version - 1:", ":"),
    Bug("lease not checked", "shared.app.advance", "if run.lease_until_ms > now_ms:", "if False:"),
    Bug(
        "events published before the write",
        "shared.app.hold",
        "        if events:\n",
        "        for event in events:\n            self.ports.publisher.publish(event.body)\n        if events:\n",
    ),
    Bug(
        "redelivered message given a new run id",
        "shared.app.accept",
        "run_id=run_id_of(request.request_id)",
        "run_id=run_id_of(request.request_id + str(now_ms))",
    ),
    Bug(
        "unit not returned",
        "shared.app.invoke",
        "spent[chunk.unit_day] = spent.get(chunk.unit_day, 0) - 1",
        "pass",
    ),
    Bug("stop not fenced", "shared.app.advance", "    if not hold.run.halted:\n", "    if True:\n"),
    Bug("a target too many in a chunk", "shared.core.chunk", "// size_max)", "// (size_max + 1))"),
    Bug("wake-up lost for good", "shared.app.sweep", "+ limits.SWEEP_GRACE_MS <= now_ms", "+ limits.SWEEP_GRACE_MS <= 0"),
    Bug("zombie write accepted", "tests.app.memory_stores", " or before.version != chunk.version - 1:", ":"),
    Bug("partial batch swallowed", "shared.runtime.boundary", "    if unfinished:\n", "    if False:\n"),
    Bug("day boundary in UTC instead of UTC+8", "shared.core.limits", "DAY_OFFSET_MS = 8 * 3_600_000", "DAY_OFFSET_MS = 0"),
    Bug("intent not written", "shared.app.invoke", "hold.write_run(sending=numbers, ", "hold.write_run("),
    Bug("doubt forgotten after a crash", "shared.app.track", "for number in hold.run.sending:", "for number in ():"),
    Bug("quota limit ignored", "shared.app.grant", "total=total, limit=limit)", "total=total, limit=1 << 30)"),
    Bug("units spent that were never granted", "shared.app.pick", "            if units == 0:\n", "            if False:\n"),
    Bug("an outcome that changes", "shared.core.track", "if result is None or target.ended_no:\n            continue", "if result is None:\n            continue"),
    Bug("failure bound off by three", "shared.core.rate", "bounds.failures_max + 1 - failures", "bounds.failures_max + 4 - failures"),
    Bug("a gap in the events", "shared.app.hold", "event_seq=self.run.event_seq + len(events)", "event_seq=self.run.event_seq + len(events) + (len(events) > 2)"),
    Bug("settled before all is published", "shared.app.emit", "    if sent == run.event_seq and _clean_up(hold):", "    if _clean_up(hold):"),
    Bug("midnight not waited out", "shared.app.pick", "if not candidates or wait_out_midnight(hold):", "if not candidates:"),
    Bug("cut-off targets not adopted", "shared.app.pick", "if chunk.rest and chunk.rest not in hold.run.extra:", "if False:", within=3_000),
    Bug("content not frozen before its token", "shared.app.invoke", "        _freeze(hold, picked)\n", "", within=12_000),
)  # fmt: skip


class Planter(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module with its bug in it."""

    def __init__(self, bug: Bug) -> None:
        self.bug = bug

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.bug.module:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(_file_of(fullname)))

    def exec_module(self, module: ModuleType) -> None:
        source = _file_of(self.bug.module).read_text()
        assert source.count(self.bug.old) == 1, f"{self.bug.name}: {self.bug.old!r} is not there once"
        code = compile(source.replace(self.bug.old, self.bug.new), str(_file_of(self.bug.module)), "exec")
        exec(code, module.__dict__)


def _file_of(module: str) -> Path:
    return Path(__file__).parents[2] / (module.replace(".", "/") + ".py")


def plant(name: str) -> None:
    """Before anything of ours is imported."""
    (bug,) = (bug for bug in BUGS if bug.name == name)
    assert bug.module not in sys.modules, f"{bug.module} is imported already"
    sys.meta_path.insert(0, Planter(bug))
