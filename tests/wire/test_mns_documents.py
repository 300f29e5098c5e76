"""XML documents of MNS: read whole, cut and corrupted; written so that they come back."""

from __future__ import annotations

from collections.abc import Callable
from xml.dom import minidom

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mns.mns_xml_handler import (
    BatchDeleteMessageDecoder,
    BatchRecvMessageDecoder,
    BatchSendMessageDecoder,
    ErrorDecoder,
    GetQueueAttrDecoder,
    MessagesEncoder,
    RecvMessageDecoder,
)
from mns.queue import Message as SdkMessage

from localcloud.mns import documents_out as out
from localcloud.mns.documents_in import Documents
from localcloud.mns.errors import CODES, MnsError
from localcloud.mns.limits import STRICT, Limits
from localcloud.mns.values import (
    Delivery,
    Outgoing,
    Property,
    QueueAttributes,
    QueueChanges,
    QueueState,
    Sent,
    TopicChanges,
)
from localcloud.mns.xml_read import parse
from localcloud.mns.xml_write import document

READ = Documents(STRICT)
NAMESPACE = 'xmlns="http://mns.aliyuncs.com/doc/v1/"'
LEGAL = st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufffe\uffff"), max_size=50)

# As aliyun-mns-sdk 1.3.0 sent them.
QUEUE = (
    f'<?xml version="1.0" encoding="utf-8"?><Queue {NAMESPACE}><VisibilityTimeout>30</VisibilityTimeout>'
    "<MaximumMessageSize>65536</MaximumMessageSize><MessageRetentionPeriod>345600</MessageRetentionPeriod>"
    "<DelaySeconds>0</DelaySeconds><PollingWaitSeconds>0</PollingWaitSeconds><LoggingEnabled>False</LoggingEnabled>"
    "</Queue>"
).encode()
MESSAGE = (
    f'<?xml version="1.0" encoding="utf-8"?><Message {NAMESPACE}><MessageBody>aGVsbG8=</MessageBody>'
    "<DelaySeconds>5</DelaySeconds><Priority>8</Priority><MessageGroupId>g1</MessageGroupId><UserProperties>"
    "<PropertyValue><Name>k</Name><Value>v</Value><Type>STRING</Type></PropertyValue></UserProperties>"
    "<SystemProperties><SystemPropertyValue><Name>traceparent</Name><Value>00-1</Value><Type>STRING</Type>"
    "</SystemPropertyValue></SystemProperties></Message>"
).encode()
HANDLES = (
    f'<?xml version="1.0" encoding="utf-8"?><ReceiptHandles {NAMESPACE}><ReceiptHandle>1-a==</ReceiptHandle>'
    "<ReceiptHandle>1-b</ReceiptHandle></ReceiptHandles>"
).encode()
SUBSCRIPTION = (
    f'<?xml version="1.0" encoding="utf-8"?><Subscription {NAMESPACE}><NotifyStrategy>BACKOFF_RETRY</NotifyStrategy>'
    "<Endpoint>http://x/</Endpoint><FilterTag>red</FilterTag><NotifyContentFormat>JSON</NotifyContentFormat>"
    "</Subscription>"
).encode()
BATCH = MESSAGE.replace(f"<Message {NAMESPACE}>".encode(), f"<Messages {NAMESPACE}><Message>".encode()) + b"</Messages>"
RECORDED: list[tuple[bytes, Callable[[bytes], object]]] = [
    (QUEUE, READ.queue_changes),
    (MESSAGE, READ.message),
    (BATCH, READ.messages),
    (HANDLES, READ.receipt_handles),
    (SUBSCRIPTION, lambda body: READ.subscription(body, "t", "s")),
    (SUBSCRIPTION, READ.notify_strategy),
    (MESSAGE.replace(b"DelaySeconds", b"MessageTag").replace(b"<Priority>8</Priority>", b""), READ.publication),
]


def outcome(read: Callable[[bytes], object], body: bytes) -> str:
    """ "read", or the code of the refusal."""
    try:
        read(body)
    except MnsError as error:
        return error.code
    return "read"


def test_recorded_requests_are_read() -> None:
    assert READ.queue_changes(QUEUE) == QueueChanges(30, 65_536, 345_600, 0, 0, False)
    assert READ.message(MESSAGE) == READ.messages(BATCH)[0] == Outgoing(
        "aGVsbG8=", 5, 8, "g1", (Property("k", "v"),), (Property("traceparent", "00-1"),)
    )  # fmt: skip
    assert READ.receipt_handles(HANDLES) == ["1-a==", "1-b"]
    subscription = READ.subscription(SUBSCRIPTION, "t", "s")
    assert (subscription.endpoint, subscription.filter_tag) == ("http://x/", "red")


