"""Masks drawn on their image: translucent fill, contour, name and score of each object."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from sampipe.types._label_places import label_places
from sampipe.types._paint import blend
from sampipe.types.colors import COLORS
from sampipe.types.fonts import label_font
from sampipe.types.image import Image
from sampipe.types.masks import Masks
from sampipe.types.rle import RLE

_SHADOW = (10, 10, 20)
_LONGEST_LABEL = 40


def overlay(
    image: Image,
    masks: Masks,
    *,
    opacity: float = 0.4,
    labels: bool = True,
    scale: float = 1.0,
    font: str | None = None,
) -> Image:
    """The image with its masks drawn on it; see :class:`sampipe.nodes.Annotate`, which says what the arguments mean."""
    rles, areas = masks.rle(), masks.area()
    order = np.argsort(-areas, kind="stable")
    order = order[areas[order] > 0]
    if not len(order):
        return image
    sizes = _Sizes.of(image.hw, scale)
    scene = image.pixels.copy()
    numbers = masks.prompts.track_ids
    colors = np.arange(len(masks)) if numbers is None else np.where(numbers < 0, np.arange(len(masks)), numbers)
    _paint_masks(scene, rles, order, colors % len(COLORS), sizes, opacity)
    texts = label_texts(masks)
    named = [i for i in order[::-1] if texts[i]]  # the smallest has least to choose from
    if labels and named:
        boxes = np.array([rles[i].box for i in named])
        scene = _labelled(scene, boxes, [texts[i] for i in named], colors[named], sizes, font)
    return Image.from_array(scene, source=image.source)


class _Sizes(NamedTuple):
    """In pixels, by the size of the image."""

    line: int
    shadow: int
    text: int

    @classmethod
    def of(cls, hw: tuple[int, int], scale: float) -> _Sizes:
        side = scale * (hw[0] * hw[1]) ** 0.5
        return cls(line=max(1, round(side / 240)), shadow=max(1, round(side / 700)), text=max(11, round(side / 42)))


def label_texts(masks: Masks) -> list[str]:
    """What to write on each object: "cup 0.87", "cup" without a score, "" without a name; "#3: cup" with a track id."""
    names = masks.prompts.labels or ("",) * len(masks)
    if masks.prompts.track_ids is not None:
        ids = masks.prompts.track_ids
        names = tuple(_numbered(int(n), name) for n, name in zip(ids, names, strict=True))
    scores = masks.prompts.scores if masks.prompts.scores is not None else np.full(len(masks), np.nan)
    return [_label_text(name, float(score)) for name, score in zip(names, scores, strict=True)]


def _numbered(number: int, name: str) -> str:
    if number < 0:
        return name
    return f"#{number}: {name}" if name else f"#{number}"


def _label_text(name: str, score: float) -> str:
    if not name:
        return ""
    short = name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"
    return short if np.isnan(score) else f"{short} {score:.2f}"


def _paint_masks(
    scene: NDArray[Any], rles: Sequence[RLE], order: NDArray[Any], numbers: NDArray[Any], sizes: _Sizes, opacity: float
) -> None:
    layers = _layers(rles, order, numbers, sizes)
    colors = np.array([[int(name[i : i + 2], 16) for i in (1, 3, 5)] for name in COLORS], np.uint8)
    blend(scene, layers.fill, colors, opacity)
    blend(scene, layers.shadow, np.array([_SHADOW], np.uint8), 0.45)
    blend(scene, layers.contour, colors, 0.95)


class _Layers(NamedTuple):
    """What covers each pixel, uint8 (h, w): 0 nothing, else 1 + the index of a color."""

    fill: NDArray[Any]
    contour: NDArray[Any]
    shadow: NDArray[Any]


def _layers(rles: Sequence[RLE], order: NDArray[Any], numbers: NDArray[Any], sizes: _Sizes) -> _Layers:
    height, width = rles[0].hw
    layers = _Layers(*(np.zeros((height, width), np.uint8) for _ in _Layers._fields))
    margin = sizes.shadow + 1
    for index in order:
        x0, y0, x1, y1 = (int(side) for side in rles[index].box)
        window = np.s_[max(y0 - margin, 0) : min(y1 + margin, height), max(x0 - margin, 0) : min(x1 + margin, width)]
        mask = np.zeros(layers.fill[window].shape, bool)
        top, left = y0 - window[0].start, x0 - window[1].start
        mask[top : top + y1 - y0, left : left + x1 - x0] = rles[index].window()
        contour, shadow = _outline(mask, sizes)
        color = numbers[index] + 1
        layers.fill[window][mask] = color
        layers.contour[window][contour] = color
        layers.shadow[window][shadow] = 1
    return layers


def _outline(mask: NDArray[Any], sizes: _Sizes) -> tuple[NDArray[Any], NDArray[Any]]:
    """The contour, just inside the mask, and its shadow, just outside; none along the image's border."""
    # A square and then a diamond make an octagon: lines of nearly even width in all directions.
    square = round(0.41 * sizes.line)
    outside = _grown(~mask, square=square, diamond=sizes.line - square)
    return mask & outside, _grown(mask, diamond=sizes.shadow) & ~mask


