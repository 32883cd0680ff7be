"""What people write by hand: torch to full size, threshold, torchvision's NMS, pycocotools' run lengths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from sampipe import Frame

_AT_ONCE = 64


class Pycocotools:
    """Full-size logits for a batch of masks at a time, as the reference's mask generator has them."""

    def __init__(self, checkpoint: Path, model: str, device: str) -> None:
        import pycocotools.mask
        import torchvision.ops

        self._encode, self._nms = pycocotools.mask.encode, torchvision.ops.nms

    @torch.inference_mode()
    def postprocess(self, logits: np.ndarray, scores: np.ndarray, hw: tuple[int, int]) -> list[bytes]:
        """Logits to full size, thresholded, duplicates removed by their boxes, to run lengths."""
        height, width = Frame.fit(hw, 1024).resized_hw
        low = torch.from_numpy(logits)[:, None]
        boxes, counts = [], []
        for part in low.split(_AT_ONCE):
            square = F.interpolate(part, (1024, 1024), mode="bilinear", align_corners=False)[..., :height, :width]
            full = F.interpolate(square, hw, mode="bilinear", align_corners=False)[:, 0]
            for mask in full > 0:
                rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
                boxes.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1] if len(rows) else [0, 0, 0, 0])
                counts.append(self._encode(np.asfortranarray(mask.numpy().view(np.uint8)))["counts"])
        kept = self._nms(torch.tensor(boxes, dtype=torch.float32), torch.from_numpy(scores), 0.7)
        return [counts[int(i)] for i in kept]
