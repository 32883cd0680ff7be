"""A detector of "things", trained on the masks that people drew so far (paper, section 4, "Semi-automatic stage")."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from sampipe.errors import DataError
from sampipe.pages.label.background import BackgroundJob
from sampipe.pages.label.instances import Instances
from sampipe.pages.label.proposals import LEARNED, Sources
from sampipe.pages.shared import device_lock


def learn_things(instances: Instances, sources: Sources, *, minutes: float, job: BackgroundJob) -> str:
    """Train the class-agnostic detector of this folder and keep it beside the annotations; says how it went.

    It goes on from what an earlier training left. Images with accepted masks count, and images that a person called
    complete although nothing is on them.

    Raises:
        DataError: nobody has accepted a mask yet.
    """
    examples = [
        (file.path, np.array([_xyxy(row) for row in document["annotations"]], np.float32).reshape(-1, 4))
        for file, document in instances.documents()
        if document and (document["annotations"] or document.get("sampipe", {}).get("complete"))
    ]
    if not any(len(boxes) for _, boxes in examples):
        raise DataError("There is nothing to learn from yet: draw or accept masks on some images first.")
    detector: Any = sources.detector(LEARNED)
    lock = partial(device_lock, sources.device, background=True)
    learned = detector.learn(examples, minutes=minutes, say=job.say, stopped=job.stopped, turn=lock)
    return str(learned)


def _xyxy(row: dict[str, Any]) -> tuple[float, float, float, float]:
    x, y, width, height = row["bbox"]
    return x, y, x + width, y + height
