"""LabelMe: a JSON file beside each image.

Objects are shapes of the type ``mask``, a PNG inside their box: the only one of LabelMe's shapes that keeps holes and
parts. With ``polygons`` they are outlines, which LabelMe can edit: one shape a part, those of an object under one
``group_id``; holes are lost, because LabelMe has none.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from sampipe.errors import DataError
from sampipe.formats import _objects
from sampipe.formats._rings import fill
from sampipe.types import RLE, Masks
from sampipe.types.rle import merge

VERSION = "5.5.0"


def write_labelme(masks: Masks, image_name: str, *, polygons: bool = False, tolerance: float = 1.0) -> str:
    """The JSON text for an image's masks.

    Args:
        masks: each object's best candidate is written; objects without a pixel are left out.
        image_name: the image file's name, as seen from the JSON file.
        polygons: outlines in place of masks.
        tolerance: pixels by which an outline may be simplified.
    """
    rles = masks.rle()
    shapes = []
    for i in (i for i, rle in enumerate(rles) if rle.area):
        name, group = _objects.label(masks, i), i + 1
        if polygons:
            parts = masks.select([i]).polygons(tolerance)[0]
            shapes += [_shape(name, group, "polygon", part.exterior.tolist()) for part in parts]
        else:
            x0, y0, x1, y1 = rles[i].box.tolist()
            shape = _shape(name, group, "mask", [[x0, y0], [x1 - 1, y1 - 1]])
            shapes.append({**shape, "mask": _png(rles[i].window())})
    height, width = masks.hw
    document: dict[str, Any] = {
        "version": VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": image_name,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)


def read_labelme(text: str | bytes) -> Masks:
    """The masks of a LabelMe file: shapes of types ``mask``, ``polygon`` and ``rectangle``; others are left out.

    Shapes of one label and one ``group_id`` are one object.

    Raises:
        DataError: it is no LabelMe file, or a shape in it is damaged.
    """
    try:
        document = json.loads(text)
        hw = (int(document["imageHeight"]), int(document["imageWidth"]))
        objects: dict[Any, list[RLE]] = {}
        names: dict[Any, str] = {}
        for index, shape in enumerate(document["shapes"]):
            pixels = _pixels(shape, hw)
            if pixels is not None:
                group = shape.get("group_id")
                key = ("alone", index) if group is None else (shape["label"], group)
                objects.setdefault(key, []).append(RLE.from_mask(pixels))
                names[key] = str(shape["label"])
    except (KeyError, TypeError, ValueError, UnidentifiedImageError, binascii.Error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"not a LabelMe file that can be read: {error!r}") from error
    rles = [merge(parts) for parts in objects.values()]
    return _objects.masks_of(rles, hw, labels=list(names.values()))


def _shape(name: str, group: int, kind: str, points: list[list[float]]) -> dict[str, Any]:
    return {"label": name, "group_id": group, "description": "", "shape_type": kind, "flags": {}, "points": points}


def _png(window: np.ndarray) -> str:
    buffer = io.BytesIO()
    Pillow.fromarray(window).save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _pixels(shape: Mapping[str, Any], hw: tuple[int, int]) -> np.ndarray | None:
    points = np.asarray(shape["points"], np.float64)
    kind = shape.get("shape_type", "polygon")
    canvas = np.zeros(hw, dtype=bool)
    if kind == "mask":
        with Pillow.open(io.BytesIO(base64.b64decode(shape["mask"]))) as png:
            window = np.asarray(png).astype(bool)
        x, y = (int(value) for value in points[0])
        if y < 0 or x < 0 or y + window.shape[0] > hw[0] or x + window.shape[1] > hw[1]:
            raise DataError(f"a LabelMe mask of {window.shape} at x={x}, y={y} reaches beyond the image of {hw}")
        canvas[y : y + window.shape[0], x : x + window.shape[1]] = window
        return canvas
    if kind == "rectangle":
        (x0, y0), (x1, y1) = points.min(axis=0).round().astype(int), points.max(axis=0).round().astype(int)
        canvas[max(y0, 0) : y1, max(x0, 0) : x1] = True
        return canvas
    return fill(points, hw) if kind == "polygon" else None
