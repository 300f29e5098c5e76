"""Pusher: POST to an address of somebody else, over urllib3, to the very address that was checked.

A name is resolved once, all its addresses are checked, and the connection goes to the first of them: a second answer of
the name server (DNS rebinding) is never asked for. TLS still holds the server to its name. Redirects are not followed:
they would name an address that nobody has checked. Proxies of the environment are not used. Of the answer only the
status is read: a receiver that says more, and slowly, holds nobody up.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

from shared.adapters.mns import MnsQueues
from shared.core.errors import Unavailable, UnknownOutcome
from shared.core.push import Address, Network, Push, Url, check_addresses, parse_url

CONNECT_S, READ_S = 3, 10
"""Ours: who takes longer to say "got it" should queue what it gets."""


class HttpPusher:
    def __init__(self, queues: MnsQueues, *, allowed: tuple[Network, ...]) -> None:
        self._queues = queues
        self._allowed = allowed

    def push(self, push: Push) -> int:
        url = parse_url(push.url)
        address = check_addresses(url, _addresses_of(url), self._allowed)
        return _post(url, address, push)

    def send_later(self, body: bytes, *, delay_s: int) -> None:
        self._queues.send_push(body, delay_s=delay_s)


def _addresses_of(url: Url) -> list[Address]:
    """Raises Unavailable: a name that does not resolve now may do so later."""
    try:
        found = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"url: {url.host} has no address now ({type(error).__name__})", code="NoAddress") from None
    # A scope (fe80::1%eth0) is no part of the address; dict.fromkeys keeps the resolver's order.
    return [ipaddress.ip_address(text) for text in dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found)]


def _post(url: Url, address: Address, push: Push) -> int:
    import urllib3

    pool = _pool(url, address)
    host = f"[{url.host}]" if ":" in url.host else url.host
    default = 443 if url.scheme == "https" else 80
    headers = dict(push.headers) | {"Host": host if url.port == default else f"{host}:{url.port}"}
    try:
        answer = pool.urlopen(
            "POST", url.path, body=push.body, headers=headers, retries=False, redirect=False, preload_content=False
        )
        return int(answer.status)
    except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
        raise Unavailable(f"{url.host} cannot be reached ({type(error).__name__})", code="NoConnection") from None
    except urllib3.exceptions.SSLError as error:
        raise Unavailable(f"{url.host}: TLS failed: {str(error)[:200]}", code="BadCertificate") from None
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise UnknownOutcome(f"{url.host} gave no answer ({type(error).__name__})", code="NoAnswer") from None
    finally:
        pool.close()


def _pool(url: Url, address: Address) -> Any:
    """Connects to `address`, and to nothing else."""
    import urllib3

    timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
    if url.scheme == "http":
        return urllib3.HTTPConnectionPool(str(address), url.port, timeout=timeout, maxsize=1)
    return urllib3.HTTPSConnectionPool(
        str(address),
        url.port,
        timeout=timeout,
        maxsize=1,
        server_hostname=url.host,
        assert_hostname=url.host,
        cert_reqs="CERT_REQUIRED",
    )
