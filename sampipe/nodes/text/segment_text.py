"""Words straight to masks, by a model that reads them itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sampipe.graph import Node, Requirement, resource
from sampipe.nodes._limits import Device, Fraction, SamName
from sampipe.types import Image, Masks, Prompts, Text

if TYPE_CHECKING:
    from sampipe.models.segmenters import WordSegmenter


class SegmentText(Node):
    """Every instance of what phrases name, by a model that reads words (SAM 3), each named and scored, best first.

    ``SegmentText(texts=["cup"])(image)``. Boxes that come in as ``prompts`` are examples: what looks like them counts,
    too; one with the name of a phrase is that phrase's example alone. Without any phrase they alone say what is looked
    for.

    Args:
        model: "sam3", or a folder of such a model, or its name on the hub.
        texts: phrases; may be left out where examples come in.
        confidence: lowest score of an instance. The score stands where other masks have a predicted IoU.
        device: "auto", "cpu", "cuda", "cuda:1", "mps".

    Raises:
        DataError: a parameter that does not fit; when it runs: neither a phrase nor an example.
        CheckpointError: when it runs: weights that are missing or damaged, or a model that reads no words.
    """

    model: SamName = "sam3"
    texts: Sequence[str] = ()
    confidence: Fraction = 0.5
    device: Device = "auto"

    def __post_init__(self) -> None:
        if len(self.texts):
            Text.of(self.texts)

    def requirements(self) -> Sequence[Requirement]:
        """The package, the weights, the device, and that the model reads words."""
        from sampipe.models.segmenters import requirements

        needs = frozenset({"words"})
        return [*requirements(self.model, needs=needs, of="SegmentText"), Requirement.device(self.device)]

    def weights_digest(self) -> str:
        """The model's."""
        return self.words.key

    @resource
    def words(self) -> WordSegmenter:
        """The half of the model that reads."""
        from sampipe.models.segmenters import load_words

        return load_words(self.model, self.device)

    def run(self, image: Image, prompts: Prompts | None = None) -> Masks:
        phrases = Text.of(self.texts).phrases if len(self.texts) else ()
        return self.words.find(image, phrases, prompts, confidence=self.confidence).add_step(self.describe())
