"""napari's layers as sampipe's values, and back. In napari, pixel centres are whole numbers and rows come first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sampipe as sp
from sampipe.data.label_png import label_image


@dataclass(frozen=True)
class Shown:
    """The slice of an image layer that is shown.

    Args:
        layer: the layer.
        step: where the slice lies along the axes before rows and columns.
        image: its pixels.
    """

    layer: Any
    step: tuple[int, ...]
    image: sp.Image


def slice_of(layer: Any, point: Sequence[float]) -> Shown:
    """The slice of an image layer at the viewer's ``dims.point``.

    Grey values go from one contrast limit of the layer to the other, as napari shows them; colors are bytes, whole
    numbers of more bits, or floats from 0 to 1.
    """
    data = _pixels(layer)
    axes = data.ndim - (3 if layer.rgb else 2)
    here = np.asarray(layer.world_to_data(point))[:axes]
    step = tuple(round(float(min(max(at, 0), side - 1))) for at, side in zip(here, data.shape, strict=False))
    pixels = np.asarray(data[step])
    low, high = _limits(pixels.dtype) if layer.rgb else layer.contrast_limits
    scaled = (pixels.astype(np.float32) - low) / max(high - low, 1e-12)
    bytes_ = (scaled.clip(0, 1) * 255).round().astype(np.uint8)
    image = sp.Image.from_array(bytes_[..., :3]) if layer.rgb else sp.Image.from_array(bytes_, color="gray")
    return Shown(layer, step, image)


def prompts_of(shown: Shown, *, boxes: Any, points: Any, background: Any, each_point: bool) -> sp.Prompts:
    """An object for each shape; the points are one more, or belong to the box where there is one only.

    Args:
        shown: what they lie on; those of other slices are left out.
        boxes: a shapes layer, or None; of shapes that are no rectangles the boxes around them count.
        points: a points layer on objects, or None.
        background: a points layer beside them, or None.
        each_point: each point is an object of its own.
    """
    rectangles = [
        np.concatenate([corners.min(axis=0), corners.max(axis=0)]) + 0.5
        for corners in _here(shown, () if boxes is None else boxes.data, boxes)
    ]
    on, off = (
        np.concatenate([np.zeros((0, 2)), *_here(shown, () if one is None else one.data[:, None], one)])
        for one in (points, background)
    )
    objects = [sp.Prompts.object(box) for box in rectangles]
    if each_point:
        objects += [sp.Prompts.object(None, [point], off) for point in on]
    elif len(on) or (len(off) and len(rectangles) == 1):
        if len(rectangles) == 1:
            objects = [sp.Prompts.object(rectangles[0], on, off)]
        else:
            objects.append(sp.Prompts.object(None, on, off))
    return sp.Prompts.concat(objects) if objects else sp.Prompts.empty()


def labels_of(shown: Shown, masks: sp.Masks, earlier: NDArray[Any] | None) -> NDArray[Any]:
    """Data of a labels layer over the whole image: the objects of this slice are 1, 2, ...

    Args:
        shown: what was segmented.
        masks: of its objects, one candidate each; a smaller one lies on top of a larger.
        earlier: the layer's data until now; other slices keep what they have there.
    """
    shape = _pixels(shown.layer).shape[: len(shown.step) + 2]
    data = earlier.copy() if earlier is not None and earlier.shape == shape else np.zeros(shape, np.int32)
    data[shown.step] = label_image(masks)
    return data


def _here(shown: Shown, parts: Any, layer: Any) -> Iterator[NDArray[np.float64]]:
    """Of each part, vertices (k, axes) of a layer, x and y in the image's data, if it lies in the slice."""
    for part in parts:
        data = np.array([shown.layer.world_to_data(layer.data_to_world(vertex)) for vertex in part])
        before = min(len(shown.step), np.shape(part)[1] - 2)
        wanted = shown.step[len(shown.step) - before :]
        if (np.round(data[:, -2 - before : -2]) == wanted).all():
            yield data[:, :-3:-1]


def _pixels(layer: Any) -> Any:
    return layer.data[0] if layer.multiscale else layer.data


def _limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    return (0.0, float(np.iinfo(dtype).max)) if dtype.kind in "iu" else (0.0, 1.0)
