"""Out of sampipe, into transformers: words in, masks out, as one of its own pipelines.

Importing this module imports transformers; :func:`sampipe_integrations.transformers.register_pipelines` does it
when asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from transformers import ZeroShotObjectDetectionPipeline
from transformers.image_utils import load_image

import sampipe as sp
from sampipe.nodes.segment.add_masks import segment_boxes

TASK = "zero-shot-image-segmentation"


class ZeroShotImageSegmentationPipeline(ZeroShotObjectDetectionPipeline):
    """transformers' zero-shot object detection, each find with its mask.

    ``pipeline("zero-shot-image-segmentation", model="google/owlv2-base-patch16-ensemble", sam="vit_b")``: ``sam`` is
    what gives the masks ("nano", "vit_b", ..., or a checkpoint file), ``sam_device`` where it runs; all else is
    as in the pipeline for ``zero-shot-object-detection``.
    """

    def __init__(self, *, sam: str = "nano", sam_device: str = "auto", **options: Any) -> None:
        self.sam = sam
        self.sam_device = sam_device
        super().__init__(**options)

    def __call__(self, image: Any, candidate_labels: Any = None, **options: Any) -> Any:  # type: ignore[override]
        """What the words name in an image, or in each of a list of images.

        Args:
            image: a path, an address, a Pillow image, or a list of them.
            candidate_labels: words, or words joined by commas.
            options: ``threshold``, ``top_k``, ``timeout``.

        Returns:
            For each image a list of ``{"score", "label", "box", "mask"}``, best first; ``mask`` is a Pillow image
            of mode L, 255 inside, as in the image segmentation pipeline.
        """
        several = isinstance(image, Sequence) and not isinstance(image, str)
        pictures = [load_image(one, timeout=options.get("timeout")) for one in (image if several else [image])]
        images: Any = pictures
        answers = super().__call__(images, candidate_labels=candidate_labels, **options)
        with_masks = [self._with_masks(one, found) for one, found in zip(pictures, answers, strict=True)]
        return with_masks if several else with_masks[0]

    def _with_masks(self, picture: Any, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        from PIL import Image as Pillow

        corners = [[one["box"][side] for side in ("xmin", "ymin", "xmax", "ymax")] for one in found]
        boxes = np.array(corners, np.float32).reshape(-1, 4)
        rles = segment_boxes(sp.Image.from_pil(picture), boxes, model=self.sam, device=self.sam_device)
        masks = [Pillow.fromarray(rle.decode().astype(np.uint8) * 255) for rle in rles]
        return [{**one, "mask": mask} for one, mask in zip(found, masks, strict=True)]