@pytest.mark.parametrize(("body", "read"), RECORDED)
def test_a_truncated_document_is_malformed_wherever_it_was_cut(body: bytes, read: Callable[[bytes], object]) -> None:
    for length in range(1, len(body)):
        with pytest.raises(MnsError) as refused:
            read(body[:length])
        assert (refused.value.code, refused.value.status) == ("MalformedXML", 400), body[:length]


@pytest.mark.parametrize(("body", "read"), RECORDED)
def test_a_flipped_bit_is_read_or_refused_by_name_and_never_crashes(
    body: bytes, read: Callable[[bytes], object]
) -> None:
    outcomes = set()
    for index in range(len(body) * 8):
        corrupt = bytearray(body)
        corrupt[index // 8] ^= 1 << index % 8
        outcomes.add(outcome(read, bytes(corrupt)))

    assert outcomes <= {"read", "MalformedXML", "InvalidArgument", "NotImplemented"}
    assert {"read", "MalformedXML"} <= outcomes


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_noise_is_malformed_and_never_crashes(noise: bytes) -> None:
    for _, read in RECORDED:
        assert outcome(read, noise) in ("read", "MalformedXML", "InvalidArgument")


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><Queue>&b;</Queue>',
        b"<Queue>" + b"<a>" * 100 + b"</a>" * 100 + b"</Queue>",
        b"<Queue>" + b"<a/>" * 20_001 + b"</Queue>",
        b"<Queue/><Queue/>",
        b"<?xml version='1.0' encoding='no-such'?><Queue/>",
        b"<?xml version='1.0' encoding='utf-7'?><Queue/>",
        b"<Queue>\x00</Queue>",
        b"<Queue>\xff</Queue>",
        b"\xff\xfe<Queue/>",
        b"<Queue>",
    ],
)
def test_hostile_documents_are_malformed(body: bytes) -> None:
    with pytest.raises(MnsError) as refused:
        READ.queue_changes(body)

    assert refused.value.code == "MalformedXML"


@pytest.mark.parametrize(
    ("read", "body", "named"),
    [
        (READ.queue_changes, "<Topic/>", "Topic"),
        (READ.queue_changes, "<Queue><Colour>red</Colour></Queue>", "Colour"),
        (READ.queue_changes, "<Queue><DelaySeconds>x</DelaySeconds></Queue>", "DelaySeconds"),
        (READ.queue_changes, "<Queue><DelaySeconds>1.5</DelaySeconds></Queue>", "DelaySeconds"),
        (READ.queue_changes, f"<Queue><DelaySeconds>{'9' * 30}</DelaySeconds></Queue>", "DelaySeconds"),
        (READ.queue_changes, "<Queue><LoggingEnabled>maybe</LoggingEnabled></Queue>", "LoggingEnabled"),
        (READ.queue_changes, "<Queue><DelaySeconds/><DelaySeconds>1</DelaySeconds><DelaySeconds>2</DelaySeconds>"
         "</Queue>", "DelaySeconds"),
        (READ.message, "<Message><Priority>1</Priority></Message>", "MessageBody"),
        (READ.message, "<Message><MessageBody></MessageBody></Message>", "MessageBody"),
        (READ.messages, "<Messages><Massage/></Messages>", "Massage"),
        (READ.message, "<Message><MessageBody>a</MessageBody><UserProperties><Property/></UserProperties></Message>",
         "Property"),
        (READ.receipt_handles, "<ReceiptHandles><Handle>1</Handle></ReceiptHandles>", "Handle"),
    ],
)  # fmt: skip
def test_a_document_that_does_not_fit_is_refused_by_the_name_of_the_element(
    read: Callable[[bytes], object], body: str, named: str
) -> None:
    with pytest.raises(MnsError, match=f"cause by {named}") as refused:
        read(body.encode())

    assert refused.value.code == "InvalidArgument"


def test_a_document_that_is_too_large_is_not_even_parsed() -> None:
    with pytest.raises(MnsError, match="at most 1048576"):
        READ.message(b"<" * 1_048_577)


def test_what_nobody_knows_can_be_let_through_by_a_switch() -> None:
    lenient = Documents(Limits(refuse_unknown_elements=False))

    assert lenient.queue_changes(b"<Queue><Colour>red</Colour></Queue>") == QueueChanges()


