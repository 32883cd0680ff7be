"""Masks of a page as files to take home; the nodes that save files make them."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sampipe.data.quick_png import quick_png
from sampipe.errors import DataError
from sampipe.nodes import Annotate, SaveCoco, SavePng, SaveYolo
from sampipe.types import Image, Masks


@dataclass(frozen=True)
class Download:
    """One file.

    Args:
        name: what the browser calls it.
        type: its media type.
        content: its bytes.
    """

    name: str
    type: str
    content: bytes


def download(kind: str, image: Image, masks: Masks) -> Download:
    """``masks`` on ``image`` as a file of one of ``KINDS``.

    Raises:
        DataError: another kind; masks of another size than the image.
    """
    if kind not in KINDS:
        raise DataError(f"There is no download {kind!r}; there are {', '.join(KINDS)}.")
    return KINDS[kind](image, masks)


def _overlay(image: Image, masks: Masks) -> Download:
    drawn = Annotate().run(image, masks.best())
    return Download(f"{image.name}.overlay.png", "image/png", quick_png(drawn.pixels))


def _labels(image: Image, masks: Masks) -> Download:
    with tempfile.TemporaryDirectory() as folder:
        SavePng(directory=folder).run(image, masks)
        return Download(f"{image.name}.labels.png", "image/png", _only_file(folder))


def _coco(image: Image, masks: Masks) -> Download:
    with tempfile.TemporaryDirectory() as folder:
        node = SaveCoco(path=str(Path(folder) / "annotations.json"))
        node.run(image, masks)
        node.flush()
        return Download(f"{image.name}.coco.json", "application/json", _only_file(folder))


def _yolo(image: Image, masks: Masks) -> Download:
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        SaveYolo(directory=folder).run(image, masks)
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(Path(folder).iterdir()):
                archive.write(file, file.name)
    return Download(f"{image.name}.yolo.zip", "application/zip", packed.getvalue())


def _cutout(image: Image, masks: Masks) -> Download:
    """The objects with everything else transparent, as large as the image."""
    pixels = np.zeros((*image.hw, 4), np.uint8)
    for rle in masks.best().rle():
        x0, y0, x1, y1 = (int(side) for side in rle.box)
        pixels[y0:y1, x0:x1, 3] |= rle.window().view(np.uint8) * np.uint8(255)
    for row, whole in zip(pixels, image.pixels, strict=True):  # row by row, which stays in the processor's cache
        np.bitwise_and(whole, row[:, 3:], out=row[:, :3])
    return Download(f"{image.name}.cutout.png", "image/png", quick_png(pixels))


def _only_file(folder: str) -> bytes:
    (file,) = Path(folder).iterdir()
    return file.read_bytes()


KINDS: dict[str, Callable[[Image, Masks], Download]] = {
    "overlay": _overlay,
    "labels": _labels,
    "coco": _coco,
    "yolo": _yolo,
    "cutout": _cutout,
}
