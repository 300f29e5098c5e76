"""XML documents of MNS → elements.

Wire format: XML 1.0, in an encoding that expat knows by itself, no DOCTYPE (so no entities to blow up). Names lose
their namespace prefix. Nothing is thrown but MalformedXML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from localcloud.mns.errors import MnsError

DEPTH_MAX = 8
"""Ours; Messages/Message/UserProperties/PropertyValue/Name is 5 deep."""
ELEMENTS_MAX = 20_000
"""Ours: 16 messages with hundreds of properties each."""
DECLARED = re.compile(rb"""(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([^"'>]*)""")
ENCODINGS = (b"utf-8", b"utf-16", b"utf-16le", b"utf-16be", b"iso-8859-1", b"us-ascii")
"""Expat's own. For any other it asks Python's codecs, some of which do more than read text."""
WIDE = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16le", b"\0<": "utf-16be"}
"""How a document begins → its encoding, whatever it says of itself."""


@dataclass(slots=True)
class Element:
    """An element. `text`: all of its own character data."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)


def parse(body: bytes) -> Element:
    """The document's root. Raises MalformedXML."""
    reader = _Reader()
    parser = _parser_for(body)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise MnsError("MalformedXML") from error
    if reader.root is None:
        raise MnsError("MalformedXML")
    return reader.root


def root_name(body: bytes) -> str:
    """The name of the root element, whatever comes before and after it; "" when none begins."""
    names: list[str] = []

    def stop(name: str, attributes: dict[str, str]) -> None:  # noqa: ARG001  expat's signature
        names.append(name.rpartition(":")[2])
        raise _RootSeenError

    try:
        parser = _parser_for(body)
        parser.StartElementHandler = stop
        parser.Parse(body, True)
    except (expat.ExpatError, MnsError, _RootSeenError):
        pass
    return names[0] if names else ""


def _parser_for(body: bytes) -> expat.XMLParserType:
    """In the encoding of `body`. Raises MalformedXML."""
    declared = DECLARED.match(body)
    if declared is not None and declared.group(1).lower() not in ENCODINGS:
        raise MnsError("MalformedXML", "The XML you provided is in an encoding that is not accepted.")
    parser = expat.ParserCreate(WIDE.get(body[:2]))
    parser.buffer_text = True
    return parser


class _RootSeenError(Exception):
    """Ends the parsing of a document of which only the root's name is wanted."""


class _Reader:
    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002  expat's signature
        element = Element(name.rpartition(":")[2])
        self._count += 1
        if len(self._open) >= DEPTH_MAX or self._count > ELEMENTS_MAX:
            raise MnsError("MalformedXML", "The XML you provided is nested too deep or has too many elements.")
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)
        self._texts.append([])

    def end(self, name: str) -> None:  # noqa: ARG002  expat's signature
        self._open.pop().text = "".join(self._texts.pop())

    def characters(self, text: str) -> None:
        self._texts[-1].append(text)

    def doctype(self, *declaration: object) -> None:  # noqa: ARG002  expat's signature
        raise MnsError("MalformedXML", "The XML you provided has a DOCTYPE, which is not accepted.")
