"""Every bound of fleetrun: value, unit, source and date. A vendor's number stands nowhere else.

"seed" is the Cloud Assistant user guide of winter 2018/19, whose numbers the project was asked to keep; where today's
pages are wider, the line says so. "ours" is a choice that may be changed.
"""

from __future__ import annotations

# -- ECS Cloud Assistant ---------------------------------------------------------------------------------------------
INSTANCES_PER_CHUNK_MAX = 50
"""Instances per InvokeCommand: seed. The InvokeCommand page of 2025-12 allows 100 (Quota Center may raise it)."""
INSTANCES_PER_CHUNK_CEILING = 100
"""What FLEETRUN_INSTANCES_PER_CHUNK may be set to at most: InvokeCommand page, 2025-12."""
INSTANCES_PER_STOP_MAX = 50
"""Instances per StopInvocation: help page, 2025-12."""
DAILY_QUOTA_DEFAULT = 500
"""InvokeCommand calls per region and day (UTC+8): seed. Today account-specific: set it, or "auto"."""
DAY_OFFSET_MS = 8 * 3_600_000
"""The quota's day starts at UTC+8 midnight: seed; the current pages do not say."""
TIMEOUT_S_MIN = 10
"""InvokeCommand.Timeout, help page 2025-12."""
TIMEOUT_S_MAX = 86_400
"""Unverified: often quoted, no official text found; InvalidTimeout.ExceedLimit exists."""
TIMEOUT_S_DEFAULT = 60
"""CreateCommand.Timeout, SDK docs 2026."""
CONTENT_BYTES_MAX = 18_432
"""Script bytes before Base64 so that Base64 text stays within 24 KB: SDK docs, 2026."""
WORKING_DIR_CHARS_MAX = 200
"""CreateCommand.WorkingDir, help page 2025-12."""
USERNAME_CHARS_MAX = 255
"""InvokeCommand.Username, help page 2025-12."""
PARAMETERS_MAX = 10
"""Custom parameters per call: InvokeCommand page, 2025-12."""
PARAMETER_NAME_CHARS_MAX = 64
"""Custom parameter name: SDK docs, 2026."""
DELIVERY_MS_MAX = 60_000
"""ECS gives up delivering to an instance after about a minute: DescribeInvocations page, 2025-12 (Aborted)."""
RESULT_SLACK_MS = 60_000
"""Ours: how long after timeout and delivery a result may still appear before the outcome is Unknown."""
OUTPUT_BYTES_MAX = 24 * 1024
"""Output kept by ECS per target, tail first: help page, 2025-12."""

# -- requests --------------------------------------------------------------------------------------------------------
REQUEST_ID_CHARS_MAX = 128
"""Ours."""
REQUEST_BYTES_MAX = 6 * 1024 * 1024
"""Ours: largest request body taken (over HTTP; a queue message holds 64 KB)."""
TARGETS_MAX = 100_000
"""Ours: targets of one run."""
TAGS_PER_SELECTION_MAX = 20
"""DescribeInstances Tag.N, SDK docs 2026."""
WAVES_MAX = 20
"""Ours."""

# -- access ----------------------------------------------------------------------------------------------------------
GRANT_COMMANDS_MAX = 50
"""Ours: stored commands that one grant names."""
SIGNATURE_AGE_S_MAX = 300
"""Ours, and what Standard Webhooks' reference libraries take (2023): five minutes, either way."""
MESSAGE_AGE_S_MAX = 604_800
"""Age of a queue message's signature: as long as a message may lie (MessageRetentionPeriod of template.yml)."""
HOOK_BYTES_MAX = 1024 * 1024
"""Ours: body of an incoming webhook. GitHub sends up to 25 MB (webhook page, 2025) for pushes of thousands of files."""
HOOKS_MAX = 100
"""Ours: hooks, and subscriptions, of a deployment."""
HOOK_EXPRESSION_CHARS_MAX = 1_000
"""Ours: one path expression of a hook's mapping."""
RATE_PER_KEY = 300
"""Ours: requests a second that a key may make on one instance of serve_http."""
RATE_PER_ADDRESS = 50
"""Ours: requests a second without a good key, from one address."""
RATE_BURST_S = 2
"""Ours: what was not used is kept for this long."""
BUCKETS_MAX = 10_000
"""Ours: keys and addresses that one instance remembers; the one longest unseen is forgotten."""

