"""One training step's loss: an image is encoded once and clicked on for several rounds.

(Paper, appendix A "Training algorithm".) The first prompt is a point or a box with equal chance; every later round
adds one point in the error region and the logits so far; of more than three rounds a random one and the last add no
point at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sampipe.models.prompt_encoder import PromptTensors
from sampipe.models.sam import AMBIGUOUS_MASKS, SINGLE_MASK, Sam
from sampipe.train.data import Batch
from sampipe.train.interaction import correction_points, first_points, mask_boxes, noisy_boxes
from sampipe.train.losses import MaskLoss, affinity_loss, interactive_loss


@dataclass
class _Clicks:
    """What has been said of each object so far."""

    points: Tensor  # (n, k, 2)
    labels: Tensor  # (n, k)
    boxes: Tensor | None  # (n, 4)
    logits: Tensor | None = None  # (n, 1, m, m)

    def add(self, points: Tensor, labels: Tensor) -> None:
        self.points = torch.cat([self.points, points], dim=1)
        self.labels = torch.cat([self.labels, labels], dim=1)


def batch_loss(
    sam: Sam,
    batch: Batch,
    *,
    rounds: int,
    mask_loss: MaskLoss,
    affinity_weight: float = 0.0,
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """Mean loss over objects and rounds, and figures to log.

    Half the images of a batch start from boxes and half from points. A box is one prompt to the paper and unambiguous
    to those who use it, so its first round teaches the single mask as well as the three.

    Args:
        sam: the model, in training mode.
        batch: pictures and masks.
        rounds: how many times each object is prompted; the paper uses 11.
        mask_loss: proportions of focal and dice.
        affinity_weight: of the encoder's own loss (not in the paper).
        generator: of the simulated clicks.

    Returns:
        ``loss`` (scalar), and detached ``affinity``, ``iou_first`` and ``iou_last``: mean true IoU of the chosen mask
        in the first and in the last round.
    """
    features = sam.encode(sam.normalize(batch.pixels.float()))
    affinity = torch.zeros((), device=batch.masks.device)
    if affinity_weight:
        affinity = sum((affinity_loss(x, batch.masks, batch.owner) for x in features[:2]), affinity)
    from_box = batch.owner % 2 == 0
    scale = batch.pixels.shape[-1] / batch.masks.shape[-1]
    losses, first, last = [], [], []
    for start, with_box in ((from_box, True), (~from_box, False)):
        if not start.any():
            continue
        masks, owner = batch.masks[start], batch.owner[start]
        group = [value[owner] for value in features]
        found, ious = _interact(sam, group, masks, scale, with_box, rounds, mask_loss, generator)
        losses.append(found)
        first.append(ious[0])
        last.append(ious[-1])
    return {
        "loss": torch.cat(losses).mean() + affinity_weight * affinity,
        "affinity": affinity.detach(),
        "iou_first": torch.cat(first).mean(),
        "iou_last": torch.cat(last).mean(),
    }


def _interact(
    sam: Sam,
    features: list[Tensor],
    masks: Tensor,
    scale: float,
    with_box: bool,
    rounds: int,
    mask_loss: MaskLoss,
    generator: torch.Generator | None,
) -> tuple[Tensor, list[Tensor]]:
    """All rounds for n objects: the mean loss (n,), and the chosen mask's true IoU (n,) after each round."""
    truth = masks >= 0.5
    clicks = _first_prompt(truth, scale, with_box, generator)
    silent_rounds = set()
    if rounds > 3:  # shorter runs have no round to spare
        silent_rounds = {rounds - 1, int(torch.randint(1, rounds - 1, (), generator=generator))}
    total = torch.zeros(len(masks), device=masks.device)
    ious = []
    for turn in range(rounds):
        if turn and turn not in silent_rounds:
            assert clicks.logits is not None
            clicks.add(*correction_points(clicks.logits[:, 0] > 0, truth, scale, generator))
        logits, predicted = _answer(sam, features, clicks, outputs=_outputs(clicks), scale=scale)
        loss, true_ious = _loss_of_groups(logits, predicted, masks[:, None], _outputs(clicks), mask_loss)
        total = total + loss / rounds
        clicks.logits, iou = _go_on(logits.detach(), predicted.detach(), true_ious, _outputs(clicks))
        ious.append(iou)
    return total, ious


def _outputs(clicks: _Clicks) -> tuple[int, ...]:
    """The mask tokens that a round teaches."""
    if clicks.logits is not None:
        return SINGLE_MASK
    return AMBIGUOUS_MASKS if clicks.boxes is None else SINGLE_MASK + AMBIGUOUS_MASKS


def _first_prompt(masks: Tensor, scale: float, with_box: bool, generator: torch.Generator | None) -> _Clicks:
    points, labels = first_points(masks, scale, generator)
    if not with_box:
        return _Clicks(points=points, labels=labels, boxes=None)
    boxes = noisy_boxes(mask_boxes(masks) * scale, masks.shape[-1] * scale, generator)
    return _Clicks(points=points[:, :0], labels=labels[:, :0], boxes=boxes)


def _answer(
    sam: Sam, features: list[Tensor], clicks: _Clicks, *, outputs: tuple[int, ...], scale: float
) -> tuple[Tensor, Tensor]:
    """Logits (n, c, m, m) and predicted IoU (n, c), in float32."""
    grid = features[0].shape[-1]
    has_points = clicks.labels.shape[1] > 0
    prompts = PromptTensors(
        points=clicks.points if has_points else None,
        labels=clicks.labels if has_points else None,
        boxes=clicks.boxes,
        masks=clicks.logits,
        extent=int(grid * 4 * scale),
        count=len(clicks.labels),
    )
    tokens, dense = sam.prompt_encoder(prompts, grid=grid)
    logits, predicted = sam.decode(features, tokens, dense, outputs=outputs)
    return logits.float(), predicted.float()


def _loss_of_groups(
    logits: Tensor, predicted: Tensor, target: Tensor, outputs: tuple[int, ...], mask_loss: MaskLoss
) -> tuple[Tensor, Tensor]:
    """The single mask and the three ambiguous ones are taught apart: loss (n,), true IoUs (n, c)."""
    groups = [columns for columns in (_columns(outputs, SINGLE_MASK), _columns(outputs, AMBIGUOUS_MASKS)) if columns]
    taught = [interactive_loss(logits[:, c], predicted[:, c], target, mask_loss) for c in groups]
    loss = torch.stack([loss for loss, _ in taught]).mean(dim=0)
    return loss, torch.cat([ious for _, ious in taught], dim=1)


def _columns(outputs: tuple[int, ...], wanted: tuple[int, ...]) -> list[int]:
    return [column for column, output in enumerate(outputs) if output in wanted]


def _go_on(
    logits: Tensor, predicted: Tensor, true_ious: Tensor, outputs: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """The mask that is clicked on next: the single one, else the one with the highest predicted IoU."""
    rows = torch.arange(len(logits), device=logits.device)
    best = torch.zeros_like(rows) if SINGLE_MASK[0] in outputs else predicted.argmax(dim=1)
    return logits[rows, best][:, None], true_ious[rows, best]
