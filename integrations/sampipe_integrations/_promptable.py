"""What the Segment Anything models of other packages share: prompts in groups that are prompted alike."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import sampipe as sp
from sampipe.models.segmenters import Segmenter

if TYPE_CHECKING:
    import torch

    from sampipe.models import Precision

_OBJECTS_AT_ONCE = 32


@dataclass(frozen=True)
class Group:
    """Objects that have the same number of points and that all have a box, or none.

    Args:
        rows: which objects of the prompts these are, (g,).
        points: (g, k, 2) in pixels of the image, or None.
        point_labels: (g, k) of 1 and 0, or None.
        boxes: (g, 4) or None.
        masks: (g, m, m) logits or None.
    """

    rows: NDArray[np.int64]
    points: NDArray[np.float32] | None
    point_labels: NDArray[np.int64] | None
    boxes: NDArray[np.float32] | None
    masks: NDArray[np.float32] | None


class GroupSegmenter(Segmenter):
    """A segmenter that answers one group at a time, all of its objects together.

    Args:
        name: what people call it.
        key: digest of the weights and of all else that its answers depend on.
        device: where its network is.
        precision: see :data:`sampipe.models.precision.Precision`; the network runs under autocast.
    """

    def __init__(self, *, name: str, key: str, device: torch.device, precision: Precision) -> None:
        from sampipe.models.precision import half_dtype

        self.name, self.key, self._device = name, key, device
        self._half = half_dtype(precision, device)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self._device

    @abstractmethod
    def answer(self, embedding: sp.ImageEmbedding, group: Group, multimask: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits (g, c, m, m) and predicted IoU (g, c); c is 3 with ``multimask``, else 1."""

    def decode_batch(
        self, embeddings: Sequence[sp.ImageEmbedding], prompts: Sequence[sp.Prompts], *, multimask: bool
    ) -> list[sp.Masks]:
        """Masks of each image's prompts; objects that are prompted alike go through the decoder together."""
        return [self._decode(*pair, multimask) for pair in zip(embeddings, prompts, strict=True)]

    def _decode(self, embedding: sp.ImageEmbedding, prompts: sp.Prompts, multimask: bool) -> sp.Masks:
        import torch

        self.check(embedding, prompts)
        prompts = prompts.sanitize(embedding.frame.original_hw)
        count, width, side = len(prompts), 3 if multimask else 1, self.mask_size
        logits, ious = torch.empty(count, width, side, side), np.empty((count, width), np.float32)
        with torch.inference_mode(), self._autocast():
            for group in _groups(prompts):
                found, quality = self.answer(embedding, group, multimask)
                logits[group.rows], ious[group.rows] = found.float().cpu(), quality.float().cpu().numpy()
        candidates = np.broadcast_to(np.arange(1, 4) if multimask else np.zeros(1, np.int64), (count, width))
        return sp.Masks(
            frame=embedding.frame, prompts=prompts, iou_scores=ious, logits=logits, candidates=candidates.copy()
        )

    def _autocast(self) -> AbstractContextManager[Any]:
        import torch

        return torch.autocast(self.device.type, dtype=self._half, enabled=self._half is not None)


def _groups(prompts: sp.Prompts) -> Iterator[Group]:
    """The objects in groups of a few that are prompted alike; no padding is left in the points."""
    labels = prompts.point_labels
    counts = np.zeros(len(prompts), np.int64) if labels is None else (labels >= 0).sum(axis=1)
    kinds = np.stack([counts, prompts.has_boxes, prompts.has_masks], axis=1).astype(np.int64)
    for kind_row in np.unique(kinds, axis=0):
        members = np.flatnonzero((kinds == kind_row).all(axis=1))
        for start in range(0, len(members), _OBJECTS_AT_ONCE):
            yield _group(prompts, members[start : start + _OBJECTS_AT_ONCE], *kind_row.tolist())


def _group(prompts: sp.Prompts, rows: NDArray[np.int64], count: int, has_box: int, has_mask: int) -> Group:
    points = point_labels = None
    if count:
        assert prompts.points is not None and prompts.point_labels is not None
        given = prompts.point_labels[rows]
        order = np.argsort(given < 0, axis=1, kind="stable")[:, :count]
        points = np.take_along_axis(prompts.points[rows], order[..., None], axis=1)
        point_labels = np.take_along_axis(given, order, axis=1).astype(np.int64)
    return Group(
        rows=rows,
        points=points,
        point_labels=point_labels,
        boxes=prompts.boxes[rows] if has_box and prompts.boxes is not None else None,
        masks=prompts.mask_logits[rows] if has_mask and prompts.mask_logits is not None else None,
    )
