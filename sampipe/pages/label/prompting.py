"""From what a person did on the image to a mask: points and boxes through the model, strokes on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image as Pillow

from sampipe.errors import DataError
from sampipe.nodes import MaskPrompts, Segment
from sampipe.types import RLE, Image, Masks, Prompts
from sampipe.types.rle import merge


@dataclass(frozen=True)
class Stroke:
    """What was brushed: an area of the image, as a mask of any resolution, to add or to take away."""

    tool: Literal["brush", "eraser"]
    area: RLE


@dataclass(frozen=True, kw_only=True)
class Work:
    """Everything a person asked for one mask; the same work always gives the same mask.

    Args:
        base: the mask that was there before, to be mended; None for a new one.
        points: (x, y, 1 or 0): on the object, beside it. Pixels of the image.
        box: x0, y0, x1, y1.
        candidate: which of three answers to a single point was chosen, 0 to 2; None for the best.
        strokes: put on the model's answer in this order, whatever is asked later.
        ask: whether the model is to answer; without, the strokes go on ``base``.
    """

    base: RLE | None = None
    points: tuple[tuple[float, float, int], ...] = ()
    box: tuple[float, float, float, float] | None = None
    candidate: int | None = None
    strokes: tuple[Stroke, ...] = ()
    ask: bool = True


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A mask, and the others that the model offered.

    Args:
        rle: the mask, strokes and all.
        predicted_iou: the model's own guess; None once a person has brushed.
        stability: likewise.
        candidates: (mask, predicted IoU) for each of the model's answers, before any stroke.
        chosen: which of them it is.
    """

    rle: RLE
    predicted_iou: float | None = None
    stability: float | None = None
    candidates: tuple[tuple[RLE, float], ...] = ()
    chosen: int = 0


def answer(image: Image, work: Work, *, model: str, device: str) -> Answer:
    """The mask that the work describes.

    A single point gives three candidates, as it may mean the whole, a part or a subpart (paper, section 3). What is
    asked after a candidate was chosen, or about a mask that is there, goes to the model together with that mask.

    Raises:
        DataError: nothing to go by, or coordinates that are none.
    """
    if not (work.ask and (work.points or work.box)):
        if work.base is None and not work.strokes:
            raise DataError("Click on an object, draw a box around it, or paint it.")
        return Answer(rle=painted(work.base or RLE.empty(image.hw), work.strokes))
    if work.base is None and work.box is None and not any(kind for *_, kind in work.points):
        raise DataError("Click on the object first; then beside it.")
    masks = _asked(image, work, model, device)
    chosen = _chosen(masks, work)
    best = masks.choose([chosen])
    drawn = bool(work.strokes)
    return Answer(
        rle=painted(best.rle()[0], work.strokes),
        predicted_iou=None if drawn else float(best.iou_scores[0, 0]),
        stability=None if drawn else float(best.stability_scores()[0, 0]),
        candidates=tuple(zip(masks.all_rles()[0], masks.iou_scores[0].tolist(), strict=True)),
        chosen=chosen,
    )


def painted(mask: RLE, strokes: tuple[Stroke, ...]) -> RLE:
    """The mask with areas added and taken away, one after the other."""
    for stroke in strokes:
        area = _resized(stroke.area, mask.hw)
        mask = merge([mask, area]) if stroke.tool == "brush" else RLE.from_mask(mask.decode() & ~area.decode())
    return mask


def _resized(mask: RLE, hw: tuple[int, int]) -> RLE:
    if mask.hw == hw:
        return mask
    drawn = Pillow.fromarray(np.ascontiguousarray(mask.decode()).view(np.uint8) * 255)
    return RLE.from_mask(np.asarray(drawn.resize(hw[::-1], Pillow.Resampling.BILINEAR)) > 127)


def _asked(image: Image, work: Work, model: str, device: str) -> Masks:
    prompts = _prompts(work)
    if work.base is not None:
        logits = MaskPrompts(rles=[work.base.to_coco()]).run(image).mask_logits
        return _run(image, prompts.replace(mask_logits=logits), model, device)
    if work.candidate is None or prompts.ambiguous[0]:
        return _run(image, prompts, model, device)
    first = _prompts(Work(points=work.points[:1]))
    part = _run(image, first, model, device).candidate(min(work.candidate, 2))
    assert part.logits is not None
    return _run(image, prompts.replace(mask_logits=part.logits[:, 0].numpy()), model, device)


def _prompts(work: Work) -> Prompts:
    points = np.array([[[x, y] for x, y, _ in work.points]], np.float32) if work.points else None
    kinds = np.array([[kind for *_, kind in work.points]], np.int8) if work.points else None
    box = None if work.box is None else np.array([work.box], np.float32)
    return Prompts(points=points, point_labels=kinds, boxes=box)


def _run(image: Image, prompts: Prompts, model: str, device: str) -> Masks:
    masks = Segment(model=model, device=device)(image, prompts=prompts)
    if not len(masks):
        raise DataError("The points or the box are not on the image.")
    return masks


def _chosen(masks: Masks, work: Work) -> int:
    if work.candidate is not None and work.candidate < masks.num_candidates and len(work.points) == 1:
        return work.candidate
    return int(masks.iou_scores[0].argmax())