# -- MNS -------------------------------------------------------------------------------------------------------------
MESSAGE_BYTES_MAX = 65_536
"""Body of one message as sent (after Base64 on queues): SendMessage page, 2025."""
DELAY_S_MAX = 604_800
"""DelaySeconds: SendMessage page, 2025."""
EVENT_BYTES_MAX = 60_000
"""Ours: an event stays below the topic's 64 KB with room for attributes."""

# -- pace and patience of a run --------------------------------------------------------------------------------------
CALLS_PER_STEP_MAX = 100
"""Ours: InvokeCommand calls of one advance; keeps a step well inside the function's timeout."""
CHUNKS_IN_FLIGHT_MAX = 500
"""Ours: chunks of one run that are tracked at once (25,000 targets)."""
CALL_WIDTH_MAX = 10
"""Ours: concurrent calls of one advance."""
POLL_MS_FIRST = 1_000
"""ECS throttling page advises to poll at 1 to 2 s or slower, with backoff."""
POLL_MS_MAX = 30_000
"""Ours."""
POLL_GROWTH = 1.5
"""Ours."""
OUTPUT_WAIT_MS_MAX = 10_000
"""Ours: an ended target waits at most this long for its neighbours before its output is fetched."""
OUTPUT_LATE_MS_MAX = 300_000
"""Ours: how long after its deadline a chunk whose outcomes are known waits for their outputs."""
BACKOFF_MS_FIRST = 1_000
"""Ours: first pause after a throttled or unavailable call; doubles."""
BACKOFF_MS_MAX = 60_000
"""Fixed one-minute windows: ECS throttling page, 2025."""
LEASE_MARGIN_MS = 5_000
"""Ours: a lease outlives the function's timeout by this much."""
CALL_MS_MAX = 20_000
"""Ours: the longest that one call to ECS may take (connect 5 s + read 15 s); so close to midnight no unit is spent."""
CLOCK_SKEW_MS_MAX = 5_000
"""Ours: how far a function's clock and ECS's may be apart; so close to midnight, on both sides, no unit is spent."""
STOP_HELD_MS = 2_000
"""Ours: how soon a stop that finds its run held by somebody asks again."""
STOP_WRITTEN_MS = 305_000
"""Ours: so long after a stop came its mark may still be on its way; no function works longer."""
ANNOUNCED_MS = 305_000
"""Ours: so long after its line a run's row may still come; no function works longer."""
SWEEP_GRACE_MS = 30_000
"""Ours: how long a due run may wait for its wake-up before the sweep takes it."""
SWEEP_MS = 60_000
"""Ours: a sweep comes each minute (SweepTimer of template.yml)."""
SWEEP_RUNS_MAX = 200
"""Ours: runs that one sweep sends wake-ups for."""
STEP_ATTEMPTS_MAX = 50
"""Ours: consecutive failed advances after which a run's chunks in doubt are given up as Unknown."""
EXCLUDED_PER_ROW = 500
"""Ours: excluded targets per row; about 100 KB, far below the 2 MB of an attribute (limits page 2021)."""
EXCLUDED_PER_EVENT = 100
"""Ours: excluded targets spelled out in run.planned; all are in the rows."""
OUTCOMES_PER_EVENT = 50
"""Ours: outcomes in one targets.finished event."""
OUTPUT_CHARS_PER_EVENT = 512
"""Ours: first part of the output in an event; the whole is in the rows."""
RECENT_PER_PAGE_MAX = 100
"""Ours."""
CLEAN_UP_ATTEMPTS_MAX = 5
"""Ours: tries to delete the command of an ended run before it is left behind."""
CUTS_MAX = 20
"""Ours: how often a refused chunk is cut anew before its targets are given up as excluded."""
LOOK_UP_MS = 120_000
"""Ours: how long a chunk in doubt is looked for, after a stop, before its targets become Unknown (listing delay)."""
MIDNIGHT_SPREAD_MS = 30_000
"""Ours: in so long after the quiet time of midnight runs ask for units: who waited longer first, the others spread."""
INVOCATIONS_PER_PAGE = 50
"""DescribeInvocations MaxResults: SDK docs 2026."""
POISONED_MS = 3_600_000
"""Ours: how long a run that breaks every advance is put aside."""
DELIVERIES_MAX = 5
"""Ours: deliveries that may break their function before the message is put aside; half a minute of the trigger's
pauses (1, 2, 4, 8, 16 s)."""
DELIVERIES_SPREAD_MS = 30_000
"""Ours: so long ago the first of them must have begun. What comes all at once may be one good message, doubled."""
DEAD_LETTER_BYTES_MAX = 32_000
"""Ours: of a rejected message, as much as fits a queue message after Base64 twice, with its reason."""
SWEEP_PAGE = 100
"""Rows per BatchGetRow: limits page 2021; a sweep reads that many heads at a time."""
DOUBT_MS_DEFERRED = 600_000
"""Ours: how often a chunk in doubt is looked for while the run has no unit to send it again."""
CUTS_PER_VERSION = 1_000
"""Ours: room for the numbers of chunks that one holder cuts off before it writes the head row again (100 a step)."""

