"""InstanceDirectory and CommandRunner in memory: what ECS accepts and refuses, with endings that a test scripts."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from shared.core.errors import Refused, Unavailable
from shared.core.model import Agent, Instance, InvocationView, Result
from shared.core.requests import Command, TargetSelection
from shared.ecs_ports import Invocation
from shared.ports import Clock
from tests.app.memory_ending import Ending
from tests.app.memory_faults import Faults, faulty
from tests.app.memory_repeats import Repeats

__all__ = ["Ending", "KnownInstance", "MemoryCommand", "MemoryDirectory", "MemoryInvocation", "MemoryRunner", "linux"]


def day_of(now_ms: int) -> str:
    """The day of ECS's quota, UTC+8. Its own reckoning: a double that used ours would share its mistakes."""
    return datetime.fromtimestamp(now_ms / 1000 + 8 * 3600, timezone.utc).strftime("%Y-%m-%d")


TERMINAL = {"Success", "Failed", "Invalid", "Aborted", "Timeout", "Error", "Cancelled", "Terminated"}
INSTANCES_PER_CALL_MAX = 100
INSTANCES_PER_STOP_MAX = 50


@dataclass(frozen=True)
class KnownInstance:
    """An instance with what it can be selected by."""

    instance: Instance
    agent: Agent | None
    """None = ECS says nothing of it."""
    tags: dict[str, str] = field(default_factory=dict)
    resource_group_id: str = ""
    vpc_id: str = ""


def linux(number: int, *, online: bool = True, version: str = "2.2.3.1000", **changes: str) -> KnownInstance:
    """A fit instance `i-00007` of tag env=demo, or an unfit one by `changes` to the Instance."""
    instance_id = f"i-{number:05d}"
    instance = Instance(
        instance_id=instance_id, name=f"web-{number}", status="Running", os_type="linux", network_type="vpc"
    )
    agent = Agent(instance_id=instance_id, online=online, version=version)
    return KnownInstance(replace(instance, **changes), agent, tags={"env": "demo"})


class MemoryDirectory(Faults):
    """All instances are in one region; another region is empty."""

    def __init__(self, region: str = "cn-hangzhou") -> None:
        super().__init__()
        self.region = region
        self.known: dict[str, KnownInstance] = {}

    def add(self, *known: KnownInstance) -> None:
        for one in known:
            self.known[one.instance.instance_id] = one

    def change(self, instance_id: str, **changes: str) -> None:
        """E.g. `change("i-00001", status="Stopped")`."""
        one = self.known[instance_id]
        self.known[instance_id] = replace(one, instance=replace(one.instance, **changes))

    def set_agent(self, instance_id: str, agent: Agent | None) -> None:
        self.known[instance_id] = replace(self.known[instance_id], agent=agent)

    def _in(self, region: str) -> dict[str, KnownInstance]:
        return self.known if region == self.region else {}

    @faulty
    def describe(self, region: str, instance_ids: Sequence[str]) -> list[Instance]:
        known = self._in(region)
        return [known[instance_id].instance for instance_id in sorted(set(instance_ids)) if instance_id in known]

    @faulty
    def select(self, region: str, selection: TargetSelection) -> list[Instance]:
        known = self._in(region)
        return [known[key].instance for key in sorted(known) if _matches(known[key], selection)]

    @faulty
    def agents(self, region: str, instance_ids: Sequence[str]) -> dict[str, Agent]:
        known = self._in(region)
        found = {key: known[key].agent for key in sorted(set(instance_ids)) if key in known}
        return {key: agent for key, agent in found.items() if agent is not None}


def _matches(one: KnownInstance, selection: TargetSelection) -> bool:
    return (
        all(one.tags.get(key) == value for key, value in (selection.tags or {}).items())
        and (selection.name is None or fnmatch.fnmatchcase(one.instance.name, selection.name))
        and selection.resource_group_id in (None, one.resource_group_id)
        and selection.vpc_id in (None, one.vpc_id)
    )


@dataclass
class MemoryInvocation:
    invoke_id: str
    invocation: Invocation
    created_ms: int
    endings: dict[str, Ending]
    stopped_ms: dict[str, int] = field(default_factory=dict)
    visible_from_ms: int = 0
    repeats: Repeats | None = None
    """Of a cloud schedule."""


@dataclass
class MemoryCommand:
    command_id: str
    name: str
    type: str
    has_parameters: bool


