"""What a detector's ONNX file takes and gives, told in a small YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

import sampipe as sp
from sampipe_integrations.onnx.coco80 import COCO80


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputDescription(_Strict):
    """How an image becomes the model's input, float32 (1, 3, height, width).

    Args:
        size: height and width; left out, they are read from the file, which must then fix them.
        resize: "letterbox" keeps the aspect and pads, "stretch" fills the input.
        place: where the image lies in a letterbox: "center" or "top_left".
        pad: the padding's value, 0 to 255.
        color: the order of the channels.
        scale: pixels are divided by this.
        mean, std: then this is subtracted, and the rest divided by that; one number or three.
    """

    size: tuple[int, int] | None = None
    resize: Literal["letterbox", "stretch"] = "letterbox"
    place: Literal["center", "top_left"] = "center"
    pad: int = Field(114, ge=0, le=255)
    color: Literal["rgb", "bgr"] = "rgb"
    scale: float = Field(255.0, gt=0)
    mean: float | tuple[float, float, float] = 0.0
    std: float | tuple[float, float, float] = 1.0


class HeadDescription(_Strict):
    """What the outputs mean.

    Args:
        kind: "yolo": one output of rows, a box and class scores each, many for one object; "detr": boxes and class
            scores apart, one row for one object.
        boxes: the numbers of a box, "cxcywh" or "xyxy".
        units: of boxes: "pixels" of the input, or "fractions" of it.
        scores: "probabilities"; "logits", which go through a sigmoid; or "softmax", where the last class is "no
            object".
        objectness: yolo: a row has an objectness after its box, which multiplies the scores.
        rows: yolo: which axis counts the rows: "first" for (1, n, 4 + classes), "last" for (1, 4 + classes, n).
        boxes_output, scores_output: detr: the outputs' names; left out, they are known by their shapes.
    """

    kind: Literal["yolo", "detr"]
    boxes: Literal["cxcywh", "xyxy"] = "cxcywh"
    units: Literal["pixels", "fractions"]
    scores: Literal["probabilities", "logits", "softmax"]
    objectness: bool = False
    rows: Literal["first", "last"] = "first"
    boxes_output: str | None = None
    scores_output: str | None = None

    @model_validator(mode="after")
    def _fits_the_kind(self) -> HeadDescription:
        if self.kind == "detr" and (self.objectness or self.rows != "first"):
            raise ValueError("objectness and rows belong to yolo heads")
        if self.kind == "yolo" and (self.boxes_output or self.scores_output):
            raise ValueError("boxes_output and scores_output belong to detr heads")
        return self


class DetectorDescription(_Strict):
    """A detector: its file, its classes, its input and its head."""

    file: str
    classes: tuple[str, ...]
    input: InputDescription = Field(default_factory=lambda: InputDescription.model_validate({}))
    head: HeadDescription

    @field_validator("classes", mode="before")
    @classmethod
    def _coco(cls, value: object) -> object:
        return COCO80 if value == "coco80" else value


def read_description(path: str) -> tuple[DetectorDescription, Path]:
    """The description in the file at ``path``, and where the ONNX file lies that it speaks of.

    Raises:
        SpecError: no such file, not YAML, or keys that are missing, unknown or of another kind.
    """
    file = Path(path)
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise sp.SpecError(f"{path}: cannot be read as a detector's description: {reason}") from error
    try:
        description = DetectorDescription.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in error.errors())
        raise sp.SpecError(
            f"{path}: not a detector's description: {problems}. Wanted file, classes, head and, where they differ "
            "from the usual, input; docs/integrations/onnx.md has examples."
        ) from error
    return description, file.parent / description.file
