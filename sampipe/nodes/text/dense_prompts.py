"""Places that resemble a phrase, as prompts."""

from __future__ import annotations

from typing import Literal

import numpy as np

from sampipe.nodes._checks import check_choice, check_number
from sampipe.nodes.text._matching import MatchingNode
from sampipe.text.matching import HeatMaps
from sampipe.text.regions import Region, find_regions
from sampipe.types import Embedding, Image, Prompts

_PROMPTS = ("box", "point", "mask", "box+point", "box+mask", "all")


class DensePrompts(MatchingNode):
    """Where on the image each phrase is, as prompts for a segmenter: no detector, no proposals.

    A map of the image says for each place how much it resembles a phrase: a text head trained for that ("nano"), or
    the places of a CLIP image tower whose last layers' values attend to values (MaskCLIP, CLIP Surgery), which needs no
    training. Each connected part of the map above the threshold becomes an object with the phrase as its label.

    Args:
        model, device, background: see :class:`~sampipe.nodes.text._matching.MatchingNode`.
        prompt: what an object is prompted with: its "box", "point" (its surest places), "mask" (the map itself), or
            several of them.
        points: how many points, where there are any.
        threshold: logit above which a place is what the phrase says; raise it for fewer and surer places.
        reach: where no place rises that far above the threshold, it comes down to this much below the surest place,
            since who asks rarely asks for what is not there.
        least: logit that the surest place must have; below it, nothing is found.
        min_share: parts smaller than this share of the image are dropped.
        split: False makes one object of all parts of a phrase.

    Raises:
        DataError: a parameter that does not fit.
    """

    prompt: Literal["box", "point", "mask", "box+point", "box+mask", "all"] = "box+mask"
    points: int = 3
    threshold: float = 0.0
    reach: float = 3.0
    least: float = -5.0
    min_share: float = 0.002
    split: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self, "prompt", _PROMPTS)
        check_number(self, "points", least=1, most=64, whole=True)
        check_number(self, "threshold")
        check_number(self, "reach", least=0)
        check_number(self, "least")
        check_number(self, "min_share", least=0, most=1)

    def run(self, image: Image, text: Embedding) -> Prompts:
        maps = self.matched(text).heat(image, text, tuple(self.background))
        found = [(phrase, region) for phrase in range(len(text)) for region in self._regions(maps, phrase)]
        if not found:
            return Prompts.empty()
        texts = text.texts or tuple(f"text {row}" for row in range(len(text)))
        regions = [region for _, region in found]
        return Prompts(
            boxes=np.stack([region.box for region in regions]) if self._uses("box") else None,
            points=np.stack([region.points for region in regions]) if self._uses("point") else None,
            mask_logits=np.stack([region.logits for region in regions]) if self._uses("mask") else None,
            labels=tuple(texts[phrase] for phrase, _ in found),
            class_ids=np.array([phrase for phrase, _ in found], dtype=np.int64),
            scores=np.array([region.score for region in regions], dtype=np.float32),
            source=(self.type_id,) * len(found),
        )

    def _uses(self, kind: str) -> bool:
        return self.prompt == "all" or kind in self.prompt.split("+")

    def _regions(self, maps: HeatMaps, phrase: int) -> list[Region]:
        return find_regions(
            maps.logits[phrase],
            maps.frame,
            threshold=self.threshold,
            reach=self.reach,
            least=self.least,
            min_share=self.min_share,
            points=self.points,
            split=self.split,
        )
