"""The losses of the paper: 20 parts focal to 1 part dice on masks, squared error on the predicted IoU.

(Paper, appendix A "Losses" and "Training algorithm".) All take logits and targets (n, c, h, w) and return (n, c).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

IOU_WEIGHT = 1.0
_AFFINITY_SHARPNESS = 8.0


@dataclass(frozen=True, kw_only=True)
class MaskLoss:
    """Proportions of the mask loss; the defaults are the paper's.

    A model that starts from nothing, with little time, learns sooner from ``focal_weight=0.8, focal_gamma=0,
    focal_alpha=0.5`` (plain cross-entropy, small beside dice): with the paper's proportions its masks stay empty for
    hundreds of steps.
    """

    focal_weight: float = 20.0
    focal_gamma: float = 2.0
    focal_alpha: float = 0.25
    dice_weight: float = 1.0
    every_iou: bool = False  # teach the predicted IoU of all candidates; the paper's loss is that of the best alone

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """The mask loss (n, c) of logits and targets (n, c, h, w)."""
        focal = focal_loss(logits, target, gamma=self.focal_gamma, alpha=self.focal_alpha)
        return self.focal_weight * focal + self.dice_weight * dice_loss(logits, target)


def focal_loss(logits: Tensor, target: Tensor, *, gamma: float = 2.0, alpha: float = 0.25) -> Tensor:
    """Focal loss (Lin et al. 2017), mean over pixels; targets may be soft (area-averaged masks)."""
    cross_entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    weight = (1 - alpha) + (2 * alpha - 1) * target
    if gamma:
        weight = weight * (logits.sigmoid() - target).abs() ** gamma
    return (weight * cross_entropy).mean(dim=(-2, -1))


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """One minus the soft Dice coefficient (Milletari et al. 2016), smoothed by one pixel."""
    probability = logits.sigmoid()
    overlap = 2 * (probability * target).sum(dim=(-2, -1)) + 1
    return 1 - overlap / (probability.sum(dim=(-2, -1)) + target.sum(dim=(-2, -1)) + 1)


def thresholded(shares: Tensor) -> Tensor:
    """Covered shares (..., h, w) as masks; an object too thin to cover half of any cell keeps its best cells."""
    highest = shares.amax(dim=(-2, -1), keepdim=True)
    return (shares >= highest.clamp(max=0.5)) & (shares > 0)


def true_iou(logits: Tensor, target: Tensor) -> Tensor:
    """IoU of the thresholded logits with the thresholded target; two empty masks agree."""
    answer, truth = logits > 0, thresholded(target)
    intersection = (answer & truth).sum(dim=(-2, -1)).float()
    union = (answer | truth).sum(dim=(-2, -1)).float()
    return torch.where(union > 0, intersection / union.clamp(min=1), torch.ones_like(union))


def affinity_loss(embedding: Tensor, masks: Tensor, owner: Tensor) -> Tensor:
    """Teaches the encoder directly that an object's cells belong together: without it, a network that starts from
    nothing first learns to ignore its image.

    Each object's mean direction is compared with every cell (as prototypes in few-shot segmentation: PANet, Wang et
    al. 2019); the cosine, sharpened, should say where the object is.

    Args:
        embedding: (b, dim, h, w).
        masks: (n, m, m) covered shares.
        owner: (n,) the image of each mask.

    Returns:
        A scalar.
    """
    cells = F.normalize(embedding.float(), dim=1)[owner]
    covered = F.interpolate(masks[:, None], size=cells.shape[-2:], mode="area")
    prototype = F.normalize((cells * covered).sum(dim=(2, 3)), dim=1)
    logits = _AFFINITY_SHARPNESS * ((cells * prototype[:, :, None, None]).sum(dim=1, keepdim=True) - 0.5)
    return (F.binary_cross_entropy_with_logits(logits, covered) + dice_loss(logits, covered).mean()) / 2


def interactive_loss(logits: Tensor, iou: Tensor, target: Tensor, mask_loss: MaskLoss) -> tuple[Tensor, Tensor]:
    """The loss of each object over its candidates, of which only the best is taught.

    Args:
        logits: (n, c, h, w) candidates.
        iou: (n, c) predicted IoU.
        target: (n, 1, h, w) true masks.
        mask_loss: the proportions.

    Returns:
        (n,) the smallest sum of mask loss and squared error of the predicted IoU among the candidates (with
        ``every_iou``: the smallest mask loss and the mean squared error), and (n, c) the true IoUs.
    """
    target = target.expand_as(logits)
    masks = mask_loss(logits, target)
    truth = true_iou(logits.detach(), target)
    errors = IOU_WEIGHT * (iou - truth) ** 2
    if mask_loss.every_iou:
        return masks.min(dim=1).values + errors.mean(dim=1), truth
    return (masks + errors).min(dim=1).values, truth
