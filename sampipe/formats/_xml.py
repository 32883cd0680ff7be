"""XML of unknown origin."""

from __future__ import annotations

from xml.etree import ElementTree

from sampipe.errors import DataError


def parse(text: str | bytes, *, root: str) -> ElementTree.Element:
    """The root element of a document.

    Raises:
        DataError: it is not well formed, its root has another name, or it declares a document type, whose entities
            could grow without bound.
    """
    try:
        found: ElementTree.Element = ElementTree.fromstring(text, ElementTree.XMLParser(target=_NoDoctype()))
    except ElementTree.ParseError as error:
        raise DataError(f"not well-formed XML: {error}") from error
    if found.tag != root:
        raise DataError(f"the root element is <{found.tag}>, wanted <{root}>")
    return found


class _NoDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise DataError("the XML declares a document type; such files are refused")
