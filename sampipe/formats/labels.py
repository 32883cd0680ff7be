"""Label images: one number a pixel, as 16-bit PNG."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from sampipe.errors import DataError
from sampipe.formats import _objects
from sampipe.types import RLE, Masks

MOST_OBJECTS = 65_535
_COMPRESSION = 4  # of zlib: photos come out as small as at 6, its default, in a third to half of the time


def label_image(masks: Masks) -> np.ndarray:
    """uint16 (h, w): 0 for background, i + 1 for the i-th object; of objects that overlap the smaller is on top.

    Raises:
        DataError: more than 65,535 objects.
    """
    if len(masks) > MOST_OBJECTS:
        raise DataError(f"{len(masks)} masks; a 16-bit label image holds {MOST_OBJECTS}. Use SaveCoco.")
    labels = np.zeros(masks.hw, np.uint16)
    rles = masks.rle()
    for index in np.argsort(-masks.area(), kind="stable"):
        x0, y0, x1, y1 = (int(value) for value in rles[index].box)
        labels[y0:y1, x0:x1][rles[index].window()] = index + 1
    return labels


def write_labels(masks: Masks) -> bytes:
    """The PNG of :func:`label_image`."""
    return png_bytes(label_image(masks))


def read_labels(png: bytes) -> Masks:
    """One object for each number in a grey or palette PNG of 8 or 16 bits, lowest first; 0 is background.

    Raises:
        DataError: it is no such picture.
    """
    try:
        with Pillow.open(io.BytesIO(png)) as picture:
            if picture.mode not in ("I;16", "I", "L", "P"):
                raise DataError(f"a label image has one channel; this one has the mode {picture.mode}")
            labels = np.asarray(picture).astype(np.int64)
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(f"not a picture that can be read: {error}") from error
    numbers = [number for number in np.unique(labels).tolist() if number]
    return _objects.masks_of([RLE.from_mask(labels == number) for number in numbers], labels.shape, labels=None)


def png_bytes(pixels: np.ndarray) -> bytes:
    """A PNG file of uint8 (h, w), (h, w, 3) or (h, w, 4), or uint16 (h, w) pixels."""
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, format="PNG", compress_level=_COMPRESSION)
    return buffer.getvalue()
