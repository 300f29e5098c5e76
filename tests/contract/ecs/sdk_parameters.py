"""What the official SDKs can send to an operation, found out from the SDKs themselves."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from alibabacloud_ecs20140526 import models as newer
from alibabacloud_tea_openapi.utils import Utils  # type: ignore[import-untyped]

FROM_CORE = {
    "Action",
    "Format",
    "RegionId",
    "SignatureMethod",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
}
SAMPLES: Mapping[object, object] = MappingProxyType({str: "x", int: 1, bool: True, float: 1.0})
OLDER_SAMPLES: tuple[object, ...] = ("x", ["x"], [{"Key": "k", "Value": "v", "TagKey": "k", "TagValues": ["v"]}])


def of_older(action: str) -> set[str]:
    """Names of aliyun-python-sdk-ecs, as its setters write them into a request."""
    module = import_module(f"aliyunsdkecs.request.v20140526.{action}Request")
    new: Callable[[], Any] = getattr(module, f"{action}Request")
    names: set[str] = set()
    for setter in [name for name in dir(new()) if name.startswith("set_") and name[4].isupper()]:
        for sample in OLDER_SAMPLES:
            request = new()
            try:
                getattr(request, setter)(sample)
            except (AttributeError, TypeError):
                continue  # the setter takes another form of value
            names |= set(request.get_query_params()) | set(request.get_body_params() or ())
    return names - FROM_CORE


def of_newer(action: str) -> set[str]:
    """Names of alibabacloud-ecs20140526, as it writes a request in which everything is said."""
    model = getattr(newer, f"{action}ShrinkRequest", None) or getattr(newer, f"{action}Request")
    return set(Utils.query(sample(model).to_map()))


def heads(names: set[str]) -> set[str]:
    """Of lists and tags what stands before the first dot."""
    return {name.partition(".")[0] for name in names}


def hints_of(model: type[Any]) -> dict[str, Any]:
    """Attributes of a model with their types."""
    hints = typing.get_type_hints(model.__init__)
    return {name: _said(hints[name]) for name in inspect.signature(model.__init__).parameters if name in hints}


def _said(hint: Any) -> Any:
    """As it is written: Python 3.10 makes `Optional` of what has None for a default."""
    if typing.get_origin(hint) is typing.Union:
        return next(kind for kind in typing.get_args(hint) if kind is not type(None))
    return hint


def is_model(kind: Any) -> bool:
    return inspect.isclass(kind) and hasattr(kind, "from_map")


def sample(kind: Any) -> Any:
    if is_model(kind):
        return kind(**{name: sample(hint) for name, hint in hints_of(kind).items()})
    if typing.get_origin(kind) is list:
        return [sample(typing.get_args(kind)[0])]
    return SAMPLES[kind]
