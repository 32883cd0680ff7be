"""Detectors and segmenters from transformers. Extra: ``sampipe[transformers]``.

The other way round, ``MaskGenerator`` stands where its mask generation pipeline stands, and
``register_pipelines`` adds ``zero-shot-image-segmentation`` to its tasks.
"""

from __future__ import annotations

from typing import Any

from sampipe_integrations.transformers.detector import TransformersDetector
from sampipe_integrations.transformers.generation import MaskGenerator
from sampipe_integrations.transformers.grounding_dino import GroundingDino
from sampipe_integrations.transformers.owl import Owl

__all__ = [
    "GroundingDino",
    "MaskGenerator",
    "Owl",
    "TransformersDetector",
    "detector",
    "grounding_dino",
    "owlv2",
    "register_pipelines",
]


def detector(argument: str | None = None, **params: Any) -> TransformersDetector:
    """``--detector transformers`` or ``transformers:MODEL``, a name on the hub or a folder."""
    return TransformersDetector(model=argument, **params) if argument else TransformersDetector(**params)


def grounding_dino(argument: str | None = None, **params: Any) -> GroundingDino:
    """``--detector grounding_dino`` or ``grounding_dino:MODEL``, with ``--text``."""
    return GroundingDino(model=argument, **params) if argument else GroundingDino(**params)


def owlv2(argument: str | None = None, **params: Any) -> Owl:
    """``--detector owlv2`` or ``owlv2:MODEL``, with ``--text``."""
    return Owl(model=argument, **params) if argument else Owl(**params)


def register_pipelines() -> None:
    """Add ``zero-shot-image-segmentation`` to the tasks of ``transformers.pipeline``.

    Raises:
        MissingDependencyError: transformers is not installed.
    """
    from sampipe._optional import require

    require("transformers", "transformers")
    from transformers import AutoModelForZeroShotObjectDetection
    from transformers.pipelines import PIPELINE_REGISTRY

    from sampipe_integrations.transformers.zero_shot import TASK, ZeroShotImageSegmentationPipeline

    if TASK not in PIPELINE_REGISTRY.supported_tasks:
        PIPELINE_REGISTRY.register_pipeline(
            TASK,
            pipeline_class=ZeroShotImageSegmentationPipeline,
            pt_model=AutoModelForZeroShotObjectDetection,
            type="multimodal",
        )
