"""The fast paths of the decoder answer as the plain ones do."""

from __future__ import annotations

import pytest
import torch
from random_sam import SMALL_VIT, random_sam
from torch import Tensor

from sampipe.models import cpu
from sampipe.models.cpu import scratch
from sampipe.models.cpu.folded import SharedImage, two_way
from sampipe.models.cpu.upscaled import mask_logits

SAM = random_sam(SMALL_VIT)
DIM, GRID = SMALL_VIT.embed_dim, SMALL_VIT.grid


def close(ours: Tensor, plain: Tensor) -> bool:
    return bool((ours - plain).abs().max() < 1e-5 * plain.abs().max())


@pytest.mark.parametrize("images", [1, 3], ids=["one image for all", "one each"])
@torch.inference_mode()
def test_two_way(images: int) -> None:
    transformer = SAM.mask_decoder.transformer
    tokens, image, position = torch.randn(3, 7, DIM), torch.randn(images, 700, DIM), torch.randn(1, 700, DIM)
    kept = image.clone()
    for ours, plain in zip(
        two_way(transformer, tokens, image, position), transformer(tokens, image, position), strict=True
    ):
        assert close(ours, plain)
    assert torch.equal(image, kept), "the image belongs to the caller"


@torch.inference_mode()
def test_what_many_prompts_share_changes_nothing() -> None:
    transformer = SAM.mask_decoder.transformer
    tokens, image, position = torch.randn(3, 7, DIM), torch.randn(1, 700, DIM), torch.randn(1, 700, DIM)
    shared = SharedImage(transformer, image, position)
    for ours, plain in zip(
        two_way(transformer, tokens, image, position, shared), transformer(tokens, image, position), strict=True
    ):
        assert close(ours, plain)
    for part in (shared.keys, shared.values, shared.queries):
        kept = part.clone()
        part.add_(torch.randn_like(part))
        changed = two_way(transformer, tokens, image, position, shared)[1]
        assert not close(changed, plain), "each of the three is used"
        part.copy_(kept)


@torch.inference_mode()
def test_upscaling() -> None:
    decoder = SAM.mask_decoder
    cells, weights = torch.randn(2, 20 * 30, DIM), torch.randn(2, 3, DIM // 8)
    upscaled = decoder._upscale(cells.transpose(1, 2).unflatten(2, (20, 30)), ())
    plain = (weights @ upscaled.flatten(2)).unflatten(2, upscaled.shape[-2:])
    assert close(mask_logits(decoder.output_upscaling, cells, weights, (20, 30)), plain)


def test_answers_are_their_own() -> None:
    """Buffers are used again; what was handed out before does not change."""
    embedding, positions = torch.randn(1, DIM, GRID, GRID), torch.randn(GRID * GRID, DIM)
    with torch.inference_mode():
        first, _ = SAM.mask_decoder(embedding, positions, torch.randn(2, 2, DIM), outputs=(0,))
        kept = first.clone()
        SAM.mask_decoder(embedding, positions, torch.randn(2, 2, DIM), outputs=(0,))
    assert torch.equal(first, kept)


def test_only_where_it_is_less_work_and_nobody_differentiates() -> None:
    transformer, few = SAM.mask_decoder.transformer, torch.randn(1, 4, DIM)
    many = torch.randn(1, 5 + transformer.final_attn_token_to_image.k_proj.out_features, DIM)
    image, position = torch.randn(1, 9, DIM), torch.randn(1, 9, DIM)

    def answers(tokens: Tensor) -> bool:
        return cpu.two_way(transformer, tokens, image, position, None) is not None

    assert not answers(few)
    with torch.inference_mode():
        assert answers(few)
        assert not answers(many)
        assert not answers(few.half())
        with torch.autocast("cpu", torch.bfloat16):
            assert not answers(few)


def test_threads_do_not_share_buffers() -> None:
    from concurrent.futures import ThreadPoolExecutor

    embedding, positions = torch.randn(1, DIM, GRID, GRID), torch.randn(GRID * GRID, DIM)
    prompts = torch.randn(8, 2, 2, DIM)

    def decode(tokens: Tensor) -> Tensor:
        with torch.inference_mode():
            return SAM.mask_decoder(embedding, positions, tokens, outputs=(0,))[0]

    alone = [decode(tokens) for tokens in prompts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(decode, prompts))
    assert all(torch.equal(a, b) for a, b in zip(alone, together, strict=True))


def test_a_buffer_grows_and_stays() -> None:
    small = scratch.buffer("for this test", 2, 3)
    assert scratch.buffer("for this test", 3, 2).data_ptr() == small.data_ptr()
    assert scratch.buffer("for this test", 5, 5).shape == (5, 5)
