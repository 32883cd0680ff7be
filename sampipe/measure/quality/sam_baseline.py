"""A Segment Anything model as a method of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sampipe.errors import DataError
from sampipe.measure.quality.answers import Answers
from sampipe.nodes import Segment
from sampipe.types import Image, ImageEmbedding, Prompts

if TYPE_CHECKING:
    from sampipe.models import Segmenter


class SamBaseline:
    """Answers as :class:`~sampipe.nodes.Segment` does: three candidates for a lone point, else the single mask.

    After the first click the logits of the chosen candidate go back in as a mask prompt (paper, appendix A,
    "Training algorithm"; appendix D.1).

    Args:
        sam: the loaded model.
    """

    takes = frozenset({"boxes", "points"})

    def __init__(self, sam: Segmenter) -> None:
        self.digest = sam.key
        self._sam = sam

    def start(self, image: Image) -> _SamSession:
        """Encode the image, without any cache: the cost of an image is what is measured."""
        return _SamSession(self._sam, self._sam.encode([image])[0])


class _SamSession:
    def __init__(self, sam: Segmenter, embedding: ImageEmbedding) -> None:
        self._sam = sam
        self._embedding = embedding

    def answer(self, prompts: Prompts, before: Answers | None = None) -> Answers:
        asked = prompts if before is None else prompts.replace(mask_logits=before.state)
        masks = self._sam.decode(self._embedding, asked, multimask=bool(asked.ambiguous.any()))
        if len(masks) != len(prompts):
            raise DataError(f"{len(prompts) - len(masks)} of {len(prompts)} prompts lie outside the image")
        logits = masks.best().logits
        assert logits is not None  # decode gives logits
        return Answers(masks.all_rles(), masks.iou_scores, logits[:, 0].numpy())


class ZoomBaseline:
    """Answers boxes as ``Segment(zoom=True)`` does: small objects in a crop around each.

    Args:
        model: as the node takes it.
        device: where it runs.
    """

    takes = frozenset({"boxes"})

    def __init__(self, model: str, device: str) -> None:
        self._segment = Segment(model=model, device=device, zoom=True)
        self.digest = self._segment.digest() + self._segment.weights_digest()

    def start(self, image: Image) -> _ZoomSession:
        """Nothing is encoded before the boxes are known."""
        return _ZoomSession(self._segment, image)


class _ZoomSession:
    def __init__(self, segment: Segment, image: Image) -> None:
        self._segment, self._image = segment, image

    def answer(self, prompts: Prompts, before: Answers | None = None) -> Answers:
        masks = self._segment(self._image, prompts=prompts)
        return Answers(masks.all_rles(), masks.iou_scores)
