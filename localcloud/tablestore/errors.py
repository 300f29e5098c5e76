"""What Tablestore refuses: code, HTTP status and text, from the error code pages (2021 and later) and the tests of the
SDKs.
"""

from __future__ import annotations


class TablestoreError(Exception):
    """A refusal in Tablestore's words.

    `consumed`: read and write capacity units that the refused call has used; only batches tell them.
    """

    def __init__(self, code: str, status: int, message: str, *, consumed: tuple[int, int] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status
        self.message = message
        self.consumed = consumed


def invalid(message: str) -> TablestoreError:
    return TablestoreError("OTSParameterInvalid", 400, message)


def invalid_key(message: str) -> TablestoreError:
    return TablestoreError("OTSInvalidPK", 400, message)


def condition_failed() -> TablestoreError:
    return TablestoreError("OTSConditionCheckFail", 403, "Condition check failed.", consumed=(1, 1))


def table_missing() -> TablestoreError:
    return TablestoreError("OTSObjectNotExist", 404, "Requested table does not exist.")


def index_missing() -> TablestoreError:
    return TablestoreError("OTSObjectNotExist", 404, "Requested index does not exist.")


def table_exists() -> TablestoreError:
    return TablestoreError("OTSObjectAlreadyExist", 409, "Requested table already exists.")


def table_not_ready() -> TablestoreError:
    return TablestoreError("OTSTableNotReady", 404, "The table is not ready.")


def too_many_tables(limit: int, *, as_java_tests: bool) -> TablestoreError:
    text = f"Number of tables exceeds the quota:{limit}." if as_java_tests else "Number of tables exceeded the quota."
    return TablestoreError("OTSQuotaExhausted", 403, text)


def row_conflict() -> TablestoreError:
    return TablestoreError("OTSRowOperationConflict", 409, "Data is being modified by the other request.")


def session_missing() -> TablestoreError:
    """The status is unverified."""
    return TablestoreError("OTSSessionNotExist", 404, "Session not exist or may be timeout.")


def transaction_too_large(limit: int) -> TablestoreError:
    """Text and status are unverified."""
    return TablestoreError(
        "OTSOutOfTransactionDataSizeLimit", 400, f"The data size of the transaction exceeds the limit: {limit}."
    )


def outside_transaction(own: object, other: object) -> TablestoreError:
    """Partition keys. The text is the one that tests of ex_aliyun_ots, an SDK for Elixir, expect; the status is
    unverified.
    """
    text = f"Data out of scope of transaction. Transaction PartKey:{own}. Data PartKey:{other}"
    return TablestoreError("OTSDataOutOfRange", 400, text)


def other_table_in_transaction(own: str, other: str) -> TablestoreError:
    """Text and status are unverified."""
    text = f"Data out of scope of transaction. Transaction table:{own}. Data table:{other}"
    return TablestoreError("OTSDataOutOfRange", 400, text)


def denied(message: str) -> TablestoreError:
    return TablestoreError("OTSAuthFailed", 403, message)


def method_not_allowed() -> TablestoreError:
    return TablestoreError("OTSMethodNotAllowed", 405, "Only POST method for requests is supported.")


def body_too_large() -> TablestoreError:
    return TablestoreError("OTSRequestBodyTooLarge", 413, "The size of POST data is too large.")


def unsupported(operation: str) -> TablestoreError:
    return invalid(f"Unsupported operation: '{operation}'.")


STATUS_OF_CODE = {
    "OTSParameterInvalid": 400,
    "OTSInvalidPK": 400,
    "OTSOutOfColumnCountLimit": 400,
    "OTSOutOfRowSizeLimit": 400,
    "OTSForbiddenUpdateCapacityUnit": 400,
    "OTSAuthFailed": 403,
    "OTSNoPermissionAccess": 403,
    "OTSConditionCheckFail": 403,
    "OTSQuotaExhausted": 403,
    "OTSCapacityUnitExhausted": 403,
    "OTSNotEnoughCapacityUnit": 403,
    "OTSTooFrequentReservedThroughputAdjustment": 403,
    "OTSObjectNotExist": 404,
    "OTSTableNotReady": 404,
    "OTSSessionNotExist": 404,  # unverified, as the others of transactions
    "OTSSessionBusy": 409,
    "OTSDataOutOfRange": 400,
    "OTSOutOfTransactionDataSizeLimit": 400,
    "OTSOperationConflict": 409,  # unverified: known from what the SDKs retry
    "OTSOperationThrottled": 503,  # unverified: known from what the SDKs retry
    "OTSMethodNotAllowed": 405,
    "OTSRequestTimeout": 408,
    "OTSObjectAlreadyExist": 409,
    "OTSRowOperationConflict": 409,
    "OTSRequestBodyTooLarge": 413,
    "OTSFlowControl": 429,
    "OTSInternalServerError": 500,
    "OTSServerBusy": 503,
    "OTSPartitionUnavailable": 503,
    "OTSTimeout": 503,
    "OTSServerUnavailable": 503,
}
MESSAGE_OF_CODE = {
    "OTSInternalServerError": "Internal server error.",
    "OTSServerBusy": "Server is busy.",
    "OTSPartitionUnavailable": "The partition is not available.",
    "OTSTimeout": "Operation timeout.",
    "OTSServerUnavailable": "Server is not available.",
    "OTSRowOperationConflict": "Data is being modified by the other request.",
    "OTSConditionCheckFail": "Condition check failed.",
    "OTSNoPermissionAccess": (
        "You have no permission to access the requested resource, please contact the resource owner"
    ),
    "OTSFlowControl": "The requests have been throttled.",
    "OTSNotEnoughCapacityUnit": "Remaining capacity unit is not enough.",
    "OTSCapacityUnitExhausted": "Capacity unit is not enough.",
    "OTSTooFrequentReservedThroughputAdjustment": "Capacity unit adjustment is too frequent.",
    "OTSForbiddenUpdateCapacityUnit": "Your instance is forbidden to update capacity unit.",
    "OTSQuotaExhausted": "Too frequent table operations.",
    "OTSTableNotReady": "The table is not ready.",
    "OTSObjectNotExist": "Requested table does not exist.",
    "OTSRequestTimeout": "Request timeout.",
    "OTSSessionNotExist": "Session not exist or may be timeout.",
    "OTSSessionBusy": "The last request of the transaction is not finished.",
    "OTSOutOfColumnCountLimit": "The number of columns in one row exceeded the limit.",
    "OTSOutOfRowSizeLimit": "The total data size of columns in one row exceeded the limit.",
}
