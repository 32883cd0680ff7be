"""Joining masks of one image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sampipe.errors import DataError
from sampipe.types.masks import Masks
from sampipe.types.prompts import Prompts


def concat(parts: Sequence[Masks]) -> Masks:
    """All objects in order; see :meth:`Masks.concat`."""
    if not parts:
        raise DataError("concat: got no masks, wanted at least one part; Masks.empty(hw) makes an empty one")
    sizes = sorted({part.hw for part in parts})
    if len(sizes) > 1:
        raise DataError(f"concat: masks of different images: {sizes[0]} and {sizes[1]} (height, width)")
    prompts = Prompts.concat([part.prompts for part in parts])
    filled = [part for part in parts if len(part)]
    if not filled:
        return parts[0].with_prompts(prompts)
    widths = sorted({part.num_candidates for part in filled})
    if len(widths) > 1:
        raise DataError(f"concat: {widths[0]} and {widths[1]} candidates per object; take best() of each part first")
    return Masks(
        frame=filled[0].frame,
        prompts=prompts,
        iou_scores=np.concatenate([part.iou_scores for part in filled]),
        stability=_stability(filled),
        candidates=np.concatenate([part.candidates for part in filled]),
        history=tuple(steps for part in filled for steps in part.history),
        threshold=filled[0].threshold,
        **_contents(filled),
    )


def _contents(parts: Sequence[Masks]) -> dict[str, Any]:
    logits = [part.logits for part in parts if part.logits is not None]
    shared = {(part.frame, part.threshold) for part in parts}
    if len(logits) == len(parts) and len(shared) == 1 and len({tensor.shape[-1] for tensor in logits}) == 1:
        import torch

        return {"logits": torch.cat([tensor.to(logits[0].device) for tensor in logits])}
    return {"rles": tuple(row for part in parts for row in part.all_rles())}


def _stability(parts: Sequence[Masks]) -> Any:
    known = [part.stability for part in parts]
    if all(values is None for values in known):
        return None
    return np.concatenate(
        [np.full(part.iou_scores.shape, np.nan) if part.stability is None else part.stability for part in parts]
    )
