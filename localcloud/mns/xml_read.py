"""XML documents of MNS → elements.

Wire format: XML 1.0, any encoding that expat reads, no DOCTYPE (so no entities to blow up). Names lose their namespace
prefix. Nothing is thrown but MalformedXML.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from localcloud.mns.errors import MnsError

DEPTH_MAX = 8
"""Ours; Messages/Message/UserProperties/PropertyValue/Name is 5 deep."""
ELEMENTS_MAX = 20_000
"""Ours: 16 messages with hundreds of properties each."""


@dataclass(slots=True)
class Element:
    """An element. `text`: all of its own character data."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)


def parse(body: bytes) -> Element:
    """The document's root. Raises MalformedXML."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        # ValueError and LookupError: an encoding that Python does not have.
        raise MnsError("MalformedXML") from error
    if reader.root is None:
        raise MnsError("MalformedXML")
    return reader.root


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
