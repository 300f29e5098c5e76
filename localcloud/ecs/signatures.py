"""The signature of RPC calls, version 1.0: HMAC-SHA1 over all parameters but the signature itself.

Signed is `METHOD&%2F&<the canonical query, encoded once more>`, with the secret and a trailing "&" as the key. Empty
parameters are signed too: SignatureType is always sent and always empty. Source: aliyun-python-sdk-core 2.16.1; the
vendor's published vector is among the tests.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote

UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")


def string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """`parameters`: of query and form body, decoded."""
    pairs = [
        f"{encoded(name)}={encoded(parameters[name])}"
        for name in sorted(parameters, key=str.encode)
        if name != "Signature"
    ]
    # What is encoded holds of all reserved characters only these three: cheaper than to encode it again.
    again = "&".join(pairs).replace("%", "%25").replace("&", "%26").replace("=", "%3D")
    return f"{method}&%2F&{again}"


def encoded(text: str) -> str:
    """RFC 3986: all but the unreserved letters as %XX. Most texts have none of the others."""
    return text if UNRESERVED.fullmatch(text) else quote(text, safe="")


def sign(text: str, secret: str) -> str:
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(digest.digest()).decode()
