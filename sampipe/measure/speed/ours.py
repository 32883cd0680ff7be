"""sampipe as a contestant: public names only, which is what a user calls."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import sampipe as sp
from sampipe.nodes import Annotate, MaskNMS, PointGrid, SegmentEverything


class Sampipe:
    """The product itself; methods are the tasks of :mod:`sampipe.measure.speed.inputs`."""

    def __init__(self, checkpoint: Path, model: str, device: str) -> None:
        self.source = "nano" if model == "nano" else str(checkpoint)
        self.model = sp.load_model(self.source, device)
        self._blank: dict[tuple[int, int], sp.ImageEmbedding] = {}

    @staticmethod
    def first_mask(checkpoint: Path, model: str, image: Path, box: Sequence[int], out: Path) -> list[str]:
        """The command from a box to an overlay file in ``out``."""
        source = "nano" if model == "nano" else str(checkpoint)
        words = ["--model", source, "--box", ",".join(map(str, box)), "--save", "overlay", "--out", str(out)]
        return [sys.executable, "-m", "sampipe.cli", "segment", str(image), *words]

    def encode(self, image: np.ndarray) -> torch.Tensor:
        """Features of an image."""
        return self.model.encode([sp.Image(image)])[0].features

    def prepare_decode(self, embedding: torch.Tensor, boxes: np.ndarray, hw: tuple[int, int]) -> dict[str, Any]:
        """The values that a user holds, the features laid out as the encoder leaves them."""
        if hw not in self._blank:
            self._blank[hw] = self.model.encode([sp.Image(np.zeros((*hw, 3), np.uint8))])[0]
        features = embedding.contiguous(memory_format=torch.channels_last)[0]
        return {"image": replace(self._blank[hw], features=features), "prompts": sp.Prompts.from_boxes(boxes)}

    prepare_decode_rle = prepare_logits = prepare_decode

    def decode(self, image: sp.ImageEmbedding, prompts: sp.Prompts) -> np.ndarray:
        """Boolean masks of full size."""
        return self.model.decode(image, prompts, multimask=False).binary()

    def decode_rle(self, image: sp.ImageEmbedding, prompts: sp.Prompts) -> list[bytes]:
        """Run lengths."""
        return [rle.counts for rle in self.model.decode(image, prompts, multimask=False).rle()]

    def logits(self, image: sp.ImageEmbedding, prompts: sp.Prompts) -> torch.Tensor | None:
        """Low-resolution logits."""
        return self.model.decode(image, prompts, multimask=False).logits

    def scores(self, image: np.ndarray, side: int) -> np.ndarray:
        """The predicted IoU of every candidate of a grid of points."""
        opened = sp.Image(image)
        prompts = PointGrid(per_side=side).run(opened)
        return self.model.decode(self.model.encode([opened])[0], prompts, multimask=True).iou_scores

    def everything(self, image: np.ndarray, side: int, iou: float) -> dict[str, Any]:
        """Automatic masks, stability counted at full size."""
        node = SegmentEverything(
            model=self.source,
            device=str(self.model.device),
            points_per_side=side,
            min_iou=iou,
            stability_threshold=0.0,
            box_nms=0.7,
            min_region_area=0,
            max_area_fraction=1.0,
        )
        masks = node.run(sp.Image(image))
        return {"counts": [rle.counts for rle in masks.rle()], "scores": masks.iou_scores[:, 0]}

    def prepare_postprocess(self, logits: np.ndarray, scores: np.ndarray, hw: tuple[int, int]) -> dict[str, Any]:
        """Logits as a value."""
        boxes = np.tile(np.array([0, 0, 9, 9], np.float32), (len(scores), 1))
        masks = sp.Masks(
            frame=sp.Frame.fit(hw, 1024),
            prompts=sp.Prompts.from_boxes(boxes),
            iou_scores=scores[:, None],
            logits=torch.from_numpy(logits)[:, None],
        )
        return {"masks": masks}

    def postprocess(self, masks: sp.Masks) -> list[bytes]:
        """Duplicates removed by their boxes, then run lengths."""
        return [rle.counts for rle in MaskNMS(iou=0.7, on="box").run(masks).rle()]

    def prepare_overlay(self, scene: np.ndarray, masks: np.ndarray) -> dict[str, Any]:
        """Image and masks as values."""
        return {
            "image": sp.Image(scene),
            "masks": sp.Masks.from_rle(sp.Masks.from_binary(masks).rle(), scene.shape[:2]),
        }

    def overlay(self, image: sp.Image, masks: sp.Masks) -> np.ndarray:
        """Fill and contour of every mask."""
        return Annotate(opacity=0.5, labels=False).run(image, masks).pixels
