"""The decoder behind the names of segment-anything's own ONNX export, for programs that were written for that."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sampipe._files import atomic_file
from sampipe._optional import require
from sampipe.errors import DataError
from sampipe.models.model import SamModel
from sampipe.models.onnx.prompted_decoder import PromptedDecoder

OPSET = 17
INPUTS = ("image_embeddings", "point_coords", "point_labels", "mask_input", "has_mask_input", "orig_im_size")
OUTPUTS = ("masks", "iou_predictions", "low_res_masks")


class OfficialDecoder(nn.Module):
    """One object on one image, as ``segment_anything.utils.onnx.SamOnnxModel`` takes and gives it.

    Args:
        model: without finer maps.
        single: give one mask, chosen as the reference does: of one point the best of three, of more the single one.
    """

    def __init__(self, model: SamModel, *, single: bool) -> None:
        super().__init__()
        self.decoder = PromptedDecoder(model.sam)
        self.size, self.single = model.config.image_size, single

    def forward(
        self,
        image_embeddings: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
        orig_im_size: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decode one object.

        Args:
            image_embeddings: (1, dim, grid, grid).
            point_coords: (1, k, 2) x, y in the model's input.
            point_labels: (1, k): 1, 0, 2 and 3 for a box's corners, -1 for the point that ends prompts without a box.
            mask_input: (1, 1, m, m) logits.
            has_mask_input: (1,), 0 or 1.
            orig_im_size: (2,) height and width of the image.

        Returns:
            mask logits (1, 4 or 1, h, w), predicted IoU (1, 4 or 1), low-resolution logits (1, 4 or 1, m, m).
        """
        low, ious = self.decoder(point_coords, point_labels, mask_input, has_mask_input, [image_embeddings])
        if self.single:
            first = torch.tensor([1000.0, 0.0, 0.0, 0.0])
            best = torch.argmax(ious + (point_coords.shape[1] - 2.5) * first, dim=1)
            low, ious = low[torch.arange(low.shape[0]), best][:, None], ious[torch.arange(low.shape[0]), best][:, None]
        square = F.interpolate(low, size=(self.size, self.size), mode="bilinear", align_corners=False)
        inside = torch.floor(self.size / torch.max(orig_im_size) * orig_im_size + 0.5).to(torch.int64)
        whole = orig_im_size.to(torch.int64)
        content = square[..., : inside[0], : inside[1]]
        size: Any = (whole[0], whole[1])  # tensors: the file reads them when it runs
        return F.interpolate(content, size=size, mode="bilinear", align_corners=False), ious, low


def export_official(model: SamModel, path: str | os.PathLike[str], *, single: bool = False) -> Path:
    """Write the decoder with segment-anything's names and shapes, whole or not at all.

    Raises:
        DataError: a model with finer maps, which those names have no place for.
        MissingDependencyError: ``onnx`` is not installed.
    """
    require("onnx", "onnx")
    config = model.config
    if config.mask_decoder.fine_features:
        raise DataError(
            f"{model.name}: its decoder takes finer maps of the image, and segment-anything's names have no place for "
            "them; leave --names out, or take vit_b, vit_l, vit_h or mobile_sam"
        )
    grid, side = config.grid, config.mask_size
    example = (
        torch.randn(1, config.embed_dim, grid, grid),
        torch.rand(1, 5, 2) * config.image_size,
        torch.tensor([[1.0, 0.0, 2.0, 3.0, -1.0]]),
        torch.randn(1, 1, side, side),
        torch.ones(1),
        torch.tensor([300.0, 400.0]),
    )
    with warnings.catch_warnings(), torch.no_grad(), atomic_file(path) as partial:
        warnings.simplefilter("ignore")  # the tracer's notes
        torch.onnx.export(
            OfficialDecoder(model, single=single).eval(),
            example,
            str(partial),
            input_names=list(INPUTS),
            output_names=list(OUTPUTS),
            dynamic_axes={"point_coords": {1: "num_points"}, "point_labels": {1: "num_points"}},
            opset_version=OPSET,
            dynamo=False,
        )
    return Path(path)
