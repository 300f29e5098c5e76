"""What the API shows → the values that the commands read from rows otherwise."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cli.api import PAGE, Api, Json
from shared.core.days import day_of
from shared.core.errors import Refused, Unavailable
from shared.core.model import Chunk, Event, Excluded, Run, Target


def ms_of(text: str | None) -> int:
    """Epoch milliseconds of `2026-01-05T08:00:00.000Z`; 0 of null."""
    if not text:
        return 0
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


@dataclass(frozen=True, slots=True)
class ApiRun(Run):
    """A run without its request, which the API does not show."""

    frequency: str = ""
    """Of a cloud schedule."""

    @property
    def is_repeating(self) -> bool:
        return bool(self.frequency)


def run_of(view: Json) -> ApiRun:
    return ApiRun(
        run_id=view["runId"],
        request_id=view["requestId"],
        request=None,
        body_hash="",
        region=view["region"],
        accepted_ms=ms_of(view["acceptedAt"]),
        status=view["status"],
        lease_until_ms=ms_of(view["leaseUntil"]),
        due_ms=ms_of(view["dueAt"]),
        attempts=view["attempts"],
        planned_chunks=view["chunks"],
        included=view["included"],
        requested=view["requested"],
        excluded=view["excluded"],
        counts=view["counts"],
        grants=view["unitsGranted"],
        spent={"": view["unitsSpent"]} if view["unitsSpent"] else {},
        deferred_to=view["deferredTo"],
        command_id=view["commandId"],
        halted=view["halted"],
        refusal=view["refusal"] or {},
        reason=view["reason"],
        event_seq=view["events"],
        finished_ms=ms_of(view["finishedAt"]),
        awaited_ms=ms_of(view["nextFire"]),
        frequency=view["frequency"],
    )


def _target(view: Json) -> Target:
    return Target(
        instance_id=view["instanceId"],
        name=view["name"],
        status=view["status"],
        ended_no=1 if view["ended"] else 0,
        exit_code=view["exitCode"],
        error_code=view["errorCode"],
        error_info=view["errorInfo"],
        dropped=view["dropped"],
        start_time=view["startTime"],
        finish_time=view["finishTime"],
        output_head=view["output"] or "",
        repeats=view["repeats"],
    )


@dataclass(frozen=True, slots=True)
class RecentLine:
    position: str
    run_id: str


@dataclass
class ApiRuns:
    """As TableRunStore, the part of it that the commands read."""

    api: Api
    _seen: dict[str, Run] = field(default_factory=dict)
    """Heads that came with a list, until they are asked for."""
    _damaged: dict[str, Json] = field(default_factory=dict)
    """What a list says of runs that cannot be read, until one of them is asked for."""
    _cursors: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _outputs: dict[tuple[str, int], dict[int, bytes]] = field(default_factory=dict)

    def read_run(self, run_id: str) -> Run | None:
        if told := self._damaged.pop(run_id, None):
            raise Unavailable(told["reason"], code=told["code"])
        try:
            return run_of(self.api.get(f"/v1/runs/{run_id}"))
        except Refused as error:
            if error.code in ("NoRun", "NoRoute"):
                return None
            raise

    def read_runs(self, run_ids: Sequence[str]) -> dict[str, Run]:
        readable = [run_id for run_id in run_ids if run_id not in self._damaged]
        found = {run_id: self._seen.pop(run_id, None) or self.read_run(run_id) for run_id in readable}
        return {run_id: run for run_id, run in found.items() if run is not None}

    def unfinished(self, *, after: str, limit: int) -> list[str]:
        return [run_id for run_id, _ in self._page("", after, limit, unfinished="true")]

    def recent(self, day: str, *, after: str = "", limit: int = PAGE) -> list[RecentLine]:
        shown = [run_id for run_id, its_day in self._page(day, after, limit, day=day) if its_day == day]
        return [RecentLine(run_id, run_id) for run_id in shown]

    def _page(self, name: str, after: str, limit: int, **query: Any) -> list[tuple[str, str | None]]:
        """Run ids behind `after`, whose cursor was kept when it was shown, each with its day; the damaged come last."""
        cursor = self._cursors.get((name, after)) if after else None
        if after and cursor is None:
            return []
        page = self.api.get("/v1/runs", cursor=cursor, limit=min(limit, PAGE), **query)
        runs: list[Run] = [run_of(view) for view in page["runs"]]
        self._seen.update((run.run_id, run) for run in runs)
        self._damaged.update((view["runId"], view) for view in page.get("damaged", ()))
        lines: list[tuple[str, str | None]] = [(run.run_id, day_of(run.accepted_ms)) for run in runs]
        lines += [(view["runId"], view["day"]) for view in page.get("damaged", ())]
        if lines:
            self._cursors[name, lines[-1][0]] = page["next"]
        return lines

    def read_excluded(self, run: Run) -> list[Excluded]:
        views = self._targets(run.run_id, status="Excluded", output="none")
        return [
            Excluded(view["instanceId"], view["name"], view["reason"], view["detail"])
            for view in views
            if not view["chunk"]
        ]

    def read_chunks(self, run_id: str, numbers: Sequence[int]) -> list[Chunk]:
        """The API does not say which numbers there are: who asks for the first gets all."""
        if 1 not in numbers:
            return []
        found: dict[int, list[Target]] = {}
        for view in self._targets(run_id, output="head"):
            if view["chunk"]:
                found.setdefault(view["chunk"], []).append(_target(view))
        return [Chunk(run_id, number, 0, tuple(found[number])) for number in sorted(found)]

    def read_outputs(self, run_id: str, number: int) -> dict[int, bytes]:
        found: dict[int, list[bytes | None]] = {}
        if (run_id, number) not in self._outputs:
            for view in self._targets(run_id, output="full"):
                found.setdefault(view["chunk"], []).append(_output(view))
            for chunk, outputs in found.items():
                self._outputs[run_id, chunk] = {i: out for i, out in enumerate(outputs) if out is not None}
        return self._outputs.pop((run_id, number), {})

    def _targets(self, run_id: str, **query: Any) -> list[Json]:
        return list(self.api.pages(f"/v1/runs/{run_id}/targets", "targets", limit=PAGE, **query))

    def read_events(self, run_id: str, *, after: int, limit: int) -> list[Event]:
        page = self.api.get(f"/v1/runs/{run_id}/events", after=after, limit=min(limit, PAGE))
        return [
            Event(run_id, int(each["sequence"]), each["type"].removeprefix("fleetrun."), json.dumps(each).encode())
            for each in page["events"]
        ]


def _output(view: Json) -> bytes | None:
    if view["outputBase64"] is not None:
        return base64.b64decode(view["outputBase64"])
    return None if view["output"] is None else str(view["output"]).encode()


@dataclass(frozen=True, slots=True)
class QuotaDay:
    used: int
    closed: bool
    by_run: dict[str, int]
    limit: int | None


@dataclass(frozen=True, slots=True)
class ApiQuota:
    """As TableQuotaLedger, for people."""

    api: Api

    def read_day(self, region: str, day: str) -> QuotaDay:
        view = self.api.get("/v1/quota", region=region, day=day)
        return QuotaDay(view["used"], view["closed"], view["byRun"], view["limit"])


@dataclass(frozen=True, slots=True)
class ShownSchedule:
    """A schedule as the API shows it."""

    schedule_id: str
    name: str
    status: str
    told: Json


@dataclass
class ApiSchedules:
    """As TableScheduleStore, the part of it that the commands read."""

    api: Api

    def read_schedule(self, schedule_id: str) -> ShownSchedule | None:
        try:
            return _schedule(self.api.get(f"/v1/schedules/{schedule_id}"))
        except Refused as error:
            if error.code in ("NoSchedule", "NoRoute"):
                return None
            raise

    def read_request(self, schedule: ShownSchedule) -> Json:
        """What it repeats, for who may change it."""
        return self.api.get(f"/v1/schedules/{schedule.schedule_id}/request")

    def schedules(self, *, after: str, limit: int) -> list[ShownSchedule]:  # noqa: ARG002
        """All of them at the first call: the API's own pages are read here."""
        if after:
            return []
        every = "Active,Paused,Ended,Removed"
        return [_schedule(view) for view in self.api.pages("/v1/schedules", "schedules", limit=PAGE, status=every)]


def _schedule(view: Json) -> ShownSchedule:
    return ShownSchedule(view["scheduleId"], view["name"], view["status"], view)
