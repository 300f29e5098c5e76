"""Names with `*` in them, as filters have it: any text, also none. Nothing else is special."""

from __future__ import annotations

import re
from functools import lru_cache


def matches(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None if "*" in pattern else pattern == text


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", pattern)), re.DOTALL)
