"""Bounds of the services' calls that only the adapters need: value, source, date. The rest is in core/limits."""

from __future__ import annotations

# -- every service ----------------------------------------------------------------------------------------------------
CONNECT_S_MAX = 5
"""Ours; with READ_S_MAX it makes core.limits.CALL_MS_MAX."""
READ_S_MAX = 15
"""Ours: above the slowest answer seen of the SDKs' own tables (16 s for some ECS calls, 10 s for most)."""
RETRY_ATTEMPTS_MAX = 4
"""Ours: calls that changed nothing are tried this often inside the adapter."""
RETRY_TOTAL_MS_MAX = 8_000
"""Ours: no further try is begun so long after the first."""
RETRY_PAUSE_MS_FIRST = 400
"""Ours: doubles, half of it is chance."""
PAGES_MAX = 2_000
"""Ours: pages of one listing; more means that the service never ends it."""

# -- ECS --------------------------------------------------------------------------------------------------------------
IDS_PER_DESCRIBE_MAX = 100
"""DescribeInstances.InstanceIds, DescribeCloudAssistantStatus.InstanceId: help pages 2025-12, SDK docs 2026."""
INSTANCES_PER_PAGE_MAX = 100
"""DescribeInstances.MaxResults: SDK docs 2026 (default 10)."""
SELECTED_SHOWN_MAX = 1_000
"""DescribeInstances by Tag or ResourceGroupId shows no more than this: SDK docs 2026."""
AGENTS_PER_PAGE_MAX = 50
"""DescribeCloudAssistantStatus.MaxResults: help page 2025-12 (no effect when ids are given)."""
INVOCATIONS_PER_PAGE_MAX = 50
"""DescribeInvocations.MaxResults: help page 2025-12 (default 10)."""
HISTORY_PAGES_MAX = 250
"""10,000 records are kept (SDK docs 2026), 50 a page; a few pages more, because new ones move the others."""
COMMANDS_PER_PAGE_MAX = 50
"""DescribeCommands.MaxResults: help page 2025-12 (default 10)."""

# -- Tablestore -------------------------------------------------------------------------------------------------------
ROWS_PER_WRITE_MAX = 200
"""BatchWriteRow: limits page 2021."""
BYTES_PER_WRITE_MAX = 3_500_000
"""BatchWriteRow takes 4 MB (limits page 2021); this leaves room for keys, names and framing."""
ROWS_PER_READ_MAX = 100
"""BatchGetRow: limits page 2021."""
ROWS_PER_RANGE_MAX = 5_000
"""GetRange answers 5,000 rows or 4 MB at most: limits page 2021."""
TEXT_BYTES_MAX = 1_000_000
"""Ours: a longer request is kept in several columns; an attribute holds 2 MB (limits page 2021)."""
REQUEST_BYTES_MAX = 64 * 1024 * 1024
"""Ours: of a request kept compressed; the ids of 100,000 targets are 3 MB. A damaged row does not fill the memory."""
CONNECTIONS_MAX = 32
"""Ours: HTTP connections kept per client; as wide as our widest use of threads."""
CLIENTS_MAX = 8
"""Ours: regions whose ECS client is kept between calls; making one anew costs milliseconds, and a connection."""
