"""Encodings of text from outside."""

from __future__ import annotations

import codecs

from sampipe.errors import DataError

_WIDE = (
    ("UTF-32", codecs.BOM_UTF32_LE),  # before UTF-16, whose mark it begins with
    ("UTF-32", codecs.BOM_UTF32_BE),
    ("UTF-16", codecs.BOM_UTF16_LE),
    ("UTF-16", codecs.BOM_UTF16_BE),
)


def decode_text(data: bytes, place: str) -> str:
    """UTF-8, with or without a byte order mark.

    Raises:
        DataError: it is in another encoding, which is named where it can be told.
    """
    wide = next((name for name, mark in _WIDE if data.startswith(mark)), None)
    if wide is not None or b"\0" in data[:4]:  # JSON, tables and XML begin with signs of ASCII
        raise DataError(f"{place}: the text is {wide or 'UTF-16 or UTF-32'}; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{place}: byte {error.start} is no UTF-8; the text may be Windows-1252, Latin-1, Shift-JIS, GBK or "
            "another old encoding: save it as UTF-8"
        ) from error