# -- schedules -------------------------------------------------------------------------------------------------------
FREQUENCY_CHARS_MAX = 500
"""Ours: an expression that enumerates every minute still fits."""
CRON_PERIOD_S_MIN = 10
"""Between two firings of a cron expression: RunCommand page, SDK docs 2026."""
RATE_S_MIN = 60
"""rate(…): RunCommand page, SDK docs 2026."""
RATE_S_MAX = 7 * 86_400
"""rate(…): RunCommand page, SDK docs 2026."""
GMT_WEST_MINUTES_MAX = 12 * 60 + 59
"""Zone GMT-12:59: error code page, 2025-12."""
GMT_EAST_MINUTES_MAX = 14 * 60 + 59
"""Zone GMT+14:59: error code page, 2025-12."""
MISSED_MAX_DEFAULT = 10
"""Ours: missed firings that "all" makes up for."""
MISSED_MAX = 100
"""Ours."""
MISSED_WINDOW_S_DEFAULT = 3_600
"""Ours: older missed firings are let go."""
MISSED_WINDOW_S_MAX = 86_400
"""Ours: a day of 10-second firings is still counted in less than a second."""
MISSED_COUNT_MAX = 1_000
"""Ours: as many missed firings are counted; beyond, "more" is said."""
FIRE_GRACE_MS = 120_000
"""Ours: a firing that comes so late is late, not missed: two ticks of the timer may fail."""
JITTER_S_MAX = 3_600
"""Ours."""
WAITING_MAX = 10
"""Ours: firings that wait for the previous run ("overlap": "queue")."""
OVERLAP_LOOK_MS = 15_000
"""Ours: how often a waiting firing looks whether the previous run has ended."""
TICK_AHEAD_MS = 90_000
"""Ours: a tick sends what fires until the next one, and half a minute more in case that is late."""
TICK_DUE_MAX = 20_000
"""Ours: firings that one tick sends messages for; the rest is the next one's."""
SCHEDULE_NAME_CHARS_MAX = 100
"""Ours: with the time of a firing it is the requestId of that firing's run."""
SCHEDULE_REQUEST_BYTES_MAX = 500_000
"""Ours: a schedule is one row, and an attribute holds 2 MB (limits page 2021)."""
REPETITIONS_PER_STEP_MAX = 500
"""Ours: repetitions of one chunk that wait to be announced; about 400 KB of its row."""
IDLE_MS_MAX = 6 * 3_600_000
"""Ours: a cloud schedule is looked at so often even if it fires more rarely: somebody may have stopped it."""
ADDS_REMEMBERED = 20
"""Ours: requests that made a schedule of one name, removed in between, that are told from new ones."""
CHANGES_REMEMBERED = 20
"""Ours: requestIds of changes that a schedule remembers, so that a repeated or late one is not made again."""

# -- HTTP API --------------------------------------------------------------------------------------------------------
SMALL_BODY_BYTES_MAX = 65_536
"""Ours: a request body that is no invoke request; a stored command's script fits as Base64."""
HEADER_BYTES_MAX = 8_192
"""Request headers of an HTTP trigger: HTTP trigger page of FC, 2026-08."""
WAIT_S_MAX = 50
"""Ours: the longest that a call waits for an end or an event; less when the function's timeout is shorter."""
WAIT_MARGIN_MS = 5_000
"""Ours: a waiting call answers so long before the function's timeout."""
WAIT_POLL_MS_FIRST = 200
"""Ours: how often a waiting call reads the run's row, at first …"""
WAIT_POLL_MS_MAX = 1_000
"""Ours: … and later; a read is one row."""
PAGE_DEFAULT = 50
"""Ours: rows of one answer."""
PAGE_MAX = 200
"""Ours."""
COMMANDS_PER_ANSWER_MAX = 50
"""DescribeCommands MaxResults: SDK docs 2026."""
RUNS_LOOKED_AT_MAX = 1_000
"""Ours: heads that one page of filtered runs reads at most."""
DAYS_BACK_MAX = 31
"""Ours: how many days before today a list of runs reaches."""
