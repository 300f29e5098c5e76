"""One line of the table of routes: what a call may look like, and what it is answered with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.core import limits
from shared.web import queries
from shared.web.messages import JSON, Answer, Call


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    """With {names}."""
    action: str
    """A word of core.access.ACTIONS; "" = open to everybody."""
    handler: Callable[[Call], Answer]
    summary: str
    answers: Mapping[int, Any]
    """Type of the answer by status; None = no body. Problems come beside them."""
    query: type[Any] = queries.Query
    body: type[Any] | None = None
    is_body_optional: bool = False
    body_bytes_max: int = limits.SMALL_BODY_BYTES_MAX
    is_conditional: bool = False
    """Answers with an ETag and heeds If-Match."""
    types: tuple[str, ...] = (JSON,)
    """Media types of the answer, the first by default."""
    problems: tuple[int, ...] = field(default=())
    """Statuses of its problems beside those that every route has."""

    @property
    def name(self) -> str:
        """Unique: `POST /v1/runs`."""
        return f"{self.method} {self.path}"
