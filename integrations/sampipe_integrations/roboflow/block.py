"""The block of boxes, and what all blocks share: detections become instance segmentation predictions."""

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
    getattr(_types, name)
    for name in (
        "OBJECT_DETECTION_PREDICTION_KIND",
        "INSTANCE_SEGMENTATION_PREDICTION_KIND",
        "RLE_INSTANCE_SEGMENTATION_PREDICTION_KIND",  # not in older releases
        "KEYPOINT_DETECTION_PREDICTION_KIND",
    )
    if hasattr(_types, name)
]
IMAGE: Any = _types.Selector(kind=[_types.IMAGE_KIND])
PREDICTIONS: Any = _types.Selector(kind=_DETECTIONS)
TEXT: Any = str | _types.Selector(kind=[_types.STRING_KIND])


def described(name: str, short: str, long: str) -> ConfigDict:
    """How the workflow editor shows a block."""
    return ConfigDict(
        json_schema_extra={
            "name": f"sampipe: {name}",
            "version": "v1",
            "short_description": short,
            "long_description": long,
            "license": "Apache-2.0",
            "block_type": "model",
        }
    )


class SegmentManifest(_block.WorkflowBlockManifest):  # type: ignore[name-defined, misc]
    """What all blocks take, and give."""

    images: IMAGE = Field(description="The image to segment.", examples=["$inputs.image"])
    model: TEXT = Field(
        default="nano",
        description="A name of `sampipe models` (nano, vit_b, sam2.1_hiera_t, sam3), or a checkpoint file.",
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


class AddMasksManifest(SegmentManifest):
    """What the block of boxes takes, as the workflow editor shows it."""

    model_config = described(
        "Add Masks",
        "A mask for every detected box, by Segment Anything.",
        "Gives every box of a detection model its mask. Classes, confidences, trackers and all else that the "
        "detections carry stay as they are.",
    )
    type: Literal["sampipe/add_masks@v1"]
    predictions: PREDICTIONS = Field(description="Boxes of any detection model.", examples=["$steps.model.predictions"])


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
