"""The block: any detection predictions become instance segmentation predictions."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import ConfigDict, Field

import sampipe as sp
from sampipe_integrations.roboflow._names import workflows

_base = workflows("execution_engine.entities.base")
_types = workflows("execution_engine.entities.types")
_block = workflows("prototypes.block")

_DETECTIONS = [
    _types.OBJECT_DETECTION_PREDICTION_KIND,
    _types.INSTANCE_SEGMENTATION_PREDICTION_KIND,
    _types.KEYPOINT_DETECTION_PREDICTION_KIND,
]
IMAGE: Any = _types.Selector(kind=[_types.IMAGE_KIND])
PREDICTIONS: Any = _types.Selector(kind=_DETECTIONS)
TEXT: Any = str | _types.Selector(kind=[_types.STRING_KIND])


class AddMasksManifest(_block.WorkflowBlockManifest):  # type: ignore[name-defined, misc]
    """What the block takes, as the workflow editor shows it."""

    model_config = ConfigDict(
        json_schema_extra={
            "name": "sampipe: Add Masks",
            "version": "v1",
            "short_description": "A mask for every detected box, by Segment Anything.",
            "long_description": (
                "Gives every box of a detection model its mask, by sampipe's Segment Anything. Classes, confidences, "
                "trackers and all else that the detections carry stay as they are."
            ),
            "license": "Apache-2.0",
            "block_type": "model",
        }
    )
    type: Literal["sampipe/add_masks@v1"]
    images: IMAGE = Field(description="The image that the detections are of.", examples=["$inputs.image"])
    predictions: PREDICTIONS = Field(description="Boxes of any detection model.", examples=["$steps.model.predictions"])
    model: TEXT = Field(
        default="nano",
        description="nano (embedded), vit_b, vit_l, vit_h, mobile_sam, or a checkpoint file.",
        examples=["vit_b", "$inputs.sam"],
    )
    device: TEXT = Field(default="auto", description="auto, cpu, cuda, cuda:1, mps.", examples=["cuda"])

    @classmethod
    def describe_outputs(cls) -> list[Any]:
        """One output: instance segmentation predictions."""
        kinds = [_types.INSTANCE_SEGMENTATION_PREDICTION_KIND]
        return [_base.OutputDefinition(name="predictions", kind=kinds)]

    @classmethod
    def get_execution_engine_compatibility(cls) -> str | None:
        """The versions of their engine that this was written for."""
        return ">=1.3.0,<2.0.0"


class AddMasksBlock(_block.WorkflowBlock):  # type: ignore[name-defined, misc]
    """Runs ``sampipe.add_masks`` on each image of a workflow."""

    @classmethod
    def get_manifest(cls) -> type[Any]:
        """What it takes."""
        return AddMasksManifest

    def run(self, images: Any, predictions: Any, model: str = "nano", device: str = "auto") -> dict[str, Any]:
        """One image (BGR, as the workflows hold it) and its detections."""
        found = sp.add_masks(images.numpy_image, predictions, model=model, device=device)
        found.data = {**found.data, "prediction_type": np.array(["instance-segmentation"] * len(found))}
        return {"predictions": found}
