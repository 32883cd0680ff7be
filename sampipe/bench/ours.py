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
from sampipe.models.config import NanoConfig, SamConfig
from sampipe.nodes import SegmentEverything
from sampipe.nodes._nms import box_nms
from sampipe.nodes._paint import paint
from sampipe.nodes.prompts import grid_points
from sampipe.types import RLE, Frame, Image, ImageEmbedding, Masks, Prompts


def empty_fine(config: SamConfig) -> tuple[Tensor, ...]:
    """The finer maps of an embedding, for models that have them."""
    channels = config.image_encoder.fine_channels if isinstance(config.image_encoder, NanoConfig) else ()
    return tuple(torch.zeros(c, k * config.grid, k * config.grid) for c, k in zip(channels, (2, 4), strict=False))


class Sampipe:
    """The product itself; methods are the tasks of :mod:`sampipe.bench.inputs`."""

    def __init__(self, checkpoint: Path, model: str, device: str) -> None:
        self.source = "nano" if model == "nano" else str(checkpoint)
        self.model = load_model(self.source, device)
        self._fine = empty_fine(self.model.config)

    @torch.inference_mode()
    def encode(self, pixels: Tensor) -> Tensor:
        return self.model.sam.encode(pixels.to(self.model.device))[0]

    def prepare_decode(self, embedding: Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> dict[str, Any]:
        """The values of :mod:`sampipe.types`, the features laid out as the encoder leaves them."""
        features = embedding.contiguous(memory_format=torch.channels_last)[0]
        frame = Frame.fit(hw, self.model.config.image_size)
        image = ImageEmbedding(features, frame, self.model.key, "random", self._fine)
        return {"image": image, "prompts": Prompts.from_boxes(boxes)}

    prepare_decode_rle = prepare_logits = prepare_decode

    def decode(self, image: ImageEmbedding, prompts: Prompts) -> np.ndarray:
        return self.model.decode(image, prompts, multimask=False).binary()

    def decode_rle(self, image: ImageEmbedding, prompts: Prompts) -> list[bytes]:
        return [rle.counts for rle in self.model.decode(image, prompts, multimask=False).rle()]

    def logits(self, image: ImageEmbedding, prompts: Prompts) -> Tensor | None:
        return self.model.decode(image, prompts, multimask=False).logits

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
