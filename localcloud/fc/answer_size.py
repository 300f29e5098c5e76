"""How much a function may answer: 32 MB, as much as it may be sent in a synchronous call.

Source of the number: quota page, 2026-08. What the caller sees beyond it is not published. Here it is a failure of the
function, told as the platform tells its own: 200, X-Fc-Error-Type, and a document that has a message only. An HTTP
trigger's caller gets the 502 of a failing function, an asynchronous call is repeated.
"""

from __future__ import annotations

import json
from dataclasses import replace

from localcloud.fc.instances import UNHANDLED
from localcloud.fc.limits import SYNC_BYTES_MAX
from localcloud.fc.values import Outcome


def bounded(outcome: Outcome) -> Outcome:
    """The outcome, or in its place the failure of an answer that is too large."""
    if len(outcome.body) <= SYNC_BYTES_MAX:
        return outcome
    message = f"response size {len(outcome.body)} exceeds maximum allowed size ({SYNC_BYTES_MAX} bytes)"
    return replace(outcome, body=json.dumps({"errorMessage": message}).encode(), error_type=UNHANDLED)
