"""More like the examples, by the features of DINOv2 or another of timm's models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

import sampipe as sp
from sampipe.nodes.text.similar import SimilarNode, unit
from sampipe_integrations.timm.loading import FeatureModel, is_here, load


class TimmSimilarPrompts(SimilarNode):
    """Points on whatever looks like a few example masks, by the features of DINOv2 (Oquab et al., 2023).

    How: see :class:`~sampipe.nodes.text.similar.SimilarNode`. Any of timm's models that has feature maps does.

    Args:
        model: timm's name; with ``weights``, without the tag of published ones.
        weights: a file with a state dict (``.safetensors``, ``.pt``, ``.pth``), in timm's names or, of a ViT, as
            its makers publish it. None: the published ones, downloaded on first use.
        side: pixels of the image's longer side as the model sees it: what is smaller than a patch has no feature.
        device: where to run; ``auto`` is the fastest that is there.
        examples: {"image": path, "mask": path} or {"image": path, "box": [x0, y0, x1, y1]}, one or more.
        threshold: least similarity. None: halfway between the examples and what is around them.
        boxes: whether a box of the examples' mean size goes along with the point.
        max_objects: the most similar ones are kept.
        label: what the objects are called.

    Raises:
        DataError: see :class:`~sampipe.nodes.text.similar.SimilarNode`; a side that does not fit.
        CheckpointError: when it runs: an unknown model, or weights that are missing, unsafe or of another model.
    """

    model: str = "vit_small_patch14_dinov2.lvd142m"
    weights: str | None = None
    side: Annotated[int, Field(ge=64, le=4096)] = 518
    device: str = "auto"

    def requirements(self) -> Sequence[sp.Requirement]:
        """timm, which open_clip brings, the weights and the device."""
        fix = "put the file there" if self.weights else "the first run downloads them; or give a file as weights"
        weights = sp.Requirement.weights(
            self.weights or self.model, is_met=lambda: is_here(self.model, self.weights), fix=fix
        )
        return (sp.Requirement.package("timm"), weights, sp.Requirement.device(self.device))

    def weights_digest(self) -> str:
        """Of the model's name and weights."""
        return self.network.digest

    @sp.resource(shared=lambda self: ("timm", self.model, self.weights, self.device))
    def network(self) -> FeatureModel:
        """The loaded model."""
        return load(self.model, self.weights, self.device)

    def features(self, image: sp.Image) -> np.ndarray:
        """The last layer's, one a patch."""
        return unit(self.network.features(image, self.side))