def _grown(mask: NDArray[Any], *, square: int = 0, diamond: int = 0) -> NDArray[Any]:
    """Dilated by a square and then by a diamond, of so many pixels each way. Eight pixels are one byte meanwhile."""
    bits = np.packbits(mask, axis=1)
    for _ in range(square):
        bits = _down(_across(bits))
    for _ in range(diamond):
        bits = _down(bits) | _across(bits)
    return np.unpackbits(bits, axis=1, count=mask.shape[1]).view(bool)


def _down(bits: NDArray[Any]) -> NDArray[Any]:
    grown: NDArray[Any] = bits.copy()
    grown[1:] |= bits[:-1]
    grown[:-1] |= bits[1:]
    return grown


def _across(bits: NDArray[Any]) -> NDArray[Any]:
    grown: NDArray[Any] = bits | bits << 1 | bits >> 1
    grown[:, 1:] |= bits[:, :-1] << 7
    grown[:, :-1] |= bits[:, 1:] >> 7
    return grown


def _labelled(
    scene: NDArray[Any],
    boxes: NDArray[Any],
    texts: Sequence[str],
    colors: NDArray[Any],
    sizes: _Sizes,
    font: str | None,
) -> NDArray[Any]:
    sv = supervision()
    padding = max(2, sizes.text // 4)
    fonts, drawable = zip(*(label_font(text, sizes.text, font) for text in texts), strict=True)
    extents = np.array([one.getbbox(text) for one, text in zip(fonts, drawable, strict=True)])
    places = label_places(boxes, np.ceil(extents[:, 2:] - extents[:, :2]) + 2 * padding, scene.shape[:2])
    anchors = places[:, [0, 3, 2, 3]].astype(np.float32)  # the annotator puts a label on top of its box, flush left
    annotator = sv.RichLabelAnnotator(
        color=sv.ColorPalette.from_hex(list(COLORS)),
        text_color=sv.ColorPalette.from_hex([_readable_on(color) for color in COLORS]),
        text_padding=padding,
        border_radius=sizes.text // 4,
    )
    drawn = Pillow.fromarray(scene)  # what supervision takes in red, green, blue
    for one in dict.fromkeys(fonts):
        annotator.font = one
        rows = [row for row, other in enumerate(fonts) if other is one]
        objects = sv.Detections(xyxy=anchors[rows], class_id=colors[rows] % len(COLORS))
        drawn = annotator.annotate(drawn, objects, labels=[drawable[row] for row in rows])
    return np.asarray(drawn)


def _readable_on(color: str) -> str:
    """Black or white, whichever contrasts more (WCAG 2 relative luminance)."""
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return "#000000" if linear @ np.array([0.2126, 0.7152, 0.0722]) > 0.179 else "#FFFFFF"


def supervision() -> ModuleType:
    """The package, without its warning."""
    with warnings.catch_warnings():
        # Without OpenCV it warns that some drawing is slower; none of that drawing is used here.
        warnings.filterwarnings("ignore", message="OpenCV", category=UserWarning)
        return importlib.import_module("supervision")
