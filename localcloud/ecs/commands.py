"""The commands: made, changed, described, deleted; and checked, kept or not."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from localcloud.clock import Clock
from localcloud.ecs.contents import check_size, defined_names
from localcloud.ecs.errors import EcsError, missing
from localcloud.ecs.limits import Limits
from localcloud.ecs.patterns import matches
from localcloud.ecs.tagging import check_tags
from localcloud.ecs.values import Command, CommandChanges, NewCommand, Tags
from localcloud.ids import Ids
from localcloud.journal import Journal

COMMANDS = "ecs.commands"
TYPES = {"RunShellScript": "linux", "RunBatScript": "windows", "RunPowerShellScript": "windows"}
"""Types with the operating system that they are for."""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class CommandFilter:
    """What DescribeCommands can be narrowed by. "": not at all."""

    region: str
    command_id: str = ""
    name: str = ""
    """With `*` for any text."""
    description: str = ""
    type: str = ""
    provider: str = ""
    resource_group_id: str = ""
    tags: Tags = ()


class Commands:
    """The kept commands of the account. Errors: EcsError."""

    def __init__(self, *, clock: Clock, ids: Ids, journal: Journal, limits: Limits) -> None:
        self._clock = clock
        self._ids = ids
        self._journal = journal
        self._limits = limits
        self._commands: dict[str, Command] = {}
        for _, command in sorted(journal.load(COMMANDS, Command), key=lambda item: item[1].number):
            self._commands[command.command_id] = command
        last = max((command.number for command in self._commands.values()), default=0)
        self._numbers = itertools.count(last + 1)
        self.is_running: Callable[[str, str], bool] = lambda _region, _command_id: False
        """Whether an invocation of the command goes on: then it cannot be deleted."""

    def checked(self, new: NewCommand) -> Command:
        """The command that `new` describes, with an id, not kept. Raises what is wrong with it."""
        limits = self._limits
        if new.type not in TYPES:
            raise EcsError("InvalidCmdType.NotFound", f"Type is {new.type[:40]!r}; known are {', '.join(TYPES)}.")
        check_size(new.content, limits)
        self._check_texts(CommandChanges(new.name, new.description, new.working_dir, new.timeout_s, new.launcher))
        check_tags(new.tags, limits)
        return Command(
            number=next(self._numbers),
            command_id=self._new_id(),
            region=new.region,
            name=new.name,
            type=new.type,
            content=new.content,
            description=new.description,
            working_dir=new.working_dir,
            timeout_s=limits.timeout_seconds_default if new.timeout_s is None else new.timeout_s,
            enable_parameter=new.enable_parameter,
            parameter_names=defined_names(new.content, limits) if new.enable_parameter else (),
            launcher=new.launcher,
            resource_group_id=new.resource_group_id,
            tags=dict(new.tags),
            created_ms=self._clock.now_ms(),
        )

    def check_room(self, region: str, code: str = "CmdCount.ExceedQuota") -> None:
        if sum(command.region == region for command in self._commands.values()) >= self._limits.commands_max:
            raise EcsError(code)

    def keep(self, command: Command) -> None:
        self._commands[command.command_id] = command
        self._journal.put(COMMANDS, command.command_id, command)

    def create(self, new: NewCommand) -> Command:
        """Raises what is wrong with it, CmdCount.ExceedQuota."""
        if not new.name:
            raise missing("Name")
        command = self.checked(new)
        self.check_room(new.region)
        self.keep(command)
        return command

    def modify(self, region: str, command_id: str, changes: CommandChanges) -> None:
        """Raises InvalidCmdId.NotFound and what is wrong with the changes."""
        command = self.get(region, command_id)
        self._check_texts(changes)
        self.keep(
            replace(
                command,
                name=command.name if changes.name is None else changes.name,
                description=command.description if changes.description is None else changes.description,
                working_dir=command.working_dir if changes.working_dir is None else changes.working_dir,
                timeout_s=command.timeout_s if changes.timeout_s is None else changes.timeout_s,
                launcher=command.launcher if changes.launcher is None else changes.launcher,
            )
        )

    def delete(self, region: str, command_id: str) -> None:
        """Raises InvalidCmdId.NotFound, Operation.Forbidden while an invocation of it goes on."""
        self.get(region, command_id)
        if self.is_running(region, command_id):
            raise EcsError("Operation.Forbidden", f"The command {command_id} is being executed.")
        del self._commands[command_id]
        self._journal.drop(COMMANDS, command_id)

    def get(self, region: str, command_id: str, code: str = "InvalidCmdId.NotFound") -> Command:
        command = self._commands.get(command_id)
        if command is None or command.region != region:
            raise EcsError(code, f"There is no command {command_id[:64]} in {region}.")
        return command

    def count_invocation(self, command_id: str) -> None:
        command = self._commands.get(command_id)
        if command is not None:
            self.keep(replace(command, invoke_times=command.invoke_times + 1))

    def retag(self, region: str, command_id: str, change: Callable[[dict[str, str]], None]) -> None:
        command = self.get(region, command_id, "InvalidResourceId.NotFound")
        tags = dict(command.tags)
        change(tags)
        self.keep(replace(command, tags=tags))

    def select(self, wanted: CommandFilter) -> list[Command]:
        """Newest first. Raises what is wrong with the filter."""
        if len(wanted.name) > self._limits.name_chars_max:
            raise EcsError("InvalidName.LengthLimitExceeded")
        if len(wanted.description) > self._limits.description_chars_max:
            raise EcsError("InvalidDescription.LengthLimitExceeded")
        if wanted.type and wanted.type not in TYPES:
            raise EcsError("InvalidCommandType.NotFound")
        check_tags(wanted.tags, self._limits)
        if wanted.provider:
            return []  # the local cloud has no public commands
        if wanted.command_id:
            found = [self._commands[wanted.command_id]] if wanted.command_id in self._commands else []
        else:
            found = sorted(self._commands.values(), key=lambda command: -command.number)
        return [command for command in found if _fits(command, wanted)]

    def in_region(self, region: str) -> list[Command]:
        """Oldest first."""
        return [command for command in self._commands.values() if command.region == region]

    def count(self) -> int:
        return len(self._commands)

    def _new_id(self) -> str:
        """Not one that is there: after a restart a seed draws the same ids again."""
        while True:
            command_id = f"c-{self._ids.base36('ecs.command', 20)}"
            if command_id not in self._commands:
                return command_id

    def _check_texts(self, changes: CommandChanges) -> None:
        limits = self._limits
        name, description, folder = changes.name or "", changes.description or "", changes.working_dir or ""
        if len(name) > limits.name_chars_max:
            raise EcsError(
                "CmdName.ExceedLimit", f"The name has {len(name)} characters; {limits.name_chars_max} at most."
            )
        if len(description) > limits.description_chars_max:
            raise EcsError("CmdDesc.ExceedLimit")
        if CONTROL.search(name):
            raise EcsError("InvalidParameterCharacter.CommandName")
        if "\x00" in description:
            raise EcsError("InvalidParameterCharacter.CommandDescription")
        check_working_dir(folder, limits)
        check_timeout(changes.timeout_s, limits)
        check_launcher(changes.launcher or "", limits)


def check_working_dir(folder: str, limits: Limits) -> None:
    if len(folder) > limits.working_dir_chars_max:
        raise EcsError("InvalidParameter.WorkingDir", f"WorkingDir has {len(folder)} characters.")
    if CONTROL.search(folder):
        raise EcsError("InvalidParameterCharacter.CommandWorkingDir")


def check_timeout(timeout_s: int | None, limits: Limits) -> None:
    allowed = limits.timeout_seconds
    if timeout_s is not None and timeout_s not in allowed:
        raise EcsError(
            "InvalidTimeout.ExceedLimit", f"Timeout is {timeout_s}; it lies from {allowed.low} to {allowed.high} s."
        )


def check_launcher(launcher: str, limits: Limits) -> None:
    if len(launcher.encode("utf-8", "surrogatepass")) > limits.launcher_bytes_max:
        raise EcsError("InvalidLauncher.LengthLimitExceeded")


def _fits(command: Command, wanted: CommandFilter) -> bool:
    return (
        command.region == wanted.region
        and (not wanted.name or matches(wanted.name, command.name))
        and (not wanted.description or matches(wanted.description, command.description))
        and wanted.type in ("", command.type)
        and wanted.resource_group_id in ("", command.resource_group_id)
        and all(key in command.tags and value in ("", command.tags[key]) for key, value in wanted.tags)
    )
