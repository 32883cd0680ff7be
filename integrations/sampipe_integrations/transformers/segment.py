"""The Segment Anything models of transformers (SAM, SAM-HQ, SAM 2, EdgeTAM, SAM 3's tracker) behind Segment's ports."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

import sampipe as sp
from sampipe_integrations._promptable import Answer, Group, check_multimask, segment
from sampipe_integrations.transformers.loading import load_pretrained, weights_requirement


class TransformersSegment(sp.Node):
    """Masks of whatever the prompts point at, from a mask generation model of transformers.

    ``SamModel``, ``SamHQModel``, ``Sam2Model``, ``EdgeTamModel``, ``Sam3TrackerModel``. Takes points and boxes, and
    gives low-resolution logits, as sampipe's own Segment does.

    Args:
        model: a name on the Hugging Face hub, downloaded on first use, or a folder that ``save_pretrained`` wrote.
        device: where to run; ``auto`` is the fastest that is there.
        multimask: "always" gives three candidates an object, "never" the single mask, "auto" three when an
            object has nothing but one point.

    Raises:
        DataError: another word, or a mask or text among the prompts.
        CheckpointError: a model that is missing, is no Segment Anything, or whose weights do not fill it.
        MissingDependencyError: transformers is not installed.
    """

    model: str = "facebook/sam2.1-hiera-tiny"
    device: str = "auto"
    multimask: Literal["auto", "always", "never"] = "auto"

    def __post_init__(self) -> None:
        check_multimask(self.multimask)

    def requirements(self) -> Sequence[sp.Requirement]:
        """transformers, the model and the device."""
        package = sp.Requirement.package("transformers", extra="transformers")
        return package, weights_requirement(self.model), sp.Requirement.device(self.device)

    @sp.resource(shared=lambda self: ("transformers.segment", self.model, self.device))
    def sam(self) -> LoadedSam:
        """The loaded model."""
        return LoadedSam(
            *load_pretrained(
                self.model, "AutoModelForMaskGeneration", device=self.device, what="a mask generation model"
            )
        )

    def run(self, image: sp.Image, prompts: sp.Prompts) -> sp.Masks:
        """Segment what the prompts point at."""
        usable = prompts.sanitize(image.hw)
        if not len(usable):
            return sp.Masks.empty(image.hw).with_prompts(usable)
        masks = segment(self.sam, image, usable, multimask=self.multimask, of="TransformersSegment")
        return masks.add_step(self.describe())


class LoadedSam:
    """A network and its image processor; keeps the embedding of the last image."""

    def __init__(self, network: Any, processor: Any) -> None:
        self._network = network
        self._processor = processor
        self._lock = threading.Lock()
        self._last: tuple[str, Any] = ("", None)

    def frame(self, image: sp.Image) -> sp.Frame:
        """SAM fits the image into its square, SAM 2 and 3 stretch it to fill the square."""
        size = self._processor.size
        longest = size.get("longest_edge") if isinstance(size, dict) else size.longest_edge
        if longest:
            return sp.Frame.fit(image.hw, int(longest))
        height, width = int(size["height"]), int(size["width"])
        return sp.Frame(image.hw, (height, width), max(height, width))

    def answer(self, image: sp.Image, groups: Sequence[Group], *, several: bool) -> list[Answer]:
        """Masks of each group's objects."""
        import torch

        frame = self.frame(image)
        with torch.inference_mode():
            embeddings = self._embeddings(image)
            return [self._answer(embeddings, frame, group, several) for group in groups]

    def _embeddings(self, image: sp.Image) -> dict[str, Any]:
        """The image's features as the network wants them back."""
        with self._lock:
            if self._last[0] != image.key:
                inputs = self._processor(images=image.to_pil(), return_tensors="pt")
                made = self._network.get_image_embeddings(inputs["pixel_values"].to(self._network.device))
                is_hq = isinstance(made, tuple)  # SAM-HQ gives its intermediate features too
                named = {"image_embeddings": made[0], "intermediate_embeddings": made[1]} if is_hq else None
                self._last = (image.key, named or {"image_embeddings": made})
            return self._last[1]

    def _answer(self, embeddings: dict[str, Any], frame: sp.Frame, group: Group, several: bool) -> Answer:
        import torch

        def tensor(values: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(values, device=self._network.device)[None]

        prompts: dict[str, Any] = {}
        if group.points is not None and group.point_labels is not None:
            prompts["input_points"] = tensor(frame.points_to_input(group.points))
            prompts["input_labels"] = tensor(group.point_labels)
        if group.boxes is not None:
            prompts["input_boxes"] = tensor(frame.boxes_to_input(group.boxes))
        outputs = self._network(**embeddings, **prompts, multimask_output=several)
        return outputs.pred_masks[0].float().cpu(), outputs.iou_scores[0].float().cpu().numpy()
