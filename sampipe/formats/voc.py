"""Pascal VOC: two palette PNGs an image, one of objects and one of classes; 255 is neither.

The format has one object a pixel and at most 254 of them: where masks overlap the smaller one is on top.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from sampipe.errors import DataError
from sampipe.formats import _objects
from sampipe.formats.labels import label_image
from sampipe.types import RLE, Masks

VOID = 255


def write_voc(masks: Masks, classes: Sequence[int]) -> tuple[bytes, bytes]:
    """``SegmentationObject/<stem>.png`` and ``SegmentationClass/<stem>.png``.

    Args:
        masks: each object's best candidate is written.
        classes: each object's class number, 1 to 254.

    Raises:
        DataError: more than 254 objects, or a class number out of range.
    """
    if len(masks) >= VOID:
        raise DataError(f"{len(masks)} objects; a Pascal VOC picture holds 254. Use a 16-bit label PNG or COCO.")
    if len(classes) != len(masks) or not all(0 < number < VOID for number in classes):
        raise DataError(f"classes: got {list(classes)} for {len(masks)} objects, wanted a number 1 to 254 for each")
    numbers = np.array([0, *classes], np.uint8)
    objects = label_image(masks).astype(np.uint8)
    return _png(objects), _png(numbers[objects])


def read_voc(objects: bytes, classes: bytes | None = None, names: Sequence[str] = ()) -> Masks:
    """Masks of the objects' picture; of the classes' picture, if there is one, their labels.

    Args:
        objects: the PNG of ``SegmentationObject``.
        classes: the PNG of ``SegmentationClass``; an object's class is the commonest in its pixels.
        names: of the classes 1, 2, ...; a class without a name is ``class <number>``.

    Raises:
        DataError: one of them is no palette or grey PNG, or their sizes differ.
    """
    numbers = _pixels(objects)
    kinds = numbers if classes is None else _pixels(classes)
    if kinds.shape != numbers.shape:
        raise DataError(f"the picture of objects is {numbers.shape}, that of classes {kinds.shape}")
    found = [number for number in np.unique(numbers).tolist() if number not in (0, VOID)]
    rles = [RLE.from_mask(numbers == number) for number in found]
    labels = None
    if classes is not None:
        most = [int(np.bincount(kinds[numbers == number]).argmax()) for number in found]
        labels = [names[number - 1] if 0 < number <= len(names) else f"class {number}" for number in most]
    return _objects.masks_of(rles, numbers.shape, labels=labels)


def palette() -> list[int]:
    """VOC's colours: 256 times red, green, blue; the bits of the number spread over the three."""
    colors = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            colors[:, channel] |= ((np.arange(256) >> (3 * bit + channel)) & 1).astype(np.uint8) << (7 - bit)
    return colors.ravel().tolist()


def _png(pixels: np.ndarray) -> bytes:
    picture = Pillow.fromarray(pixels)
    picture.putpalette(palette())
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def _pixels(png: bytes) -> np.ndarray:
    try:
        with Pillow.open(io.BytesIO(png)) as picture:
            if picture.mode not in ("P", "L"):
                raise DataError(f"a Pascal VOC picture has a palette; this one has the mode {picture.mode}")
            return np.asarray(picture)
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(f"not a picture that can be read: {error}") from error
