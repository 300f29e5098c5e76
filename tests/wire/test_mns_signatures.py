"""The two signatures of MNS, by answers that others worked out, and what each of them binds."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timezone
from email.utils import formatdate
from urllib.parse import quote

import pytest

from localcloud.account import Account
from localcloud.http import Request
from localcloud.mns import gate, signature_v4
from localcloud.mns.api import MnsEndpoint
from tests.contract.mns.worlds import ACCOUNT, MnsWorld

CODE = re.compile(rb"<Code>([^<]*)</Code>")
VERSION = {"x-mns-version": "2015-06-06"}


def asked(method: str, path: str, query: str = "", **headers: str) -> Request:
    return Request(method, path, query, {name.replace("_", "-"): value for name, value in headers.items()}, b"", 0)


def at(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc).timestamp() * 1000)


ODD_QUERY = "&".join(
    f"{name}={quote(value)}"
    for name, value in (
        ("param1", "abc"),
        ("PARAM2", "d  ef"),
        ("PARAM3", "[def]#bbb"),
        ("PARAM4", "\u4e2d\u6587\u53c2\u6570"),
    )
)


@pytest.mark.parametrize(
    ("request_", "secret", "date", "answer"),
    [  # the first two: tests of aliyun-mns-java-sdk 2.0; the others: of hjin-me/aliyun-mns-rs
        (asked("POST", "/queues/TestQueue", x_mns_abcdef="abcDEF", x_kkk_def="def"),
         "sk1", "Tue, 03 Jun 2025 11:23:48 GMT", "cAThPWnbphg3hDe3ZHDADTgkgyE="),
        (asked("GET", "/queues/TestQueue123456", x_mns_abcdef="KKKkkk", x_kkk_def="jjj"),
         "sk-kkkkkk1111111111", "Wed, 03 Dec 2025 11:23:48 GMT", "lPxnfNA+Qo/aj18MYJUnRMqa84I="),
        (asked("POST", "/queues/market-process-log/messages", content_type="application/xml",
               content_md5="YTM5OGY1YmYxODRkY2M0YmM1NjU5OGYzYTJkMDMyZGQ=", **VERSION),
         "t5I8e", "Thu, 02 Feb 2023 12:27:22 GMT", "6nhdhorU7xdV6x+P1Tmzyi6A6KY="),
        (asked("GET", "/queues/market-process-log/messages", "waitseconds=30", content_type="application/xml",
               content_md5="ZDQxZDhjZDk4ZjAwYjIwNGU5ODAwOTk4ZWNmODQyN2U=", **VERSION),
         "t5I8e", "Wed, 08 Feb 2023 09:36:03 GMT", "zVO3Buq0YfEW1yLI0SXOaO6guq8="),
    ],
)  # fmt: skip
def test_the_signature_is_the_one_that_others_worked_out(
    request_: Request, secret: str, date: str, answer: str
) -> None:
    assert gate.sign(request_, secret, date) == answer


@pytest.mark.parametrize(
    ("request_", "secret", "region", "date", "answer"),
    [  # tests of aliyun-mns-java-sdk 2.0
        (asked("POST", "/queues/TestQueue/", ODD_QUERY), "sk1", "region1", "2025-06-03T10:52:35",
         "1fc6013f158d4c3aba09570895a2a93c8445c2c5213d82a1463baf602cf0d945"),
        (asked("POST", "/queues/TestQueue", "num=10&paramx=100&" + ODD_QUERY), "sk1", "region1", "2025-06-03T10:52:35",
         "8d555514e749185d3e6d68df416692e6cc960ba85a089c9d69a2f4d7bb607560"),
        (asked("PUT", "/queues/TestQueue123456", x_mns_abc="kkk", x_mns_sss="2015-06-06xFFF", x_kkk_def="lll"),
         "skkkkkkk1111111111", "region2", "2025-12-03T11:23:48",
         "04f1e5f929b5aaac3af6a54970f591581ecd2aade2562f926c5f2ec5d5c8cfad"),
        (asked("GET", "/queues", x_mns_version="2015-06-30", x_mns_ttt="1", x_mns_uuuuu="FALse",
               content_type="application/json", content_md5="0d9d2ce750000593eb34f00"),
         "skkkkkk2222222222", "eu-west-1", "2025-12-04T06:32:35",
         "294f776a2d5726df679b54b081ab8126a199a2545c8c8a7a875adff0b386e458"),
        (asked("GET", "/"), "testSk", "testRegion", "2025-06-03T10:52:35",
         "63f78964dcd1132bab91b9c38ceebdfb59509149b34874c5b2c9dfc2b12e7291"),
        (asked("POST", "/queues/Test%20Queue@123"), "testSk", "testRegion", "2025-06-03T10:52:35",
         "87de7499365a31e767cdc0c726a893c72c860e415876f7f92914197ac3795833"),
    ],
)  # fmt: skip
def test_the_signature_v4_is_the_one_that_the_vendor_worked_out(
    request_: Request, secret: str, region: str, date: str, answer: str
) -> None:
    assert signature_v4.sign(request_, secret, region=region, sent_ms=at(date)) == answer


class V4World(MnsWorld):
    """Requests signed by V4; each part of it can be another."""

    def signed(
        self, method: str, target: str, *, secret: str = ACCOUNT.access_key_secret, region: str = ACCOUNT.region,
        key_id: str = ACCOUNT.access_key_id, day: str | None = None, **more: str,
    ) -> Request:  # fmt: skip
        path, _, query = target.partition("?")
        headers = {"host": "h", "date": formatdate(self.now_ms / 1000, usegmt=True), **VERSION, **more}
        signature = signature_v4.sign(
            Request(method, path, query, headers, b"", 0), secret, region=region, sent_ms=self.now_ms
        )
        scope = f"{day or signature_v4.day_of(self.now_ms)}/{region}/mns/aliyun_v4_request"
        headers["authorization"] = f"MNS4-HMAC-SHA256 Credential={key_id}/{scope},Signature={signature}"
        return Request(method, path, query, headers, b"", self.now_ms)

    def said(self, request: Request, endpoint: MnsEndpoint | None = None) -> tuple[int, str]:
        response = asyncio.run((endpoint or self.endpoint).handle(request))
        code = CODE.search(response.body)
        return response.status, code.group(1).decode() if code else ""


@pytest.mark.parametrize("escape", [str, lambda handle: quote(handle, safe="")])
def test_a_request_signed_by_v4_is_let_in_however_its_handle_is_written(escape: Callable[[str], str]) -> None:
    world = V4World()
    world.send("a")
    delivery = world.service.receive("q")
    assert delivery is not None
    assert delivery.receipt_handle.endswith("=")

    target = f"/queues/q/messages?ReceiptHandle={escape(delivery.receipt_handle)}&VisibilityTimeout=9"
    changed = world.said(world.signed("PUT", target, **{"content-type": "text/xml;charset=UTF-8"}))

    assert changed == (200, "")


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"secret": "wrong"}, (403, "SignatureDoesNotMatch")),
        ({"region": "cn-beijing"}, (403, "SignatureDoesNotMatch")),
        ({"day": "20150606"}, (403, "SignatureDoesNotMatch")),
        ({"key_id": "nobody"}, (403, "InvalidAccessKeyId")),
        ({"security-token": "forged"}, (403, "AccessDenied")),
        ({"date": "Thu, 01 Jan 2015 00:00:00 GMT"}, (408, "TimeExpired")),
        ({"x-mns-version": "2014-01-01"}, (400, "InvalidArgument")),
    ],
)
def test_a_request_signed_by_v4_of_another_key_day_or_region_is_refused(
    changes: dict[str, str], refusal: tuple[int, str]
) -> None:
    world = V4World()

    assert world.said(world.signed("GET", "/queues/q", **changes)) == refusal


def test_everything_that_v4_signs_matters() -> None:
    world = V4World()
    good = world.signed("GET", "/queues/q/messages?waitseconds=0", **{"content-type": "text/xml", "x-mns-a": "b"})
    headers = dict(good.headers)
    changed = [
        Request("POST", good.path, good.query, headers, b"", world.now_ms),
        Request("GET", "/queues/r/messages", good.query, headers, b"", world.now_ms),
        Request("GET", good.path, "waitseconds=1", headers, b"", world.now_ms),
        Request("GET", good.path, good.query, {**headers, "x-mns-a": "c"}, b"", world.now_ms),
        Request("GET", good.path, good.query, {**headers, "content-type": "text/plain"}, b"", world.now_ms),
        Request("GET", good.path, good.query, {**headers, "date": formatdate(world.now_ms / 1000 + 1, usegmt=True)},
                b"", world.now_ms),
    ]  # fmt: skip

    assert world.said(good) == (404, "MessageNotExist")
    assert {world.said(request) for request in changed} == {(403, "SignatureDoesNotMatch")}


@pytest.mark.parametrize(
    "damage",
    [
        lambda header: header.replace("MNS4", "MNS5"),
        lambda header: header.replace("/mns/", "/fc/"),
        lambda header: header.replace("aliyun_v4_request", "apsara_v4_request"),
        lambda header: header[:-1],
        lambda header: header.upper(),
        lambda header: header.replace(",Signature", " Signature"),
        lambda header: header.replace("Credential=", ""),
    ],
)
def test_a_header_that_is_nearly_v4_is_an_invalid_authorization_header(damage: Callable[[str], str]) -> None:
    world = V4World()
    request = world.signed("GET", "/queues/q")
    headers = {**request.headers, "authorization": damage(request.headers["authorization"])}

    said = world.said(Request("GET", request.path, request.query, headers, b"", world.now_ms))

    assert said == (400, "InvalidAuthorizationHeader")


def test_a_known_security_token_goes_with_v4_too() -> None:
    world = V4World()
    endpoint = MnsEndpoint(world.service, account=Account(security_token="token"), ids=world.ids)

    assert world.said(world.signed("GET", "/queues/q", **{"security-token": "token"}), endpoint) == (200, "")
