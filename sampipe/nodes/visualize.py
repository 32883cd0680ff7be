"""Masks drawn on their image."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np

from sampipe._colors import COLORS
from sampipe.graph import Node
from sampipe.nodes._checks import check_number, check_same_size
from sampipe.nodes._label_places import label_places
from sampipe.nodes._paint import blend
from sampipe.types import RLE, Image, Masks

_SHADOW = (10, 10, 20)
_LONGEST_LABEL = 40


class Annotate(Node):
    """The image with its masks drawn on it: translucent fill, contour, name and score of each object.

    Large masks are drawn first so that small ones stay visible; labels are supervision's. An object's colour
    follows from its track id, else from its place in the list. Lines and text grow with the picture. Objects with
    neither a name nor a track id get no label, and an image without objects stays as it is.

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
        scene = image.pixels[..., ::-1].copy()  # supervision draws in place, and in blue, green, red
        numbers = masks.prompts.track_ids
        colours = np.arange(len(masks)) if numbers is None else np.where(numbers < 0, np.arange(len(masks)), numbers)
        scene = _painted(scene, rles, order, colours % len(COLORS), sizes, self.opacity)
        texts = label_texts(masks)
        named = [i for i in order[::-1] if texts[i]]  # the smallest has least to choose from
        if self.labels and named:
            boxes = np.array([rles[i].box for i in named])
            scene = _labelled(scene, boxes, [texts[i] for i in named], colours[named], sizes)
        return Image.from_bgr(scene, source=image.source)


class _Sizes(NamedTuple):
    """In pixels, by the size of the picture."""

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


def _painted(
    scene: np.ndarray, rles: Sequence[RLE], order: np.ndarray, numbers: np.ndarray, sizes: _Sizes, opacity: float
) -> np.ndarray:
    layers = _layers(rles, order, numbers, sizes)
    colours = np.array([[int(name[i : i + 2], 16) for i in (5, 3, 1)] for name in COLORS], np.uint8)
    scene = blend(scene, layers.fill, colours, opacity)
    scene = blend(scene, layers.shadow, np.array([_SHADOW], np.uint8)[:, ::-1], 0.45)
    return blend(scene, layers.contour, colours, 0.95)


class _Layers(NamedTuple):
    """What covers each pixel, uint8 (h, w): 0 nothing, else 1 + the index of a colour."""

    fill: np.ndarray
    contour: np.ndarray
    shadow: np.ndarray


def _layers(rles: Sequence[RLE], order: np.ndarray, numbers: np.ndarray, sizes: _Sizes) -> _Layers:
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
        colour = numbers[index] + 1
        layers.fill[window][mask] = colour
        layers.contour[window][contour] = colour
        layers.shadow[window][shadow] = 1
    return layers


def _outline(mask: np.ndarray, sizes: _Sizes) -> tuple[np.ndarray, np.ndarray]:
    """The contour, just inside the mask, and its shadow, just outside; none along the picture's border."""
    from scipy import ndimage

    # A square and then a diamond make an octagon: lines of nearly even width in all directions.
    square = round(0.41 * sizes.line)
    core = ndimage.minimum_filter(mask, 2 * square + 1, mode="nearest") if square else mask
    if sizes.line > square:
        core = ndimage.binary_erosion(core, iterations=sizes.line - square, border_value=1)
    around = ndimage.binary_dilation(mask, iterations=sizes.shadow)
    return mask & ~core, around & ~mask


def _labelled(
    scene: np.ndarray, boxes: np.ndarray, texts: Sequence[str], colours: np.ndarray, sizes: _Sizes
) -> np.ndarray:
    sv = _supervision()
    padding = max(2, sizes.text // 4)
    annotator = sv.RichLabelAnnotator(
        color=sv.ColorPalette.from_hex(list(COLORS)),
        text_color=sv.ColorPalette.from_hex([_readable_on(colour) for colour in COLORS]),
        font_size=sizes.text,
        text_padding=padding,
        border_radius=sizes.text // 4,
    )
    extents = np.array([annotator.font.getbbox(text) for text in texts])
    places = label_places(boxes, np.ceil(extents[:, 2:] - extents[:, :2]) + 2 * padding, scene.shape[:2])
    anchors = places[:, [0, 3, 2, 3]]  # the annotator puts a label on top of its box, flush left
    objects = sv.Detections(xyxy=anchors.astype(np.float32), class_id=colours % len(COLORS))
    return annotator.annotate(scene, objects, labels=list(texts))


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
