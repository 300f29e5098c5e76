"""Tags of services: FC 2.0's way, by the service's ARN. FC 3.0's way (tags-v2) is not offered.

Source: aliyun-fc2 2.5.2, which says that only services have them.
"""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.fc.desk import Desk, Operation, Reply
from localcloud.fc.errors import invalid
from localcloud.fc.functions import ServiceRecord
from localcloud.fc.limits import TAGS_MAX


def tag_resource(desk: Desk) -> Reply:
    """Adds; a key that is there gets the new value."""
    body = desk.body()
    record = _service(desk, desk.text(body, "resourceArn", required=True))
    tags = desk.object(body, "tags")
    if not tags:
        raise invalid("tags is missing")
    for key, value in tags.items():
        if not key or not isinstance(value, str | None):
            raise invalid(f"tags has {key!r}: {value!r}, a key and a string are needed")
    together = {**record.tags, **{key: value or "" for key, value in tags.items()}}
    if len(together) > TAGS_MAX:
        raise invalid(f"tags would be {len(together)} on '{record.name}', at most {TAGS_MAX}")
    record.tags = together
    return Reply({"requestId": desk.request_id})


def untag_resource(desk: Desk) -> Reply:
    """Removes `tagKeys`, whether they are there or not; without any, `all` removes all."""
    body = desk.body()
    record = _service(desk, desk.text(body, "resourceArn", required=True))
    keys, removes_all = body.get("tagKeys") or [], body.get("all") or False
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or len(keys) > TAGS_MAX:
        raise invalid(f"tagKeys is {keys!r}, a list of at most {TAGS_MAX} keys is needed")
    if not isinstance(removes_all, bool):
        raise invalid(f"all must be true or false, not {removes_all!r}")
    if not keys and not removes_all:
        raise invalid("tagKeys is missing; all: true removes every tag")
    record.tags = {key: value for key, value in record.tags.items() if keys and key not in keys}
    return Reply({"requestId": desk.request_id})


def get_resource_tags(desk: Desk) -> Reply:
    arn = desk.query.get("resourceArn", "")
    if not arn:
        raise invalid("resourceArn is missing")
    record = _service(desk, arn)
    return Reply({"requestId": desk.request_id, "resourceArn": f"{_head(desk)}{record.name}", "tags": record.tags})


def has_tags(record: ServiceRecord, query: Mapping[str, str]) -> bool:
    """Whether a service has each `tag_<key>=<value>` of a query; one without a value stands for its key."""
    wanted = {name.removeprefix("tag_"): value for name, value in query.items() if name.startswith("tag_")}
    return all(key in record.tags and value in ("", record.tags[key]) for key, value in wanted.items())


def _head(desk: Desk) -> str:
    account = desk.service.account
    return f"acs:fc:{account.region}:{account.account_id}:services/"


def _service(desk: Desk, arn: str) -> ServiceRecord:
    """That a full or a partial ARN names. Raises FcError."""
    name = arn.removeprefix(_head(desk)).removeprefix("services/")
    if name == arn or not name or "/" in name or "." in name:
        raise invalid(f"resourceArn is {arn[:200]!r}, it must be {_head(desk)}<name> or services/<name>")
    return desk.service.functions.service(name)


OFFERED: Mapping[str, Operation] = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "GetResourceTags": get_resource_tags,
}
