"""Blocks of the image encoder changed in place are the plain blocks."""

from __future__ import annotations

import pytest
import torch
from random_sam import SMALL_VIT, random_sam

from sampipe.models import cpu
from sampipe.models.cpu.in_place import change
from sampipe.models.encoders.vit import ImageEncoderViT

ENCODER = random_sam(SMALL_VIT).image_encoder
assert isinstance(ENCODER, ImageEncoderViT)


@pytest.mark.parametrize("index", [0, 1], ids=["windows", "whole image"])
def test_a_block(index: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sampipe.models.cpu.in_place._TOKENS", 96)  # several parts, the last one smaller
    monkeypatch.setattr("sampipe.models.cpu.in_place._SCORES", 3 * 20**3)
    x = torch.randn(2, 20, 20, 48)
    with torch.no_grad():
        plain = ENCODER.blocks[index](x)
    with torch.inference_mode():
        ours = x.clone()
        change(ENCODER.blocks[index], ours)
    assert (ours - plain).abs().max() < 1e-5 * plain.abs().max()


def test_the_encoder_chooses_and_leaves_its_input() -> None:
    pixels = torch.randn(1, 3, 320, 320)
    kept = pixels.clone()
    with torch.no_grad():
        plain = ENCODER(pixels)
    with torch.inference_mode():
        ours = ENCODER(pixels)
    assert (ours - plain).abs().max() < 1e-5 * plain.abs().max()
    assert not torch.equal(ours, plain), "the two take different ways"
    assert torch.equal(pixels, kept)


def test_only_where_nobody_differentiates() -> None:
    x = torch.zeros(1, 20, 20, 48)
    assert cpu.vit_blocks([], x) is None
    with torch.inference_mode():
        assert cpu.vit_blocks([], x) is not None
        assert cpu.vit_blocks([], x.bfloat16()) is None
        with torch.autocast("cpu", torch.bfloat16):
            assert cpu.vit_blocks([], x) is None
