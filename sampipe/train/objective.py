"""One training step's loss: an image is encoded once and clicked on for several rounds.

(Paper, appendix A "Training algorithm".) The first prompt is a point or a box with equal chance.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sampipe.models.sam import Sam
from sampipe.train.data import Batch
from sampipe.train.features import FeatureCache, Features
from sampipe.train.freeze import frozen_modules
from sampipe.train.interaction import InteractionConfig
from sampipe.train.losses import MaskLoss, affinity_loss
from sampipe.train.rounds import answer_of, first_clicks, interact


class InteractiveObjective(nn.Module):
    """Images and masks to a loss.

    Parts of the network without gradients (:func:`sampipe.train.freeze.freeze`) stay in evaluation mode, and a frozen
    encoder runs without recording anything.

    Args:
        sam: the network that is trained.
        interaction: how objects are prompted.
        mask_loss: proportions of focal and dice.
        affinity_weight: of the encoder's own loss (not in the paper).
        feature_bytes: what a frozen encoder's features may take in memory.
    """

    def __init__(
        self,
        sam: Sam,
        *,
        interaction: InteractionConfig,
        mask_loss: MaskLoss,
        affinity_weight: float = 0.0,
        feature_bytes: int = 0,
    ) -> None:
        super().__init__()
        self.network = sam
        self._interaction, self._mask_loss = interaction, mask_loss
        self._encoder_learns = any(p.requires_grad for p in sam.image_encoder.parameters())
        self._affinity_weight = affinity_weight if self._encoder_learns else 0.0
        self._cache = FeatureCache(0 if self._encoder_learns else feature_bytes)

    def train(self, mode: bool = True) -> InteractiveObjective:
        """Training mode, except for what is frozen."""
        super().train(mode)
        for module in frozen_modules(self.network):
            module.eval()
        return self

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """Mean loss over objects and rounds, and figures to log.

        Args:
            batch: images and masks, on the network's device.
            generator: of the simulated clicks, on that device.

        Returns:
            ``loss`` (scalar), and detached ``iou_first`` and ``iou_last``: mean true IoU of the mask that went on
            after the first and after the last round; ``affinity`` where that is taught.
        """
        features = self.features(batch)
        affinity = torch.zeros((), device=batch.masks.device)
        if self._affinity_weight:
            affinity = sum((affinity_loss(x, batch.masks, batch.owner) for x in features[:2]), affinity)
        chance = torch.rand(len(batch.masks), generator=generator, device=batch.masks.device)
        scale = batch.pixels.shape[-1] / batch.masks.shape[-1]
        losses, first, last = [], [], []
        for with_box in (True, False):
            chosen = (chance < 0.5) == with_box
            if not chosen.any():
                continue
            masks, owner = batch.masks[chosen], batch.owner[chosen]
            clicks = first_clicks(masks, scale, with_box=with_box, config=self._interaction, generator=generator)
            found, ious = interact(
                answer_of(self.network, [value[owner] for value in features], extent=batch.pixels.shape[-1]),
                clicks,
                masks,
                scale=scale,
                config=self._interaction,
                mask_loss=self._mask_loss,
                generator=generator,
            )
            losses.append(found)
            first.append(ious[0])
            last.append(ious[-1])
        figures = {
            "loss": torch.cat(losses).mean() + self._affinity_weight * affinity,
            "iou_first": torch.cat(first).mean(),
            "iou_last": torch.cat(last).mean(),
        }
        return figures | ({"affinity": affinity.detach()} if self._affinity_weight else {})

    def features(self, batch: Batch) -> Features:
        """Embedding and finer maps of each image; padding is zero after normalisation, as when a model is used."""
        inside = batch.inside()

        def encode(numbers: list[int]) -> Features:
            pixels = self.network.normalize(batch.pixels[numbers].float()) * inside[numbers]
            return self.network.encode(pixels)

        if self._encoder_learns:
            return encode(list(range(len(batch.pixels))))
        with torch.no_grad():
            return self._cache.get(batch.keys, encode, batch.pixels.device)
