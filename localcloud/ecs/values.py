"""What goes in and out of ECS, as values.

Times (`_ms`) are milliseconds since 1970 UTC, 0 where there is none; timeouts are seconds, as in the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec

Tags = tuple[tuple[str, str], ...]
Os = Literal["linux", "windows"]
Status = Literal["Pending", "Running", "Starting", "Stopping", "Stopped"]
Agent = Literal["online", "offline", "missing"]
StoppedMode = Literal["KeepCharging", "StopCharging"]


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance and its Cloud Assistant agent, as kept."""

    number: int
    """Counts up over all instances: the order of lists."""
    instance_id: str
    region: str
    name: str
    os: Os
    status: Status
    agent: Agent
    network: Literal["vpc", "classic"]
    zone: str
    instance_type: str
    vpc_id: str
    resource_group_id: str
    tags: Mapping[str, str]
    created_ms: int
    beats_from_ms: int
    """The agent's first heartbeat since it has been up without a break; 0: it is not up."""
    last_beat_ms: int
    """Its last heartbeat before that."""
    due_ms: int = 0
    """When a Pending, Starting or Stopping status ends."""
    starts_again: bool = False
    """Whether Stopping ends in Starting: a reboot."""
    installs_agent: bool = False
    """InstallCloudAssistant was called: the next boot brings the agent."""
    stopped_mode: StoppedMode = "KeepCharging"
    """How it was stopped last; of interest while it is Stopped."""


@dataclass(frozen=True, slots=True)
class NewCommand:
    """What CreateCommand and RunCommand say of a command. `content` is decoded, nothing in it is replaced."""

    region: str
    name: str
    type: str
    content: bytes
    description: str = ""
    working_dir: str = ""
    timeout_s: int | None = None
    enable_parameter: bool = False
    launcher: str = ""
    resource_group_id: str = ""
    tags: Tags = ()


@dataclass(frozen=True, slots=True)
class CommandChanges:
    """What ModifyCommand sets. None: left as it is."""

    name: str | None = None
    description: str | None = None
    working_dir: str | None = None
    timeout_s: int | None = None
    launcher: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A command, as kept."""

    number: int
    command_id: str
    region: str
    name: str
    type: str
    content: bytes
    description: str
    working_dir: str
    timeout_s: int
    enable_parameter: bool
    parameter_names: tuple[str, ...]
    launcher: str
    resource_group_id: str
    tags: Mapping[str, str]
    created_ms: int
    invoke_times: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """What InvokeCommand and RunCommand say of an invocation. None or "": not said."""

    region: str
    instance_ids: tuple[str, ...] = ()
    resource_tags: Tags = ()
    repeat_mode: str = ""
    frequency: str = ""
    parameters: Tags | None = None
    """Pairs in the order sent, so that a name given twice can be seen."""
    timeout_s: int | None = None
    working_dir: str = ""
    username: str = ""
    windows_password_name: str = ""
    container_id: str = ""
    container_name: str = ""
    termination_mode: str = ""
    launcher: str = ""
    oss_output_delivery: str = ""
    resource_group_id: str = ""
    tags: Tags = ()


class Invocation(msgspec.Struct, frozen=True):
    """An invocation without its rows, as kept: the command as it was when it was invoked, and the order."""

    number: int
    invoke_id: str
    region: str
    command_id: str
    command_name: str
    command_type: str
    command_description: str
    content: bytes
    enable_parameter: bool
    keeps_command: bool
    working_dir: str
    timeout_s: int
    launcher: str
    repeat_mode: str
    frequency: str
    parameters: Mapping[str, str]
    username: str
    windows_password_name: str
    container_id: str
    container_name: str
    termination_mode: str
    oss_output_delivery: str
    resource_group_id: str
    tags: Mapping[str, str]
    instance_ids: tuple[str, ...]
    created_ms: int

    @property
    def is_schedule(self) -> bool:
        """Whether it fires more than once, or not at once."""
        return self.repeat_mode in ("Period", "NextRebootOnly", "EveryReboot")


class Row(msgspec.Struct, frozen=True, gc=False):
    """One instance's part in an invocation, as kept: its latest firing.

    A msgspec Struct, because rows are changed three times per script: six times quicker than a dataclass.
    """

    instance_id: str
    created_ms: int
    updated_ms: int
    status: str = "Pending"
    """The InvocationStatus."""
    exit_code: int | None = None
    error_code: str = ""
    error_info: str = ""
    output: bytes = b""
    dropped: int = 0
    repeats: int = 0
    start_ms: int = 0
    finish_ms: int = 0
    stop_ms: int = 0
    handed_over: bool = False
    """Whether the executor has (had) it: after a kill of the local cloud it must not be started again."""
    outcome: str = ""
    """How the latest firing of a schedule ended: what the status becomes when the schedule is over."""


@dataclass(frozen=True, slots=True)
class InvocationChanges:
    """What ModifyInvocationAttribute says. None: left as it is."""

    content: bytes | None = None
    enable_parameter: bool | None = None
    parameters: Tags | None = None
    frequency: str = ""
    instance_ids: tuple[str, ...] = ()
    """To add."""
