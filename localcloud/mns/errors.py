"""The errors of MNS: code, HTTP status, message.

Source: "Error codes" (help.aliyun.com/document_detail/27501 and the syntax-of-error-responses page, 2026-02);
misspelled words are the vendor's. Where copies of older pages have another status (SignatureDoesNotMatch and
QpsLimitExceeded 400, ReceiptHandleError 403, MessageNotExist 409) the newer page and the SDKs decide.
"unverified": named by an SDK, without a page that gives status or text.
"""

from __future__ import annotations

CODES: dict[str, tuple[int, str]] = {
    "AccessDenied": (403, "The OwnerId that your Access Key Id associated to is forbidden for this operation."),
    "EndpointInvalid": (400, "The endpoint you provided is invalid."),
    "InternalError": (500, "Interal error."),
    "InternalServerError": (500, "Interal error."),
    "InvalidAccessKeyId": (403, "The AccessKey Id you provided is not exist."),
    "InvalidArgument": (400, "The XML you provided did not validate against our published schema."),
    "InvalidAuthorizationHeader": (400, "The Authorization header format is invalid."),
    "InvalidDateHeader": (400, "The Date header format is invalid."),
    "InvalidDegist": (400, "The Content-MD5 you specified is invalid."),
    "InvalidQueryString": (400, "Http request URL contains invalid querystring item."),
    "InvalidQueueName": (400, "The Queue Name you provided is invalid."),
    "InvalidRequestURL": (400, "Http request URL format invalid."),
    "MalformedXML": (400, "The XML you provided was not well-formed."),
    "MessageBodyTooLarge": (400, "The message body is larger than the queue allows."),
    "MessageNotExist": (404, "Message not exist."),
    "MessageTooLarge": (400, "The message body is larger than the queue allows."),
    "MissingAuthorizationHeader": (400, "Authorization header is required."),
    "MissingDateHeader": (400, "Date header is required."),
    "MissingReceiptHandle": (400, "ReceiptHandle is required."),
    "MissingVersionHeader": (400, "x-mns-version header is required."),
    "MissingVisibilityTimeout": (400, "VisibilityTimeout is required."),
    "NotImplemented": (501, "The local cloud does not offer this operation."),  # ours
    "OverLimit": (400, "The number of queues, topics or subscriptions is at its limit."),  # unverified
    "QpsLimitExceeded": (403, "The qps limit is exceeded."),
    "QueueAlreadyExist": (409, "The queue you want to create is already exist."),
    "QueueDeletedRecently": (400, "You must wait a while before creating a queue with the same name."),
    "QueueNameLengthError": (400, "Queue name length should between 1 and 120."),
    "QueueNotExist": (404, "The queue name you provided is not exist."),
    "ReceiptHandleError": (400, "The receipt handle you provide is not valid."),
    "ServiceUnavailable": (503, "The service is unavailable."),  # unverified
    "SignatureDoesNotMatch": (
        403,
        "The request signature we calculated does not match the signature you provided. Check your key and signing "
        "method.",
    ),
    "SubscriberNotExist": (404, "The subscriber is not exist."),
    "SubscriptionAlreadyExist": (409, "The subscription you want to create is already exist."),
    "SubscriptionNameInvalid": (400, "The subscription name you provided is invalid."),
    "SubscriptionNameLengthError": (400, "Subscription name length should between 1 and 120."),
    "SubscriptionNotExist": (404, "The subscription name you provided is not exist."),
    "TimeExpired": (408, "The http request you sent is expired."),
    "TooManyRequests": (429, "The request is denied by cluster flow limiter for too many requests."),
    "TopicAlreadyExist": (409, "The topic you want to create is already exist."),
    "TopicNameInvalid": (400, "The topic name you provided is invalid."),
    "TopicNameLengthError": (400, "Topic name length should between 1 and 120."),
    "TopicNotExist": (404, "The topic name you provided is not exist."),
}


class MnsError(Exception):
    """A refusal of MNS. `code` is the vendor's; status and message are those of `CODES` unless given."""

    def __init__(self, code: str, message: str | None = None, *, status: int | None = None) -> None:
        known_status, known_message = CODES.get(code, (400, code))
        super().__init__(message or known_message)
        self.code = code
        self.status = status or known_status
        self.message = message or known_message


def out_of_range(element: str, low: int, high: int, unit: str = "seconds") -> MnsError:
    """E.g. "The value of VisibilityTimeout should between 1 and 43200 seconds."."""
    return MnsError("InvalidArgument", f"The value of {element} should between {low} and {high} {unit}.")


def bad_element(element: str) -> MnsError:
    """A document that is well-formed XML and yet not what the operation takes."""
    return MnsError(
        "InvalidArgument",
        f"The XML you provided did not validate against our published schema, cause by {element}.",
    )
