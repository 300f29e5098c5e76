"""TagResources, UntagResources, ListTagResources: tags of instances, commands and invocations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from localcloud.ecs.commands import Commands
from localcloud.ecs.errors import EcsError
from localcloud.ecs.instances import Instances
from localcloud.ecs.limits import Limits
from localcloud.ecs.runs import Runs
from localcloud.ecs.tagging import TAGS, check_tags
from localcloud.ecs.values import Tags

Change = Callable[[dict[str, str]], None]
KNOWN_TYPES = (
    "instance", "command", "invocation", "disk", "snapshot", "image", "securitygroup", "volume", "eni", "ddh",
    "ddhcluster", "keypair", "launchtemplate", "reservedinstance", "snapshotpolicy", "elasticityassurance",
    "capacityreservation",
    "managedinstance", "activation",
)  # fmt: skip
"""Of these the local cloud has instances, commands and invocations."""


RESOURCE_GROUP_KEY = "acs:rm:rgId"
"""Not a tag: with it ListTagResources lists what is in a resource group."""
LISTED_TAGS = replace(TAGS, missing_key="InvalidParameter.TagValue")


@dataclass(frozen=True, slots=True)
class Tagged:
    """One tag of one resource."""

    resource_type: str
    resource_id: str
    key: str
    value: str
    place: tuple[int, int]
    """In the list."""


class ResourceTags:
    """Errors: EcsError; then nothing has changed."""

    def __init__(self, *, instances: Instances, commands: Commands, runs: Runs, limits: Limits) -> None:
        self._instances = instances
        self._commands = commands
        self._runs = runs
        self._limits = limits

    def tag(self, region: str, resource_type: str, resource_ids: tuple[str, ...], tags: Tags) -> None:
        """Adds tags; a key that is there gets the new value."""
        self._check(region, resource_type, resource_ids)
        if not tags:
            raise EcsError("MissingParameter.Tags")
        check_tags(tags, self._limits, key_chars_max=self._limits.resource_tag_key_chars_max)
        if len({key.lower() for key, _ in tags}) < len(tags):
            raise EcsError("TagKey.Duplication")
        for resource_id in resource_ids:
            if len({**self._tags_of(region, resource_type, resource_id), **dict(tags)}) > self._limits.tags_max:
                raise EcsError(
                    "OperationDenied.QuotaExceed", f"{resource_id} would have more than {self._limits.tags_max} tags."
                )
        for resource_id in resource_ids:
            self._change(region, resource_type, resource_id, lambda present: present.update(tags))

    def untag(
        self, region: str, resource_type: str, resource_ids: tuple[str, ...], keys: tuple[str, ...], *, all_tags: bool
    ) -> None:
        """Takes the tags `keys` away; `all_tags`, when no key is named: all of them."""
        self._check(region, resource_type, resource_ids)
        if len(keys) > self._limits.tags_max:
            raise EcsError("NumberExceed.Tags")
        if keys and all_tags and self._limits.all_with_tag_keys == "refuse":
            raise EcsError("Param.Conflict")

        def change(present: dict[str, str]) -> None:
            for key in keys or (tuple(present) if all_tags else ()):
                present.pop(key, None)

        for resource_id in resource_ids:
            self._change(region, resource_type, resource_id, change)

    def listed(self, region: str, resource_type: str, resource_ids: tuple[str, ...], tags: Tags) -> list[Tagged]:
        """The tags of resources, chosen by id, by tag, or both."""
        if not resource_type:
            raise EcsError("MissingParameter.ResourceType")
        if not resource_ids and not tags:
            raise EcsError("BothEmpty.TagsAndResources")
        if len(resource_ids) > self._limits.resources_per_tagging_max:
            raise EcsError("NumberExceed.ResourceIds")
        if any(key == RESOURCE_GROUP_KEY for key, _ in tags):
            raise EcsError("UnsupportedParameter", f"The local cloud does not list by the tag {RESOURCE_GROUP_KEY}.")
        check_tags(
            tags,
            self._limits,
            codes=LISTED_TAGS,
            key_chars_max=self._limits.resource_tag_key_chars_max,
            reserved=True,
        )
        found: list[Tagged] = []
        for place, (resource_id, present) in enumerate(self._candidates(region, resource_type, resource_ids, tags)):
            if all(key in present and value in ("", present[key]) for key, value in tags):
                found.extend(
                    Tagged(resource_type, resource_id, key, value, (place, index))
                    for index, (key, value) in enumerate(present.items())
                )
        return found

    def _candidates(
        self, region: str, resource_type: str, resource_ids: tuple[str, ...], tags: Tags
    ) -> list[tuple[str, Mapping[str, str]]]:
        if resource_ids:
            return [
                (one, self._tags_of(region, resource_type, one))
                for one in resource_ids
                if self._exists(region, resource_type, one)
            ]
        if resource_type == "instance":
            return [(one.instance_id, one.tags) for one in self._instances.tagged(region, tags)]
        if resource_type == "invocation":
            runs = self._runs.select(region, tags=tags)
            return [(run.invocation.invoke_id, run.invocation.tags) for run in runs]
        if resource_type == "command":
            return [(one.command_id, one.tags) for one in self._commands.in_region(region)]
        return []

    def _check(self, region: str, resource_type: str, resource_ids: tuple[str, ...]) -> None:
        if not resource_type:
            raise EcsError("MissingParameter.ResourceType")
        if resource_type not in KNOWN_TYPES:
            raise EcsError("InvalidResourceType.NotFound")
        if not resource_ids:
            raise EcsError("MissingParameter.ResourceIds")
        if len(resource_ids) > self._limits.resources_per_tagging_max:
            raise EcsError("NumberExceed.ResourceIds")
        for resource_id in resource_ids:
            if not self._exists(region, resource_type, resource_id):
                raise EcsError("InvalidResourceId.NotFound", f"There is no {resource_type} {resource_id[:64]}.")

    def _exists(self, region: str, resource_type: str, resource_id: str) -> bool:
        if resource_type == "instance":
            return self._instances.find(region, resource_id) is not None
        if resource_type == "invocation":
            return self._runs.find(region, resource_id) is not None
        return resource_type == "command" and any(
            one.command_id == resource_id for one in self._commands.in_region(region)
        )

    def _tags_of(self, region: str, resource_type: str, resource_id: str) -> Mapping[str, str]:
        if resource_type == "instance":
            return self._instances.get(region, resource_id).tags
        if resource_type == "invocation":
            return self._runs.get(region, resource_id).invocation.tags
        return self._commands.get(region, resource_id).tags

    def _change(self, region: str, resource_type: str, resource_id: str, change: Change) -> None:
        if resource_type == "instance":
            self._instances.retag(region, resource_id, change)
        elif resource_type == "invocation":
            self._runs.retag(region, resource_id, change)
        else:
            self._commands.retag(region, resource_id, change)
