"""ultralytics' SAM (AGPL-3.0; only where it is installed)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sampipe import DataError, Frame


class Ultralytics:
    """Its network, called as its predictor calls it; boxes all at once."""

    def __init__(self, checkpoint: Path, model: str, device: str) -> None:
        os.environ.update({"YOLO_AUTOINSTALL": "0", "YOLO_OFFLINE": "1", "YOLO_CONFIG_DIR": str(checkpoint.parent)})
        from ultralytics.models.sam import build

        builders = {"mobile_sam": build.build_mobile_sam}
        builders |= {size: getattr(build, f"build_sam_{size}") for size in ("vit_b", "vit_l", "vit_h")}
        if model not in builders:
            raise DataError(f"it has no {model}")
        self._sam = builders[model]()
        self._sam.load_state_dict(torch.load(checkpoint, weights_only=True), strict=False)
        self._sam.eval().to(device)  # only now: its TinyViT copies the biases of that moment
        self._device = device

    @torch.inference_mode()
    def encode(self, pixels: Tensor) -> Tensor:
        return self._sam.image_encoder(pixels.to(self._device))

    @torch.inference_mode()
    def logits(self, embedding: Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> Tensor:
        corners = torch.from_numpy(Frame.fit(hw, 1024).boxes_to_input(boxes)).to(self._device)
        sparse, dense = self._sam.prompt_encoder(None, corners, None)
        positions = self._sam.prompt_encoder.get_dense_pe()
        low, _ = self._sam.mask_decoder(embedding.to(self._device), positions, sparse, dense, False)
        return low

    @torch.inference_mode()
    def decode(self, embedding: Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> np.ndarray:
        low = self.logits(embedding, boxes, hw)
        height, width = Frame.fit(hw, 1024).resized_hw
        square = F.interpolate(low, (1024, 1024), mode="bilinear", align_corners=False)[..., :height, :width]
        full = F.interpolate(square, hw, mode="bilinear", align_corners=False)
        return (full > 0)[:, 0].cpu().numpy()
