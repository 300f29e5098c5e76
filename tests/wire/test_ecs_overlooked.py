"""What could be overlooked in a call of ECS is refused: a target that is not seen is none, a filter selects more."""

from __future__ import annotations

import pytest

from localcloud.account import Account
from localcloud.ecs import rpc
from localcloud.ecs.errors import EcsError
from localcloud.ecs.gate import Gate
from localcloud.ecs.limits import STRICT
from localcloud.ecs.rpc import Call
from localcloud.http import Request
from localcloud.ids import Ids


def read(query: str) -> Call:
    gate = Gate(account=Account(), limits=STRICT, ids=Ids(1), checks_signature=False)
    return gate.check(Request("POST", "/", f"Action=StopInvocation&{query}", {}, b"", 1_767_225_600_000))


def test_a_target_without_a_number_is_refused() -> None:
    with pytest.raises(EcsError, match=r"InstanceId\.1"):
        rpc.numbered_list(read("InstanceId=i-1"), "InstanceId")


def test_one_id_beside_numbered_ones_is_refused() -> None:
    with pytest.raises(EcsError, match=r"InstanceId\.1"):
        rpc.numbered_list(read("InstanceId.1=i-1&InstanceId=i-2"), "InstanceId")


@pytest.mark.parametrize("name", ["Tag.1.Ky", "Tag.x.Key", "Tag.1", "Tag.0.Key", "Tag"])
def test_a_tag_that_nobody_would_read_is_refused(name: str) -> None:
    with pytest.raises(EcsError, match="Tag"):
        rpc.tag_list(read(f"{name}=env"), "Tag")


def test_a_tag_may_be_said_in_small_letters_but_not_in_both() -> None:
    """As the first alibabacloud-ecs20140526 do it."""
    assert rpc.tag_list(read("Tag.2.key=b&Tag.1.key=a&Tag.1.value=v"), "Tag") == (("a", "v"), ("b", ""))
    with pytest.raises(EcsError, match="twice"):
        rpc.tag_list(read("Tag.1.key=a&Tag.1.Key=a"), "Tag")


@pytest.mark.parametrize("query", ["", "InstanceId=", "Tag=", "TagKey.1=env", "Tagged.1.Key=env"])
def test_what_is_not_said_is_no_target_and_no_tag(query: str) -> None:
    call = read(query)

    assert (rpc.numbered_list(call, "InstanceId"), rpc.tag_list(call, "Tag")) == ((), ())
