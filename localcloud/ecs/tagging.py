"""The rules of tags, in the words of the call that breaks them."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.ecs.errors import EcsError
from localcloud.ecs.limits import Limits
from localcloud.ecs.values import Tags

RESERVED = ("acs:", "aliyun")


@dataclass(frozen=True, slots=True)
class TagCodes:
    """The codes of one family of parameters."""

    too_many: str
    missing_key: str
    bad_key: str
    bad_value: str
    duplicate: str


TAGS = TagCodes(
    "NumberExceed.Tags", "MissingParameter.TagKey", "InvalidTagKey.Malformed", "InvalidTagValue.Malformed",
    "Duplicate.TagKey",
)  # fmt: skip
RESOURCE_TAGS = TagCodes(
    "NumberExceed.ResourceTags", "MissingParameter.ResourceTagKey", "InvalidResourceTagKey.Malformed",
    "InvalidResourceTagValue.Malformed", "Duplicate.ResourceTagKey",
)  # fmt: skip
INSTANCE_TAGS = TagCodes(
    "InvalidTagCount", "InvalidTag.Mismatch", "InvalidTagKey.Malformed", "InvalidTagValue.Malformed",
    "Duplicate.TagKey",
)  # fmt: skip


def check_tags(
    tags: Tags,
    limits: Limits,
    *,
    codes: TagCodes = TAGS,
    count_max: int | None = None,
    key_chars_max: int | None = None,
    reserved: bool = False,
) -> None:
    """Raises the EcsError of the first rule that is broken. `reserved`: system keys are fine."""
    if len(tags) > (limits.tags_max if count_max is None else count_max):
        raise EcsError(codes.too_many)
    for key, value in tags:
        if not key:
            raise EcsError(codes.missing_key)
        if len(key) > (key_chars_max or limits.tag_key_chars_max) or (not reserved and _is_reserved(key)):
            raise EcsError(codes.bad_key, f"The tag key {key[:80]!r} is too long or of a reserved form.")
        if len(value) > limits.tag_value_chars_max or "http://" in value or "https://" in value:
            raise EcsError(codes.bad_value, f"The value of the tag {key!r} is too long or of a reserved form.")
    if len({key for key, _ in tags}) < len(tags):
        raise EcsError(codes.duplicate)


def _is_reserved(key: str) -> bool:
    return key.lower().startswith(RESERVED) or "http://" in key or "https://" in key
