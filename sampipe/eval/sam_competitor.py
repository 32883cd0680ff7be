"""A Segment Anything model as a competitor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sampipe.errors import DataError
from sampipe.eval.answers import Answers
from sampipe.nodes.segment import is_ambiguous
from sampipe.types import Image, ImageEmbedding, Prompts

if TYPE_CHECKING:
    from sampipe.models import SamModel

TAKES = frozenset({"boxes", "points"})


class SamCompetitor:
    """Answers as :class:`~sampipe.nodes.Segment` does: three candidates for a lone point, else the single mask.

    After the first click the logits of the chosen candidate go back in as a mask prompt (paper, appendix A,
    "Training algorithm"; appendix D.1).

    Args:
        sam: the loaded model.
    """

    def __init__(self, sam: SamModel) -> None:
        self.takes = TAKES
        self.digest = sam.key
        self._sam = sam

    def start(self, image: Image) -> _SamSession:
        """Encode the image, without any cache: the cost of an image is what is measured."""
        return _SamSession(self._sam, self._sam.encode([image])[0])


class _SamSession:
    def __init__(self, sam: SamModel, embedding: ImageEmbedding) -> None:
        self._sam = sam
        self._embedding = embedding

    def answer(self, prompts: Prompts, before: Answers | None = None) -> Answers:
        asked = prompts if before is None else prompts.replace(mask_logits=before.state)
        masks = self._sam.decode(self._embedding, asked, multimask=is_ambiguous(asked))
        if len(masks) != len(prompts):
            raise DataError(f"{len(prompts) - len(masks)} of {len(prompts)} prompts lie outside the image")
        logits = masks.best().logits
        assert logits is not None  # decode gives logits
        return Answers(masks.all_rles(), masks.iou_scores, logits[:, 0].numpy())
