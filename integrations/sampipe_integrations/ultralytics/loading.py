"""One ultralytics model, loaded without running what is in its file, and used by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sampipe as sp
from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

TASKS_WITH_BOXES = ("detect", "segment", "pose")


class LoadedYolo:
    """A YOLO or RT-DETR model with its class names by id."""

    def __init__(self, model: Any, device: str) -> None:
        self._model = model
        self._device = device
        self._lock = threading.Lock()  # its one predictor keeps the arguments of the call that runs
        self.names: Mapping[int, str] = {int(class_id): str(name) for class_id, name in model.names.items()}

    def detect(
        self, image: sp.Image, **options: Any
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        """Boxes (n, 4) in the image's pixels, class ids, scores; ``options`` are ultralytics' own."""
        bgr = np.ascontiguousarray(image.pixels[:, :, ::-1])
        with self._lock:
            [result] = self._model.predict(bgr, device=self._device, verbose=False, save=False, **options)
        rows = result.boxes.data.cpu().numpy().astype(np.float32)  # x0, y0, x1, y1, score, class
        return rows[:, :4], rows[:, 5].astype(np.int64), rows[:, 4]


def load(path: Path, *, device: str) -> LoadedYolo:
    """The model in the file at ``path``.

    Raises:
        CheckpointError: no such file, not an ultralytics detector, damaged, or it wants to run code.
    """
    from sampipe.models.device import resolve_device

    if not path.is_file() or path.suffix != ".pt":
        raise sp.CheckpointError(
            f"{path}: {'not a .pt file' if path.is_file() else 'no such file'}; wanted trained weights of "
            "ultralytics, or a published name such as yolo11n.pt."
        )
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
        loaded.detect(sp.Image.from_array(np.zeros((32, 32, 3), np.uint8)), imgsz=32)
    return loaded