class MemoryRunner(Faults):
    """Keeps every invocation; `executions` counts how often each instance ran each run's script."""

    def __init__(self, clock: Clock, directory: MemoryDirectory) -> None:
        super().__init__()
        self.clock = clock
        self.directory = directory
        self.ending: Callable[[Invocation, str], Ending] = lambda _invocation, _instance_id: Ending()
        self.commands: dict[str, MemoryCommand] = {}
        self._commands_made = 0
        self.invocations: dict[str, MemoryInvocation] = {}
        self.tokens: dict[str, str] = {}
        self.token_life_ms: int | None = None
        """None = for ever; else a token older than this is forgotten and the call runs again."""
        self.listing_delay_ms = 0
        """How long after the call an invocation shows up in lists."""
        self.listed_max: int | None = None
        """How many invocations a listing by tag shows; None = all."""
        self.quota = 5_000
        self.others = 0
        """Calls of each day that somebody else made: not ours, and counted by ECS all the same."""
        self.stopping_ms = 0
        """How long an instance is Stopping before it is Terminated."""
        self.calls_by_day: dict[str, int] = {}
        self.executions: dict[tuple[str, str], int] = {}
        self.ending_of_repetition: Callable[[str, int], Ending] = lambda _instance_id, _repeat: Ending()
        self.refuse: Callable[[Invocation], Refused | None] = lambda _invocation: None
        """A whole-call refusal, e.g. of an instance that stopped after preflight."""

    # -- commands ------------------------------------------------------------------------------------------------------
    @faulty
    def create_command(self, region: str, *, name: str, command: Command, timeout: int, has_parameters: bool) -> str:
        for known in self.commands.values():
            if known.name == name:
                return known.command_id
        self._commands_made += 1
        command_id = f"c-{self._commands_made:04d}"
        assert command.type is not None, "a stored command is not created"
        self.commands[command_id] = MemoryCommand(command_id, name, command.type, has_parameters)
        return command_id

    @faulty
    def find_command(self, region: str, *, name: str) -> str | None:
        return next((key for key, known in sorted(self.commands.items()) if known.name == name), None)

    @faulty
    def delete_command(self, region: str, command_id: str) -> None:
        self.commands.pop(command_id, None)

    @faulty
    def type_of(self, region: str, command_id: str) -> str:
        if command_id not in self.commands:
            raise Refused(f"there is no command {command_id}", code="InvalidCmdId.NotFound")
        return self.commands[command_id].type

    # -- invocations ---------------------------------------------------------------------------------------------------
    @faulty
    def invoke(self, invocation: Invocation, *, not_after_ms: int) -> str:
        now_ms = self.clock.now_ms()
        if now_ms > not_after_ms:
            raise Unavailable("too late to make this call", code="TooLate")
        known = self._by_token(invocation, now_ms)
        if known:
            return known
        self._check(invocation, now_ms)
        invoke_id = f"t-{len(self.invocations) + 1:05d}"
        endings = {one: self.ending(invocation, one) for one in invocation.instance_ids}
        self.invocations[invoke_id] = MemoryInvocation(
            invoke_id, invocation, now_ms, endings, visible_from_ms=now_ms + self.listing_delay_ms
        )
        if invocation.frequency:
            self.invocations[invoke_id].repeats = Repeats(invocation.frequency, now_ms, self.ending_of_repetition)
        self.tokens[invocation.client_token] = invoke_id
        day = day_of(now_ms)
        self.calls_by_day[day] = self.calls_by_day.get(day, 0) + 1
        for one in invocation.instance_ids:
            self.executions[invocation.run_id, one] = self.executions.get((invocation.run_id, one), 0) + 1
        return invoke_id

    def _by_token(self, invocation: Invocation, now_ms: int) -> str | None:
        known = self.invocations.get(self.tokens.get(invocation.client_token, ""))
        if known is None:
            return None
        if self.token_life_ms is not None and now_ms - known.created_ms > self.token_life_ms:
            return None
        if known.invocation != invocation:
            raise Refused("the token was used with other parameters", code="IdempotentParameterMismatch")
        return known.invoke_id

    def _check(self, invocation: Invocation, now_ms: int) -> None:
        ids = invocation.instance_ids
        assert ids == tuple(sorted(set(ids))), "instance ids are sorted and distinct"
        if not 1 <= len(ids) <= INSTANCES_PER_CALL_MAX:
            raise Refused(f"{len(ids)} instances", code="InstanceIds.ExceedLimit")
        if len(invocation.client_token) > 64:
            raise Refused("the token is too long", code="InvalidClientToken.Malformed")
        if invocation.command_id not in self.commands:
            raise Refused(f"there is no command {invocation.command_id}", code="InvalidCmdId.NotFound")
        if any(one not in self.directory.known for one in ids):
            raise Refused("an instance does not exist", code="InvalidInstance.NotFound")
        refusal = self.refuse(invocation)
        if refusal:
            raise refusal
        if self.calls_by_day.get(day_of(now_ms), 0) + self.others >= self.quota:
            raise Refused("the day's invocations are used up", code="Invocation.ExceedQuota")

    @faulty
    def find_invocation(self, region: str, *, run_id: str, chunk_id: str, repeats: bool = False) -> str | None:
        for invoke_id, known in sorted(self.invocations.items()):
            tags = (known.invocation.run_id, known.invocation.client_token)
            assert repeats == bool(known.invocation.frequency) or tags != (run_id, chunk_id), "a listing hides it"
            if tags == (run_id, chunk_id) and known.visible_from_ms <= self.clock.now_ms():
                return invoke_id
        return None

    @faulty
    def poll_run(self, region: str, run_id: str, *, repeats: bool = False) -> list[InvocationView]:
        now_ms = self.clock.now_ms()
        shown = [
            self._view(known, with_output=False)
            for _, known in sorted(self.invocations.items())
            if known.invocation.run_id == run_id and known.visible_from_ms <= now_ms
            if repeats or not known.invocation.frequency  # as a listing does that is not asked for what repeats
        ]
        return shown[: self.listed_max]

    @faulty
    def poll_invocation(
        self, region: str, invoke_id: str, *, with_output: bool, repeats: bool = False
    ) -> InvocationView | None:
        known = self.invocations.get(invoke_id)
        if known is None or (known.invocation.frequency and not repeats):
            return None
        return self._view(known, with_output=with_output)

    @faulty
    def history(self, region: str, invoke_id: str, wanted: Mapping[str, range]) -> list[Result]:
        known = self.invocations[invoke_id]
        assert known.repeats is not None, "history is of what repeats"
        now_ms = self.clock.now_ms()
        rows = [
            row
            for one in sorted(wanted)
            for row in known.repeats.history(one, now_ms=now_ms, stopped_ms=known.stopped_ms.get(one))
        ]
        return [row for row in rows if row.repeats in wanted[row.instance_id]]

    def _view(self, known: MemoryInvocation, *, with_output: bool) -> InvocationView:
        results = tuple(
            self._result(known, instance_id, ending, with_output=with_output)
            for instance_id, ending in sorted(known.endings.items())
            if not ending.missing
        )
        return InvocationView(
            invoke_id=known.invoke_id,
            chunk_id=known.invocation.client_token,
            status="Running" if any(one.status not in TERMINAL for one in results) else "Success",
            results=results,
        )

    def _result(self, known: MemoryInvocation, instance_id: str, ending: Ending, *, with_output: bool) -> Result:
        if known.repeats is not None:
            now_ms, stopped_ms = self.clock.now_ms(), known.stopped_ms.get(instance_id)
            return known.repeats.result(instance_id, now_ms=now_ms, stopped_ms=stopped_ms, with_output=with_output)
        status = self.status_of(known, instance_id)
        ended = status == ending.status and status in TERMINAL
        return Result(
            instance_id=instance_id,
            status=status,
            exit_code=ending.exit_code if ended else None,
            error_code=ending.error_code if ended else "",
            error_info=ending.error_info if ended else "",
            dropped=ending.dropped if ended else 0,
            start_time="",
            finish_time="",
            output=(ending.output if ended else b"") if with_output else None,
        )

    def status_of(self, known: MemoryInvocation, instance_id: str) -> str:
        """Of one instance of an invocation, now."""
        ending = known.endings[instance_id]
        elapsed = known.stopped_ms.get(instance_id, self.clock.now_ms()) - known.created_ms
        if not ending.silent and elapsed >= ending.after_ms:
            return ending.status
        stopped = instance_id in known.stopped_ms
        if stopped and not ending.silent and self._ends_while_stopping(known, instance_id, ending):
            return ending.status
        if elapsed >= min(ending.start_ms, ending.after_ms):
            if stopped and (ending.silent or self.clock.now_ms() < known.stopped_ms[instance_id] + self.stopping_ms):
                return "Stopping"  # of a silent agent nobody hears that it has killed anything
            return "Terminated" if stopped else "Running"
        return "Cancelled" if stopped else "Pending"

    def _ends_while_stopping(self, known: MemoryInvocation, instance_id: str, ending: Ending) -> bool:
        """It was told to stop, and came to its own end before it was killed."""
        begins_ms = known.created_ms + min(ending.start_ms, ending.after_ms)
        ends_ms = known.created_ms + ending.after_ms
        if known.stopped_ms[instance_id] < begins_ms:
            return False
        return ends_ms <= min(self.clock.now_ms(), known.stopped_ms[instance_id] + self.stopping_ms - 1)

    @faulty
    def stop(self, region: str, invoke_id: str, instance_ids: Sequence[str]) -> None:
        if len(instance_ids) > INSTANCES_PER_STOP_MAX:
            raise Refused(f"{len(instance_ids)} instances", code="InstanceIds.ExceedLimit")
        known = self.invocations.get(invoke_id)
        if known is None:
            raise Refused(f"there is no invocation {invoke_id}", code="InvalidInvokeId.NotFound")
        for one in sorted(instance_ids or known.endings):
            known.stopped_ms.setdefault(one, self.clock.now_ms())

    @faulty
    def daily_limit(self, region: str) -> int:
        return self.quota
