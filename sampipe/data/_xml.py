"""XML of unknown origin, and text that XML can hold."""

from __future__ import annotations

import codecs
import re
from xml.etree import ElementTree

from sampipe.data._text import decode_text
from sampipe.errors import DataError

_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z][\w.-]*)["']""")
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
    text = _decoded(text, place) if isinstance(text, bytes) else text
    try:
        found: ElementTree.Element = ElementTree.fromstring(text, ElementTree.XMLParser(target=_NoDoctype()))
    except DataError as error:
        raise DataError(f"{place}: {error}") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{place}: not well-formed XML: {error}") from error
    if found.tag != root:
        raise DataError(f"{place}: the root element is <{found.tag}>, wanted <{root}>")
    return found


def _decoded(data: bytes, place: str) -> str:
    """The text, by the encoding that it declares; expat knows none of more than one byte but Unicode's."""
    said = _DECLARED.match(data)
    name = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else said[1].decode() if said else "utf-8"
    if name.lower().replace("-", "") == "utf8" or data[:4] == codecs.BOM_UTF32_LE:
        return decode_text(data, place)
    try:
        return data.decode(name)
    except LookupError as error:
        raise DataError(f"{place}: the encoding {name} is not known; save the file as UTF-8") from error
    except ValueError as error:
        raise DataError(f"{place}: the text is not {name}, as it says; save it as UTF-8: {error}") from error


class _NoDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise DataError("the XML declares a document type; such files are refused")
