"""Where events may be pushed to: a table of addresses, names that resolve to them, and the pauses between tries."""

from __future__ import annotations

import ipaddress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core import limits
from shared.core.errors import Refused
from shared.core.push import (
    PUSH_ATTEMPTS_MAX,
    check_addresses,
    check_subscription,
    is_allowed,
    is_public,
    networks_of,
    parse_url,
    pause_s,
)

FORBIDDEN = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",  # Alibaba Cloud's metadata service
    "127.0.0.1",
    "127.255.0.1",
    "169.254.0.1",
    "169.254.169.254",  # the metadata service of others
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:100.100.100.200",
    "64:ff9b::a00:1",  # NAT64 of 10.0.0.1
    "64:ff9b::7f00:1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:a00:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
    "2001:db8::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["8.8.8.8", "47.96.0.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1", "64:ff9b::808:808"]


@pytest.mark.parametrize("text", FORBIDDEN)
def test_an_address_that_is_not_public_is_never_pushed_to(text: str) -> None:
    address = ipaddress.ip_address(text)

    assert not is_public(address)
    with pytest.raises(Refused) as caught:
        check_addresses(parse_url("https://hooks.example.com/"), [ipaddress.ip_address("8.8.8.8"), address], ())
    assert caught.value.code == "ForbiddenAddress"
    assert caught.value.field == "url"


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is(text: str) -> None:
    address = ipaddress.ip_address(text)

    assert check_addresses(parse_url("https://hooks.example.com/"), [address], ()) == address


@given(st.ip_addresses(v=4))
def test_what_wraps_an_ipv4_address_is_as_public_as_it(inner: ipaddress.IPv4Address) -> None:
    number = int(inner)
    wrapped = [
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
    ]

    assert [is_public(address) for address in wrapped] == [is_public(inner)] * 3


def test_an_exception_allows_its_network_and_no_other() -> None:
    allowed = networks_of("10.1.0.0/16, ::1/128")

    assert is_allowed(ipaddress.ip_address("10.1.2.3"), allowed)
    assert is_allowed(ipaddress.ip_address("::ffff:10.1.2.3"), allowed)
    assert is_allowed(ipaddress.ip_address("::1"), allowed)
    assert not is_allowed(ipaddress.ip_address("10.2.0.1"), allowed)
    assert not is_allowed(ipaddress.ip_address("127.0.0.1"), allowed)


def test_without_tls_only_an_exception_is_spoken_to() -> None:
    public, private = ipaddress.ip_address("8.8.8.8"), ipaddress.ip_address("10.1.0.1")
    url, allowed = parse_url("http://hooks.example.com/"), networks_of("10.1.0.0/16")

    assert check_addresses(url, [private], allowed) == private
    with pytest.raises(Refused, match="https"):
        check_addresses(url, [public], allowed)


def test_a_name_without_an_address_is_refused() -> None:
    with pytest.raises(Refused, match="no address"):
        check_addresses(parse_url("https://hooks.example.com/"), [], ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hooks.example.com",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "https://",
        "https:///x",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com@127.0.0.1/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:65536/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/#part",
        "https://hooks.example.com/\r\nHost: other",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://höoks.example.com/",
        "https://[::1/",
        "https://hooks.example.com/" + "x" * 2_000,
    ],
)
def test_what_is_no_address_of_the_web_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_url(text)

    assert (caught.value.code, caught.value.field) == ("BadAddress", "url")


def test_the_parts_of_an_address_are_read() -> None:
    plain, full = parse_url("https://Hooks.example.com"), parse_url("http://[2606:4700::1]:8080/a/b?c=%20d")

    assert (plain.scheme, plain.host, plain.port, plain.path) == ("https", "hooks.example.com", 443, "/")
    assert (full.scheme, full.host, full.port, full.path) == ("http", "2606:4700::1", 8080, "/a/b?c=%20d")


@pytest.mark.parametrize(
    ("name", "types", "field"),
    [("", (), "name"), ("CI", (), "name"), ("a" * 65, (), "name"), ("ci", ("run.exploded",), "types[0]")],
)
def test_a_subscription_that_makes_no_sense_is_refused(name: str, types: tuple[str, ...], field: str) -> None:
    with pytest.raises(Refused) as caught:
        check_subscription(name, "https://hooks.example.com/", types)

    assert caught.value.field == field


@given(st.text(max_size=20))
def test_the_pauses_grow_fit_a_delayed_message_and_end(name: str) -> None:
    pauses = [pause_s(attempt, name) for attempt in range(1, PUSH_ATTEMPTS_MAX + 1)]

    assert pauses[-1] == 0
    assert all(0 < pause <= limits.DELAY_S_MAX for pause in pauses[:-1])
    assert all(later * 1.25 + 1 >= earlier for earlier, later in pairwise(pauses[:-1]))
    assert 86_400 < sum(pauses) < limits.DELAY_S_MAX
