"""All rounds of one object's prompting: asked, answered, clicked on again (paper, appendix A "Training algorithm").

The first prompt is given; every later round adds one point in the error region and the unthresholded logits so far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from sampipe.models.prompt_encoder import PromptTensors
from sampipe.models.sam import AMBIGUOUS_MASKS, SINGLE_MASK, Sam
from sampipe.train.interaction import (
    InteractionConfig,
    correction_points,
    drawn_rounds,
    first_points,
    mask_boxes,
    noisy_boxes,
    silent_rounds,
)
from sampipe.train.losses import MaskLoss, interactive_loss, thresholded


@dataclass(frozen=True)
class Clicks:
    """What has been said of each of n objects so far, in input pixels."""

    points: Tensor  # (n, k, 2)
    labels: Tensor  # (n, k)
    boxes: Tensor | None  # (n, 4)
    logits: Tensor | None = None  # (n, 1, m, m)
    text: Tensor | None = None  # (n, d), l2-normalised CLIP vectors

    def with_point(self, points: Tensor, labels: Tensor) -> Clicks:
        """One more point an object."""
        more = torch.cat([self.points, points], dim=1), torch.cat([self.labels, labels], dim=1)
        return replace(self, points=more[0], labels=more[1])

    def with_logits(self, logits: Tensor) -> Clicks:
        """The latest answer."""
        return replace(self, logits=logits)


Answer = Callable[[Clicks, tuple[int, ...]], tuple[Tensor, Tensor]]
"""Clicks and mask tokens to logits (n, c, m, m) and predicted IoU (n, c), in float32."""


def first_clicks(
    masks: Tensor,
    scale: float,
    *,
    with_box: bool,
    config: InteractionConfig,
    generator: torch.Generator | None = None,
) -> Clicks:
    """A noisy box for each of the masks (n, m, m), or a foreground point."""
    truth = thresholded(masks)
    points, labels = first_points(truth, scale, generator)
    if not with_box:
        return Clicks(points, labels, None)
    boxes = noisy_boxes(mask_boxes(truth) * scale, masks.shape[-1] * scale, config, generator)
    return Clicks(points[:, :0], labels[:, :0], boxes)


def interact(
    answer: Answer,
    clicks: Clicks,
    masks: Tensor,
    *,
    scale: float,
    config: InteractionConfig,
    mask_loss: MaskLoss,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """All rounds for n objects.

    Args:
        answer: the model.
        clicks: the first prompt.
        masks: (n, m, m) covered shares.
        scale: input pixels per mask pixel.
        config: of the interaction.
        mask_loss: of each round.
        generator: of the simulated clicks.

    Returns:
        the mean loss over rounds (n,), and the true IoU (n,) of the mask that went on after each round.
    """
    truth = thresholded(masks)
    rounds = drawn_rounds(config, generator)
    silent = silent_rounds(rounds, generator)
    total = torch.zeros(len(masks), device=masks.device)
    ious = []
    for turn in range(rounds):
        if turn and turn not in silent:
            assert clicks.logits is not None
            answered = clicks.logits[:, 0] > 0
            clicks = clicks.with_point(*correction_points(answered, truth, scale, generator))
        outputs = _outputs(clicks, config)
        if config.recompute:
            logits, predicted = checkpoint(answer, clicks, outputs, use_reentrant=False)
        else:
            logits, predicted = answer(clicks, outputs)
        loss, true_ious = _taught(logits, predicted, masks[:, None], outputs, mask_loss)
        total = total + loss / rounds
        goes_on, iou = _go_on(logits.detach(), predicted.detach(), true_ious, outputs)
        clicks = clicks.with_logits(goes_on)
        ious.append(iou)
    return total, ious


def answer_of(sam: Sam, features: Sequence[Tensor], *, extent: int) -> Answer:
    """The model as asked about n objects, ``features`` being those of each object's image (n, ...)."""
    grid = features[0].shape[-1]

    def answer(clicks: Clicks, outputs: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        has_points = clicks.labels.shape[1] > 0
        prompts = PromptTensors(
            points=clicks.points if has_points else None,
            labels=clicks.labels if has_points else None,
            boxes=clicks.boxes,
            masks=clicks.logits,
            extent=extent,
            count=len(clicks.labels),
            text=clicks.text,
        )
        tokens, dense = sam.prompt_encoder(prompts, grid=grid)
        logits, predicted = sam.decode(features, tokens, dense, outputs=outputs)
        return logits.float(), predicted.float()

    return answer


def _outputs(clicks: Clicks, config: InteractionConfig) -> tuple[int, ...]:
    """The mask tokens that a round teaches: the single one when there is more than one prompt, logits included.

    A text names one thing, so it asks for the single mask, too.
    """
    if clicks.logits is not None or clicks.text is not None:
        return SINGLE_MASK
    both = config.single_from_box and clicks.boxes is not None
    return SINGLE_MASK + AMBIGUOUS_MASKS if both else AMBIGUOUS_MASKS


def _taught(
    logits: Tensor, predicted: Tensor, target: Tensor, outputs: tuple[int, ...], mask_loss: MaskLoss
) -> tuple[Tensor, Tensor]:
    """The single mask and the three ambiguous ones are taught apart: loss (n,), true IoUs (n, c)."""
    groups = [columns for columns in (_columns(outputs, SINGLE_MASK), _columns(outputs, AMBIGUOUS_MASKS)) if columns]
    taught = [interactive_loss(logits[:, c], predicted[:, c], target, mask_loss) for c in groups]
    loss = torch.stack([loss for loss, _ in taught]).mean(dim=0)
    return loss, torch.cat([ious for _, ious in taught], dim=1)


def _columns(outputs: tuple[int, ...], wanted: tuple[int, ...]) -> list[int]:
    return [column for column, output in enumerate(outputs) if output in wanted]


def _go_on(logits: Tensor, predicted: Tensor, true_ious: Tensor, outputs: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """The mask that is clicked on next: the single one, else the one with the highest predicted IoU."""
    rows = torch.arange(len(logits), device=logits.device)
    best = torch.zeros_like(rows) if SINGLE_MASK[0] in outputs else predicted.argmax(dim=1)
    return logits[rows, best][:, None], true_ious[rows, best]
