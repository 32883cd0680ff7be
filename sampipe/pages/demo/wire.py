"""Prompts and masks as the page's JavaScript writes and reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sampipe.errors import DataError
from sampipe.nodes import MaskPrompts
from sampipe.types import RLE, Image, Masks, Prompts

Number = Annotated[float, Field(allow_inf_nan=False)]
_MOST_POINTS, _MOST_OBJECTS, _MOST_BRUSH_SIDE = 1000, 5000, 4096


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MarkedObject(_Strict):
    """What was marked for one object: points (x, y, 1 on it or 0 beside it), a box, a brushed area, and the mask that a
    person chose before."""

    points: Annotated[list[tuple[Number, Number, int]], Field(max_length=_MOST_POINTS)] = []
    box: tuple[Number, Number, Number, Number] | None = None
    brush: dict[str, Any] | None = None
    mask: dict[str, Any] | None = None
    label: Annotated[str, Field(max_length=200)] = ""


class FoundObject(_Strict):
    """A mask on the page, with what is known of it."""

    id: int = 0
    rle: dict[str, Any]
    iou: float | None = None
    label: Annotated[str, Field(max_length=200)] = ""
    score: float | None = None


def read(kind: Any, data: Any) -> Any:
    """``data`` as ``kind``; the page may send anything.

    Raises:
        DataError: it has another form.
    """
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"]) or "the request"
        raise DataError(f"{where}: {first['msg']}.") from error


def prompts_of(marked: Sequence[MarkedObject], image: Image, mask_size: int) -> Prompts:
    """Prompts for the objects that were marked on an image.

    Raises:
        DataError: an object without anything, or with nothing but background points; a brushed area that is none.
    """
    if len(marked) > _MOST_OBJECTS:
        raise DataError(f"{len(marked)} objects; at most {_MOST_OBJECTS} go at once.")
    return Prompts.concat([_one(each, image, mask_size) for each in marked]) if marked else Prompts.empty()


def _one(marked: MarkedObject, image: Image, mask_size: int) -> Prompts:
    points = np.array(marked.points, np.float32).reshape(-1, 3)
    brushed = None if marked.brush is None else _brush(marked.brush, image)
    inside = (points[:, 2] > 0).any() or marked.box is not None
    if brushed is None and not inside and marked.mask is not None:
        brushed = _area(marked.mask, image)  # what is there, less what was clicked
    if not inside and brushed is None:
        raise DataError("Nothing says where the object is: click it, draw a box or paint over it.")
    hint = None
    if brushed is not None and not inside:
        points = np.concatenate([points, [_middle(brushed)]])  # no model was ever trained on a mask alone
    area = _area(marked.mask, image) if brushed is None and marked.mask is not None else brushed
    if area is not None:
        hint = MaskPrompts(rles=[area.to_coco()], size=mask_size).run(image).mask_logits
    return Prompts(
        points=points[None, :, :2] if len(points) else None,
        point_labels=points[None, :, 2].astype(np.int8) if len(points) else None,
        boxes=None if marked.box is None else np.array([marked.box], np.float32),
        mask_logits=hint,
        labels=(marked.label,),
        source=("page",),
    )


def _middle(area: RLE) -> tuple[float, float, int]:
    """A foreground point: the pixel of an area that is nearest to its centre."""
    pixels = np.argwhere(area.decode())
    y, x = pixels[((pixels - pixels.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    return float(x), float(y), 1


def _area(data: dict[str, Any], image: Image) -> RLE:
    """A mask of the image's own size."""
    area = RLE.from_coco(data)
    if area.hw != image.hw:
        raise DataError(f"mask: got a size of {area.hw}, wanted that of the image, {image.hw}.")
    return area


def _brush(data: dict[str, Any], image: Image) -> RLE:
    """A brushed area, which is as fine as the screen, in pixels of the image."""
    size = data.get("size")
    if not (isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) for side in size)):
        raise DataError("brush: wanted run lengths with their size.")
    if not all(1 <= side <= _MOST_BRUSH_SIDE for side in size):
        raise DataError(f"brush: got {size}, wanted sides of at most {_MOST_BRUSH_SIDE}.")
    area = RLE.from_coco(data).decode()
    if not area.any():
        raise DataError("Nothing was painted; press and move over the object.")
    if area.shape == image.hw:
        return RLE.from_mask(area)
    rows, columns = (
        np.minimum(((np.arange(wanted) + 0.5) * have / wanted).astype(int), have - 1)
        for wanted, have in zip(image.hw, area.shape, strict=True)
    )
    return RLE.from_mask(area[rows][:, columns])


def candidates_json(masks: Masks) -> list[dict[str, Any]]:
    """All candidates of one object."""
    return [
        {"rle": rle.to_coco(), "iou": _number(iou), "area": rle.area}
        for rle, iou in zip(masks.all_rles()[0], masks.iou_scores[0], strict=True)
    ]


def objects_json(masks: Masks) -> list[dict[str, Any]]:
    """The best mask of each object, with its prompts."""
    best, prompts = masks.best(), masks.prompts
    return [
        {
            "rle": rle.to_coco(),
            "iou": _number(best.iou_scores[i, 0]),
            "label": prompts.labels[i] if prompts.labels else "",
            "score": None if prompts.scores is None else _number(prompts.scores[i]),
            "prompts": _marks(prompts, i),
        }
        for i, rle in enumerate(best.rle())
        if rle.area
    ]


def _marks(prompts: Prompts, i: int) -> dict[str, Any]:
    marks: dict[str, Any] = {"points": [], "box": None, "brush": None}
    if prompts.points is not None and prompts.point_labels is not None:
        real = prompts.point_labels[i] >= 0
        xy, kinds = prompts.points[i, real].tolist(), prompts.point_labels[i, real].tolist()
        marks["points"] = [[x, y, kind] for (x, y), kind in zip(xy, kinds, strict=True)]
    if prompts.boxes is not None and prompts.has_boxes[i]:
        marks["box"] = prompts.boxes[i].tolist()
    return marks


def masks_of(found: Sequence[FoundObject], image: Image) -> Masks:
    """The page's masks as a value.

    Raises:
        DataError: run lengths that are none, or of another image.
    """
    if not found or len(found) > _MOST_OBJECTS:
        raise DataError(f"{len(found)} masks; wanted 1 to {_MOST_OBJECTS}.")
    rles = [RLE.from_coco(one.rle) for one in found]
    masks = Masks.from_rle(rles, image.hw)
    prompts = masks.prompts.replace(labels=tuple(one.label for one in found), scores=[_nan(one.score) for one in found])
    return masks.replace(prompts=prompts, iou_scores=np.array([[_nan(one.iou)] for one in found], np.float32))


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value
