"""The reference implementation (package ``segment-anything``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sampipe import DataError, Frame
from sampipe_integrations.peers._pixels import normalized


class SegmentAnything:
    """Meta's own code, called as its predictor and its mask generator call it."""

    def __init__(self, checkpoint: Path, model: str, device: str) -> None:
        from segment_anything import sam_model_registry

        if model not in sam_model_registry:
            raise DataError(f"it has no {model}")
        self._sam = sam_model_registry[model](checkpoint=str(checkpoint)).eval().to(device)
        self._device = device

    @torch.inference_mode()
    def encode(self, image: np.ndarray) -> Tensor:
        """Features of an image, (1, channels, side, side)."""
        return self._sam.image_encoder(normalized(image).to(self._device))

    @torch.inference_mode()
    def logits(self, embedding: Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> Tensor:
        """Low-resolution logits of the single mask of each box."""
        corners = torch.from_numpy(Frame.fit(hw, 1024).boxes_to_input(boxes)).to(self._device)
        sparse, dense = self._sam.prompt_encoder(points=None, boxes=corners, masks=None)
        low, _ = self._sam.mask_decoder(
            image_embeddings=embedding.to(self._device),
            image_pe=self._sam.prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
        )
        return low

    @torch.inference_mode()
    def decode(self, embedding: Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> np.ndarray:
        """Boolean masks of full size."""
        low = self.logits(embedding, boxes, hw)
        full = self._sam.postprocess_masks(low, Frame.fit(hw, 1024).resized_hw, hw)
        return (full > self._sam.mask_threshold)[:, 0].cpu().numpy()

    def everything(self, image: np.ndarray, side: int, iou: float) -> dict[str, Any]:
        """Automatic masks, as its generator makes them."""
        from segment_anything import SamAutomaticMaskGenerator

        generator = SamAutomaticMaskGenerator(
            self._sam,
            points_per_side=side,
            pred_iou_thresh=max(iou, 0.0),
            stability_score_thresh=0.0,
            box_nms_thresh=0.7,
            output_mode="coco_rle",
        )
        found = generator.generate(image)
        return {
            "counts": [one["segmentation"]["counts"].encode() for one in found],
            "scores": np.array([one["predicted_iou"] for one in found]),
        }