@pytest.mark.parametrize("body", [b"", b" ", b"<Queue/>", b"<x:Queue xmlns:x='http://mns.aliyuncs.com/doc/v1/'/>"])
def test_an_absent_or_empty_document_names_no_attributes(body: bytes) -> None:
    assert READ.queue_changes(body) == QueueChanges()
    assert READ.topic_changes(body.replace(b"Queue", b"Topic")) == TopicChanges()


def test_what_a_read_queue_answered_can_be_sent_back() -> None:
    state = QueueState("q", QueueAttributes(), None, 1, 1, 2, 3, 4)

    changes = READ.queue_changes(out.queue(state))

    assert changes.applied_to(QueueAttributes(delay_seconds=9)) == QueueAttributes()


@given(LEGAL)
def test_any_text_comes_back_from_a_document_as_it_went_in(text: str) -> None:
    root = parse(document("Root", [("Child", text)]))

    assert root.children[0].text == text


def test_line_ends_and_tabs_come_back_too() -> None:
    assert parse(document("Root", [("Child", "a\r\nb\rc\td\n")])).children[0].text == "a\r\nb\rc\td\n"


@given(st.lists(LEGAL.filter(bool), min_size=1, max_size=16))
def test_a_batch_as_the_sdk_encodes_it_is_read_back(texts: list[str]) -> None:
    encoded = MessagesEncoder.encode([SdkMessage(text) for text in texts], base64encode=False)

    assert [message.body for message in READ.messages(encoded)] == texts


DELIVERY = Delivery("M-1", "aGVsbG8=", "MD5", 8, 1_000, 2_000, 1, "1-a==", 3_000, "g", (Property("k", "v"),))


def test_the_sdk_reads_what_we_write() -> None:
    received = RecvMessageDecoder.decode(out.delivery(DELIVERY).decode(), True)
    batch = BatchRecvMessageDecoder.decode(out.deliveries([DELIVERY, DELIVERY]).decode(), True)
    attributes = GetQueueAttrDecoder.decode(out.queue(QueueState("q", QueueAttributes(), None, 1, 1, 2, 3, 4)).decode())

    assert (received["MessageBody"], received["NextVisibleTime"]) == (b"hello", "3000")
    assert [message.receipt_handle for message in batch] == ["1-a=="] * 2
    assert (attributes["ActiveMessages"], attributes["LoggingEnabled"]) == ("2", "False")


def test_the_sdk_reads_partial_failures() -> None:
    error = MnsError("MessageTooLarge", "too <large>")

    sent = BatchSendMessageDecoder.decodeError(out.sent_batch([Sent("M", "X", "1-a", "g"), error]).decode())
    deleted = BatchDeleteMessageDecoder.decodeError(out.failed_deletes([("1-a", error)]).decode())

    assert sent[:2] == deleted[:2] == ("MessageTooLarge", "too <large>")
    assert deleted[4] == [{"ErrorCode": "MessageTooLarge", "ErrorMessage": "too <large>", "ReceiptHandle": "1-a"}]


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_error_document_has_its_four_elements(code: str) -> None:
    body = out.error(MnsError(code), request_id="512B2A634403E52B1956133E", host_id="http://127.0.0.1:1")

    assert ErrorDecoder.decodeError(body.decode())[:4] == (
        code, CODES[code][1], "512B2A634403E52B1956133E", "http://127.0.0.1:1",
    )  # fmt: skip


def test_an_error_that_quotes_control_characters_is_still_xml() -> None:
    body = out.error(MnsError("InvalidQueryString", 'item "\x00\ud800"'), request_id="R", host_id="http://\x1b")

    assert minidom.parseString(body)


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "us-ascii", "utf-16"])
def test_a_document_may_be_in_an_encoding_of_the_parser(encoding: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?><M>abc</M>'

    assert parse(document.encode(encoding)).text == "abc"


@pytest.mark.parametrize("encoding", ["cp1252", "unicode_escape", "idna", "cp037"])
def test_a_caller_does_not_choose_among_the_codecs_of_python(encoding: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?><M>abc</M>'

    with pytest.raises(MnsError) as caught:
        parse(document.encode())

    assert (caught.value.code, "encoding" in caught.value.message) == ("MalformedXML", True)
    assert parse(document.encode("utf-16")).text == "abc"  # what it says of itself does not count
