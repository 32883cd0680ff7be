"""More like this: what looks as a few examples do, as prompts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from PIL import Image as PilImage
from pydantic import Field

from sampipe.errors import DataError
from sampipe.graph import Node, resource
from sampipe.nodes._limits import Count, Name
from sampipe.nodes.segment.segment import SamNode, encode
from sampipe.types import Image, Prompts


class SimilarNode(Node):
    """What looks like a few examples, by features that a subclass gives (:meth:`features`).

    From each example come the mean feature of its mask and that of its surroundings, of length 1. A place of a new
    image is as similar as the cosine of its feature with the nearest of the masks' less that with the nearest of the
    surroundings' (without training, as in Zhang et al., "Personalize Segment Anything Model with One Shot", 2023).
    Averaged over half the examples' size, its peaks above the threshold become one object each, none closer to a
    higher one than half that size: a point and, with ``boxes``, a box of the examples' mean size around it.
    The score is the similarity there.

    Args:
        examples: at least one {"image": path, "mask": path} or {"image": path, "box": [x0, y0, x1, y1]}; a mask is a
            image of the image's size, brighter than half of its brightest value where the object is.
        threshold: least similarity. None: the middle between the median inside of the examples and that around them.
        boxes: whether a box goes along with the point; for objects of the examples' size.
        max_objects: the most similar ones are kept.
        label: what the objects are called.

    Raises:
        DataError: parameters that do not fit; when it runs, an example that cannot be read or has an empty mask.
    """

    examples: Annotated[
        Sequence[Mapping[str, Any]],
        Field(min_length=1, description='one or more examples such as {"image": "a.jpg", "mask": "a.png"}'),
    ]
    threshold: Annotated[float, Field(ge=-2, le=2)] | None = None
    boxes: bool = False
    max_objects: Count = 50
    label: Name = "similar"

    def __post_init__(self) -> None:
        name = type(self).__name__
        for example in self.examples:
            if set(example) not in ({"image", "mask"}, {"image", "box"}):
                raise DataError(f"{name}: the example {str(example)[:60]} does not fit; wanted image, and mask or box.")

    @abstractmethod
    def features(self, image: Image) -> np.ndarray:
        """What each place of an image looks like: (rows, columns, d), of length 1; the cells cover the image."""

    def input_files(self) -> Sequence[str]:
        """The examples' images and masks."""
        return [str(example[name]) for example in self.examples for name in ("image", "mask") if name in example]

    @resource
    def learned(self) -> Learned:
        """What the examples look like."""
        return learn([_example(self.features(image), mask) for image, mask in map(_read, self.examples)])

    def run(self, image: Image) -> Prompts:
        cells, learned = self.features(image), self.learned
        per_cell = np.array([image.width / cells.shape[1], image.height / cells.shape[0]], np.float32)
        least = learned.threshold if self.threshold is None else self.threshold
        xy, scores = peaks(learned.similarity(cells), learned.size_wh / per_cell, least)
        if not len(xy):
            return Prompts.empty()
        points = ((xy + 0.5) * per_cell).astype(np.float32)[: self.max_objects]
        half = learned.size_wh / 2
        return Prompts(
            points=points[:, None],
            point_labels=np.ones((len(points), 1), np.int8),
            boxes=np.concatenate([points - half, points + half], axis=1) if self.boxes else None,
            labels=(self.label,) * len(points),
            scores=scores[: self.max_objects],
            source=(self.type_id,) * len(points),
        )


class SimilarPrompts(SimilarNode, SamNode):
    """Points on whatever looks like a few example masks, by the features of the Segment Anything encoder.

    How: see :class:`SimilarNode`. The same model as the ``Segment`` node after it makes the image be encoded once.

    Args:
        model, device, precision: see :class:`~sampipe.nodes.segment.segment.SamNode`.
        examples: {"image": path, "mask": path} or {"image": path, "box": [x0, y0, x1, y1]}, one or more.
        threshold: least similarity. None: halfway between the examples and what is around them.
        boxes: whether a box of the examples' mean size goes along with the point.
        max_objects: the most similar ones are kept.
        label: what the objects are called.

    Raises:
        DataError: see :class:`SimilarNode`.
    """

    def features(self, image: Image) -> np.ndarray:
        """The encoder's, of the cells that hold image."""
        embedding = encode(self.sam, image)
        features = embedding.features.float().cpu().numpy()
        height, width = embedding.frame.content_hw(features.shape[1])
        return unit(np.moveaxis(features[:, :height, :width], 0, -1))


