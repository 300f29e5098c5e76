"""The `schedule` of a request: when it repeats, who repeats it, and what happens when something is in the way."""

from __future__ import annotations

from typing import Literal

import msgspec

from shared.core import cron, limits
from shared.core.cron import Expression, Rate
from shared.core.cron_times import check_period, shortest_period_s
from shared.core.errors import Refused


class ScheduleSpec(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Repeat the request: Cloud Assistant does ("cloud"), or fleetrun starts a new run each time ("fleetrun")."""

    frequency: str
    """Cloud Assistant's Frequency, e.g. "0 */10 * * * ?" or "rate(1h)". Without a zone: UTC+8."""
    by: Literal["cloud", "fleetrun"] = "cloud"
    missed: Literal["skip", "latest", "all"] = "skip"
    """By fleetrun: what becomes of firings that an outage or a pause swallowed."""
    missed_max: int = limits.MISSED_MAX_DEFAULT
    """By fleetrun, missed "all": how many of the newest are made up for."""
    missed_window: int = limits.MISSED_WINDOW_S_DEFAULT
    """By fleetrun: seconds after which a missed firing is not made up for any more."""
    overlap: Literal["skip", "queue", "stop-previous"] = "skip"
    """By fleetrun: what a firing does while the schedule's previous run still goes."""
    start_at: str | None = None
    """By fleetrun: no firing before it. ISO 8601; without an offset by the clocks of the frequency's zone."""
    end_at: str | None = None
    """By fleetrun: no firing after it."""
    jitter: int = 0
    """By fleetrun: each firing comes up to so many seconds later, the same each time it is computed."""
    force: bool = False
    """By fleetrun: take the schedule even if it needs more units a day than there are."""

    def __post_init__(self) -> None:
        expression = self.expression()
        self._check_range("missedMax", self.missed_max, low=1, high=limits.MISSED_MAX)
        self._check_range("missedWindow", self.missed_window, low=60, high=limits.MISSED_WINDOW_S_MAX)
        self._check_range("jitter", self.jitter, low=0, high=limits.JITTER_S_MAX)
        for name, value in (("startAt", self.start_at), ("endAt", self.end_at)):
            if value is not None:
                self._check_moment(name, value, expression)
        period_s = shortest_period_s(expression) if self.jitter else None
        if period_s is not None and self.jitter >= period_s:
            raise ValueError(
                f"schedule.jitter: is {self.jitter} seconds; it must be below the {period_s} between two firings"
            )
        if self.by == "cloud":
            self._check_nothing_managed()

    def expression(self) -> Expression:
        try:
            return cron.parse(self.frequency)
        except Refused as error:
            raise ValueError(f"schedule.frequency: {error.message}") from None

    def check_timeout(self, timeout_s: int) -> None:
        """Raises ValueError when the script may run longer than the time between two firings."""
        try:
            check_period(self.expression(), timeout_s=timeout_s)
        except Refused as error:
            raise ValueError(f"schedule.frequency: {error.message}") from None

    def start_ms(self) -> int | None:
        return None if self.start_at is None else moment_ms(self.start_at, self.expression())

    def end_ms(self) -> int | None:
        return None if self.end_at is None else moment_ms(self.end_at, self.expression())

    def _check_range(self, name: str, value: int, *, low: int, high: int) -> None:
        if not low <= value <= high:
            raise ValueError(f"schedule.{name}: is {value}; it must be {low} to {high}")

    def _check_moment(self, name: str, value: str, expression: Expression) -> None:
        try:
            moment_ms(value, expression)
        except (ValueError, OverflowError):
            raise ValueError(
                f"schedule.{name}: is {value[:40]!r}; a time looks like 2026-12-01T08:00:00 or 2026-12-01T00:00:00Z"
            ) from None

    def _check_nothing_managed(self) -> None:
        for field in ("missed", "missed_max", "missed_window", "overlap", "start_at", "end_at", "jitter", "force"):
            if getattr(self, field) != _DEFAULTS[field]:
                name = self.__struct_encode_fields__[self.__struct_fields__.index(field)]
                raise ValueError(f'schedule.{name}: goes with "by": "fleetrun"; Cloud Assistant knows nothing of it')


_DEFAULTS = dict(
    zip(reversed(ScheduleSpec.__struct_fields__), reversed(ScheduleSpec.__struct_defaults__), strict=False)
)
"""By field; the one field without a default comes first."""


def moment_ms(text: str, expression: Expression) -> int:
    """Epoch milliseconds of an ISO 8601 time. Raises ValueError."""
    from shared.core.cron_preview import moment_ms as read

    return read(text, zone=cron.ZONE_DEFAULT if isinstance(expression, Rate) else expression.zone)
