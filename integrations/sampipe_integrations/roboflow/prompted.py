"""Two blocks that need no detection model before them: an object by points, and all that words name."""

from __future__ import annotations

import uuid
from typing import Any, Literal

import numpy as np
from pydantic import Field

import sampipe as sp
from sampipe.models import keep_loaded
from sampipe.nodes import Segment
from sampipe_integrations._words import graph_of_words
from sampipe_integrations.roboflow._names import workflows
from sampipe_integrations.roboflow.block import SegmentManifest, described

_types = workflows("execution_engine.entities.types")
_utils = workflows("core_steps.common.utils")
_block = workflows("prototypes.block")

POINTS: Any = list[Any] | _types.Selector(kind=[_types.LABELED_POINTS_KIND])
CLASSES: Any = list[str] | str | _types.Selector(kind=[_types.LIST_OF_VALUES_KIND, _types.STRING_KIND])
FOREGROUND = "foreground"  # what Roboflow's own blocks call an object that only points name


class PointMasksManifest(SegmentManifest):
    """What the block of points takes, as the workflow editor shows it."""

    model_config = described(
        "Mask by Points",
        "The mask of what points point at, by Segment Anything.",
        "All points together are one object: those that are positive lie on it, the others beside it.",
    )
    type: Literal["sampipe/point_masks@v1"]
    points: POINTS = Field(
        description="Points in pixels: x, y, and positive (true unless said), as dictionaries or lists.",
        examples=[[{"x": 320, "y": 240, "positive": True}], "$inputs.points"],
    )


class TextMasksManifest(SegmentManifest):
    """What the block of words takes, as the workflow editor shows it."""

    model_config = described(
        "Masks by Text",
        "A mask of everything that words name, by Segment Anything.",
        "sam3 reads words by itself; nano answers a vocabulary of its own with its text head.",
    )
    type: Literal["sampipe/text_masks@v1"]
    class_names: CLASSES = Field(
        description="What to look for: a list, or text with commas.",
        examples=[["cup", "spoon"], "$inputs.classes"],
    )


class PointMasksBlock(_block.WorkflowBlock):  # type: ignore[name-defined, misc]
    """One object by points, on each image of a workflow."""

    @classmethod
    def get_manifest(cls) -> type[Any]:
        """What it takes."""
        return PointMasksManifest

    def run(self, images: Any, points: Any, model: str = "nano", device: str = "auto") -> dict[str, Any]:
        """One image; its object as a detection of the class "foreground", none where there are no points."""
        rows = [_point(one) for one in points]
        image = sp.Image.from_bgr(images.numpy_image)
        segment = Segment(model=model, device=device)
        keep_loaded(segment.sam)  # for the next image
        asked = sp.Prompts.empty()
        if rows:
            asked = sp.Prompts.from_points([[row[:2] for row in rows]], [[row[2] for row in rows]], labels=[FOREGROUND])
        return {"predictions": _detections(segment(image, prompts=asked).best(), images)}


class TextMasksBlock(_block.WorkflowBlock):  # type: ignore[name-defined, misc]
    """All that words name, on each image of a workflow."""

    @classmethod
    def get_manifest(cls) -> type[Any]:
        """What it takes."""
        return TextMasksManifest

    def run(self, images: Any, class_names: Any, model: str = "nano", device: str = "auto") -> dict[str, Any]:
        """One image; the class ids number the words."""
        words = class_names if isinstance(class_names, str) else ", ".join(class_names)
        found = graph_of_words(words, model, device).run(image=sp.Image.from_bgr(images.numpy_image)).masks.best()
        numbers = {name: number for number, name in enumerate(sp.Text.of(words).phrases)}
        ids = np.array([numbers.get(name, -1) for name in found.prompts.labels or ()], np.int64)
        return {"predictions": _detections(found.with_prompts(found.prompts.replace(class_ids=ids)), images)}


def _point(given: Any) -> tuple[float, float, int]:
    """x, y and 1 or 0 of what Roboflow's kind ``labeled_points`` may hold.

    Raises:
        DataError: something else.
    """
    if isinstance(given, dict):
        given = [given.get(name, True) for name in ("x", "y", "positive")]
    row = given if isinstance(given, (list, tuple)) else []
    numbers = [one for one in row[:2] if isinstance(one, (int, float)) and not isinstance(one, bool)]
    if len(row) not in (2, 3) or len(numbers) != 2:
        raise sp.DataError(
            f'points: got {given!r}, wanted {{"x": 320, "y": 240, "positive": true}} or [x, y, positive]'
        )
    return float(numbers[0]), float(numbers[1]), int(row[2]) if len(row) == 3 else 1


def _detections(masks: sp.Masks, image: Any) -> Any:
    """``supervision.Detections`` with all that the workflows' other blocks expect; objects without a pixel left out."""
    masks = masks.select(np.flatnonzero(masks.area()))
    if not len(masks):
        return _utils.empty_detections_with_image_metadata(image)
    found = masks.to_supervision()
    names = masks.prompts.labels or ("",) * len(masks)
    if masks.prompts.class_ids is None:
        found.class_id = np.full(len(masks), -1)
    found.data = {
        "class_name": np.array(names),
        "detection_id": np.array([str(uuid.uuid4()) for _ in names]),
        "image_dimensions": np.array([masks.hw] * len(names)),
        "prediction_type": np.array(["instance-segmentation"] * len(names)),
    }
    return _utils.attach_parents_coordinates_to_sv_detections(found, image)