class ExampleCells(NamedTuple):
    """Features inside of an example and around it, (n, d) of length 1, and its width and height in pixels."""

    inside: np.ndarray
    around: np.ndarray
    size_wh: np.ndarray


class Learned(NamedTuple):
    """Mean features of examples and of what is around them, (n, d) of length 1, where to draw the line, mean size."""

    inside: np.ndarray
    around: np.ndarray
    threshold: float
    size_wh: np.ndarray

    def similarity(self, cells: np.ndarray) -> np.ndarray:
        """How much more features (..., d) of length 1 look like the examples than like what is around them."""
        return (cells @ self.inside.T).max(-1) - (cells @ self.around.T).max(-1)


def learn(examples: Sequence[ExampleCells]) -> Learned:
    """What several examples have in common."""
    means = Learned(
        unit(np.stack([one.inside.mean(axis=0) for one in examples])),
        unit(np.stack([one.around.mean(axis=0) for one in examples])),
        0.0,
        np.mean([one.size_wh for one in examples], axis=0).astype(np.float32),
    )
    within = np.concatenate([means.similarity(one.inside) for one in examples])
    without = np.concatenate([means.similarity(one.around) for one in examples])
    return means._replace(threshold=float((np.median(within) + np.median(without)) / 2))


def peaks(similar: np.ndarray, size_wh: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a map (h, w), averaged over half of an object's size, is highest and above ``least``.

    Args:
        similar: the map.
        size_wh: width and height of an object, in cells.
        least: threshold.

    Returns:
        float32 (n, 2) x, y, in cells, and (n,) heights, the highest first.
    """
    from scipy import ndimage

    width, height = (max(1.0, float(side)) for side in size_wh)
    smooth = ndimage.uniform_filter(similar, (max(1, round(height / 2)), max(1, round(width / 2))), mode="nearest")
    highest = smooth == ndimage.maximum_filter(smooth, (max(3, round(height)), max(3, round(width))), mode="nearest")
    labels, count = ndimage.label(highest & (smooth > least), np.ones((3, 3)))
    places = np.array(ndimage.center_of_mass(np.ones_like(smooth), labels, range(1, count + 1))).reshape(-1, 2)
    heights = np.array(ndimage.maximum(smooth, labels, range(1, count + 1))).reshape(-1)
    order = np.argsort(-heights, kind="stable")
    return places[order, ::-1].astype(np.float32), heights[order].astype(np.float32)


def _example(cells: np.ndarray, mask: np.ndarray) -> ExampleCells:
    """A cell is inside when half of it is, and one always is; around is what lies within the box twice as large."""
    height, width = cells.shape[:2]
    share = np.asarray(
        PilImage.fromarray(mask.astype(np.uint8) * 255).resize((width, height), PilImage.Resampling.BOX), np.float32
    )
    inside = share >= min(127.5, share.max())
    y, x = np.nonzero(mask)
    size = np.array([np.ptp(x) + 1, np.ptp(y) + 1])
    per_cell = mask.shape[1] / width, mask.shape[0] / height
    columns, rows = ((np.arange(count) + 0.5) * side for count, side in zip((width, height), per_cell, strict=True))
    near_x = np.abs(columns - (x.min() + x.max() + 1) / 2) <= np.maximum(size[0], 2 * per_cell[0])
    near_y = np.abs(rows - (y.min() + y.max() + 1) / 2) <= np.maximum(size[1], 2 * per_cell[1])
    around = cells[near_y[:, None] & near_x & ~inside]
    return ExampleCells(cells[inside], around if len(around) else np.zeros((1, cells.shape[2]), np.float32), size)


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (..., d) of length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _read(example: Mapping[str, Any]) -> tuple[Image, np.ndarray]:
    """An example's image and its mask, bool (h, w)."""
    image = Image.open(str(example["image"]))
    if "mask" in example:
        values = Image.open(str(example["mask"])).pixels.max(axis=2)
        if values.shape != image.hw:
            raise DataError(f"{example['mask']} is {values.shape}, {example['image']} {image.hw}.")
        mask = values > values.max() / 2
    else:
        mask = _box_mask(image, example["box"])
    if not mask.any():
        raise DataError(f"the mask of {example['image']} is empty.")
    return image, mask


def _box_mask(image: Image, box: object) -> np.ndarray:
    try:
        x0, y0, x1, y1 = (round(float(value)) for value in box)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise DataError(f"the box {box} does not fit; wanted [x0, y0, x1, y1] in pixels.") from error
    mask = np.zeros(image.hw, bool)
    mask[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
    return mask
