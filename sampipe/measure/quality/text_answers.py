"""What answers a text in an evaluation: words to masks with every model loaded, and a baseline that does not read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sampipe.nodes import Segment, SegmentEverything, SelectCandidate
from sampipe.nodes.segment.segment import encode
from sampipe.nodes.text import DensePrompts, RankByText, TextPrompts
from sampipe.text.clip import load_text_tower
from sampipe.text.embed import embed_phrases
from sampipe.text.modes import TextMode
from sampipe.types import RLE, Image, Masks


class TextAnswers:
    """Images and phrases to named masks, in one text mode; every model is loaded once.

    Args:
        mode: how text becomes masks.
        model, device: of the Segment Anything model.
    """

    def __init__(self, mode: TextMode, *, model: str, device: str) -> None:
        self._mode = mode
        self._tower = load_text_tower(mode.clip, device)
        self._segment = Segment(model=model, device=device)
        self._propose = SegmentEverything(model=model, device=device)
        self._find = DensePrompts(model=mode.matcher or model, device=device)
        self._rank = RankByText(model=mode.matcher or model, device=device)
        sam = self._segment.sam
        self.digest, self.device = sam.key, str(sam.device)

    def warm(self, image: Image) -> None:
        """Encode the image; the answers then find it in the cache."""
        encode(self._segment.sam, image)

    def __call__(self, image: Image, phrases: Sequence[str]) -> Masks:
        """Masks whose labels are among the phrases."""
        text = embed_phrases(self._tower, phrases)
        if self._mode.name == "token":
            return self._segment.run(image, TextPrompts().run(text))
        if self._mode.name == "rank":
            return self._rank.run(image, self._propose.run(image), text)
        return SelectCandidate().run(self._segment.run(image, self._find.run(image, text)))


def largest_proposal(model: str, device: str, points_per_side: int, image: Image) -> RLE:
    """The largest of the masks that ``SegmentEverything`` finds; the whole image where it finds none."""
    masks = SegmentEverything(model=model, device=device, points_per_side=points_per_side).run(image)
    if not len(masks):
        return RLE.from_mask(np.ones(image.hw, dtype=bool))
    return masks.rle()[int(masks.area().argmax())]
