"""What the parity tests do not see: blocks of any size, gradients, inputs of the wrong size."""

from __future__ import annotations

import pytest
import torch
from random_sam import SMALL_REP_VIT, SMALL_TINY_VIT, SMALL_VIT, random_sam

from sampipe.errors import DataError
from sampipe.models.config import SamConfig
from sampipe.models.encoders import vit
from sampipe.models.encoders.vit import attend

CONFIGS = {"vit": SMALL_VIT, "tiny_vit": SMALL_TINY_VIT, "rep_vit": SMALL_REP_VIT}


def plain_attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, rel_pos_h: torch.Tensor, rel_pos_w: torch.Tensor
) -> torch.Tensor:
    """The definition, one pair of positions at a time."""
    n, side, _, width = q.shape
    out = torch.zeros_like(q)
    for i in range(side):
        for j in range(side):
            scores = torch.empty(n, side, side)
            for y in range(side):
                for x in range(side):
                    place = rel_pos_h[i - y + side - 1] + rel_pos_w[j - x + side - 1]
                    scores[:, y, x] = (q[:, i, j] * (k[:, y, x] / width**0.5 + place)).sum(-1)
            weights = scores.flatten(1).softmax(-1)
            out[:, i, j] = (weights[..., None] * v.flatten(1, 2)).sum(1)
    return out


@pytest.mark.parametrize("scores", [1, 5**3, 3 * 5**3, 5**4, 3 * 5**4, 1 << 20])
def test_attention_is_its_definition_whatever_the_block(monkeypatch: pytest.MonkeyPatch, scores: int) -> None:
    monkeypatch.setattr(vit, "_CPU_SCORES", scores)
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 4, 5, 5, 6, generator=generator)
    tables = torch.randn(2, 9, 6, generator=generator)
    torch.testing.assert_close(attend(q, k, v, *tables), plain_attention(q, k, v, *tables))


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_parameter_has_a_gradient(config: SamConfig) -> None:
    encoder = random_sam(config).image_encoder
    size = config.image_size
    encoder(torch.randn(1, 3, size, size)).square().mean().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_half_precision_by_autocast(config: SamConfig) -> None:
    encoder = random_sam(config).image_encoder
    pixels = torch.randn(1, 3, 320, 320, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        exact = encoder(pixels)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rough = encoder(pixels).float()
    assert (rough - exact).abs().mean() < 0.05 * exact.abs().mean()


@pytest.mark.parametrize("shape", [(1, 3, 320, 300), (1, 3, 1024, 1024), (1, 1, 320, 320), (3, 320, 320)])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_another_size_is_refused(config: SamConfig, shape: tuple[int, ...]) -> None:
    encoder = random_sam(config).image_encoder
    with pytest.raises(DataError, match=r"wanted \(b, 3, 320, 320\)"):
        encoder(torch.zeros(shape))
