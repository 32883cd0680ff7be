"""The interactive objective: what it returns, and that following it teaches."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
import torch

from sampipe.models.sam import Sam
from sampipe.train.data import Batch, CropConfig, ExampleStream, collate
from sampipe.train.losses import MaskLoss
from sampipe.train.objective import batch_loss

CROP = CropConfig(size=64, native_size=64, zoom=(1.0, 1.0), compose=0.0, masks=2, min_area=16)
SOON = MaskLoss(focal_weight=0.8, focal_gamma=0.0, focal_alpha=0.5)


@pytest.fixture
def batch(shapes_folder: Path) -> Batch:
    return collate(list(islice(ExampleStream([(shapes_folder, 1.0)], CROP), 4)))


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_every_part_of_the_network_is_taught(tiny_network: Sam, batch: Batch, rounds: int) -> None:
    figures = batch_loss(tiny_network, batch, rounds=rounds, mask_loss=MaskLoss())
    figures["loss"].backward()
    parts = ("image_encoder", "prompt_encoder", "mask_decoder")
    for part in parts:
        total = sum(p.grad.abs().sum() for p in getattr(tiny_network, part).parameters() if p.grad is not None)
        assert torch.isfinite(torch.as_tensor(total)) and total > 0
    assert 0 <= figures["iou_first"] <= 1 and 0 <= figures["iou_last"] <= 1


def test_a_few_steps_fit_a_few_shapes(tiny_network: Sam, batch: Batch) -> None:
    optimizer = torch.optim.AdamW(tiny_network.train().parameters(), lr=4e-3)
    generator = torch.Generator().manual_seed(0)
    reached = []
    for _ in range(60):
        figures = batch_loss(tiny_network, batch, rounds=2, mask_loss=SOON, generator=generator)
        optimizer.zero_grad()
        figures["loss"].backward()
        torch.nn.utils.clip_grad_norm_(tiny_network.parameters(), 1.0)
        optimizer.step()
        reached.append(figures["iou_last"].item())
    assert max(reached[:5]) < 0.6 and sum(reached[-5:]) / 5 > 0.85
