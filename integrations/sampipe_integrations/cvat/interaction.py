"""An interaction function for CVAT's SDK: the mask of what somebody clicks at or boxes."""

from __future__ import annotations

from typing import Any

import cvat_sdk.auto_annotation as cvataa
from cvat_sdk import models
from cvat_sdk.masks import encode_mask

import sampipe as sp
from sampipe.nodes import Segment


class ClickMasks:
    """What an agent of CVAT calls for each click; the image is encoded once.

    Args:
        model: any name of ``sampipe models``, a file or a folder.
        device: "auto", "cpu", "cuda", ...
    """

    def __init__(self, model: str = "nano", device: str = "auto") -> None:
        self._segment = Segment(model=model, device=device)

    @property
    def spec(self) -> Any:
        """Clicks on the object and beside it, and a box, in any mixture."""
        return cvataa.InteractionFunctionSpec(min_pos_points=0, min_neg_points=0, min_bounding_boxes=0)

    def preprocess_image(self, context: Any, image: Any) -> sp.Image:
        """The image as sampipe's own value; embeddings are kept by its content."""
        return sp.Image.from_pil(image)

    def detect(self, context: Any, pp_image: sp.Image, prompts: Any) -> list[Any]:
        """One mask with its predicted IoU as confidence; nothing where nothing was asked."""
        box = prompts.bounding_box
        on, off = list(prompts.pos_points), list(prompts.neg_points)
        if box is None and not on:
            return []
        corners = None if box is None else [*box[0], *box[1]]
        masks = self._segment(pp_image, prompts=sp.Prompts.object(corners, on, off)).best()
        return [
            cvataa.InteractionResultShape(
                type="mask",
                points=encode_mask(rle.decode()),
                attributes=[
                    models.AttributeValRequest(
                        spec_id=int(cvataa.InteractionResultAttributes.CONFIDENCE), value=f"{_share(iou):.3f}"
                    )
                ],
            )
            for rle, iou in zip(masks.rle(), masks.iou_scores[:, 0], strict=True)
            if rle.area
        ]


def _share(iou: float) -> float:
    """Predicted IoU may leave 0 to 1 by a little."""
    return min(max(float(iou), 0.0), 1.0)


create = ClickMasks
