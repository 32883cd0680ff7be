"""How much what lies around a mask looks like what lies in it: a patch cut out of a wall looks like the wall."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from sampipe.types import ImageEmbedding, Masks
from sampipe.types._arrays import FloatArray

if TYPE_CHECKING:
    import torch

_RING = 3  # cells of the masks' logits that a mask's surroundings are wide
_AT_ONCE = 64  # masks


def likeness(masks: Masks, embedding: ImageEmbedding) -> FloatArray:
    """The cosine of the mean feature inside each mask and in a ring around it, on the finest map of the embedding.

    Args:
        masks: n of one candidate, as logits of this embedding.
        embedding: of the image.

    Returns:
        (n,) from -1 to 1; 0 for a mask that is empty or has nothing around it.
    """
    from torch.nn import functional

    logits = cast("torch.Tensor", masks.logits)[:, 0].cpu()
    height, width = embedding.frame.content_hw(int(logits.shape[-1]))
    finest = embedding.fine[-1] if embedding.fine else embedding.features
    cells = functional.interpolate(finest.float().cpu()[None], size=logits.shape[-2:], mode="bilinear")[0]
    cells = functional.normalize(cells[:, :height, :width].flatten(1), dim=0)
    found = [np.zeros(0, np.float32)]
    for some in logits.split(_AT_ONCE):
        inside = (some[:, None, :height, :width] > masks.threshold).float()
        around = functional.max_pool2d(inside, 2 * _RING + 1, 1, _RING) - inside
        means = (part.flatten(1) @ cells.T for part in (inside, around))
        found.append(functional.cosine_similarity(*means).numpy())
    return np.concatenate(found)
