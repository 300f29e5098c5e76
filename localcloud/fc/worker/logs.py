"""What a function logs: `2020-03-13T04:06:49.099Z <requestId> [INFO] message`, one line per record, on stdout.

Source: logging page, 2026-08. `print` is captured too, without the request id.
"""

from __future__ import annotations

import logging
import sys
import time

LINE_CHARACTERS_MAX = 32 * 1024
"""A log line has at most 32 KB: quota page, 2026-08."""


class RequestFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(request_id)s [%(levelname)s] %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.request_id = ""

    def format(self, record: logging.LogRecord) -> str:
        record.request_id = self.request_id
        return super().format(record)[:LINE_CHARACTERS_MAX]


def set_up(level: str) -> RequestFormatter:
    """Makes the root logger FC's; answers the formatter, which is told of each request."""
    formatter = RequestFormatter()
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    known = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    root.setLevel(level.upper() if level.upper() in known else "INFO")
    return formatter
