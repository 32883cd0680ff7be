"""XML of unknown origin, and text that XML can hold."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from sampipe.errors import DataError

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """``text`` with U+FFFD for what XML 1.0 cannot hold: control characters, halves of characters (section 2.2)."""
    return _NO_XML.sub("\ufffd", text)


def parse(text: str | bytes, *, root: str, place: str = "the file") -> ElementTree.Element:
    """The root element of a document.

    Raises:
        DataError: it is not well formed, its root has another name, or it declares a document type, whose entities
            could grow without bound.
    """
    try:
        found: ElementTree.Element = ElementTree.fromstring(text, ElementTree.XMLParser(target=_NoDoctype()))
    except DataError as error:
        raise DataError(f"{place}: {error}") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{place}: not well-formed XML: {error}") from error
    if found.tag != root:
        raise DataError(f"{place}: the root element is <{found.tag}>, wanted <{root}>")
    return found


class _NoDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise DataError("the XML declares a document type; such files are refused")
