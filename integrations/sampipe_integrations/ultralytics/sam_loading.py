"""Building ultralytics' Segment Anything predictors with weights that are safe to read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import sampipe as sp
from sampipe._optional import require
from sampipe_integrations.ultralytics.loading import check_is_pt

if TYPE_CHECKING:
    import torch

SIDE, SIDE_OF_SAM3 = 1024, 1008
"""Of the square inputs, in pixels."""

_SAM3_IMAGE_PARTS = ("image_encoder.", "sam_prompt_encoder.", "sam_mask_decoder.")


def build_predictor(path: Path, *, device: torch.device) -> Any:
    """The predictor for the weights at ``path``; the end of its name says which model they are of.

    Raises:
        CheckpointError: no such file, a name of no model, unsafe or damaged, or tensors of another model.
    """
    from sampipe.models.weights.checkpoints import read_checkpoint

    check_is_pt(path)
    read_checkpoint(path)  # refuses a file that runs code, before ultralytics sees it
    predict = require("ultralytics.models.sam.predict", "ultralytics")
    is_sam3 = path.stem.startswith("sam3")
    kind = "SAM3Predictor" if is_sam3 else "SAM2Predictor" if "sam2" in path.stem else "Predictor"
    overrides = {
        "imgsz": SIDE_OF_SAM3 if is_sam3 else SIDE, "device": str(device), "save": False, "verbose": False, "conf": 0.0,
        "model": path.name,
    }  # fmt: skip
    predictor = getattr(predict, kind)(overrides=overrides)
    predictor.setup_model(_sam3(path) if is_sam3 else _sam(path), verbose=False)
    predictor.setup_source(np.zeros((32, 32, 3), np.uint8))  # sets the sizes
    return predictor


def _sam(path: Path) -> Any:
    build = require("ultralytics.models.sam.build", "ultralytics")
    builders = build.sam_model_map
    name = next((name for name in sorted(builders, key=len, reverse=True) if path.name.endswith(name)), None)
    if name is None:
        raise sp.CheckpointError(
            f"{path}: the name says no model; wanted one that ends in {', '.join(builders)}, or sam3.pt."
        )
    try:
        return builders[name](str(path.resolve()))  # the name tells it SAM 2 from 2.1
    except RuntimeError as error:
        lines = str(error).splitlines()
        raise sp.CheckpointError(f"{path} does not fit {name}: {' '.join(lines[:2]).strip()[:200]}") from error


def _sam3(path: Path) -> Any:
    """SAM 3 by ultralytics' own reader, which renames the tensors and leaves what it lacks at random.

    So the weights are poisoned and read once more: what is not finite then is not in the file.
    """
    import torch

    build = require("ultralytics.models.sam.build_sam3", "ultralytics")
    model = build.build_interactive_sam3(str(path))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(float("nan"))
    build._load_checkpoint(model, str(path), interactive=True)
    unfilled = [
        name
        for name, parameter in model.named_parameters()
        if name.startswith(_SAM3_IMAGE_PARTS) and bool(parameter.isnan().any())
    ]
    if unfilled:
        raise sp.CheckpointError(f"{path} does not hold SAM 3: it lacks {len(unfilled)} tensors {unfilled[:2]}.")
    return model
