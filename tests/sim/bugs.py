"""The planted bugs: each is a small change of the real source.

`within`: seeds, from seed 1, among which it must be caught; `first`: where a test begins, because a seed close by has
caught it. `aim`: the trouble in which it shows itself, which is then in every one of these seeds; without it the bug is
looked for in the same seeds as ever (`--aimless`: all of them are).
"""

from __future__ import annotations

from tests.sim.access_bugs import ACCESS_BUGS
from tests.sim.bug import Bug, Edit
from tests.sim.bug import bug as _bug
from tests.sim.trouble import Aim

_ANNOUNCE = "        for event in events:\n            self.ports.publisher.publish(event.body)\n        if events:\n"
_SEQ = "event_seq=self.run.event_seq + len(events)"

BUGS = (
    _bug(
        "look-up before resending left out",
        "shared.app.track",
        "        elif invoke_id:\n",
        "        elif False:\n",
        aim=Aim(("die after", "lost reply"), ("invoke", "update_run")),
        first=479,
        within=600,
    ),
    _bug(
        "ClientToken left out",
        "shared.app.invoke",
        "        client_token=chunk.chunk_id,\n",
        "        client_token=hold.ports.ids.new_id(),\n",
    ),
    _bug(
        "condition dropped",
        "shared.adapters.run_store",
        "key, columns, exists=True, where=(where,)))\n\n    def read_runs",
        "key, columns, exists=True))\n\n    def read_runs",
    ),
    _bug(
        "condition passes on a missing column",
        "shared.adapters.run_store",
        'Where("plan_no", "<", chunk.plan_no, pass_if_missing=True)',
        'Where("plan", "<", chunk.plan_no, pass_if_missing=True)',
        aim=Aim(("zombie before",), ("put_chunks",)),
    ),
    _bug(
        "lease not checked",
        "shared.app.advance",
        "if run.lease_until_ms > now_ms:",
        "if False:",
        aim=Aim(("zombie after", "slow"), ("update_run", "read_chunks", "invoke")),
        first=1060,
        within=1500,
    ),
    _bug(
        "events published before the write",
        "shared.app.hold",
        "        if events:\n",
        _ANNOUNCE,
    ),
    _bug(
        "redelivered message given a new run id",
        "shared.app.accept",
        "run_id=run_id_of(request.request_id)",
        "run_id=run_id_of(request.request_id + str(now_ms))",
    ),
    _bug(
        "unit not returned",
        "shared.app.invoke",
        "- 1\n            # The hold's copy",
        "\n            # The hold's copy",
        aim=Aim(("throttled",), ("invoke",)),
    ),
    Bug(
        "stop not fenced",
        (
            Edit("shared.app.advance", "    if not hold.run.halted:\n", "    if True:\n"),
            Edit("shared.app.track", "given_up = hold.run.halted or ", "given_up = "),
        ),
        aim=Aim(("lost request", "throttled"), ("invoke", "find_invocation")),
        first=190,
        within=600,
    ),
    _bug(
        "a target too many in a chunk",
        "shared.core.chunk",
        "// size_max)",
        "// (size_max + 1))",
    ),
    _bug(
        "wake-up lost for good",
        "shared.app.sweep",
        "+ limits.SWEEP_GRACE_MS <= now_ms",
        "+ limits.SWEEP_GRACE_MS <= 0",
    ),
    _bug(
        "zombie write accepted",
        "shared.adapters.run_store",
        'Where("version", "==", chunk.version - 1, pass_if_missing=False)',
        'Where("version", "<", chunk.version + 9, pass_if_missing=False)',
        aim=Aim(("zombie before", "zombie after"), ("update_chunks", "read_chunks")),
    ),
    _bug(
        "partial batch swallowed",
        "shared.runtime.boundary",
        "    if unfinished:\n",
        "    if False:\n",
    ),
    _bug(
        "day boundary in UTC instead of UTC+8",
        "shared.core.limits",
        "DAY_OFFSET_MS = 8 * 3_600_000",
        "DAY_OFFSET_MS = 0",
    ),
    _bug(
        "intent not written",
        "shared.app.invoke",
        "hold.write_run(sending=numbers, ",
        "hold.write_run(",
        aim=Aim(("die after",), ("invoke",)),
    ),
    _bug(
        "doubt forgotten after a crash",
        "shared.app.track",
        "for number in hold.run.sending:",
        "for number in ():",
        aim=Aim(("die after",), ("invoke",)),
    ),
    _bug(
        "quota limit ignored",
        "shared.app.grant",
        "total=total, limit=limit)",
        "total=total, limit=1 << 30)",
    ),
    _bug(
        "quota condition passes on a missing column",
        "shared.adapters.quota_ledger",
        'return Where(column, "==", held, pass_if_missing=False)',
        'return Where("held", "==", held, pass_if_missing=True)',
        first=180,
        within=600,
    ),
    _bug(
        "units spent that were never granted",
        "shared.app.pick",
        "            if units == 0:\n",
        "            if False:\n",
    ),
    _bug(
        "an outcome that changes",
        "shared.core.track",
        "if result is None or target.ended_no:\n            continue",
        "if result is None:\n            continue",
    ),
    _bug(
        "failure bound off by three",
        "shared.core.rate",
        "bounds.failures_max + 1 - failures",
        "bounds.failures_max + 4 - failures",
    ),
    _bug(
        "a gap in the events",
        "shared.app.hold",
        _SEQ,
        _SEQ + " + (len(events) > 2)",
    ),
    _bug(
        "settled before all is published",
        "shared.app.emit",
        "    if sent == run.event_seq and _clean_up(hold):",
        "    if _clean_up(hold):",
    ),
    Bug(
        "midnight not waited out",
        (
            Edit("shared.app.pick", "if not candidates or wait_out_midnight(hold):", "if not candidates:"),
            Edit("shared.app.invoke", ", last_call_ms(chunk.unit_day))", ", 1 << 60)"),
            Edit("shared.app.invoke", "any(now_ms > last_call_ms(chunk.unit_day) ", "any(False "),
        ),
        first=240,
        within=300,
    ),
    _bug(
        "cut-off targets not adopted",
        "shared.app.pick",
        "if chunk.rest and chunk.rest not in hold.run.extra:",
        "if False:",
        aim=Aim(("die after",), ("update_chunks",)),
        first=121,
        within=400,
    ),
    _bug(
        "content not frozen before its token",
        "shared.app.invoke",
        "        _freeze(hold, picked)\n",
        "",
        aim=Aim(("die after", "lost reply"), ("invoke", "update_run")),
        first=2044,
        within=2500,
    ),
    _bug(
        "a zombie that believes old rows",
        "shared.app.pick",
        "        if chunk.sent_ms:\n",
        "        if False:\n",
        aim=Aim(("zombie before", "zombie after"), ("read_chunks", "update_run")),
    ),
    _bug(
        "unit of a chunk in doubt returned",
        "shared.app.invoke",
        'if chunk.unit_day and chunk.status == "Planned":',
        "if chunk.unit_day:",
        aim=Aim(("late effect", "unavailable"), ("invoke", "update_run")),
    ),
    _bug(
        "a write known by its version alone",
        "shared.app.hold",
        "stored == replace(written, request=stored.request)",
        "(stored.version, stored.holder) == (written.version, written.holder)",
        aim=Aim(("late effect", "lost reply", "lost request"), ("update_run",)),
    ),
    _bug(
        "a refusal of ECS taken for a bad message",
        "shared.app.plan",
        "    except Refused as error:\n        reject(hold, error)\n",
        "    except ZeroDivisionError as error:\n        reject(hold, error)\n",
    ),
    _bug(
        "rows of the next release read as if they were ours",
        "shared.adapters.tablestore_rows",
        "if schema not in (SCHEMA, SCHEMA - 1):",
        "if schema not in (SCHEMA, SCHEMA + 1):",
    ),
    _bug(
        "a stop that waits until its run is due",
        "shared.app.advance",
        " and not _has_unseen_stop(run, stops):",
        ":",
        aim=Aim((), ()),
        first=100,
    ),
    _bug(
        "a chunk in doubt paid before its intent",
        "shared.app.pick",
        'open_up(hold, [chunk for chunk in paid if chunk.status != "Unconfirmed"])',
        "open_up(hold, paid)",
        aim=Aim(("unavailable", "throttled", "lost request"), ("invoke", "update_run", "find_invocation")),
        first=7068,
        within=3000,
    ),
    _bug(
        "a change of a schedule made again by its repetition",
        "shared.app.schedule_change",
        "    if has_made(schedule, request):\n",
        "    if False:\n",
        world="schedules",
        first=48,
        within=100,
    ),
    _bug(
        "rows not claimed before the call",
        "shared.app.invoke",
        "        hold.put(paid)\n    try:\n        hold.write_chunks()\n",
        "        hold.put(replace(paid, sent_ms=row.sent_ms))\n    try:\n        pass\n",
        aim=Aim(("die after", "zombie after"), ("invoke", "poll_invocation", "poll_run", "read_run_and_stops")),
        first=1855,
        within=3000,
    ),
    *ACCESS_BUGS,
)
