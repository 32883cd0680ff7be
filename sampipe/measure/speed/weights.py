"""Weights at random, in a file that every peer can read: speed does not depend on what a model knows."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from sampipe.errors import DataError
from sampipe.models import Sam, SamConfig, load_model
from sampipe.train.presets import PRESETS


def config_of(model: str) -> SamConfig:
    """The shape of ``model``.

    Raises:
        DataError: none of :data:`~sampipe.train.presets.PRESETS`.
    """
    if model == "nano":
        return load_model("nano", "cpu").config
    if model not in PRESETS:
        raise DataError(f"No model {model!r} to measure. Models: {', '.join(PRESETS)}.")
    return PRESETS[model]


def write_random_weights(model: str, path: Path, seed: int = 0) -> None:
    """An official-looking checkpoint of ``model``, none of its parameters at a value that hides mistakes.

    Raises:
        DataError: none of the presets.
    """
    torch.manual_seed(seed)
    sam = Sam(config_of(model)).eval()
    with torch.no_grad():
        for name, value in sam.named_parameters():
            if any(part in name for part in ("rel_pos", "pos_embed", "attention_biases")):
                value.normal_(std=0.2)
        last = sam.mask_decoder.iou_prediction_head.layers[-1]
        assert isinstance(last, nn.Linear)
        last.bias.add_(1.0)  # above 0, where the peers' thresholds begin
        for module in sam.modules():
            if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
                module.running_mean.normal_(std=0.1)
    torch.save(sam.state_dict(), path)
