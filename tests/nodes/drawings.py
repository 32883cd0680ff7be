"""Small masks drawn with letters, so that a test can be checked by eye."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sampipe.types import RLE, Image, Masks, Prompts


def mask(*rows: str) -> np.ndarray:
    """``mask("##.", "#..")``: True where there is a #."""
    return np.array([[letter == "#" for letter in row] for row in rows])


def drawing(rle: RLE) -> list[str]:
    """The rows of a mask as :func:`mask` takes them."""
    return ["".join("#" if pixel else "." for pixel in row) for row in rle.decode()]


def masks_of(
    pixels: Sequence[np.ndarray],
    *,
    ious: Sequence[float] | None = None,
    stability: Sequence[float] | None = None,
    prompts: Prompts | None = None,
    **rows: object,
) -> Masks:
    """Masks with one candidate each; ``rows`` are the prompts' labels, class_ids, scores."""
    if prompts is None and len(pixels):
        prompts = Prompts.from_boxes([[0, 0, 1, 1]] * len(pixels), **rows)
    made = Masks.from_binary(np.stack(pixels), prompts)
    if ious is not None:
        made = made.replace(iou_scores=np.array(ious, np.float32)[:, None])
    if stability is not None:
        made = made.replace(stability=np.array(stability, np.float32)[:, None])
    return made


def candidates_of(objects: Sequence[Sequence[np.ndarray]], ious: object, prompts: Prompts) -> Masks:
    """Masks with several candidates each."""
    rles = tuple(tuple(RLE.from_mask(one) for one in candidates) for candidates in objects)
    made = Masks.from_rle([row[0] for row in rles], rles[0][0].hw, prompts)
    return made.replace(rles=rles, iou_scores=np.array(ious, np.float32), candidates=None)


def rectangle(hw: tuple[int, int], x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """A mask of ``hw`` that is a half-open rectangle."""
    pixels = np.zeros(hw, bool)
    pixels[y0:y1, x0:x1] = True
    return pixels


def grey_image(hw: tuple[int, int], source: str | None = None, value: int = 128) -> Image:
    """A picture of one grey."""
    return Image.from_array(np.full((*hw, 3), value, np.uint8), source=source)


def files(folder: Path) -> list[str]:
    """The names of everything in a folder."""
    return sorted(path.name for path in folder.iterdir())
