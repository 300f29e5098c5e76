"""What the use cases need of ECS and Cloud Assistant: which instances there are, and commands that run on them.

As in shared/ports.py: every method may raise `Unavailable` (nothing happened) or, where it has an effect,
`UnknownOutcome` (may have happened).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.core.model import Agent, Instance, InvocationView, Result
from shared.core.requests import Command, TargetSelection


class InstanceDirectory(Protocol):
    """Which instances there are."""

    def describe(self, region: str, instance_ids: Sequence[str]) -> list[Instance]:
        """Those of `instance_ids` that exist, any number of ids, sorted by id (calls of at most 100 inside)."""
        ...

    def select(self, region: str, selection: TargetSelection) -> list[Instance]:
        """All instances that match the filters (all pages), sorted by id."""
        ...

    def agents(self, region: str, instance_ids: Sequence[str]) -> dict[str, Agent]:
        """The agent of each of these existing instances; an instance that ECS does not speak of is absent."""
        ...


@dataclass(frozen=True, slots=True)
class Invocation:
    """One InvokeCommand call, ready to be made."""

    region: str
    command_id: str
    instance_ids: tuple[str, ...]
    client_token: str
    """Also the chunk's id, and its tag `fleetrun-chunk`."""
    run_id: str
    """Its tag `fleetrun-run`."""
    parameters: Mapping[str, str]
    timeout: int
    username: str | None
    working_dir: str | None
    frequency: str = ""
    """Of a cloud schedule: RepeatMode is Period then. "" = once, now."""


class CommandRunner(Protocol):
    """Cloud Assistant. Every call is a fresh request; throttling raises Unavailable(throttled=True)."""

    def create_command(self, region: str, *, name: str, command: Command, timeout: int, has_parameters: bool) -> str:
        """CommandId. ClientToken = name. Raises Refused, Unavailable, UnknownOutcome."""
        ...

    def find_command(self, region: str, *, name: str) -> str | None:
        """CommandId of our command of that name, if there is one."""
        ...

    def delete_command(self, region: str, command_id: str) -> None:
        """Deletes it; an unknown id is fine. Raises Refused, Unavailable, UnknownOutcome."""
        ...

    def type_of(self, region: str, command_id: str) -> str:
        """RunShellScript, RunBatScript or RunPowerShellScript. Raises Refused when there is no such command."""
        ...

    def invoke(self, invocation: Invocation, *, not_after_ms: int) -> str:
        """InvokeId. The call is not made (Unavailable) when the clock has passed `not_after_ms` just before it.

        Raises Refused, Unavailable, UnknownOutcome.
        """
        ...

    def find_invocation(self, region: str, *, run_id: str, chunk_id: str, repeats: bool = False) -> str | None:
        """InvokeId of the invocation that carries both tags. `repeats`: it is a cloud schedule's."""
        ...

    def poll_run(self, region: str, run_id: str, *, repeats: bool = False) -> list[InvocationView]:
        """All invocations that carry the run's tag (all pages), without output."""
        ...

    def poll_invocation(
        self, region: str, invoke_id: str, *, with_output: bool, repeats: bool = False
    ) -> InvocationView | None:
        """One invocation; None if ECS does not know it (any more)."""
        ...

    def history(self, region: str, invoke_id: str, wanted: Mapping[str, range]) -> list[Result]:
        """Of a cloud schedule: its ended repetitions `wanted[instance]`, as far as ECS has them, with output.

        Reads pages until it has them all, or there are no more.
        """
        ...

    def stop(self, region: str, invoke_id: str, instance_ids: Sequence[str]) -> None:
        """StopInvocation for these (≤ 50; () = all). A finished invocation is fine."""
        ...

    def daily_limit(self, region: str) -> int:
        """`max-axt-invocation-daily` from DescribeAccountAttributes."""
        ...
