"""Objects that share pixels: one gets them, or the objects become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from sampipe.graph import Node
from sampipe.nodes.masks.clean import crop_of
from sampipe.types import RLE, Masks, Prompts
from sampipe.types.rle import merge


class ResolveOverlaps(Node):
    """Every pixel goes to one object.

    Objects keep their place in the list, also those that lose every pixel.

    Args:
        by: who wins a shared pixel: the smallest "area" (so that a cup stays on its table), the highest predicted
            "iou", or the highest "score" of the prompt (predicted IoU where prompts carry none). The earlier object
            wins a draw.

    Raises:
        DataError: a choice that is not listed.
    """

    by: Literal["area", "iou", "score"] = "area"

    def run(self, masks: Masks) -> Masks:
        best = masks.best()
        rles = list(best.rle())
        owner = np.full(best.hw, -1, np.int32)
        for index in _weakest_first(best, self.by):
            crop, (x, y) = crop_of(rles[index])
            owner[y : y + crop.shape[0], x : x + crop.shape[1]][crop] = index
        return best.with_rles([_owned(owner, index, rle) for index, rle in enumerate(rles)], step=self.describe())


def _weakest_first(masks: Masks, by: str) -> np.ndarray:
    if by == "area":
        strength = -masks.area().astype(np.float32)
    elif by == "score" and masks.prompts.scores is not None:
        strength = masks.prompts.scores
    else:
        strength = masks.iou_scores[:, 0]
    return np.argsort(-np.nan_to_num(strength, nan=-np.inf), kind="stable")[::-1]


def _owned(owner: np.ndarray, index: int, rle: RLE) -> RLE:
    if rle.area == 0:
        return rle
    x0, y0, x1, y1 = (int(side) for side in rle.box)
    return RLE.from_mask(owner[y0:y1, x0:x1] == index).place((x0, y0), rle.hw)


class MergeMasks(Node):
    """Objects joined into one: their union, their clicks and the box around their boxes.

    A union's predicted IoU, stability and score are the means over its parts, weighted by area.

    Args:
        by: "label" joins objects of one label (of one class id, where there are no labels; objects with
            neither stay as they are), "all" joins everything.

    Raises:
        DataError: a choice that is not listed.
    """

    by: Literal["label", "all"] = "label"

    def run(self, masks: Masks) -> Masks:
        best = masks.best()
        if not len(best):
            return best.add_step(self.describe())
        groups = [np.arange(len(best))] if self.by == "all" else _groups_of_one_name(best.prompts)
        return _merged(best, groups, self.describe())


def _groups_of_one_name(prompts: Prompts) -> list[np.ndarray]:
    """Indices of the objects of each name, in the order in which the names first come."""
    groups: dict[object, list[int]] = {}
    for i in range(len(prompts)):
        label = prompts.labels[i] if prompts.labels is not None else ""
        class_id = int(prompts.class_ids[i]) if prompts.class_ids is not None else -1
        name = ("label", label) if label else ("class", class_id) if class_id >= 0 else ("nameless", i)
        groups.setdefault(name, []).append(i)
    return [np.array(members) for members in groups.values()]


def _merged(masks: Masks, groups: Sequence[np.ndarray], step: str) -> Masks:
    rles = masks.rle()
    areas = np.maximum(masks.area().astype(np.float64), 1e-9)  # of parts that are all empty each counts the same

    def means(values: np.ndarray) -> np.ndarray:
        return np.array([np.average(values[group], weights=areas[group]) for group in groups], np.float32)

    first = masks.select(np.array([group[0] for group in groups]))
    joined = first.with_rles([merge([rles[i] for i in group]) for group in groups], step=step)
    return joined.replace(
        prompts=_merged_prompts(masks.prompts, groups, means),
        iou_scores=means(masks.iou_scores[:, 0])[:, None],
        stability=None if masks.stability is None else means(masks.stability[:, 0])[:, None],
    )


def _merged_prompts(
    prompts: Prompts, groups: Sequence[np.ndarray], means: Callable[[np.ndarray], np.ndarray]
) -> Prompts:
    merged = prompts.select(np.array([group[0] for group in groups])).replace(mask_logits=None, text=None)
    if prompts.points is not None and prompts.point_labels is not None:
        k = max(len(group) for group in groups) * prompts.points.shape[1]
        points = np.zeros((len(groups), k, 2), np.float32)
        labels = np.full((len(groups), k), -1, np.int8)
        for row, group in enumerate(groups):
            of_all = prompts.points[group].reshape(-1, 2)
            points[row, : len(of_all)], labels[row, : len(of_all)] = (
                of_all,
                prompts.point_labels[group].ravel(),
            )
        merged = merged.replace(points=points, point_labels=labels)
    if prompts.boxes is not None:
        merged = merged.replace(boxes=np.stack([_box_around(prompts.boxes[group]) for group in groups]))
    if prompts.scores is not None:
        merged = merged.replace(scores=means(prompts.scores))
    return merged


def _box_around(boxes: np.ndarray) -> np.ndarray:
    low, high = (
        np.fmin.reduce(boxes[:, :2]),
        np.fmax.reduce(boxes[:, 2:]),
    )  # fmin and fmax pass over "no box" (NaN)
    return np.concatenate([low, high])
