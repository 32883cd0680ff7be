"""The prompt encoder and mask decoder as an ONNX file, for onnxruntime and for browsers (onnxruntime-web)."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import torch

from sampipe._files import atomic_file
from sampipe._optional import require
from sampipe.models.model import SamModel
from sampipe.models.onnx.prompted_decoder import PADDING, PromptedDecoder

OPSET = 18


def export_decoder(model: SamModel, path: str | os.PathLike[str]) -> Path:
    """Write a model's prompt encoder and mask decoder as one ONNX file, whole or not at all.

    Inputs and outputs are those of :class:`~sampipe.models.onnx.prompted_decoder.PromptedDecoder`, with the names
    ``points, point_labels, masks, has_mask, features, fine_0, ...`` and ``logits, iou``, for one object a run (n = 1)
    with any number of points. The file's metadata holds ``sampipe`` (a JSON object): ``model``, ``key`` (digest of
    the weights), ``image_size``, ``mask_size``.

    Raises:
        MissingDependencyError: ``onnx`` or ``onnxscript`` is not installed.
    """
    for package in ("onnx", "onnxscript"):
        require(package, "onnx")
    example = _example(model)
    fine = len(example[-1]) - 1
    any_number = {1: torch.export.Dim("points")}
    shapes = (any_number, any_number, None, None, [None] * (fine + 1))
    with warnings.catch_warnings(), torch.no_grad(), atomic_file(path) as partial:
        warnings.simplefilter("ignore")  # the exporter's notes on its own insides
        program = torch.onnx.export(
            PromptedDecoder(model.sam).eval(),
            example,
            input_names=input_names_of(fine),
            output_names=["logits", "iou"],
            opset_version=OPSET,
            dynamic_shapes=shapes,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        assert program is not None
        program.model.metadata_props["sampipe"] = json.dumps(_about(model))
        program.save(str(partial), external_data=False)
    return Path(path)


def _about(model: SamModel) -> dict[str, Any]:
    config = model.config
    return {"model": model.name, "key": model.key, "image_size": config.image_size, "mask_size": config.mask_size}


def input_names_of(fine: int) -> list[str]:
    """What the file calls its inputs, for a model with so many finer maps."""
    return ["points", "point_labels", "masks", "has_mask", "features", *(f"fine_{i}" for i in range(fine))]


def _example(model: SamModel) -> tuple[Any, ...]:
    size, mask = model.config.image_size, model.config.mask_size
    with torch.inference_mode():
        maps = model.sam.encode(torch.zeros(1, 3, size, size, device=model.device))
    return (
        torch.rand(1, 3, 2, device=model.device) * size,
        torch.tensor([[1.0, 0.0, PADDING]], device=model.device),
        torch.zeros(1, 1, mask, mask, device=model.device),
        torch.zeros(1, device=model.device),
        [one.clone() for one in maps],
    )
