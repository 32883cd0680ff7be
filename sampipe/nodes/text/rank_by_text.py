"""Which masks are what the text asks for."""

from __future__ import annotations

from typing import Literal

import numpy as np

from sampipe.nodes._checks import check_same_size
from sampipe.nodes._limits import Count, Fraction
from sampipe.nodes.text._matching import MatchingNode
from sampipe.text.matching import Crops
from sampipe.types import Embedding, Image, Masks


class RankByText(MatchingNode):
    """The masks that fit the phrases, each named, best first.

    Put it after ``SegmentEverything``: proposals go in, what was asked for comes out. A mask that is selected for two
    phrases comes out twice, under both names.

    Args:
        model, device, background: see :class:`~sampipe.nodes.text._matching.MatchingNode`.
        crops: what a CLIP model sees of a mask: the "plain" square around it, the same "masked" with grey outside, or
            the mean of "both".
        select: "top", the ``count`` best masks of each phrase; "threshold", those of at least ``threshold``; "all",
            every mask under its likeliest phrase.
        count: for "top".
        threshold: for "threshold", a probability; "top" drops masks below it, too, where it is given.

    Raises:
        DataError: a parameter that does not fit, or masks of another image's size.
    """

    crops: Crops = "both"
    select: Literal["top", "threshold", "all"] = "top"
    count: Count = 1
    threshold: Fraction | None = None

    def run(self, image: Image, masks: Masks, text: Embedding) -> Masks:
        check_same_size(self, image, masks)
        if not len(masks):
            return masks
        scores = self.matched(text).scores(
            image, masks.best(), text, crops=self.crops, background=tuple(self.background)
        )
        rows, phrases = self._selected(scores)
        best_first = np.argsort(-scores[rows, phrases], kind="stable")
        rows, phrases = rows[best_first], phrases[best_first]
        return named(masks.select(rows, step=self.describe()), text, phrases, scores[rows, phrases])

    def _selected(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and phrases of what goes on."""
        if self.select == "all":
            return np.arange(len(scores)), scores.argmax(axis=1)
        keep = scores >= (self.threshold if self.threshold is not None else 0.5 * (self.select == "threshold"))
        if self.select == "top":
            rank = np.argsort(np.argsort(-scores, axis=0, kind="stable"), axis=0, kind="stable")
            keep &= rank < self.count
        rows, phrases = np.nonzero(keep)
        return rows, phrases


def named(masks: Masks, text: Embedding, phrases: np.ndarray, scores: np.ndarray) -> Masks:
    """The masks under the names of these phrases, with these scores."""
    texts = text.texts or tuple(f"text {row}" for row in range(len(text)))
    return masks.with_prompts(
        masks.prompts.replace(
            labels=tuple(texts[row] for row in phrases),
            class_ids=np.asarray(phrases, dtype=np.int64),
            scores=np.asarray(scores, dtype=np.float32),
        )
    )
