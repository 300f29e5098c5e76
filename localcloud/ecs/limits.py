"""Every number of ECS and Cloud Assistant that can be exceeded, and every point where its documents disagree.

Sources: the operation pages of ECS (help.aliyun.com, 2025-12 and 2026-04), the parameter documents in the generated
SDKs (2026), "API throttling", "How to ensure idempotence", and the agent (aliyun_assist_client, 2024-02).
"Ours" marks what no page states.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Range:
    """An inclusive range of whole numbers."""

    low: int
    high: int

    def __contains__(self, value: int) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class CallRate:
    """How many calls of one operation a minute (of the clock, :00 to :59) may hold, per region. None: any number."""

    per_minute: int | None
    code: str = "Throttling.User"
    """Throttling.User, Throttling.Api or Throttling: what is answered above it."""


ANY_RATE = CallRate(None)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is allowed. The defaults are today's documents, read strictly; contested points say what else there is."""

    # -- the gate -----------------------------------------------------------------------------------------------------
    clock_skew_ms: int = 15 * 60 * 1_000
    """Contested: how far a Timestamp may be from our clock. Customary, unpublished."""
    wrong_signature: Literal["SignatureDoesNotMatch", "IncompleteSignature"] = "SignatureDoesNotMatch"
    """What a signature of version 1.0 that does not fit is called: the first by the pages and by most of the vendor's
    tests, the second by a test of the Go SDK, whose wrapper knows both."""
    nonce_life_ms: int = 2 * 15 * 60 * 1_000
    """How long a SignatureNonce stays used: as long as its Timestamp can be valid. Ours."""
    nonces_max: int = 1_000_000
    """Nonces remembered; ours, about 150 MB at worst."""
    refuses_repeated_ids: bool = False
    """Whether the same id twice in InstanceId.N is an error; unpublished. False: it counts once."""
    unknown_parameters: Literal["ignore", "refuse"] = "ignore"
    """What becomes of a parameter that no SDK knows: the real service ignores it (the vendor's test of its Node.js
    client), which hides slips: a filter with a slip selects everything. refuse: UnsupportedParameter names it."""
    booleans: Literal["any-case", "lower-case"] = "any-case"
    """Whether `True` is taken for `true`; unpublished."""
    call_rates: Mapping[str, CallRate] = field(default_factory=dict)
    """By operation; those that are not named have `call_rate`. Real numbers are shown only in the Quota Center."""
    call_rate: CallRate = ANY_RATE

    # -- instances in a call ------------------------------------------------------------------------------------------
    instances_per_invocation_max: int = 100
    """Contested: also of ResourceTag's matches. 50 until about 2023; raisable in the Quota Center."""
    instances_per_stop_max: int = 50
    instances_per_install_max: int = 50
    instances_per_describe_max: int = 100
    instances_by_tag_max: int = 1_000
    """DescribeInstances by tag or resource group shows no more than this."""

    # -- the day and what is kept -------------------------------------------------------------------------------------
    invocations_per_day: int = 5_000
    """Contested: per region. 100, 500, 5,000, "2,000 to 200,000" in pages of different years; today by account."""
    day_offset_ms: int = 8 * HOUR_MS
    """Contested: the quota's day begins at midnight UTC+8; unpublished."""
    dry_run_costs_quota: bool = False
    """Unpublished."""
    commands_max: int = 10_000
    """Contested: kept commands per region: 500 to 50,000 by account."""
    retention_ms: int = 30 * DAY_MS
    """Contested: invocations and their results; 4 weeks in 2024, 2 weeks in 2021."""
    invocations_kept_max: int = 10_000
    """Contested: 100,000 until 2025."""
    client_token_life_ms: int = DAY_MS
    """Contested: unpublished. A token belongs to an operation and a region."""
    client_token_in_work_ms: int = 0
    """How long the first call with a token is "being processed": a repeat within it is IdempotentProcessing. Ours."""
    client_token_chars_max: int = 64

    # -- paging -------------------------------------------------------------------------------------------------------
    page_size: Range = Range(1, 50)
    page_size_default: int = 10
    instances_page_size: Range = Range(1, 100)
    """DescribeInstances. MaxResults below 10 counts as 10, above 100 as 100."""
    instance_status_page_size: Range = Range(1, 50)

    # -- commands -----------------------------------------------------------------------------------------------------
    content_base64_bytes_max: int = 24 * 1_024
    """Contested: with the parameters' values in it. 16 KB until 2021, 18 KB until 2025."""
    name_chars_max: int = 128
    description_chars_max: int = 512
    working_dir_chars_max: int = 200
    launcher_bytes_max: int = 1_024
    username_chars_max: int = 255
    timeout_seconds: Range = Range(10, 86_400)
    """Contested: neither end is printed for all operations: 10 is InvokeCommand's, 86,400 is what the console takes."""
    timeout_seconds_default: int = 60
    parameters_defined_max: int = 20
    parameters_passed_max: int = 10
    parameter_name_bytes_max: int = 64
    missing_parameters: Literal["empty", "refuse"] = "empty"
    """What becomes of a defined parameter that is not among those passed: "names must be a subset" says empty."""
    tags_max: int = 20
    resource_tags_max: int = 10
    """Contested: 20 in the SDK's documents."""
    tag_key_chars_max: int = 64
    tag_value_chars_max: int = 128
    resource_tag_key_chars_max: int = 128
    """In TagResources."""
    resources_per_tagging_max: int = 50

    all_with_tag_keys: Literal["keys", "refuse"] = "keys"
    """What UntagResources does with All and TagKey.N. keys: takes those away ("takes effect only if you do not specify
    TagKey.N", its page and the SDK). refuse: Param.Conflict, which stands in the same page's table of errors."""

    # -- on the instance ----------------------------------------------------------------------------------------------
    running_per_instance_max: int = 10
    """Agent: tasks that run at the same time."""
    queued_per_instance_max: int = 50
    """Agent: tasks that wait for one of those places; the next is TaskConcurrencyLimit."""
    delivery_timeout_ms: int = 60_000
    """An instance that did not take its task by then: Aborted, DeliveryTimeout."""
    output_bytes_max: int = 24 * 1_024
    history_per_row_max: int = 1_000
    """Ended firings of a schedule that are kept per instance. Ours."""
    time_zone: str = "Asia/Shanghai"
    """The zone of all instances: what a cron expression without one means."""
    frequency_dialect: Literal["agent", "documented"] = "agent"
    """Whose reading of cron expressions counts where the pages and the agent disagree."""
    bad_frequencies: Literal["rows", "refuse"] = "rows"
    """What becomes of a Frequency that only the agent refuses (a cron field, a time zone). rows: the call is accepted
    and every row ends as Invalid. refuse: InvalidParam.Frequency. How much the service checks itself is unpublished."""
    report_retry_ms: int = 6_000
    """How long an agent that is out of reach tries to report an end (3 times, 2 s apart); then it is lost."""
    report_grace_ms: int = 60_000
    """How long after its timeout a script that nobody hears of is given up (ClientNotResponse). Inferred."""
    heartbeat_ms: int = 60_000
    heartbeat_life_ms: int = 120_000
    """CloudAssistantStatus stays true so long after the last heartbeat."""
    stop_model: Literal["agent", "documented"] = "agent"
    """agent: StopInvocation kills what runs (TerminationMode, Terminated, the agent's source). documented: what runs
    goes on to its end, only what has not begun is dropped (the text of the StopInvocation page)."""
    unfit_instances: Literal["rows", "missing", "refuse"] = "rows"
    """What becomes of an instance that is not Running or without agent. rows: the call is accepted, the instance's row
    is Aborted. missing: the call is accepted, and there is no row ("no execution information", InvokeCommand page).
    refuse: the whole call fails (InvalidInstance.NotMatch), as the prose of that page says too."""
    stop_finished: Literal["accept", "refuse"] = "accept"
    """StopInvocation of an invocation that has ended: done, or Operation.Forbidden; unpublished."""
    filters_timed_by_default: bool = False
    """Whether DescribeInvocations without Timed means Timed=false, as the page's default says."""
    status_as_boolean: bool = False
    """Whether CloudAssistantStatus is a JSON boolean, as in the page's sample, or a string, as in its type."""

    # -- transitions of instances: ours, real ones take longer --------------------------------------------------------
    starting_ms: int = 2_000
    stopping_ms: int = 1_000
    rebooting_ms: int = 3_000
    agent_start_ms: int = 500
    """From Running to the first heartbeat."""
    delivery_ms: int = 0
    """From the call until the instance has its task."""


STRICT = Limits()
