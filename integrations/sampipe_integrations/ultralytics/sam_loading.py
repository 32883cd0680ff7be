"""Building ultralytics' Segment Anything predictors with weights that are safe to read, and asking them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import sampipe as sp
from sampipe._optional import require
from sampipe_integrations._promptable import Answer, Group
from sampipe_integrations.ultralytics.loading import check_is_pt
from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

_SAM3_IMAGE_PARTS = ("image_encoder.", "sam_prompt_encoder.", "sam_mask_decoder.")


class LoadedSam:
    """A predictor that is used by one thread at a time and keeps the last image's features."""

    def __init__(self, predictor: Any, size: int) -> None:
        self._predictor = predictor
        self._size = size
        self._lock = threading.Lock()
        self._seen: str | None = None

    def frame(self, image: sp.Image) -> sp.Frame:
        """How the image lies in the model's input: fitted, at the top left."""
        return sp.Frame.fit(image.hw, self._size)

    def answer(self, image: sp.Image, groups: Sequence[Group], *, several: bool) -> list[Answer]:
        """Masks of each group's objects."""
        import torch

        with self._lock, torch.inference_mode():
            self._look_at(image)
            return [self._answer(group, 3 if several else 1) for group in groups]

    def _look_at(self, image: sp.Image) -> None:
        """Encode the image, unless it was the last one."""
        if self._seen == image.key:
            return
        self._seen = None
        predictor = self._predictor
        predictor.setup_source(np.ascontiguousarray(image.pixels[:, :, ::-1]))
        predictor.batch = next(iter(predictor.dataset))
        self._input = predictor.preprocess(predictor.batch[1])
        predictor.features = predictor.get_im_features(self._input)
        self._seen = image.key

    def _answer(self, group: Group, width: int) -> Answer:
        masks, scores = self._predictor.prompt_inference(
            self._input,
            bboxes=group.boxes,
            points=group.points,
            labels=group.point_labels,
            multimask_output=width > 1,
        )
        count = len(group.rows)
        low = masks.float().cpu().reshape(count, width, *masks.shape[-2:])
        return low, scores.float().cpu().numpy().reshape(count, width)


def load_sam(path: Path, *, device: str, image_size: int | None) -> LoadedSam:
    """The predictor for the weights at ``path``; the end of its name says which model they are of.

    Raises:
        CheckpointError: no such file, a name of no model, unsafe or damaged, or tensors of another model.
    """
    from sampipe.models.checkpoints import read_checkpoint
    from sampipe.models.device import resolve_device

    check_is_pt(path)
    read_checkpoint(path)  # refuses a file that runs code, before ultralytics sees it
    where = str(resolve_device(device))
    with side_effects_undone():
        load_ultralytics()
        predict = require("ultralytics.models.sam.predict", "ultralytics")
        is_sam3 = path.stem.startswith("sam3")
        kind = "SAM3Predictor" if is_sam3 else "SAM2Predictor" if "sam2" in path.stem else "Predictor"
        size = image_size or (1008 if is_sam3 else 1024)
        model = _sam3(path) if is_sam3 else _sam(path)
        overrides = {"imgsz": size, "device": where, "save": False, "verbose": False, "conf": 0.0, "model": path.name}
        predictor = getattr(predict, kind)(overrides=overrides)
        predictor.setup_model(model, verbose=False)
    return LoadedSam(predictor, size)


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
