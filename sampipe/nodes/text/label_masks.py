"""Names for masks that have none."""

from __future__ import annotations

import numpy as np

from sampipe.nodes._checks import check_same_size
from sampipe.nodes._limits import Fraction
from sampipe.nodes.text._matching import MatchingNode
from sampipe.nodes.text.rank_by_text import named
from sampipe.text.matching import Crops
from sampipe.types import Embedding, Image, Masks


class LabelMasks(MatchingNode):
    """Every mask with the name of the phrase that fits it best: for masks from clicks, boxes or grids.

    All masks stay, in their order. Class ids are the phrases' numbers.

    Args:
        model, device, background: see :class:`~sampipe.nodes.text._matching.MatchingNode`.
        crops: see :class:`~sampipe.nodes.text.rank_by_text.RankByText`.
        threshold: a mask whose best phrase scores less is named ``otherwise``, with class id -1.
        otherwise: the name of what is none of the phrases.

    Raises:
        DataError: a parameter that does not fit, or masks of another image's size.
    """

    crops: Crops = "both"
    threshold: Fraction = 0.0
    otherwise: str = ""

    def run(self, image: Image, masks: Masks, text: Embedding) -> Masks:
        check_same_size(self, image, masks)
        if not len(masks):
            return masks
        scores = self.matched(text).scores(
            image, masks.best(), text, crops=self.crops, background=tuple(self.background)
        )
        phrases, best = scores.argmax(axis=1), scores.max(axis=1)
        labelled = named(masks.add_step(self.describe()), text, phrases, best)
        unsure = best < self.threshold
        if not unsure.any():
            return labelled
        names = labelled.prompts.labels or ()
        return labelled.with_prompts(
            labelled.prompts.replace(
                labels=tuple(self.otherwise if no else name for no, name in zip(unsure, names, strict=True)),
                class_ids=np.where(unsure, -1, phrases).astype(np.int64),
            )
        )
