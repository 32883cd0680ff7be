"""Learning rates that fall along the encoder, branches that are dropped, and the schedule."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from sampipe.models.config import SamConfig
from sampipe.models.encoders import EfficientNetLiteConfig, EncoderConfig, RepViTConfig, TinyViTConfig, ViTConfig
from sampipe.models.sam import Sam
from sampipe.train.config import OptimizerConfig
from sampipe.train.layers import add_drop_path, blocks, parameter_groups, rate_scales
from sampipe.train.schedule import MovingAverage, rate_factor

VIT = ViTConfig(embed_dim=16, depth=3, num_heads=2, global_blocks=(2,), window=2, out_channels=16, image_size=64)
TINY_VIT = TinyViTConfig(embed_dims=(8, 8, 16, 16), depths=(1, 1, 2, 1), num_heads=(2, 2, 2, 2), image_size=64)
NANO = EfficientNetLiteConfig(
    widths=(8, 8, 8, 8, 16, 16, 16),
    depths=(1, 1, 1, 1, 1, 1, 2),
    context_channels=16,
    attention_layers=1,
    attention_heads=2,
    out_channels=16,
    image_size=64,
)
REP_VIT = RepViTConfig(widths=(8, 8, 16, 16), depths=(1, 1, 2, 2), out_channels=16, image_size=64)
FLAT = {"layer_decay": 1.0, "drop_path": 0.0}


def encoder(config: EncoderConfig) -> nn.Module:
    torch.manual_seed(0)
    return Sam(SamConfig(image_encoder=config)).image_encoder


def test_layers_learn_slower_the_earlier_they_are() -> None:
    scales = rate_scales(encoder(VIT), 0.5)
    expected = {
        "patch_embed.proj.weight": 0.5**4,
        "pos_embed": 0.5**4,
        "blocks.0.attn.qkv.weight": 0.5**3,
        "blocks.1.mlp.lin1.bias": 0.5**2,
        "blocks.2.norm1.weight": 0.5,
        "neck.0.weight": 1.0,
    }
    assert {name: scales[name] for name in expected} == expected


@pytest.mark.parametrize("config, count", [(TINY_VIT, 5), (NANO, 8), (REP_VIT, 6)], ids=["tiny_vit", "nano", "rep_vit"])
def test_other_encoders_are_rows_of_blocks_too(config: EncoderConfig, count: int) -> None:
    found = encoder(config)
    scales = rate_scales(found, 0.5)
    names = list(blocks(found))
    assert len(names) == count
    by_block = [next(s for name, s in scales.items() if name.startswith(f"{block}.")) for block in names]
    assert by_block == [0.5 ** (len(names) - place) for place in range(len(names))]
    assert min(scales.values()) == 0.5 ** (len(names) + 1) and max(scales.values()) == 1.0


def test_what_is_not_decayed_and_what_is_frozen() -> None:
    sam = Sam(SamConfig(image_encoder=VIT))
    sam.prompt_encoder.requires_grad_(False)
    groups = parameter_groups(sam, sam.image_encoder, OptimizerConfig(weight_decay=0.1, layer_decay=0.5))
    by_parameter = {id(p): group for group in groups for p in group["params"]}
    names = dict(sam.named_parameters())
    assert len(by_parameter) == sum(p.requires_grad for p in names.values())
    assert id(names["prompt_encoder.no_mask_embed.weight"]) not in by_parameter

    def decay(name: str) -> float:
        return by_parameter[id(names[name])]["weight_decay"]

    for kept in ("image_encoder.pos_embed", "image_encoder.blocks.0.attn.rel_pos_h", "mask_decoder.mask_tokens.weight"):
        assert decay(kept) == 0
    assert decay("image_encoder.blocks.0.norm1.weight") == 0 and decay("image_encoder.neck.0.weight") == 0.1
    assert {group["scale"] for group in groups} == {1.0, 0.5, 0.25, 0.125, 0.0625}


def test_dropping_leaves_evaluation_alone_and_keeps_the_mean() -> None:
    plain = encoder(VIT)
    dropping = copy.deepcopy(plain)
    add_drop_path(dropping, 0.5)
    assert list(dropping.state_dict()) == list(plain.state_dict())
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = plain.eval()(x)
        assert torch.equal(dropping.eval()(x), expected)
        torch.manual_seed(0)
        block, tokens = dropping.train().blocks[2], torch.randn(1, 4, 4, 16).expand(6000, -1, -1, -1)
        dropped = block(tokens)
    kinds = torch.unique((dropped * 1e3).round().flatten(1), dim=0)
    assert len(kinds) == 4  # each of two branches there or not
    untouched = (dropped == tokens).flatten(1).all(dim=1).float().mean()
    assert untouched == pytest.approx(0.25, abs=0.03)
    attended = tokens[:1] + plain.blocks[2].attn(plain.blocks[2].norm1(tokens[:1]))
    only_attention = tokens[:1] + 2 * (attended - tokens[:1])  # what is kept counts double
    assert (dropped - only_attention).abs().flatten(1).amax(dim=1).min() < 1e-5


def test_the_first_block_is_never_dropped() -> None:
    found = encoder(VIT)
    add_drop_path(found, 0.9)
    tokens = torch.randn(4, 4, 4, 16)
    with torch.no_grad():
        torch.testing.assert_close(found.train().blocks[0](tokens), encoder(VIT).blocks[0](tokens))


@pytest.mark.parametrize("config", [TINY_VIT, NANO, REP_VIT], ids=["tiny_vit", "nano", "rep_vit"])
def test_other_encoders_drop_whole_blocks(config: EncoderConfig) -> None:
    found = encoder(config)
    block = list(blocks(found).values())[-1]
    x = torch.randn(64, 16, 2, 2)
    add_drop_path(found, 0.5)
    with torch.no_grad():
        out = block.train()(x)
    kept = (out == x).flatten(1).all(dim=1).float().mean()
    assert 0.3 < kept < 0.7


def test_the_papers_rate_warms_up_and_steps_down_twice() -> None:
    paper = OptimizerConfig()

    def rate(step: int) -> float:
        return 8e-4 * rate_factor(paper, step=step, progress=step / 90_000)

    assert rate(0) == pytest.approx(8e-4 / 250) and rate(124) == pytest.approx(4e-4) and rate(249) == 8e-4
    assert rate(59_999) == 8e-4 and rate(60_000) == pytest.approx(8e-5)
    assert rate(86_665) == pytest.approx(8e-5) and rate(86_666) == pytest.approx(8e-6)


def test_the_cosine_comes_down_to_a_fiftieth() -> None:
    config = OptimizerConfig(schedule="cosine", warmup=10)
    values = [rate_factor(config, step=1000, progress=progress) for progress in (0.0, 0.5, 1.0)]
    assert values == pytest.approx([1.0, 0.51, 0.02])
    assert rate_factor(config, step=4, progress=0.0) == pytest.approx(0.5)


def test_the_average_lags_behind_the_weights_and_catches_up(tiny_network: Sam) -> None:
    average, followed = MovingAverage(tiny_network, decay=0.5), MovingAverage(tiny_network, decay=0.0)
    moved = copy.deepcopy(tiny_network)
    name = "mask_decoder.iou_token.weight"
    with torch.no_grad():
        moved.mask_decoder.iou_token.weight += 1
    start = average.state[name].clone()
    average.update(moved)
    followed.update(moved)
    assert torch.equal(followed.state[name], moved.state_dict()[name])
    assert bool((average.state[name] > start).all()) and not torch.equal(average.state[name], followed.state[name])
    for _ in range(40):
        average.update(moved)
    torch.testing.assert_close(average.state[name], moved.state_dict()[name])
