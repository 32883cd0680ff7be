"""Small objects in a crop around each: a model sees every image at one size, and what is small in it coarsely."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sampipe.nodes.segment._placed import Window, placed, repeated
from sampipe.types import Image, ImageEmbedding, Masks, Prompts
from sampipe.types._arrays import BoolArray

if TYPE_CHECKING:
    from sampipe.models.segmenters import Segmenter

SMALL = 1 / 8  # of the image's area; what is larger gains nothing
_SIDE = 2.0  # of a crop, in longer sides of its box (what it brings: docs/evaluate.md)
_LEAST = 64  # pixels
_AT_ONCE = 8  # crops

Decode = Callable[[Sequence[ImageEmbedding], Sequence[Prompts]], list[Masks]]


def is_small(prompts: Prompts, hw: tuple[int, int]) -> BoolArray:
    """Objects whose box covers less than :data:`SMALL` of the image, bool (n,); not those with a mask prompt."""
    if prompts.boxes is None:
        return np.zeros(len(prompts), np.bool_)
    area = np.prod(prompts.boxes[:, 2:] - prompts.boxes[:, :2], axis=1)
    return np.asarray(prompts.has_boxes & ~prompts.has_masks & (area < SMALL * hw[0] * hw[1]))


def zoomed(
    model: Segmenter, image: Image, prompts: Prompts, decode: Decode, whole: Callable[[Prompts], Masks]
) -> Masks:
    """Masks of ``prompts``, those of small objects out of crops.

    Args:
        model: encodes the crops; they are not cached.
        image: what the prompts lie on.
        prompts: sanitized.
        decode: embeddings and their prompts to masks.
        whole: the masks of the larger objects.
    """
    small = is_small(prompts, image.hw)
    parts = [whole(prompts.select(~small))] if not small.all() else []
    rows = np.flatnonzero(small)
    for start in range(0, len(rows), _AT_ONCE):
        parts += _in_crops(model, image, [prompts.select(row) for row in rows[start : start + _AT_ONCE]], decode)
    width = max(part.num_candidates for part in parts)
    alike = [part if part.num_candidates == width else repeated(part, width) for part in parts]
    order = np.argsort(np.concatenate([np.flatnonzero(~small), rows]))
    return Masks.concat(alike).select(order).with_prompts(prompts)


def _in_crops(model: Segmenter, image: Image, objects: Sequence[Prompts], decode: Decode) -> list[Masks]:
    windows = [_window(one, image.hw) for one in objects]
    crops = [image.crop(window) for window in windows]
    inside = [_moved(one, window) for one, window in zip(objects, windows, strict=True)]
    decoded = decode(model.encode(crops), inside)
    return [placed(masks, window, image.hw) for masks, window in zip(decoded, windows, strict=True)]


def _window(one: Prompts, hw: tuple[int, int]) -> Window:
    """A square around the object's box, inside the image, that holds its clicks, too."""
    assert one.boxes is not None
    corners = one.boxes.reshape(2, 2)
    if one.points is not None and one.point_labels is not None:
        corners = np.concatenate([corners, one.points[0][one.point_labels[0] >= 0]])
    low, high = corners.min(axis=0), corners.max(axis=0)
    side = np.minimum(max(_LEAST, _SIDE * float((high - low).max())), hw[::-1])
    first = np.clip((low + high - side) / 2, 0, np.array(hw[::-1]) - side)
    x0, y0 = np.floor(first).astype(int).tolist()
    x1, y1 = np.minimum(np.ceil(first + side), hw[::-1]).astype(int).tolist()
    return x0, y0, x1, y1


def _moved(one: Prompts, window: Window) -> Prompts:
    offset = np.array(window[:2], np.float32)
    assert one.boxes is not None
    points = None if one.points is None else one.points - offset
    return one.replace(boxes=one.boxes - np.tile(offset, 2), points=points)
