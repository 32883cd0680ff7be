"""The nodes: ComfyUI's tensors in, masks out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import numpy as np

import sampipe as sp
from sampipe.graph.registry import detector
from sampipe.nodes import Segment, SegmentEverything
from sampipe_integrations._words import graph_of_words

SegmentT = TypeVar("SegmentT", Segment, SegmentEverything)
_MODEL = ("STRING", {"default": "nano", "tooltip": "a name of `sampipe models`, or a checkpoint file"})
_DEVICE = ("STRING", {"default": "auto"})
_JOIN = ("BOOLEAN", {"default": False, "tooltip": "one mask for all objects of an image, in place of one an object"})


class _MaskNode:
    """Common to all: a category, and masks as the first thing that comes out."""

    CATEGORY: ClassVar[str] = "sampipe"
    FUNCTION: ClassVar[str] = "run"
    RETURN_TYPES: ClassVar[tuple[str, ...]] = ("MASK",)
    RETURN_NAMES: ClassVar[tuple[str, ...]] = ("masks",)
    ASKED: ClassVar[tuple[str, str, dict[str, Any]]]

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """What ComfyUI shows: an image, what is asked (its name, type and options), the model."""
        name, kind, options = cls.ASKED
        required = {"image": ("IMAGE",), name: (kind, options), "model": _MODEL, "device": _DEVICE, "join": _JOIN}
        return {"required": required}


class _NamedMaskNode(_MaskNode):
    """Masks, and what each of them is."""

    RETURN_TYPES = ("MASK", "STRING")
    RETURN_NAMES = ("masks", "labels")


class SegmentBoxes(_MaskNode):
    """A mask for each of the boxes, on every image of the batch."""

    DESCRIPTION = "A mask for each box. One box a line: x0, y0, x1, y1 in pixels."
    ASKED = ("boxes", "STRING", {"multiline": True, "default": "", "tooltip": "one box a line: x0, y0, x1, y1"})

    def run(self, image: Any, boxes: str, model: str, device: str, join: bool = False) -> tuple[Any]:
        """Masks (n, h, w), image after image."""
        prompts = sp.Prompts.from_boxes(_numbers(boxes, 4, "x0, y0, x1, y1, one box a line"))
        segment = _kept(Segment(model=model, device=device))
        return (_masks(image, lambda one: segment(one, prompts=prompts), join),)


class SegmentPoints(_MaskNode):
    """A mask of what all the points together point at, on every image of the batch."""

    DESCRIPTION = "One object by points. One point a line: x, y in pixels; a minus sign before it: not here."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """What ComfyUI shows."""
        tip = "one point a line: x, y; or - x, y: not here"
        points = ("STRING", {"multiline": True, "default": "", "tooltip": tip})
        return {"required": {"image": ("IMAGE",), "points": points, "model": _MODEL, "device": _DEVICE}}

    def run(self, image: Any, points: str, model: str, device: str) -> tuple[Any]:
        """One mask an image, (b, h, w)."""
        lines = [line.strip() for line in points.replace(";", "\n").splitlines() if line.strip()]
        labels = [0 if line.startswith("-") else 1 for line in lines]
        xy = _numbers("\n".join(line.lstrip("-+ ") for line in lines), 2, "x, y, one point a line")
        prompts = sp.Prompts.from_points([xy], [labels]) if xy else sp.Prompts.empty()
        segment = _kept(Segment(model=model, device=device))
        return (_masks(image, lambda one: segment(one, prompts=prompts).best()),)


class SegmentDetections(_NamedMaskNode):
    """A mask for all that a detector finds, and what it is."""

    DESCRIPTION = "A mask for all that a detector finds; the names come along, one a line."
    _TIP = "face, yolox_nano, torchvision, ultralytics:yolo11n.pt: as in sampipe segment --detector"
    ASKED = ("detector", "STRING", {"default": "face", "tooltip": _TIP})

    def run(self, image: Any, detector: str, model: str, device: str, join: bool = False) -> tuple[Any, str]:
        """Masks (n, h, w), image after image, and n names."""
        find: Any = _detector(detector)
        segment = _kept(Segment(model=model, device=device))
        return _named(image, lambda one: segment(one, prompts=find(one)), join)


class SegmentTextNode(_NamedMaskNode):
    """A mask for all that words name, and which word it was."""

    DESCRIPTION = "A mask for all that words name; sam3 reads any, nano a vocabulary of its own. The names come along."
    ASKED = ("text", "STRING", {"default": "a person", "tooltip": "phrases with commas between them"})

    def run(self, image: Any, text: str, model: str, device: str, join: bool = False) -> tuple[Any, str]:
        """Masks (n, h, w), image after image, and n names."""
        graph = graph_of_words(text, model, device)
        return _named(image, lambda one: graph.run(image=one).masks.best(), join)


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
        everything = SegmentEverything(model=model, device=device, points_per_side=points_per_side)
        return (_masks(image, _kept(everything)),)


def _kept(node: SegmentT) -> SegmentT:
    """The node, its model held for the next prompt that is queued."""
    from sampipe.models import keep_loaded

    keep_loaded(node.sam)
    return node


@functools.lru_cache(maxsize=2)
def _detector(name: str) -> sp.Node:
    """The detector, held with its model for the next prompt that is queued."""
    return detector(name)


class CombineMasks(_MaskNode):
    """Two batches of masks as one, or what the second takes away from the first."""

    DESCRIPTION = "Both batches of masks in a row, their union, their intersection, or the first without the second."
    _WAYS: ClassVar[tuple[str, ...]] = ("append", "union", "intersection", "difference")

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        """What ComfyUI shows."""
        return {"required": {"masks": ("MASK",), "others": ("MASK",), "how": (list(cls._WAYS), {"default": "append"})}}

    def run(self, masks: Any, others: Any, how: str) -> tuple[Any]:
        """``append`` gives (n + m, h, w), the other ways (1, h, w)."""
        import torch

        if masks.shape[1:] != others.shape[1:]:
            raise sp.DataError(
                f"masks of {tuple(masks.shape[1:])} and others of {tuple(others.shape[1:])} pixels (height, width); "
                "wanted masks of images of one size"
            )
        if how == "append":
            return (torch.cat([masks, others]),)
        one, other = (batch.amax(dim=0, keepdim=True) for batch in (masks, others))
        if how == "union":
            return (torch.maximum(one, other),)
        return (torch.minimum(one, other if how == "intersection" else 1 - other),)


def _named(batch: Any, segment: Callable[[sp.Image], sp.Masks], join: bool) -> tuple[Any, str]:
    """Those of :func:`_masks`, and all their names, one a line."""
    labels: list[str] = []

    def answer(one: sp.Image) -> sp.Masks:
        masks = segment(one)
        labels.extend(masks.prompts.labels or ("",) * len(masks))
        return masks

    return _masks(batch, answer, join), "\n".join(labels)


def _masks(batch: Any, segment: Callable[[sp.Image], sp.Masks], join: bool = False) -> Any:
    """All masks of a batch (b, h, w, 3), float (n, h, w); one that is empty where nothing was found at all.

    With ``join`` one mask an image, (b, h, w).
    """
    import torch

    pixels = (batch[..., :3].clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()
    found = [segment(sp.Image.from_array(one)).binary() for one in pixels]
    if join:
        found = [np.atleast_3d(one.any(axis=0, keepdims=True)) for one in found]
    masks = np.concatenate(found) if found else np.zeros((0, *pixels.shape[1:3]), bool)
    if not len(masks):  # ComfyUI's own nodes do not take a batch of no masks
        masks = np.zeros((1, *pixels.shape[1:3]), bool)
    return torch.from_numpy(masks.astype(np.float32))


def _numbers(text: str, count: int, wanted: str) -> list[list[float]]:
    """Lines of ``count`` numbers.

    Raises:
        DataError: a line that is not.
    """
    rows = []
    for line in filter(str.strip, text.replace(";", "\n").splitlines()):
        try:
            row = [float(word) for word in line.replace(",", " ").split()]
        except ValueError:
            row = []
        if len(row) != count:
            raise sp.DataError(f"{line.strip()!r}: wanted {wanted}")
        rows.append(row)
    return rows
