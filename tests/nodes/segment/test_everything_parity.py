"""SegmentEverything finds what the reference's mask generator finds with the same weights, crops included."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from sampipe import RLE, Image, Masks
from sampipe.models import Sam, SamConfig
from sampipe.models.config import MaskDecoderConfig
from sampipe.models.encoders import ViTConfig
from sampipe.models.weights.checkpoints import save_checkpoint
from sampipe.nodes import SegmentEverything
from sampipe.types.rle import iou_matrix

pytest.importorskip("segment_anything")

HW = (360, 512)
CONFIG = SamConfig(
    image_encoder=ViTConfig(embed_dim=32, depth=2, num_heads=2, global_blocks=(1,), out_channels=64, image_size=256),
    mask_decoder=MaskDecoderConfig(mlp_dim=64, iou_head_dim=32),
)
ALL = {"box_nms_thresh": 1.0, "crop_nms_thresh": 1.0}  # boxes of no two masks overlap by more
RECIPES: dict[str, tuple[int, dict[str, Any]]] = {  # at least so many masks
    "duplicates stay": (10, {"points_per_side": 8, "min_mask_region_area": 0, **ALL}),
    "duplicates go": (1, {"points_per_side": 8, "min_mask_region_area": 0}),
    "crops": (5, {"points_per_side": 8, "min_mask_region_area": 0, "crop_n_layers": 1, **ALL}),
    "small regions": (5, {"points_per_side": 6, "min_mask_region_area": 300, **ALL}),
}


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """Random, but so that masks are smooth regions and depend on the point, as a trained model's do."""
    torch.manual_seed(0)
    sam = Sam(CONFIG)
    encoder, decoder = sam.image_encoder, sam.mask_decoder
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=encoder.pos_embed.shape), (0, 3, 3, 0))
    with torch.no_grad():
        encoder.pos_embed.copy_(torch.from_numpy(3 * smooth / smooth.std()))
        encoder.patch_embed.proj.weight.mul_(0.3)
        for index in (0, 3):
            kernel = decoder.output_upscaling[index].weight
            kernel.copy_(2 * kernel.mean((2, 3), keepdim=True).expand_as(kernel))
        for layer in decoder.transformer.layers:
            layer.cross_attn_token_to_image.q_proj.weight.mul_(4)
        for mlp in decoder.output_hypernetworks_mlps:
            mlp.layers[-1].weight.mul_(60)
        head = decoder.iou_prediction_head.layers[-1]
        head.weight.mul_(3)
        head.bias.fill_(0.8)
    return sam.state_dict()


@pytest.fixture(scope="module")
def image() -> Image:
    random = np.random.default_rng(5)
    smooth = ndimage.gaussian_filter(random.normal(size=(*HW, 3)), (24, 24, 0))
    return Image.from_array(np.clip(128 + 3600 * smooth, 0, 255).astype(np.uint8))


def reference(folder: Path, weights: dict[str, torch.Tensor], image: Image, options: dict[str, Any]) -> list[Any]:
    torch.save(weights, folder / "weights.pth")
    np.save(folder / "image.npy", image.pixels)
    (folder / "job.json").write_text(json.dumps({"config": CONFIG.to_dict(), "options": options}))
    script = Path(__file__).with_name("everything_reference.py")
    done = subprocess.run([sys.executable, "-W", "ignore", script, folder], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "masks.json").read_text())


def ours(folder: Path, weights: dict[str, torch.Tensor], image: Image, options: dict[str, Any]) -> Masks:
    path = folder / "ours.safetensors"
    save_checkpoint(weights, CONFIG, path, dtype=torch.float32)
    return SegmentEverything(
        model=str(path),
        device="cpu",
        points_per_side=options["points_per_side"],
        min_iou=options["pred_iou_thresh"],
        stability_threshold=options["stability_score_thresh"],
        stability_offset=1.0,
        box_nms=options.get("box_nms_thresh", 0.7),
        crop_nms=options.get("crop_nms_thresh", 0.7),
        crop_layers=options.get("crop_n_layers", 0),
        crop_points_downscale=options.get("crop_n_points_downscale_factor", 1),
        min_region_area=options["min_mask_region_area"],
        max_area_fraction=1.0,
    )(image)


@pytest.mark.parametrize("name", RECIPES)
def test_same_masks_up_to_ties(name: str, tmp_path: Path, weights: dict[str, torch.Tensor], image: Image) -> None:
    options = {"pred_iou_thresh": 0.75, "stability_score_thresh": 0.3, **RECIPES[name][1]}
    theirs = reference(tmp_path, weights, image, options)
    masks = ours(tmp_path, weights, image, options)
    assert len(theirs) >= RECIPES[name][0]
    rles = [RLE.from_coco({"size": list(HW), "counts": one["counts"]}) for one in theirs]
    overlap = iou_matrix(list(masks.rle()), rles)
    points = np.array([one["point"] for one in theirs])
    same_point = np.abs(masks.prompts.points - points).max(axis=2) < 1e-2
    same_iou = np.abs(masks.iou_scores - np.array([one["iou"] for one in theirs])) < 1e-4
    overlap[~(same_point & same_iou)] = 0  # duplicates stay where their boxes may overlap
    twin = overlap.argmax(axis=0)
    lonely = (overlap.max(axis=0) < 0.98).sum() + (overlap.max(axis=1) < 0.98).sum()
    assert lonely <= 0.02 * (len(rles) + len(masks))
    same = np.flatnonzero(overlap.max(axis=0) >= 0.98)
    np.testing.assert_allclose(masks.stability[twin[same], 0], [theirs[i]["stability"] for i in same], atol=1e-2)
