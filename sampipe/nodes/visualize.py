"""Masks drawn on their image."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sampipe.graph import Node
from sampipe.nodes._checks import check_number, check_same_size
from sampipe.types import RLE, Image, Masks
from sampipe.types.interop import masks_to_supervision

if TYPE_CHECKING:
    import supervision as sv

# Neighbours differ in hue and in lightness, so that they stay apart for colour-blind eyes and on most photos.
PALETTE = (
    "#FF9F1C", "#2EC4F1", "#F6398F", "#8BE04E", "#9D6BFF", "#FFE14A",
    "#00C49A", "#FF5A3C", "#5B8CFF", "#E58BE8", "#C7A76C", "#B7F5E1",
)  # fmt: skip
_SHADOW = (10, 10, 20)
_LONGEST_LABEL = 40
_MOST_LABELS_TO_SPREAD = 100  # finding room takes time with the square of their number


class Annotate(Node):
    """The image with its masks: a translucent fill, a contour with a thin shadow, the name and score of each
    object.

    Drawn by supervision's annotators, large masks first so that small ones stay visible. An object's colour
    follows from its place in the list. Lines and text grow with the picture. Objects without a name get no
    label, and an image without objects stays as it is.

    Args:
        opacity: of the fill, 0 to 1.
        labels: whether to write names and scores.
        scale: makes lines and text thicker (2.0) or thinner (0.5).

    Raises:
        DataError: a parameter that does not fit, or masks of another size than the image.
    """

    opacity: float = 0.4
    labels: bool = True
    scale: float = 1.0

    def __post_init__(self) -> None:
        check_number(self, "opacity", least=0, most=1)
        check_number(self, "scale", least=0.1, most=10)

    def run(self, image: Image, masks: Masks) -> Image:
        check_same_size(self, image, masks)
        rles, areas = masks.rle(), masks.area()
        order = np.argsort(-areas, kind="stable")
        order = order[areas[order] > 0]
        if not len(order):
            return image
        sizes = _Sizes.of(image.hw, self.scale)
        shown = [rles[i] for i in order]
        scene = image.pixels[..., ::-1].copy()  # supervision draws in place, and in blue, green, red
        scene = _painted(scene, shown, order, sizes, self.opacity)
        texts = label_texts(masks)
        if self.labels and any(texts):
            scene = _labelled(scene, shown, order, [texts[i] for i in order], sizes)
        return Image.from_bgr(scene, source=image.source)


class _Sizes(NamedTuple):
    """In pixels, by the size of the picture."""

    line: int
    shadow: int
    text: int

    @classmethod
    def of(cls, hw: tuple[int, int], scale: float) -> _Sizes:
        side = scale * (hw[0] * hw[1]) ** 0.5
        return cls(
            line=max(1, round(side / 240)), shadow=max(1, round(side / 700)), text=max(11, round(side / 38))
        )


def label_texts(masks: Masks) -> list[str]:
    """What to write on each object: "cup 0.87", "cup" without a score, "" without a name."""
    names = masks.prompts.labels or ("",) * len(masks)
    scores = masks.prompts.scores if masks.prompts.scores is not None else np.full(len(masks), np.nan)
    return [_label_text(name, float(score)) for name, score in zip(names, scores, strict=True)]


def _label_text(name: str, score: float) -> str:
    if not name:
        return ""
    short = name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"
    return short if np.isnan(score) else f"{short} {score:.2f}"


def _painted(
    scene: np.ndarray, rles: Sequence[RLE], order: np.ndarray, sizes: _Sizes, opacity: float
) -> np.ndarray:
    sv = _supervision()
    colours = sv.ColorPalette.from_hex(list(PALETTE))
    contours, shadows = zip(*(_outlines(rle, sizes) for rle in rles), strict=True)
    for layer, colour, strength in (
        (rles, colours, opacity),
        (shadows, sv.Color(*_SHADOW), 0.45),
        (contours, colours, 0.95),
    ):
        annotator = sv.MaskAnnotator(color=colour, opacity=strength, color_lookup=sv.ColorLookup.INDEX)
        scene = annotator.annotate(scene, _detections(layer), custom_color_lookup=order)
    return scene


def _labelled(
    scene: np.ndarray, rles: Sequence[RLE], order: np.ndarray, texts: Sequence[str], sizes: _Sizes
) -> np.ndarray:
    sv = _supervision()
    named = [k for k, text in enumerate(texts) if text]
    annotator = sv.RichLabelAnnotator(
        color=sv.ColorPalette.from_hex(list(PALETTE)),
        text_color=sv.ColorPalette.from_hex([_readable_on(colour) for colour in PALETTE]),
        color_lookup=sv.ColorLookup.INDEX,
        font_size=sizes.text,
        text_padding=max(2, sizes.text // 3),
        border_radius=sizes.text // 4,
        smart_position=len(named) <= _MOST_LABELS_TO_SPREAD,
    )
    return annotator.annotate(
        scene,
        _detections([rles[k] for k in named]),
        labels=[texts[k] for k in named],
        custom_color_lookup=order[named],
    )


def _detections(rles: Sequence[RLE]) -> sv.Detections:
    return masks_to_supervision(Masks.from_rle(rles, rles[0].hw), compact=True)


def _outlines(rle: RLE, sizes: _Sizes) -> tuple[RLE, RLE]:
    """The contour, just inside the mask, and the shadow just outside it; the picture's border gets
    neither."""
    from scipy import ndimage

    height, width = rle.hw
    x0, y0, x1, y1 = (int(side) for side in rle.box)
    margin = sizes.shadow + 1
    x0, y0, x1, y1 = (
        max(x0 - margin, 0),
        max(y0 - margin, 0),
        min(x1 + margin, width),
        min(y1 + margin, height),
    )
    mask = np.ascontiguousarray(rle.decode()[y0:y1, x0:x1])
    # A square and then a diamond make an octagon: lines of nearly even width in all directions.
    square = round(0.41 * sizes.line)
    core = ndimage.minimum_filter(mask, 2 * square + 1, mode="nearest") if square else mask
    if sizes.line > square:
        core = ndimage.binary_erosion(core, iterations=sizes.line - square, border_value=1)
    around = ndimage.binary_dilation(mask, iterations=sizes.shadow)
    return (
        RLE.from_mask(mask & ~core).place((x0, y0), rle.hw),
        RLE.from_mask(around & ~mask).place((x0, y0), rle.hw),
    )


def _readable_on(colour: str) -> str:
    """Black or white, whichever contrasts more (WCAG 2 relative luminance)."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return "#000000" if linear @ np.array([0.2126, 0.7152, 0.0722]) > 0.179 else "#FFFFFF"


def _supervision() -> ModuleType:
    with warnings.catch_warnings():
        # Without OpenCV it warns that some drawing is slower; none of that drawing is used here.
        warnings.filterwarnings("ignore", message="OpenCV", category=UserWarning)
        import supervision
    return supervision
