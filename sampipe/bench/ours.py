"""sampipe as a contestant: what a user calls, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import supervision
import torch
from torch import Tensor

from sampipe.models import load_model
from sampipe.nodes import SegmentEverything
from sampipe.nodes._nms import box_nms
from sampipe.nodes._paint import paint
from sampipe.nodes.prompts import grid_points
from sampipe.types import RLE, Frame, Image, ImageEmbedding, Masks, Prompts


class Sampipe:
    """The product itself; methods are the tasks of :mod:`sampipe.bench.inputs`."""

    def __init__(self, checkpoint: Path, model: str, device: str) -> None:
        self.source = "nano" if model == "nano" else str(checkpoint)
        self.model = load_model(self.source, device)

    @torch.inference_mode()
    def encode(self, pixels: Tensor) -> Tensor:
        return self.model.sam.encode(pixels.to(self.model.device))[0]

    def decode(self, embedding: Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> np.ndarray:
        return self._masks(embedding, boxes, hw).binary()

    def decode_rle(self, embedding: Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> list[bytes]:
        return [rle.counts for rle in self._masks(embedding, boxes, hw).rle()]

    def logits(self, embedding: Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> Tensor | None:
        return self._masks(embedding, boxes, hw).logits

    def scores(self, image: np.ndarray, side: int) -> np.ndarray:
        points = grid_points(side, (image.shape[1], image.shape[0]))
        embedding = self.model.encode([Image(image)])[0]
        return self.model.decode(embedding, Prompts.from_points(points), multimask=True).iou_scores

    def everything(self, image: np.ndarray, side: int, iou: float) -> dict[str, Any]:
        node = SegmentEverything(
            model=self.source,
            device=str(self.model.device),
            points_per_side=side,
            pred_iou_threshold=iou,
            stability_threshold=0.0,
            box_nms=0.7,
            min_region_area=0,
            max_area_fraction=1.0,
        )
        masks = node.run(Image(image))
        return {"counts": [rle.counts for rle in masks.rle()], "scores": masks.iou_scores[:, 0]}

    def postprocess(self, logits: np.ndarray, scores: np.ndarray, hw: tuple[int, int]) -> list[bytes]:
        masks = Masks(
            frame=Frame.fit(hw, 1024),
            prompts=Prompts.from_boxes(np.tile(np.array([0, 0, 9, 9], np.float32), (len(scores), 1))),
            iou_scores=scores[:, None],
            logits=torch.from_numpy(logits)[:, None],
        )
        stable = masks.select(masks.stability_scores(1.0)[:, 0] >= 0.5)
        kept = box_nms(stable.boxes(), stable.iou_scores[:, 0], 0.7)
        rles = stable.rle()
        return [rles[i].counts for i in kept]

    def prepare_overlay(self, scene: np.ndarray, masks: np.ndarray) -> dict[str, Any]:
        return {"scene": scene, "rles": Masks.from_binary(masks).rle()}

    def overlay(self, scene: np.ndarray, rles: Sequence[RLE]) -> np.ndarray:
        palette = np.array([colour.as_bgr() for colour in supervision.ColorPalette.DEFAULT.colors], np.uint8)
        return paint(scene, rles, palette, opacity=0.5)

    def _masks(self, embedding: Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> Masks:
        size = self.model.config.image_size
        features = ImageEmbedding(embedding[0], Frame.fit(hw, size), self.model.key, "random")
        return self.model.decode(features, Prompts.from_boxes(boxes), multimask=False)
