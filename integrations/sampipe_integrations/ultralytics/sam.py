"""The Segment Anything models of ultralytics (SAM, MobileSAM, SAM 2, 2.1, 3) behind Segment's ports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import sampipe as sp
from sampipe_integrations._promptable import check_multimask, segment
from sampipe_integrations.ultralytics.loading import obtain, weights_requirement
from sampipe_integrations.ultralytics.sam_loading import LoadedSam, load_sam


class UltralyticsSegment(sp.Node):
    """Masks of whatever the prompts point at, from ultralytics' SAM, MobileSAM, SAM 2, 2.1 or 3.

    Takes points and boxes, and gives low-resolution logits, as sampipe's own Segment does. ultralytics is
    AGPL-3.0; see :class:`UltralyticsDetector`. Weights are tensors only: a file that would run code is refused.

    Args:
        weights: a ``.pt`` file whose name ends in a model's name, or a published one, downloaded on first use:
            ``sam_b.pt``, ``mobile_sam.pt``, ``sam2_t.pt``, ``sam2.1_b.pt``. ``sam3.pt`` is a file that its
            makers give out on request.
        device: where to run; ``auto`` is the fastest that is there.
        multimask: "always" gives three candidates an object, "never" the single mask, "auto" three when an
            object has nothing but one point.
        image_size: the side of the model's square input, 1024; None takes the model's own (1008 for SAM 3).

    Raises:
        DataError: another word, or a mask or text among the prompts.
        CheckpointError: weights that are missing, unsafe, damaged or of another model than the name says.
    """

    weights: str = "sam2.1_b.pt"
    device: str = "auto"
    multimask: Literal["auto", "always", "never"] = "auto"
    image_size: int | None = None

    def __post_init__(self) -> None:
        check_multimask(self.multimask)

    def requirements(self) -> Sequence[sp.Requirement]:
        """ultralytics, the weights and the device."""
        package = sp.Requirement.package("ultralytics", extra="ultralytics")
        return package, weights_requirement(self.weights), sp.Requirement.device(self.device)

    @sp.resource(shared=lambda self: ("ultralytics.sam", self.weights, self.device, self.image_size))
    def sam(self) -> LoadedSam:
        """The loaded model."""
        return load_sam(obtain(self.weights), device=self.device, image_size=self.image_size)

    def run(self, image: sp.Image, prompts: sp.Prompts) -> sp.Masks:
        """Segment what the prompts point at."""
        usable = prompts.sanitize(image.hw)
        if not len(usable):
            return sp.Masks.empty(image.hw).with_prompts(usable)
        masks = segment(self.sam, image, usable, multimask=self.multimask, of="UltralyticsSegment")
        return masks.add_step(self.describe())
