"""Another value for one field of a service's `Limits`, by name: "ecs.stop_model" → "documented".

Values come from a command line or from Python: text is read as the field's kind asks. A range is written `0..30`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

import msgspec

from localcloud.ecs import limits as ecs
from localcloud.fc import limits as fc
from localcloud.mns import limits as mns
from localcloud.tablestore import limits as tablestore

RANGES = (ecs.Range, mns.Range)


class BadSwitch(ValueError):
    """There is no such switch, or it has no such position; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Switched:
    """The limits of the four services."""

    ecs: ecs.Limits = ecs.STRICT
    mns: mns.Limits = mns.STRICT
    tablestore: tablestore.Limits = tablestore.STRICT
    fc: fc.Limits = fc.STRICT


SERVICES = tuple(field.name for field in dataclasses.fields(Switched))


def switched(positions: Mapping[str, Any]) -> Switched:
    """The strict limits, with these changes. Raises BadSwitch."""
    limits: dict[str, Any] = {service: getattr(Switched(), service) for service in SERVICES}
    for name, value in positions.items():
        service, _, field = name.partition(".")
        if service not in limits:
            raise BadSwitch(f"switch {name!r}: it must be SERVICE.FIELD, the services are {', '.join(SERVICES)}")
        limits[service] = _changed(limits[service], name, field, value)
    return Switched(**limits)


def _changed(limits: Any, name: str, field: str, value: Any) -> Any:
    kinds = get_type_hints(type(limits))
    if field not in kinds:
        raise BadSwitch(f"switch {name!r}: there is none, only {', '.join(sorted(kinds))}")
    try:
        return dataclasses.replace(limits, **{field: _read(value, kinds[field])})
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadSwitch(f"switch {name!r} cannot be {value!r}: {error}") from error


def _read(value: Any, kind: Any) -> Any:
    if kind in RANGES and isinstance(value, str):
        low, dots, high = value.partition("..")
        if not dots:
            raise ValueError("a range looks like 0..30")
        return kind(int(low), int(high))
    if isinstance(value, str) and value.startswith("{"):
        value = msgspec.json.decode(value)
    return msgspec.convert(value, kind, strict=not isinstance(value, str))
