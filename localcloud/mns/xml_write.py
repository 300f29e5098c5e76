"""Values → XML documents of MNS.

Wire format: UTF-8, one root in the namespace below, elements without prefix (the Python SDK looks for them by plain
name), no white space between them. Source: API reference of each operation; aliyun-mns-sdk 1.3.0's decoders.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Union

NAMESPACE = "http://mns.aliyuncs.com/doc/v1/"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
SPECIAL = re.compile("[&<>\r]")
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Content = Union[str, int, Sequence["Node"]]  # noqa: UP007  evaluated at import on 3.10, where `|` refuses a forward name
Node = tuple[str, Content]
"""An element: its name and its text, or its children."""


def document(root: str, content: Content) -> bytes:
    """A whole document."""
    return f'{DECLARATION}<{root} xmlns="{NAMESPACE}">{_inner(content)}</{root}>'.encode()


def legal(text: str) -> str:
    """`text` with "?" for what XML cannot carry: for messages that quote a request."""
    return ILLEGAL.sub("?", text)


def _inner(content: Content) -> str:
    if isinstance(content, str):
        return SPECIAL.sub(lambda match: ESCAPES[match.group()], content) if SPECIAL.search(content) else content
    if isinstance(content, int):
        return str(content)
    return "".join(f"<{name}>{_inner(inner)}</{name}>" for name, inner in content)
