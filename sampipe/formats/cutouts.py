"""Cut-outs: each object on its own, everything around it transparent."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from sampipe.errors import DataError
from sampipe.formats.labels import png_bytes
from sampipe.types import Image, Masks


def write_cutouts(image: Image, masks: Masks, *, margin: int = 0, whole: bool = False) -> list[bytes | None]:
    """An RGBA PNG for each object; None for one without a pixel.

    Args:
        image: what the masks are about.
        masks: each object's best candidate is cut out.
        margin: transparent pixels around the object's box, where the image goes so far.
        whole: keep the image's size in place of the box.

    Raises:
        DataError: masks of another size than the image.
    """
    if masks.hw != image.hw:
        raise DataError(f"masks of {masks.hw} for an image of {image.hw} (height, width)")
    return [_cut(image, mask, margin, whole) if mask.any() else None for mask in masks.iter_binary()]


def read_cutout(png: bytes) -> np.ndarray:
    """The mask, bool (h, w), of a cut-out: where it is not transparent.

    Raises:
        DataError: it is no picture with transparency.
    """
    try:
        with Pillow.open(io.BytesIO(png)) as picture:
            if picture.mode != "RGBA":
                raise DataError(f"a cut-out has transparency; this picture has the mode {picture.mode}")
            return np.asarray(picture)[..., 3] > 0
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(f"not a picture that can be read: {error}") from error


def _cut(image: Image, mask: np.ndarray, margin: int, whole: bool) -> bytes:
    rgba = np.dstack([image.pixels, mask.astype(np.uint8) * 255])
    rgba[~mask] = 0  # what is not shown is not told either
    if not whole:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        top, left = max(rows[0] - margin, 0), max(columns[0] - margin, 0)
        rgba = rgba[top : rows[-1] + 1 + margin, left : columns[-1] + 1 + margin]
    return png_bytes(np.ascontiguousarray(rgba))
