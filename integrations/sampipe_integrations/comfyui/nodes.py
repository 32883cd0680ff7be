"""The nodes: ComfyUI's tensors in, masks out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

import sampipe as sp
from sampipe.graph.registry import detector
from sampipe.nodes import Segment, SegmentEverything

_MODEL = ("STRING", {"default": "nano", "tooltip": "nano, vit_b, vit_l, vit_h, mobile_sam, or a checkpoint file"})
_DEVICE = ("STRING", {"default": "auto"})


class _MaskNode:
    """Common to all: a category, and masks as the first thing that comes out."""

    CATEGORY: ClassVar[str] = "sampipe"
    FUNCTION: ClassVar[str] = "run"
    RETURN_TYPES: ClassVar[tuple[str, ...]] = ("MASK",)
    RETURN_NAMES: ClassVar[tuple[str, ...]] = ("masks",)


class SegmentBoxes(_MaskNode):
    """A mask for each of the boxes, on every image of the batch."""

    DESCRIPTION = "A mask for each box. One box a line: x0, y0, x1, y1 in pixels."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """What ComfyUI shows."""
        boxes = ("STRING", {"multiline": True, "default": "", "tooltip": "one box a line: x0, y0, x1, y1"})
        return {"required": {"image": ("IMAGE",), "boxes": boxes, "model": _MODEL, "device": _DEVICE}}

    def run(self, image: Any, boxes: str, model: str, device: str) -> tuple[Any]:
        """Masks (n, h, w), image after image."""
        prompts = sp.Prompts.from_boxes(_numbers(boxes))
        segment = Segment(model=model, device=device)
        return (_masks(image, lambda picture: segment(picture, prompts=prompts)),)


class SegmentDetections(_MaskNode):
    """A mask for all that a detector finds, and what it is."""

    DESCRIPTION = "A mask for all that a detector finds; the names come along, one a line."
    RETURN_TYPES = ("MASK", "STRING")
    RETURN_NAMES = ("masks", "labels")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """What ComfyUI shows."""
        tooltip = "face, yolox_nano, torchvision, ultralytics:yolo11n.pt: as in sampipe segment --detector"
        name = ("STRING", {"default": "face", "tooltip": tooltip})
        return {"required": {"image": ("IMAGE",), "detector": name, "model": _MODEL, "device": _DEVICE}}

    def run(self, image: Any, detector: str, model: str, device: str) -> tuple[Any, str]:
        """Masks (n, h, w), image after image, and n names."""
        find: Any = _detector(detector)
        segment = Segment(model=model, device=device)
        labels: list[str] = []

        def answer(picture: sp.Image) -> sp.Masks:
            masks = segment(picture, prompts=find(picture))
            labels.extend(masks.prompts.labels or ("",) * len(masks))
            return masks

        return _masks(image, answer), "\n".join(labels)


class SegmentEverythingNode(_MaskNode):
    """All masks of every image of the batch."""

    DESCRIPTION = "All masks of an image, without a prompt."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """What ComfyUI shows."""
        points = ("INT", {"default": 32, "min": 1, "max": 256, "tooltip": "points along each side of the grid"})
        return {"required": {"image": ("IMAGE",), "model": _MODEL, "device": _DEVICE, "points_per_side": points}}

    def run(self, image: Any, model: str, device: str, points_per_side: int) -> tuple[Any]:
        """Masks (n, h, w), image after image, best first."""
        return (_masks(image, SegmentEverything(model=model, device=device, points_per_side=points_per_side)),)


def _detector(name: str) -> sp.Node:
    return detector(name)


def _masks(batch: Any, segment: Callable[[sp.Image], sp.Masks]) -> Any:
    """All masks of a batch (b, h, w, 3), float (n, h, w); one that is empty where nothing was found at all."""
    import torch

    pixels = (batch[..., :3].clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    found = [segment(sp.Image.from_array(one)).binary() for one in pixels]
    masks = np.concatenate(found) if found else np.zeros((0, *pixels.shape[1:3]), bool)
    if not len(masks):  # ComfyUI's own nodes do not take a batch of no masks
        masks = np.zeros((1, *pixels.shape[1:3]), bool)
    return torch.from_numpy(masks.astype(np.float32))


def _numbers(text: str) -> list[list[float]]:
    """Lines of four numbers.

    Raises:
        DataError: a line that is not.
    """
    boxes = []
    for line in filter(str.strip, text.replace(";", "\n").splitlines()):
        try:
            box = [float(word) for word in line.replace(",", " ").split()]
        except ValueError:
            box = []
        if len(box) != 4:
            raise sp.DataError(f"boxes: {line.strip()!r}; wanted x0, y0, x1, y1, one box a line")
        boxes.append(box)
    return boxes
