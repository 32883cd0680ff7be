"""ultralytics' SAM (AGPL-3.0; only where it is installed)."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sampipe import DataError, Frame
from sampipe_integrations.peers._pixels import normalized

_FIRST_MASK = """
import sys
weights, image, box, out = sys.argv[1:]
from ultralytics import SAM
found = SAM(weights)(image, bboxes=[[float(side) for side in box.split(",")]], device="cpu", verbose=False)
found[0].save(out + "/overlay.png")
"""


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

    @staticmethod
    def first_mask(checkpoint: Path, model: str, image: Path, box: Sequence[int], out: Path) -> list[str]:
        """Its ``SAM`` on one box, plotted into a file in ``out``."""
        names = {"vit_b": "sam_b.pt", "vit_l": "sam_l.pt", "vit_h": "sam_h.pt", "mobile_sam": "mobile_sam.pt"}
        if model not in names:
            raise DataError(f"it has no {model}")
        weights = checkpoint.with_name(names[model])  # it knows models by their files' names
        if not weights.exists():
            weights.hardlink_to(checkpoint)
        return [sys.executable, "-c", _FIRST_MASK, str(weights), str(image), ",".join(map(str, box)), str(out)]

    @torch.inference_mode()
    def encode(self, image: np.ndarray) -> Tensor:
        """Features of an image, (1, channels, side, side)."""
        return self._sam.image_encoder(normalized(image).to(self._device))

    @torch.inference_mode()
    def logits(self, embedding: Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> Tensor:
        """Low-resolution logits of the single mask of each box."""
        corners = torch.from_numpy(Frame.fit(hw, 1024).boxes_to_input(boxes)).to(self._device)
        sparse, dense = self._sam.prompt_encoder(None, corners, None)
        positions = self._sam.prompt_encoder.get_dense_pe()
        low, _ = self._sam.mask_decoder(embedding.to(self._device), positions, sparse, dense, False)
        return low

    @torch.inference_mode()
    def decode(self, embedding: Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> np.ndarray:
        """Boolean masks of full size."""
        low = self.logits(embedding, boxes, hw)
        height, width = Frame.fit(hw, 1024).resized_hw
        square = F.interpolate(low, (1024, 1024), mode="bilinear", align_corners=False)[..., :height, :width]
        full = F.interpolate(square, hw, mode="bilinear", align_corners=False)
        return (full > 0)[:, 0].cpu().numpy()
