"""Parameters of the API's URLs, as types. A parameter that is a list takes its values with commas between them."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar, get_origin

import msgspec
from msgspec import Meta

from shared.core import limits
from shared.core.errors import Refused
from shared.core.transitions import RUN, TARGET

T = TypeVar("T")
_DAY = re.compile(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
Wait = Annotated[int, Meta(ge=0, le=limits.WAIT_S_MAX)]
PerPage = Annotated[int, Meta(ge=1, le=limits.PAGE_MAX)]
# Python's `$` also matches before a line feed at the end; in JSON Schema's dialect, which has no \Z, it does not.
Cursor = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,400}$(?!\n)")]
Region = Annotated[str, Meta(pattern=r"^[a-z]{2}-[a-z0-9-]{2,30}$(?!\n)")]
Day = Annotated[str, Meta(extra_json_schema={"format": "date"})]
"""Checked by `check_day`."""
RunStatus = Annotated[str, Meta(pattern=f"^({'|'.join(RUN)})$")]
TargetStatus = Annotated[str, Meta(pattern=f"^({'|'.join(sorted(TARGET))})$")]
Id = Annotated[str, Meta(pattern=r"^i-[A-Za-z0-9-]{1,62}$(?!\n)")]


class Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """In a cursor of targets."""

    chunk: Annotated[int, Meta(ge=0)]
    index: Annotated[int, Meta(ge=-1)]
    """-1 = before the first of the chunk."""


class Query(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """No parameters."""


class WaitQuery(Query, frozen=True, kw_only=True):
    wait: Wait = 0
    """Seconds to wait for the end."""


class RunsQuery(Query, frozen=True, kw_only=True):
    status: tuple[RunStatus, ...] | None = None
    """Only of these."""
    day: Day | None = None
    """Accepted on this day (UTC+8) or before; default: today."""
    request_id: Annotated[str, Meta(min_length=1, max_length=limits.REQUEST_ID_CHARS_MAX)] | None = None
    unfinished: bool = False
    """Those that have not ended, however old they are, by id."""
    limit: PerPage = limits.PAGE_DEFAULT
    cursor: Cursor | None = None


class TargetsQuery(Query, frozen=True, kw_only=True):
    status: tuple[TargetStatus, ...] | None = None
    """Only of these."""
    instance_id: tuple[Id, ...] | None = None
    """Only these."""
    output: Literal["none", "head", "full"] = "head"
    """`head`: the first 512 characters."""
    limit: PerPage = limits.PAGE_DEFAULT
    cursor: Cursor | None = None


class EventsQuery(Query, frozen=True, kw_only=True):
    after: Annotated[int, Meta(ge=0, le=99_999_999)] = 0
    """Events above this number."""
    wait: Wait = 0
    """Seconds to wait for one, if there is none and the run goes on."""
    limit: PerPage = limits.PAGE_MAX


class QuotaQuery(Query, frozen=True, kw_only=True):
    region: Region | None = None
    """Default: the deployment's."""
    day: Day | None = None
    """Default: today in UTC+8."""


class InstancesQuery(Query, frozen=True, kw_only=True):
    region: Region | None = None
    """Default: the deployment's."""
    name: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    """May hold `*`."""
    tag: tuple[Annotated[str, Meta(pattern=r"^[^=,]{1,128}=[^,]{0,128}$")], ...] | None = None
    """key=value; all must match."""
    resource_group_id: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    vpc_id: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    limit: PerPage = limits.PAGE_DEFAULT
    cursor: Cursor | None = None


class CommandsQuery(Query, frozen=True, kw_only=True):
    region: Region | None = None
    """Default: the deployment's."""
    name: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    """May hold `*`."""
    limit: Annotated[int, Meta(ge=1, le=limits.COMMANDS_PER_ANSWER_MAX)] = limits.COMMANDS_PER_ANSWER_MAX
    cursor: Cursor | None = None


class RegionQuery(Query, frozen=True, kw_only=True):
    region: Region | None = None
    """Default: the deployment's."""


class SchedulesQuery(Query, frozen=True, kw_only=True):
    status: tuple[Literal["Active", "Paused", "Ended", "Removed"], ...] = ("Active", "Paused")
    """Only of these."""
    name: Annotated[str, Meta(min_length=1, max_length=limits.SCHEDULE_NAME_CHARS_MAX)] | None = None
    """The one of this name."""
    limit: PerPage = limits.PAGE_DEFAULT
    cursor: Cursor | None = None


def read_query(given: dict[str, str], kind: type[T]) -> T:
    """Raises Refused: BadQuery, with the parameter as `?name`."""
    lists = {info.encode_name for info in msgspec.structs.fields(kind) if _is_list(info.type)}  # type: ignore[arg-type]
    told: dict[str, Any] = {name: value.split(",") if name in lists else value for name, value in given.items()}
    known = {info.encode_name for info in msgspec.structs.fields(kind)}  # type: ignore[arg-type]
    for name in given:
        if name not in known:
            raise _wrong(name, f"is not known here; known: {', '.join(sorted(known)) or 'none'}")
    for name, value in told.items():
        try:
            msgspec.convert({name: value}, kind, strict=False)
        except msgspec.ValidationError as error:
            raise _wrong(name, f"is {given[name][:80]!r}: {str(error).partition(' - at ')[0]}") from None
    return msgspec.convert(told, kind, strict=False)


def check_day(day: str | None) -> str | None:
    """Raises Refused, also for the thirtieth of February."""
    try:
        if day is not None and not _DAY.match(day):
            raise ValueError(day)
        if day is not None:
            datetime.strptime(day, "%Y-%m-%d")  # noqa: DTZ007  a day, not a moment
    except ValueError:
        raise _wrong("day", f"is {(day or '')[:80]!r}; a day looks like 2026-01-31") from None
    return day


def _is_list(kind: Any) -> bool:
    arguments = getattr(kind, "__args__", ())
    return get_origin(kind) is tuple or any(get_origin(each) is tuple for each in arguments)


def _wrong(name: str, problem: str) -> Refused:
    cut = name[:80]
    return Refused(f"parameter {cut} {problem}", code="BadQuery", field=f"?{cut}")


def cursor_of(*parts: str | int) -> str:
    """Says to the next call where this one ended; of no meaning to anybody else."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def read_cursor(cursor: str | None, kind: type[T]) -> T | None:
    """Raises Refused when it is none of ours."""
    if cursor is None:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kind)
    except (binascii.Error, ValueError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _no_cursor() from None


def read_day_cursor(cursor: str | None) -> tuple[str, str] | None:
    """A cursor of a list by days: the day, and the position in it. Raises Refused, also for what is no day."""
    place = read_cursor(cursor, tuple[str, str])
    if place is not None:
        try:
            check_day(place[0])
        except Refused:
            raise _no_cursor() from None
    return place


def _no_cursor() -> Refused:
    return Refused(
        "parameter cursor is none that an answer of this list gave as `next`", code="BadCursor", field="?cursor"
    )
