"""What a node gave, small enough for its box on the canvas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sampipe.graph.result import NodeReport
from sampipe.nodes import Annotate
from sampipe.pages.shared import data_url, smaller
from sampipe.types import RLE, EdgeMap, Image, ImageEmbedding, Masks, Prompts

SMALL, LARGE = 420, 1600  # longest side in a node's box, and of the image that opens from it


def summary(outputs: Mapping[str, Any], report: NodeReport, image: Image | None, side: int = SMALL) -> dict[str, Any]:
    """Figures, words and images of a node's outputs, as the page takes them."""
    return {
        "seconds": report.seconds,
        "hits": report.cache_hits,
        "device": report.device,
        "outputs": [
            {"port": port, "words": words(value), "url": _url(preview(value, image, side), side)}
            for port, value in outputs.items()
        ],
    }


def words(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, (Masks, Prompts)):
        prompts = value.prompts if isinstance(value, Masks) else value
        labels = [label for label in dict.fromkeys(prompts.labels or ()) if label]
        named = f": {', '.join(labels[:8])}{' …' if len(labels) > 8 else ''}" if labels else ""
        return f"{len(value)} object{'' if len(value) == 1 else 's'}{named}"
    if isinstance(value, Image):
        return f"{value.width}x{value.height}"
    if isinstance(value, ImageEmbedding):
        return "x".join(str(side) for side in value.features.shape)
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:157]}..."


def preview(value: Any, image: Image | None, side: int) -> Image | None:
    """A value as an image of at most ``side`` pixels, on the image where it lies on one; None if it has none."""
    if isinstance(value, Image):
        return _smaller(value, side)
    if isinstance(value, EdgeMap):
        gray = (np.clip(value.strength, 0, 1) * 255).astype(np.uint8)
        return _smaller(Image.from_array(gray, color="gray"), side)
    if image is None or not isinstance(value, (Masks, Prompts)) or (isinstance(value, Masks) and value.hw != image.hw):
        return None
    small = _smaller(image, side)
    if isinstance(value, Prompts):
        return _drawn(small, _marks(value, image, small), value, opacity=0.9)
    rows, columns = (
        ((np.arange(wanted) + 0.5) * have / wanted).astype(int) for wanted, have in zip(small.hw, image.hw, strict=True)
    )
    rles = [RLE.from_mask(mask[rows][:, columns]) for mask in value.best().iter_binary()]
    return _drawn(small, rles, value.prompts, opacity=0.4)


def _url(found: Image | None, side: int) -> str | None:
    return None if found is None else data_url(found, side)


def _smaller(image: Image, side: int) -> Image:
    return image if max(image.hw) <= side else Image.from_pil(smaller(image, side))


def _drawn(small: Image, rles: list[RLE], prompts: Prompts, *, opacity: float) -> Image:
    """Masks with the names of the objects, whose coordinates are those of the large image."""
    masks = Masks.from_rle(rles, small.hw)
    named = masks.prompts.replace(labels=prompts.labels, scores=prompts.scores)
    return Annotate(opacity=opacity).run(small, masks.replace(prompts=named))


def _marks(prompts: Prompts, image: Image, small: Image) -> list[RLE]:
    """Boxes and points as the outlines and discs that they are, drawn like masks."""
    scale = small.width / image.width
    ys, xs = np.mgrid[: small.height, : small.width]
    line = max(2, round(max(small.hw) / 250))
    marks = []
    for i in range(len(prompts)):
        mark = np.zeros(small.hw, bool)
        if prompts.boxes is not None and prompts.has_boxes[i]:
            x0, y0, x1, y1 = (int(edge * scale) for edge in prompts.boxes[i])
            mark[max(y0, 0) : y1, max(x0, 0) : x1] = True
            mark[max(y0 + line, 0) : max(y1 - line, 0), max(x0 + line, 0) : max(x1 - line, 0)] = False
        if prompts.points is not None and prompts.point_labels is not None:
            for x, y in prompts.points[i, prompts.point_labels[i] >= 0] * scale:
                mark |= (xs - x) ** 2 + (ys - y) ** 2 <= (2.5 * line) ** 2
        marks.append(RLE.from_mask(mark))
    return marks
