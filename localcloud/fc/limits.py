"""Function Compute's numbers, with unit and source, and the readings taken where sources differ or are silent.

Sources: quota page = "Quotas and limits", 2026-08; pages of the same date for asynchronous calls (064, 151), queue
triggers (142, 150), environment variables (047), HTTP triggers (056, 028), lifecycle hooks (040, 127).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

KIB = 1024
MIB = 1024 * 1024

SYNC_BYTES_MAX = 32 * MIB
"""Payload and answer of a synchronous call: quota page."""
ASYNC_BYTES_MAX = 128 * KIB
"""Payload of an asynchronous call: quota page; the Quota Center raises it to 256 KB."""
TIMEOUT_S = range(1, 86_401)
MEMORY_MB = range(128, 32_769)
MEMORY_STEP_MB = 64
INITIALIZER_TIMEOUT_S = range(1, 301)
PRE_STOP_TIMEOUT_S = range(1, 91)
ENVIRONMENT_BYTES_MAX = 4 * KIB
"""All variables together: environment variables page."""
LAYERS_MAX = 5
NAME_CHARACTERS_MAX = 128
TRIGGERS_MAX = 50
TAGS_MAX = 20
"""Of a service, and in one call: aliyun-fc2 2.5.2."""
LOG_TAIL_BYTES = 4 * KIB
"""Of X-Fc-Log-Result."""
ASYNC_RETRIES = range(9)
"""maxAsyncRetryAttempts, 0 to 8."""
ASYNC_RETRIES_DEFAULT = 3
ASYNC_AGE_S = range(1, 604_801)
ASYNC_AGE_S_DEFAULT = 86_400
ASYNC_DELAY_S_MAX = 3_600
THROTTLED_FIRST_MS = 500
"""First pause after a 429 or 5xx of the platform, then doubled, for up to five hours: page 064."""
THROTTLED_MS_MAX = 5 * 3_600_000
DESTINATION_BYTES_MAX = 64 * KIB
"""What MNS takes: page 064."""
QUEUE_TRIGGER_S_MAX = 300
"""A call of a queue trigger lasts at most five minutes: page 142."""
BATCH_COUNT = range(1, 10_001)
BATCH_WINDOW_S = range(16)
HTTP_HEADER_BYTES_MAX = 8 * KIB
HTTP_TARGET_BYTES_MAX = 4 * KIB
PAGE_DEFAULT = 20
"""Pages of the listing operations."""
PAGE_MAX = 100
JSON_LEVELS_MAX = 100
"""Ours: of objects and lists in each other. No field of the APIs has ten."""
DIGITS_MAX = 18
"""Ours: a number that is sent as text has no more; Python itself refuses those of thousands."""
ZIP_BYTES_MAX = 500 * MIB
"""Unpacked code: quota page."""
TASK_IDS_KEPT = 10_000
"""Ours: ids of asynchronous tasks that are remembered to refuse a second use."""
LOG_LINES_KEPT = 1_000
"""Ours: per function, for the state dump."""


Unpublished: TypeAlias = int
"""A number that no source gives: what it decides is contested, and stands in the table of switches."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a user may loosen, and the contested points as switches."""

    instances_per_function: int = 10
    """Ours: on-demand instances of a function that has no reserved concurrency. The account's quota is 100 or 300."""
    instances_per_account: int = 100
    idle_ms: int = 600_000
    """Ours: an unused instance goes after ten minutes ("minutes to tens of minutes": page 034)."""
    kill_grace_ms: int = 300
    """Ours: between SIGTERM and SIGKILL."""
    freezes: bool = True
    """SIGSTOP between calls: threads and timers stall, as in the real thing. Debuggers dislike it."""
    async_retry_ms: Unpublished = 1_000
    """Pause in milliseconds before an asynchronous call is repeated after a function error, doubled each time. Only the
    number of repeats is documented."""
    destination_base64: bool = False
    """Whether messages to destination queues are Base64. Not documented; the page shows JSON text."""
    function_with_triggers: Literal["refuse", "delete"] = "refuse"
    """What DeleteFunction does while the function has triggers. refuse: FunctionNotEmpty (the error code pages of both
    APIs; "you must delete triggers first", page of API 2021-04-06). delete: they go along (the pages of 2016-08-15 and
    2023-03-30 ask for nothing)."""
    async_invocation_type: Literal["true-is-async", "true-is-sync"] = "true-is-async"
    """What asyncInvocationType true of a queue trigger means. true-is-async: as its name and every example have it.
    true-is-sync: as the comments of alibabacloud_fc20230330 have it; false and nothing are asynchronous then."""
    throttled_status: Literal[429, 503] = 429
    """The HTTP status of ResourceThrottled. 429 in the pages on instances and retries, 503 in that of error codes."""
    too_large_status: Literal[400, 413] = 400
    """The HTTP status of EntityTooLarge. 400 in the page of error codes; 413 is what HTTP has for it."""
    clock_skew_ms: Unpublished = 900_000
    """How far a signed date may be off, in milliseconds: 15 minutes, as at the other services."""
    refuses_repeated_nonces: bool = True
    """Whether an x-acs-signature-nonce is worth one call, as in the other APIs that are signed this way; no page of FC
    says so. One that is not there is not asked for: HTTP triggers are signed without."""
    nonces_max: int = 1_000_000
    """Nonces remembered, for twice `clock_skew_ms`; ours, about 150 MB at worst."""


STRICT = Limits()
