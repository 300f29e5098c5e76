"""What a made resource answers to `Ref` and `Fn::GetAtt`, and how making one can fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Properties = Mapping[str, Any]
Attributes = dict[str, Any]
"""Attribute → value; "Ref" is what `Ref` gives."""


class CannotMake(Exception):
    """A resource that the local cloud cannot make; the message names the property and says why."""


def given(properties: Properties, *names: str) -> dict[str, Any]:
    """Those of the named properties that the template sets."""
    return {name: properties[name] for name in names if properties.get(name) is not None}
