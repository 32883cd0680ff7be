"""One more click on one object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from sampipe.errors import DataError
from sampipe.nodes._checks import check_same_size
from sampipe.nodes.segment.segment import SamNode, decode, encode, low_resolution
from sampipe.types import Image, Masks, Prompts


class AddClicks(SamNode):
    """Clicks added to one object, whose mask is decoded again; the others stay as they are.

    ``AddClicks(points=[[90, 80]], index=2)(image, masks)``. As in the paper's interactive training (appendix A), the
    mask so far goes back in with the object's box and all of its points. The prompts that come out hold the clicks,
    so that the next ones add to them.

    Args:
        model, device, precision: see :class:`~sampipe.nodes.segment.segment.SamNode`.
        points: [[x, y], ...] on the object, in pixels of the original image.
        not_points: the same, not on it.
        index: which object, from 0.

    Raises:
        DataError: no point at all, points that are not pairs of numbers; when it runs: no such object, or masks of
            another size than the image.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"masks"})

    points: Sequence[Sequence[float]] = ()
    not_points: Sequence[Sequence[float]] = ()
    index: int = 0

    def __post_init__(self) -> None:
        if not len(self.points) and not len(self.not_points):
            raise DataError("AddClicks: got no point; give points on the object, or not_points that are not on it.")
        self._clicks()

    def run(self, image: Image, masks: Masks) -> Masks:
        check_same_size(self, image, masks)
        best = masks.best()
        if not len(best):  # nothing was found, so there is nothing to correct
            return masks
        one = best[self.index]
        asked = one.prompts.replace(**self._added_to(one.prompts))
        embedding = encode(self.sam, image)
        low = low_resolution(one, embedding.frame, self.sam.mask_size)
        changed = decode(self.sam, embedding, asked.replace(mask_logits=low), "never")
        if not len(changed):
            raise DataError(f"AddClicks: the prompts of object {self.index} cannot be used: {one.explain(0).prompt}.")
        new = changed.replace(prompts=asked, history=one.history).add_step(self.describe())
        place = range(len(best))[self.index]
        rest = best.with_prompts(best.prompts.replace(mask_logits=None))
        return Masks.concat([rest[:place], new, rest[place + 1 :]])

    def _clicks(self) -> tuple[np.ndarray, np.ndarray]:
        """Points (1, k, 2) and labels (1, k)."""
        rows = [*self.points, *self.not_points]
        made = Prompts.from_points([rows], [[1] * len(self.points) + [0] * len(self.not_points)])
        assert made.points is not None and made.point_labels is not None
        return made.points, made.point_labels

    def _added_to(self, prompts: Prompts) -> dict[str, np.ndarray]:
        points, labels = self._clicks()
        if prompts.points is None or prompts.point_labels is None:
            return {"points": points, "point_labels": labels}
        return {
            "points": np.concatenate([prompts.points, points], axis=1),
            "point_labels": np.concatenate([prompts.point_labels, labels], axis=1),
        }
