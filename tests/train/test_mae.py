"""Starting from a masked autoencoder in timm's naming."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from timm.models.vision_transformer import VisionTransformer

from sampipe.errors import CheckpointError
from sampipe.models.config import SamConfig
from sampipe.models.encoders import EfficientNetLiteConfig, ViTConfig
from sampipe.models.sam import Sam
from sampipe.train.mae import load_mae


def timm_vit(*, size: int = 64, width: int = 24, class_token: bool = True) -> VisionTransformer:
    torch.manual_seed(1)
    return VisionTransformer(
        img_size=size,
        patch_size=16,
        embed_dim=width,
        depth=2,
        num_heads=2,
        num_classes=0,
        class_token=class_token,
        global_pool="token" if class_token else "avg",
    ).eval()


def ours(size: int = 64, width: int = 24) -> Sam:
    config = ViTConfig(embed_dim=width, depth=2, num_heads=2, global_blocks=(0, 1), out_channels=16, image_size=size)
    return Sam(SamConfig(image_encoder=config)).eval()


def write(network: torch.nn.Module, path: Path, **more: torch.Tensor) -> Path:
    torch.save({"model": {**network.state_dict(), **more}}, path)
    return path


def test_the_tokens_are_those_that_timm_computes(tmp_path: Path) -> None:
    vit, sam = timm_vit(class_token=False), ours()
    load_mae(sam, write(vit, tmp_path / "mae.pth"))
    encoder, pixels, seen = sam.image_encoder, torch.randn(2, 3, 64, 64), []
    encoder.blocks[1].register_forward_hook(lambda module, args, out: seen.append(out))
    with torch.no_grad():
        encoder(pixels)
        expected = vit.blocks(vit._pos_embed(vit.patch_embed(pixels)))
    torch.testing.assert_close(seen[0].flatten(1, 2), expected, atol=1e-5, rtol=1e-4)


def test_the_class_token_goes_and_positions_are_resized(tmp_path: Path) -> None:
    vit, sam = timm_vit(), ours(size=128)
    neck = sam.image_encoder.neck[0].weight.clone()
    decoder = {"decoder_embed.weight": torch.zeros(3, 3), "mask_token": torch.zeros(1, 1, 3)}
    load_mae(sam, write(vit, tmp_path / "mae.pth", **decoder))
    found = sam.image_encoder.pos_embed
    assert found.shape == (1, 8, 8, 24) and torch.equal(sam.image_encoder.neck[0].weight, neck)
    square = vit.pos_embed[:, 1:].unflatten(1, (4, 4)).permute(0, 3, 1, 2)
    expected = torch.nn.functional.interpolate(square, size=(8, 8), mode="bicubic", align_corners=False)
    torch.testing.assert_close(found.data, expected.permute(0, 2, 3, 1).data)
    assert torch.equal(sam.image_encoder.blocks[1].mlp.lin2.weight, vit.blocks[1].mlp.fc2.weight)


def test_timms_mae_models_have_these_names() -> None:
    with torch.device("meta"):
        names = timm.create_model("vit_base_patch16_224.mae", pretrained=False, num_classes=0).state_dict()
    assert {name.split(".")[0] for name in names} == {"cls_token", "pos_embed", "patch_embed", "blocks", "norm"}
    assert names["pos_embed"].shape == (1, 197, 768)


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    narrow = write(timm_vit(width=16), tmp_path / "narrow.pth")
    with pytest.raises(CheckpointError, match=r"does not fit this model's encoder: .*wanted \(24, 3, 16, 16\)"):
        load_mae(ours(), narrow)
    other = tmp_path / "other.pth"
    torch.save({"conv.weight": torch.zeros(3)}, other)
    with pytest.raises(CheckpointError, match="pos_embed is missing; patch_embed"):
        load_mae(ours(), other)
    with pytest.raises(CheckpointError, match="starts the paper's ViT, and this model's encoder is a EfficientNetLite"):
        load_mae(Sam(SamConfig(image_encoder=EfficientNetLiteConfig())), narrow)
    torch.save({**timm_vit().state_dict(), "pos_embed": torch.zeros(1, 12, 24)}, other)
    with pytest.raises(CheckpointError, match="12 tokens, wanted a square"):
        load_mae(ours(), other)
