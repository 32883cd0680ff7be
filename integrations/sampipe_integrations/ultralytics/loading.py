"""One ultralytics model, loaded without running what is in its file, and used by one thread at a time."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import sampipe as sp
from sampipe_integrations._published import PublishedFile
from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

TASKS_WITH_BOXES = ("detect", "segment", "pose", "obb")
PUBLISHED_NAME = re.compile(r"(yolov?\d+|rtdetr|sam2?(\.1)?_|mobile_sam|FastSAM)[\w-]*\.pt")
RELEASE = "https://github.com/ultralytics/assets/releases/download/v8.4.0"


class LoadedYolo:
    """A YOLO or RT-DETR model with its task and its class names by id."""

    def __init__(self, model: Any, device: str) -> None:
        self._model = model
        self._device = device
        self._lock = threading.Lock()  # its one predictor keeps the arguments of the call that runs
        self.task = str(model.task)
        self.names: Mapping[int, str] = {int(class_id): str(name) for class_id, name in model.names.items()}

    def predict(self, image: sp.Image, **options: Any) -> Any:
        """The ``Results`` for one image, on the CPU and in the image's pixels; ``options`` are ultralytics' own."""
        bgr = np.ascontiguousarray(image.pixels[:, :, ::-1])
        with self._lock:
            [result] = self._model.predict(bgr, device=self._device, verbose=False, save=False, **options)
        return result.cpu().numpy()

    @property
    def network(self) -> Any:
        """The torch module itself."""
        return self._model.model

    def forget_predictor(self) -> None:
        """Have the next prediction see what was changed in the network."""
        self._model.predictor = None

    def expect(self, *tasks: str) -> None:
        """Raise CheckpointError unless the model was made for one of the tasks."""
        if self.task not in tasks:
            raise sp.CheckpointError(f"A model for {self.task!r}; wanted one for {' or '.join(map(repr, tasks))}.")


def load(path: Path, *, device: str) -> LoadedYolo:
    """The model in the file at ``path``.

    Raises:
        CheckpointError: no such file, not an ultralytics detector, damaged, or it wants to run code.
    """
    from sampipe.models.device import resolve_device

    check_is_pt(path)
    where = str(resolve_device(device))
    with side_effects_undone():
        yolo = load_ultralytics().YOLO
        try:
            model = yolo(str(path.resolve()))
        except Exception as error:  # whatever a hostile or broken file makes its loader raise
            reason = str(error).strip().partition("\n")[0]
            raise sp.CheckpointError(
                f"{path}: refused: not a model of known layers that ultralytics can read; nothing in it was "
                f"run. {type(error).__name__}: {reason[:300]}"
            ) from error
        if model.task not in TASKS_WITH_BOXES:
            raise sp.CheckpointError(
                f"{path} is a model for {model.task!r}, which gives no boxes; wanted one for "
                f"{', '.join(TASKS_WITH_BOXES)}."
            )
        loaded = LoadedYolo(model, where)
        # the first prediction sets up the predictor, which changes thread counts too
        loaded.predict(sp.Image.from_array(np.zeros((32, 32, 3), np.uint8)), imgsz=32)
    return loaded


def published(weights: str) -> PublishedFile | None:
    """The published file that ``weights`` names, unless a file of that name is there."""
    if Path(weights).exists() or not PUBLISHED_NAME.fullmatch(weights):
        return None
    return PublishedFile(url=f"{RELEASE}/{weights}", instead=", or give a file as weights")


def obtain(weights: str) -> Path:
    """The file for ``weights``; a published one is downloaded if it is not here."""
    file = published(weights)
    return file.obtain() if file else Path(weights)


def weights_requirement(weights: str) -> sp.Requirement:
    """What ``check`` looks for."""
    file = published(weights)
    return file.requirement() if file else sp.Requirement.file(weights)


def check_is_pt(path: Path) -> None:
    """Raise CheckpointError for what cannot be ultralytics' weights, by its name."""
    if not path.is_file() or path.suffix != ".pt":
        raise sp.CheckpointError(
            f"{path}: {'not a .pt file' if path.is_file() else 'no such file'}; wanted trained weights of "
            "ultralytics, or a published name such as yolo11n.pt."
        )
