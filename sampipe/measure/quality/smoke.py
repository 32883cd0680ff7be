"""Made-up images and a ViT with random weights, for a measurement that takes seconds and needs nothing.

Its figures mean nothing. It shows that a command runs here, from reading to the table.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from sampipe.data.annotated import AnnotatedImage, Category, GroundTruth
from sampipe.data.bsds import write_bsds
from sampipe.data.coco import document
from sampipe.types import RLE

_HW = (96, 128)


def smoke_model(model: str, folder: Path) -> str:
    """A file of random weights in the shape of a known model; of a tiny network in place of nano and of files."""
    from sampipe.train.presets import PRESETS

    shape = model if model in PRESETS and model != "nano" else None
    return str(write_random_model(folder / "random.safetensors", shape))


def write_random_model(path: Path, shape: str | None = None) -> Path:
    """A checkpoint with random weights, the same ones every time.

    Args:
        path: the file.
        shape: one of :data:`~sampipe.train.presets.PRESETS`; None: a ViT so small that it takes no time.
    """
    import torch

    from sampipe.models import Sam, SamConfig
    from sampipe.models.config import EverythingDefaults, MaskDecoderConfig
    from sampipe.models.encoders import ViTConfig
    from sampipe.models.weights.checkpoints import save_checkpoint
    from sampipe.train.presets import preset

    small = SamConfig(
        image_encoder=ViTConfig(
            embed_dim=32, depth=2, num_heads=2, global_blocks=(1,), window=4, out_channels=32, image_size=128
        ),
        mask_decoder=MaskDecoderConfig(mlp_dim=32, iou_head_dim=16),
    )
    everything = EverythingDefaults(points_per_side=3, pred_iou=0, stability=0, min_region_area=0)
    config = replace(preset(shape) if shape else small, everything=everything)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weights = Sam(config).state_dict()
    weights["mask_decoder.iou_prediction_head.layers.2.bias"] += 0.8  # so that a grid of points finds masks
    save_checkpoint(weights, config, path, dtype=torch.float32)
    return path


def write_images(folder: Path) -> Path:
    """A COCO folder: on each of two images an ellipse, a rectangle and a ring on noise.

    ``detections.json`` beside it holds their boxes as COCO results.
    """
    from PIL import Image as Pillow

    categories = [Category(key, name) for key, name in enumerate(("ellipse", "rectangle", "ring"), start=1)]
    images: list[AnnotatedImage] = []
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for key in (1, 2):
        rng = np.random.default_rng(key)
        pixels = rng.integers(0, 60, size=(*_HW, 3), dtype=np.uint8)
        objects = []
        for category, mask in zip(categories, _shapes(shift=4 * key), strict=True):
            pixels[mask] = rng.integers(90, 255, size=3)
            objects.append(GroundTruth.of_mask(0, category.name, RLE.from_mask(mask), category_id=category.id))
        path = folder / "images" / f"{key}.png"
        Pillow.fromarray(pixels).save(path)
        images.append(AnnotatedImage(path, tuple(objects), _HW))
    written = document(images, categories)
    (folder / "instances.json").write_text(json.dumps(written), encoding="utf-8")
    annotations = written["annotations"]
    found = [{key: row[key] for key in ("image_id", "category_id", "bbox")} | {"score": 0.9} for row in annotations]
    (folder / "detections.json").write_text(json.dumps(found), encoding="utf-8")
    return folder


def write_edges(folder: Path) -> Path:
    """Two images in BSDS500's layout: a disc on noise, as two people would draw it; the split is ``val``."""
    y, x = np.mgrid[:48, :64]
    for key in (1, 2):
        pixels = np.random.default_rng(key).integers(0, 60, size=(48, 64, 3), dtype=np.uint8)
        discs = [(np.hypot(y - 24, x - 20 - 10 * key) <= radius) + 1 for radius in (14, 15)]
        pixels[discs[0] == 2] += 120
        write_bsds(folder, "val", f"smoke{key}", pixels, discs)
    return folder


def _shapes(shift: int) -> list[np.ndarray]:
    ys, xs = np.mgrid[: _HW[0], : _HW[1]]
    ellipse = ((xs - 32 - shift) / 24) ** 2 + ((ys - 30) / 18) ** 2 <= 1
    rectangle = (abs(xs - 96) <= 20) & (abs(ys - 30 - shift) <= 18)
    radius = np.hypot(xs - 60, ys - 70)
    return [ellipse, rectangle & ~ellipse, (radius <= 22) & (radius >= 9)]
