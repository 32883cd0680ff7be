"""Places that resemble a phrase, as prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from sampipe.nodes._limits import Fraction, NotNegative
from sampipe.nodes.text._matching import MatchingNode
from sampipe.text.matching import Objects, ScoreMaps
from sampipe.text.regions import Region, find_regions
from sampipe.types import Embedding, Image, Prompts
from sampipe.types._arrays import FloatArray


class DensePrompts(MatchingNode):
    """Where on the image each phrase is, as prompts for a segmenter: no detector, no proposals.

    A map of the image says for each place how much it resembles a phrase: a text head trained for that ("nano"), or
    the places of a CLIP image tower whose last layers' values attend to values (MaskCLIP, CLIP Surgery), which needs no
    training. Each connected part of the map above the threshold becomes an object with the phrase as its label. Where
    the model has a detector (nano) and a phrase names one of its classes, its boxes are the objects.

    Args:
        model, device, background: see :class:`~sampipe.nodes.text._matching.MatchingNode`.
        prompt: what an object is prompted with: its "box", "point" (its surest places), "mask" (the map itself), or
            several of them.
        points: how many points, where there are any.
        threshold: logit above which a place is what the phrase says; raise it for fewer and surer places.
        margin: where no place rises that far above the threshold, it comes down to this much below the surest place,
            since who asks rarely asks for what is not there.
        least: logit that the surest place must have; below it, nothing is found.
        confidence: objects of a lower score are dropped: a detector's, or the mean probability inside a part.
        min_share: parts smaller than this share of the image are dropped.
        split: False makes one object of all parts of a phrase.

    Raises:
        DataError: a parameter that does not fit.
    """

    prompt: Literal["box", "point", "mask", "box+point", "box+mask", "all"] = "box+mask"
    points: Annotated[int, Field(ge=1, le=64)] = 3
    threshold: float = 0.0
    margin: NotNegative = 3.0
    least: float = -5.0
    confidence: Fraction = 0.25
    min_share: Fraction = 0.002
    split: bool = True

    def run(self, image: Image, text: Embedding) -> Prompts:
        matcher = self.matched(text)
        texts = text.texts or tuple(f"text {row}" for row in range(len(text)))
        known = [matcher.objects(image, phrase) for phrase in texts]
        maps = matcher.score_maps(image, text, tuple(self.background)) if any(one is None for one in known) else None
        found = [
            (phrase, region)
            for phrase, objects in enumerate(known)
            for region in (self._regions(maps, phrase) if objects is None else self._detected(objects))
            if region.score >= self.confidence
        ]
        if not found:
            return Prompts.empty()
        regions = [region for _, region in found]
        return Prompts(
            boxes=np.stack([region.box for region in regions]) if self._uses("box") else None,
            points=np.stack([region.points for region in regions]) if self._uses("point") else None,
            mask_logits=_stacked([region.logits for region in regions]) if self._uses("mask") else None,
            labels=tuple(texts[phrase] for phrase, _ in found),
            class_ids=np.array([phrase for phrase, _ in found], dtype=np.int64),
            scores=np.array([region.score for region in regions], dtype=np.float32),
            source=(self.type_id,) * len(found),
        )

    def _uses(self, kind: str) -> bool:
        return self.prompt == "all" or kind in self.prompt.split("+")

    def _detected(self, objects: Objects) -> list[Region]:
        """A detector's boxes; it has no maps, and its surest place is the middle."""
        middles = objects.boxes.reshape(-1, 2, 2).mean(axis=1)
        return [
            Region(box, np.tile(middle, (self.points, 1)), np.full((1, 1), np.nan, np.float32), float(score))
            for box, middle, score in zip(objects.boxes, middles, objects.scores, strict=True)
        ]

    def _regions(self, maps: ScoreMaps | None, phrase: int) -> list[Region]:
        assert maps is not None
        return find_regions(
            maps.logits[phrase],
            maps.frame,
            threshold=self.threshold,
            margin=self.margin,
            least=self.least,
            min_share=self.min_share,
            points=self.points,
            split=self.split,
        )


def _stacked(logits: Sequence[FloatArray]) -> FloatArray | None:
    """Maps of one size (n, side, side), NaN for objects that have none; None where no object has."""
    side = max(one.shape[0] for one in logits)
    if side == 1:
        return None
    return np.stack([one if one.shape[0] == side else np.full((side, side), np.nan, np.float32) for one in logits])
