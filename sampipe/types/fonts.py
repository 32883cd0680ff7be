"""Fonts for labels: each text in one that has all its characters, or with a word about those that none has."""

from __future__ import annotations

import functools
import unicodedata
import warnings
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

from PIL import ImageFont

from sampipe.errors import DataError

_INVISIBLE = ("Cc", "Cf", "Mn", "Zs")  # controls, joiners, marks and spaces, which need no glyph of their own
_WEIGHT = 500  # of variable fonts, whose default may be a hairline
_SUFFIXES = (".ttf", ".otf", ".ttc")


def label_font(text: str, size: int, path: str | None = None) -> tuple[ImageFont.FreeTypeFont, str]:
    """A font for ``text``, and the text as it can be drawn.

    The first that has every character: the font at ``path``; DejaVu Sans, which comes with matplotlib (European
    scripts, Arabic, Hebrew); installed packs of fonts (``pip install "sampipe[fonts]"``: Chinese, Japanese, Korean);
    the system's fonts. Characters that none has are written as their code (U+732B), with a warning that says so.

    Args:
        text: one line.
        size: in pixels.
        path: a font file of the user's.

    Raises:
        DataError: no font can be read at ``path``.
    """
    wanted = {one for one in text if unicodedata.category(one) not in _INVISIBLE}
    if path is not None and not _characters(path):
        raise DataError(f"font: {path} is not a font file that can be read; wanted TrueType or OpenType")
    first = path or _dejavu()
    for file in _candidates(path):
        if wanted <= _characters(file):
            return _loaded(file, size), text
    missing = sorted(wanted - _characters(first))
    codes = {one: f"U+{ord(one):04X}" for one in missing}
    warnings.warn(
        f"no font at hand has all of {text!r}: {', '.join(list(codes.values())[:5])} drawn as codes. Name a font that "
        'has them with font=..., or install "sampipe[fonts]" for Chinese, Japanese and Korean.',
        stacklevel=2,
    )
    return _loaded(first, size), "".join(codes.get(one, one) for one in text)


def _candidates(path: str | None) -> Iterator[str]:
    """Font files, the likeliest first; the disk is searched only when the first two will not do."""
    if path is not None:
        yield path
    yield _dejavu()
    yield from _packed()
    yield from _system()


@functools.cache
def _dejavu() -> str:
    import matplotlib

    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")


@functools.cache
def _packed() -> tuple[str, ...]:
    """The fonts of JustMyType packs, which name their folders by an entry point."""
    folders = [
        Path(folder)
        for entry in entry_points(group="justmytype.packs")
        for folder in entry.load()().get_font_directories()
    ]
    return tuple(str(file) for folder in folders for file in sorted(folder.rglob("*")) if file.suffix in _SUFFIXES)


@functools.cache
def _system() -> tuple[str, ...]:
    from matplotlib import font_manager

    return tuple(sorted(file for file in font_manager.findSystemFonts() if file.lower().endswith(_SUFFIXES)))


@functools.cache
def _characters(file: str) -> frozenset[str]:
    """What a font has glyphs for; nothing where it cannot be read."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with Path(file).open("rb") as opened, TTFont(opened, fontNumber=0, lazy=True) as font:
            return frozenset(map(chr, font.getBestCmap() or ()))
    except (OSError, TTLibError, KeyError, ValueError, AssertionError):
        return frozenset()


@functools.lru_cache(maxsize=32)
def _loaded(file: str, size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(file, size)
    try:
        axes = font.get_variation_axes()
    except OSError:  # no variable font
        return font
    places: list[float] = [_WEIGHT if axis["name"] == b"Weight" else axis["default"] or 0 for axis in axes]
    font.set_variation_by_axes(places)
    return font
