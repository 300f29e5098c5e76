"""Stage 2 of 8: requested targets + what ECS says of them -> included and excluded, each excluded with its reason.

Strategy: every requested id goes through one list of checks, in the order in which an operator would ask; the first
that fails names the reason. included + excluded = requested, always.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.core.model import Agent, Excluded, Instance

REASONS: Mapping[str, str] = {
    "Duplicate": "The request names this instance more than once; it is run once.",
    "NotFound": "No such instance in this region and account; check the id and the region.",
    "NotRunning": "The instance is {status}; start it and run the rest again.",
    "ClassicNetwork": "The instance is in the classic network; Cloud Assistant needs a VPC: migrate it.",
    "OsMismatch": "A {type} does not run on {os}; send the matching script to these instances.",
    "AgentMissing": "No Cloud Assistant agent has reported; install it (InstallCloudAssistant) and reboot.",
    "AgentOffline": "The agent ({version}) sent no heartbeat for two minutes; check its service and network.",
    "RefusedByEcs": "ECS refused the call for this instance ({code}); look up the code.",
}
"""Reason code → what happened and what to do about it."""

_OS_OF_TYPE = {"RunShellScript": "linux", "RunBatScript": "windows", "RunPowerShellScript": "windows"}


@dataclass(frozen=True, slots=True)
class Checked:
    """The result: every requested target is in exactly one of the two, each sorted by instance id."""

    included: tuple[Instance, ...]
    excluded: tuple[Excluded, ...]


def exclude(instance_id: str, name: str, reason: str, **facts: str) -> Excluded:
    return Excluded(instance_id, name, reason, REASONS[reason].format(**facts))


def preflight(
    requested: Sequence[str], found: Mapping[str, Instance], agents: Mapping[str, Agent], *, command_type: str
) -> Checked:
    """Checks each requested id (repeats included) against `found` and `agents`, both by instance id."""
    included: list[Instance] = []
    excluded: list[Excluded] = []
    seen: set[str] = set()
    for instance_id in requested:
        instance = found.get(instance_id)
        if instance_id in seen:
            excluded.append(exclude(instance_id, instance.name if instance else "", "Duplicate"))
            continue
        seen.add(instance_id)
        if instance is None:
            excluded.append(exclude(instance_id, "", "NotFound"))
            continue
        unfit = _why_unfit(instance, agents.get(instance_id), command_type=command_type)
        if unfit is None:
            included.append(instance)
        else:
            excluded.append(unfit)
    return Checked(
        tuple(sorted(included, key=lambda instance: instance.instance_id)),
        tuple(sorted(excluded, key=lambda each: (each.instance_id, each.reason))),
    )


def _why_unfit(instance: Instance, agent: Agent | None, *, command_type: str) -> Excluded | None:
    def no(reason: str, **facts: str) -> Excluded:
        return exclude(instance.instance_id, instance.name, reason, **facts)

    if instance.status != "Running":
        return no("NotRunning", status=instance.status)
    if instance.network_type != "vpc":
        return no("ClassicNetwork")
    if instance.os_type != _OS_OF_TYPE[command_type]:
        return no("OsMismatch", type=command_type, os=instance.os_type)
    if agent is None or (not agent.online and not agent.version):
        return no("AgentMissing")
    if not agent.online:
        return no("AgentOffline", version=agent.version)
    return None


def needs_agent(instance: Instance, *, command_type: str) -> bool:
    """Whether asking for this instance's agent can change anything: saves calls for what is unfit already."""
    fit_agent = Agent(instance.instance_id, online=True, version="any")
    return _why_unfit(instance, fit_agent, command_type=command_type) is None
