"""The numbers of the service, each with its source. All come from the limits page of 2021 unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KIB = 1024
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """A set of limits. `STRICT` is the real one; tests make pages small to find loops that are missing."""

    tables_max: int = 64
    """Per instance."""
    name_bytes_max: int = 255
    """Of a table, an index, a column."""
    key_columns_max: int = 4
    key_value_bytes_max: int = 1 * KIB
    column_value_bytes_max: int = 2 * MIB
    columns_per_write_max: int = 1024
    """Attribute columns of one written row."""
    columns_to_get_max: int = 128
    """Contested: tests of the Java, .NET and PHP SDKs expect 1024."""
    column_names: Literal["any", "identifier"] = "any"
    """What a column may be called. any: 1 to 255 bytes that do not begin with # (tests of the Java and PHP SDKs, an
    example of the Python SDK). identifier: letters, digits and _, no digit first (limits page, 2021)."""
    filters_max: int = 10
    """Contested: filters in one filter. 10 in pages up to 2024; 32 in tests of the Java SDK and in pages of 2026."""
    filters_counted: Literal["conditions", "all"] = "conditions"
    """What counts as a filter: conditions on columns, or the ANDs, ORs and NOTs around them, too (tests of the Java
    SDK)."""
    composite_parts_max: int = 32
    """Contested: parts of one AND or OR. Older servers took exactly 2 (error code page, 2021)."""
    regex_bytes_max: int = 256
    """ValueTransferRule page, 2021."""
    defined_columns_max: int = 32
    """Secondary index page, 2021."""
    indexes_max: int = 5
    """Per table. Secondary index page, 2021."""
    batch_get_rows_max: int = 100
    batch_write_rows_max: int = 200
    batch_write_bytes_max: int = 4 * MIB
    range_rows_max: int = 5000
    """Rows that one page of GetRange looks at."""
    range_bytes_max: int = 4 * MIB
    body_bytes_max: int = 5 * MIB
    reserved_units_max: int = 5000
    transaction_ms_max: int = 60_000
    """From its start. Local transaction page, 2021."""
    transaction_bytes_max: int = 4 * MIB
    """Written in it. Local transaction page, 2021."""
    clock_skew_ms_max: int = 15 * 60_000
    """Between a request's x-ots-date and our clock. The SDK allows the reply as much."""
    time_to_live_s_min: int = 1
    """Contested: the console asks for 86400 at least; whether the service does is unverified."""
    repeated_rows: Literal["unconditional", "refuse"] = "unconditional"
    """What becomes of a row that is twice in one BatchWriteRow. unconditional: it is written twice unless one of its
    changes has a condition or an increment (tests of the Python SDK). refuse: the whole request fails (page, 2021)."""
    misfit_keys: Literal["row", "request"] = "row"
    """What a key that does not fit its table fails in a batch: its row (tests of the Python SDK), or the whole request
    (page of 2021)."""
    missing_tables: Literal["request", "row"] = "request"
    """What a table that does not exist fails in a BatchWriteRow: all of it (page of 2021), or its rows (an example of
    the Python SDK)."""
    texts: Literal["pages", "java-tests"] = "pages"
    """Whose words are said where the error code pages (2021 and later) and the tests of the Java SDK differ: about too
    many tables, and about a GetRow or GetRange without a version."""
    range_errors_end_with_dot: bool = False
    """Whether the texts about begin and end of a range have a final dot: so on the error code page, not in the tests of
    the Python SDK."""
    table_ready_ms: int = 0
    """Ours: how long a new table answers OTSTableNotReady; some seconds in the cloud."""
    index_delay_ms: int = 0
    """Ours: how long global indexes lag behind; usually some milliseconds in the cloud. 0 copies at once."""


STRICT = Limits()
SMALL_PAGES = Limits(range_rows_max=7, range_bytes_max=2 * KIB)
"""For tests: whoever forgets to loop over pages fails."""
