"""ultralytics' SAM, MobileSAM, SAM 2, 2.1 and 3: their predictors' own encoder and decoder, image by image."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import sampipe as sp
from sampipe.models.segmenters import OWN_TAKES
from sampipe_integrations._promptable import Group, GroupSegmenter
from sampipe_integrations.ultralytics.quarantine import side_effects_undone
from sampipe_integrations.ultralytics.sam_loading import build_predictor

if TYPE_CHECKING:
    import torch

    from sampipe.models import Precision
    from sampipe.models.config import EverythingDefaults


class UltralyticsSam(GroupSegmenter):
    """A predictor of ultralytics that remembers no image.

    Args:
        predictor: set up for its square input.
        name: what people call it.
        precision: see :data:`sampipe.models.precision.Precision`.
    """

    def __init__(self, predictor: Any, *, name: str, precision: Precision) -> None:
        from sampipe.models.sam import state_digest

        self._predictor, self._size = predictor, int(predictor.imgsz[0])
        made = f"{type(predictor).__name__} {self._size} {state_digest(predictor.model)} {precision}"
        key = hashlib.blake2b(made.encode(), digest_size=16).hexdigest()
        super().__init__(name=name, key=key, device=predictor.device, precision=precision)

    @property
    def takes(self) -> frozenset[str]:
        """Points, boxes and masks."""
        return OWN_TAKES

    @property
    def mask_size(self) -> int:
        """Four times the side of the embedding."""
        model = self._predictor.model
        encoder = model.prompt_encoder if hasattr(model, "prompt_encoder") else model.sam_prompt_encoder
        return int(encoder.mask_input_size[0])

    @property
    def everything(self) -> EverythingDefaults:
        """The paper's."""
        from sampipe.models.config import EverythingDefaults

        return EverythingDefaults()

    def encode(self, images: Sequence[sp.Image]) -> list[sp.ImageEmbedding]:
        """Embed images one after the other, as ultralytics does."""
        return [self._encode(image) for image in images]

    def _encode(self, image: sp.Image) -> sp.ImageEmbedding:
        import torch

        with torch.inference_mode(), self._autocast():
            pixels = self._predictor.preprocess([np.ascontiguousarray(image.pixels[:, :, ::-1])])
            made = self._predictor.get_im_features(pixels)
        coarse, fine = (made["image_embed"], made["high_res_feats"]) if isinstance(made, dict) else (made, [])
        return sp.ImageEmbedding(
            features=coarse[0].float(),
            fine=tuple(one[0].float() for one in fine),
            frame=sp.Frame.fit(image.hw, self._size),
            model_key=self.key,
            image_key=image.key,
        )

    def answer(self, embedding: sp.ImageEmbedding, group: Group, multimask: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """What the predictor's decoder gives; objects with nothing but a mask one by one, which SAM 2 needs."""
        import torch

        fine = [one.to(self.device)[None] for one in embedding.fine]
        features: Any = embedding.features.to(self.device)[None]
        if fine:
            features = {"image_embed": features, "high_res_feats": fine}
        asked = self._predictor._prepare_prompts(
            (self._size, self._size), embedding.frame.original_hw, group.boxes, group.points, group.point_labels
        )
        masks = None if group.masks is None else torch.from_numpy(group.masks.copy())[:, None].to(self.device)
        count, width = len(group.rows), 3 if multimask else 1
        if group.boxes is None and group.points is None and masks is not None:
            parts = [self._infer(features, asked, masks[[row]], multimask) for row in range(count)]
        else:
            parts = [self._infer(features, asked, masks, multimask)]
        low, scores = (torch.cat(part) for part in zip(*parts, strict=True))
        return low.reshape(count, width, *low.shape[-2:]), scores.reshape(count, width)

    def _infer(self, features: Any, asked: tuple[Any, ...], masks: Any, multimask: bool) -> tuple[Any, Any]:
        return self._predictor._inference_features(features, *asked[:-1], masks, multimask)


def load_sam(path: Path, *, name: str, device: torch.device, precision: Precision) -> UltralyticsSam:
    """The model in the file at ``path``; the end of the file's name says which it is of.

    Raises:
        CheckpointError: no such file, a name of no model, unsafe or damaged, or tensors of another model.
    """
    with side_effects_undone():
        return UltralyticsSam(build_predictor(path, device=device), name=name, precision=precision)
